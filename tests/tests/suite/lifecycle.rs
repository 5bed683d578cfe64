//! The life of the daemon as systemd sees it: ready, told of what it does, stopped, killed, started again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use simulator::{Effect, Fault, Options, Simulator, System};
use tests::{Agreement, Delivery, HOUR, INTEGRATION, Minute, Rollcall, Snapshot};

use crate::company::{Company, at, each};
use crate::interruptions::Moment;

const USERS: u32 = 40;

/// A company whose load is made up as soon as somebody serves it.
fn company(delivery: Delivery) -> Company {
    let company = Company::with(USERS, 0.5, |config| {
        config.delivery = delivery;
        config.batch = 5;
        config.schedule = at(&[Minute::now().before(30)]);
    });
    company.was_served_ago(HOUR);
    company
}

fn slow(company: &Company, delay: u64) {
    for matching in [
        "* /api/v3/users",
        "* /api/v3/users/*",
        "POST /api/v3/bulk",
        "GET /users",
    ] {
        let effect = Effect::Slow {
            delay: Duration::from_millis(delay),
        };
        for system in [System::Oomnitza, System::SentinelOne] {
            company
                .control
                .order(Fault::new(system, matching, effect.clone()));
        }
    }
}

/// Demands that the slot was made up after its run was cut off, and that nobody can see that it was.
#[track_caller]
fn made_up(company: &Company, what: &str) {
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    let states = company.rollcall.run_states();
    assert!(
        states == ["interrupted", "completed"] || states == ["completed"],
        "{what}: {states:?}"
    );
    let slots = company.rollcall.slots();
    assert_eq!(company.rollcall.slot_states(), ["late"], "{what}");
    assert_eq!(
        slots[0].run_id,
        Some(company.rollcall.latest_run_id()),
        "{what}"
    );
    if states.len() == 2 {
        assert!(
            slots[0].note.contains("its run was cut off"),
            "{what}: {slots:?}"
        );
    }
    assert_eq!(company.people().len(), USERS as usize, "{what}");
    company.sums_hold();
    for portion in company.control.portions() {
        // One whose answer a death cut off is finalized again: nobody can know that it was.
        assert!((1..=2).contains(&portion.finalized), "{what}: {portion:?}");
    }
    company.next_load_sends_nothing();
    company.no_violations();
    serving.stop();
}

#[test]
fn after_kill_9_in_a_scheduled_load_the_next_daemon_makes_it_up() {
    let mut cases = Vec::new();
    for delivery in [Delivery::Rest, Delivery::Bulk] {
        for moment in [
            Moment::FirstCall,
            Moment::Reading,
            Moment::Writes(1),
            Moment::Writes(3),
            Moment::Writes(7),
        ] {
            cases.push((delivery, moment));
        }
    }
    cases.push((Delivery::Bulk, Moment::Finalized));
    let undisturbed = [Delivery::Rest, Delivery::Bulk].map(|delivery| {
        let company = company(delivery);
        company.load();
        company.people()
    });
    each(cases, |(delivery, moment)| {
        let company = company(delivery);
        slow(&company, 60);
        let mut serving = company.rollcall.serve();
        serving.wait_until(|| moment.has_come(&company));
        serving.kill();
        company.control.clear_faults();
        made_up(&company, &format!("{delivery:?} {moment:?}"));
        let expected = &undisturbed[usize::from(delivery == Delivery::Bulk)];
        assert_eq!(&company.people(), expected, "{delivery:?} {moment:?}");
    });
}

#[test]
fn sigterm_ends_a_scheduled_load_at_its_next_batch_and_the_next_daemon_makes_it_up() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = company(delivery);
        slow(&company, 150);
        let mut serving = company.rollcall.serve();
        serving.wait_until(|| Moment::Writes(2).has_come(&company));
        serving.terminate();
        serving.wait_until_told("STOPPING=1");
        let _ = serving.end().with_code(0);
        // The run has ended by itself: all of it is on record already.
        assert_eq!(company.rollcall.run_states(), ["interrupted"]);
        company.sums_hold();
        company.portions_are_finalized();
        assert_eq!(company.count("seen"), USERS as usize);
        assert_eq!(company.rollcall.slot_states(), ["late"]);
        company.control.clear_faults();
        made_up(&company, &format!("{delivery:?}"));
    });
}

#[test]
fn a_console_that_hangs_does_not_hold_sigterm_up() {
    let company = company(Delivery::Rest);
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::TimeOut,
    ));
    let mut serving = company.rollcall.serve();
    serving.wait_until(|| Moment::Reading.has_come(&company));
    let asked = Instant::now();
    serving.terminate();
    let _ = serving.end().with_code(0);
    assert!(
        asked.elapsed() < Duration::from_secs(10),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(company.rollcall.run_states(), ["interrupted"]);
    company.control.clear_faults();
    made_up(&company, "a console that hangs");
}

#[test]
fn a_second_sigterm_ends_it_at_once() {
    let company = company(Delivery::Rest);
    for matching in ["POST /api/v3/users", "PATCH /api/v3/users/*"] {
        company
            .control
            .order(Fault::new(System::Oomnitza, matching, Effect::TimeOut));
    }
    let mut serving = company.rollcall.serve();
    serving.wait_until(|| Moment::Writes(1).has_come(&company));
    serving.terminate();
    serving.wait_until_told("STOPPING=1");
    serving.terminate();
    let _ = serving.end().with_code(6);
    company.control.clear_faults();
    made_up(&company, "a second SIGTERM");
}

#[test]
fn what_was_interrupted_too_long_ago_is_not_made_up() {
    let company = company(Delivery::Rest);
    slow(&company, 60);
    let mut serving = company.rollcall.serve();
    serving.wait_until(|| Moment::Writes(2).has_come(&company));
    serving.kill();
    company.control.clear_faults();
    let mut rollcall = company.rollcall;
    rollcall.configure(|config| config.schedule += ", catch_up: 5m");
    let mut serving = rollcall.serve();
    serving.wait_until_settled();
    // The run is closed all the same.
    assert_eq!(rollcall.run_states(), ["interrupted"]);
    let slots = rollcall.slots();
    assert_eq!(rollcall.slot_states(), ["late"]);
    assert!(slots[0].note.contains("its run was cut off"), "{slots:?}");
    assert!(slots[0].note.contains("older than catch_up"), "{slots:?}");
    serving.stop();
}

#[test]
fn it_is_ready_once_the_ledger_is_up_to_date() {
    let now = Minute::now();
    let company = Company::with(5, 0.5, |config| {
        let at = at(&[now.before(90), now.before(60), now.before(30)]);
        config.schedule = format!("{at}, catch_up: 0s");
    });
    company.was_served_ago(2 * HOUR);
    let serving = company.rollcall.serve();
    assert_eq!(company.rollcall.slot_states(), ["missed"; 3]);
    serving.stop();
}

#[test]
fn systemd_is_told_what_runs_and_what_is_next() {
    let company = company(Delivery::Rest);
    slow(&company, 100);
    let mut serving = company.rollcall.serve();
    serving.wait_until_told(&format!(
        "STATUS=running {INTEGRATION}; next {INTEGRATION} at 20"
    ));
    serving.wait_until_told(&format!("STATUS=nothing runs; next {INTEGRATION} at 20"));
    let told = serving.systemd().told().len();
    serving.hang_up();
    serving.wait_until_told_after(told, "READY=1");
    let told_then = serving.systemd().told();
    assert_eq!(told_then[told], "RELOADING=1");
    assert!(
        told_then[told + 1].starts_with("MONOTONIC_USEC="),
        "{told_then:?}"
    );
    serving.terminate();
    serving.wait_until_told_after(told, "STOPPING=1");
    let _ = serving.end().with_code(0);
}

#[test]
fn the_watchdog_hears_that_it_lives() {
    let company = Company::plain(5, 0.5);
    let mut serving = company.rollcall.serve_with(|command| {
        command.env("WATCHDOG_USEC", "3000000");
    });
    serving.wait_until_told("WATCHDOG=1");
    let told = serving.systemd().told().len();
    serving.wait_until_told_after(told, "WATCHDOG=1");
    let log = serving.stop().stderr;
    assert!(!log.contains("does not answer"), "{log}");
    // Nobody asked for it: nobody is told.
    let mut serving = company.rollcall.serve();
    serving.hang_up();
    serving.wait_until_told("RELOADING=1");
    let told = serving.systemd().told();
    assert!(
        !told.iter().any(|line| line.starts_with("WATCHDOG")),
        "{told:?}"
    );
    serving.stop();
}

#[test]
fn a_second_daemon_is_refused_by_name_of_the_first() {
    let company = Company::plain(5, 0.5);
    let serving = company.rollcall.serve();
    let refused = company.rollcall.serve_in_vain().with_code(1);
    let name = format!("process {}", serving.pid());
    assert!(refused.stderr.contains(&name), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("another `state_dir`"),
        "{}",
        refused.stderr
    );
    // The first does not mind.
    assert_eq!(company.rollcall.status()["pid"], serving.pid());
    company.load();
    serving.stop();
    company.rollcall.serve().stop();
}

#[test]
fn files_of_the_daemon_are_for_its_group_and_nobody_else() {
    let company = Company::plain(5, 0.5);
    let serving = company.rollcall.serve();
    let mode = |name: &str| {
        let path = company.rollcall.state_dir().join(name);
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("rollcall.sock"), 0o660);
    assert_eq!(mode("locks/daemon"), 0o640);
    assert_eq!(mode("rollcall.db"), 0o640);
    serving.stop();
    assert!(!company.rollcall.state_dir().join("rollcall.sock").exists());
}

#[test]
fn the_socket_is_in_the_runtime_directory_of_the_service() {
    let company = Company::plain(5, 0.5);
    let folder = company.rollcall.folder().join("run");
    fs::create_dir(&folder).unwrap();
    let serving = company.rollcall.serve_with(|command| {
        command.env(
            "RUNTIME_DIRECTORY",
            format!("{}:/run/other", folder.display()),
        );
    });
    assert!(folder.join("rollcall.sock").exists());
    assert_eq!(company.rollcall.status()["pid"], serving.pid());
    serving.stop();
}

#[track_caller]
fn refused_for(company: &Company, socket: &Path, words: &str) {
    let refused = company.rollcall.serve_in_vain().with_code(1);
    assert!(refused.stderr.contains(words), "{}", refused.stderr);
    let name = socket.display().to_string();
    assert!(refused.stderr.contains(&name), "{}", refused.stderr);
}

#[test]
fn a_socket_path_that_is_taken_is_told_and_left_alone() {
    let company = Company::plain(5, 0.5);
    company.load();
    let socket = company.rollcall.state_dir().join("rollcall.sock");
    fs::write(&socket, "something of somebody's").unwrap();
    refused_for(&company, &socket, "move it away");
    assert_eq!(
        fs::read_to_string(&socket).unwrap(),
        "something of somebody's"
    );
    fs::remove_file(&socket).unwrap();

    let listener = UnixListener::bind(&socket).unwrap();
    refused_for(&company, &socket, "another process listens");
    drop(listener);
    // One that nobody listens on any more is replaced.
    assert!(socket.exists());
    company.rollcall.serve().stop();
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_told() {
    let company = Company::plain(5, 0.5);
    let folder = company.rollcall.folder().join("x".repeat(110));
    fs::create_dir(&folder).unwrap();
    let ended = company.rollcall.start_with(&["serve"], |command| {
        command.env("RUNTIME_DIRECTORY", &folder);
    });
    let ended = ended.end().with_code(1);
    assert!(ended.stderr.contains("bytes long"), "{}", ended.stderr);
}

#[test]
fn a_configuration_with_faults_is_no_start() {
    let company = Company::plain(5, 0.5);
    company
        .rollcall
        .write_config(&company.rollcall.yaml().replace("0 0 29 2 *", "0 0 31 2 *"));
    let ended = company.rollcall.serve_in_vain().with_code(2);
    assert!(ended.stderr.contains("rollcall.yaml:"), "{}", ended.stderr);
}

#[test]
fn a_scheduled_load_does_what_the_oracle_says() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let simulator = Simulator::launch(Options::default()).unwrap();
        let control = simulator.control();
        let rollcall = Rollcall::with(&simulator, |config| {
            config.delivery = delivery;
            config.schedule = at(&[Minute::now().before(30)]);
        });
        rollcall.serve().stop();
        rollcall.was_loaded_once();
        rollcall.let_pass(HOUR);
        let before = Snapshot::of(&control);
        let mut serving = rollcall.serve();
        serving.wait_until_settled();
        Agreement::check(&rollcall, &before, &control);
        serving.stop();
        // The start and the end are a line each, and that of the end counts.
        let (logs, run_id) = (rollcall.logs(), rollcall.latest_run_id());
        let end = logs
            .lines()
            .find(|line| line.contains(&run_id) && line.contains("\"seen\""));
        let end = end.unwrap_or_else(|| panic!("no line counts\n{logs}"));
        assert!(end.contains("duration_ms"), "{end}");
    });
}
