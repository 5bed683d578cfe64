//! Copies of the database, a disk that is full, and the commands that read back.

use std::fs;
use std::time::Duration;

use simulator::{Effect, Fault, System};
use tests::{Database, HOUR, INTEGRATION, Minute};

use crate::company::{Company, at};
use crate::interruptions::Moment;

#[test]
fn a_backup_while_the_daemon_loads_is_whole() {
    let company = Company::plain(40, 0.5);
    let mut serving = company.rollcall.serve();
    company.load();
    let first = company.rollcall.latest_run_id();
    for user in company.colleagues() {
        company.edit_user(&user, &serde_json::json!({ "fullName": "Somebody New" }));
    }
    let slow = Effect::Slow {
        delay: Duration::from_millis(60),
    };
    company
        .control
        .order(Fault::new(System::Oomnitza, "PATCH /api/v3/users/*", slow));
    company.control.clear_requests();
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Writes(2).has_come(&company));
    let file = company.rollcall.folder().join("backup.db");
    let name = file.display().to_string();
    let _ = company.rollcall.command(&["backup", &name]).with_code(0);
    assert_eq!(
        company.rollcall.latest_state(),
        "running",
        "the copy was made in time"
    );
    let mut copy = Database::open(&file);
    assert_eq!(copy.value("PRAGMA integrity_check"), "ok");
    let state = format!("SELECT state FROM v_runs WHERE run_id = '{first}'");
    assert_eq!(copy.value(&state), "completed");
    assert_eq!(copy.value("SELECT count(*) FROM v_people"), 40);
    copy.close();

    // One that is there is not written over.
    let bytes = fs::read(&file).unwrap();
    let refused = company.rollcall.command(&["backup", &name]);
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains(&name), "{}", refused.stderr);
    assert_eq!(fs::read(&file).unwrap(), bytes);
    let _ = going.end().with_code(0);
    serving.wait_until_settled();
    serving.stop();
}

#[test]
fn a_backup_is_a_database_that_can_be_served() {
    let company = Company::plain(10, 0.5);
    company.rollcall.serve().stop();
    company.load();
    let file = company.rollcall.folder().join("backup.db");
    let _ = company
        .rollcall
        .command(&["backup", &file.display().to_string()])
        .with_code(0);
    for name in ["rollcall.db", "rollcall.db-wal", "rollcall.db-shm"] {
        // The last two may not be there.
        let _ = fs::remove_file(company.rollcall.state_dir().join(name));
    }
    fs::copy(&file, company.rollcall.database_path()).unwrap();
    let serving = company.rollcall.serve();
    company.next_load_sends_nothing();
    serving.stop();
}

#[test]
fn a_disk_that_is_full_while_a_run_ends_is_told_and_loses_nothing() {
    let company = Company::with(600, 0.5, |config| {
        config.schedule = at(&[Minute::now().before(30)]);
    });
    company.was_served_ago(HOUR);
    // Room for the plan, and not for the outcomes.
    let mut serving = company.rollcall.serve_with_file_limit(1_400);
    let stderr_tells = "the disk is full";
    serving.wait_until(|| company.rollcall.logs().contains(stderr_tells));
    // The process lives and answers.
    let status = company.rollcall.status();
    assert_eq!(status["pid"], serving.pid());
    let _ = company.rollcall.command(&["status"]).with_code(0);
    serving.terminate();
    let ended = serving.end();
    assert!(matches!(ended.code, Some(0 | 1 | 6)), "{}", ended.talk());
    assert!(ended.stderr.contains(stderr_tells), "{}", ended.stderr);

    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    // Its run failed, or was cut off and made up: either is on record, and the slot with it.
    assert_eq!(company.rollcall.slot_states(), ["late"]);
    assert!(!company.rollcall.run_states().is_empty());
    company.load();
    assert_eq!(company.people().len(), 600);
    company.sums_hold();
    company.next_load_sends_nothing();
    company.no_violations();
    serving.stop();
}

#[test]
fn slots_and_notices_are_listed_and_wrong_input_is_refused() {
    let now = Minute::now();
    let due = [now.before(180), now.before(60)];
    let company = Company::with(6, 0.5, |config| {
        config.schedule = format!("{}, jitter: 10m", at(&due));
    });
    company.was_served_ago(4 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    let rollcall = &company.rollcall;
    let listed = rollcall
        .command(&["slots", INTEGRATION, "--json"])
        .with_code(0)
        .json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed[0]["state"], "late");
    assert_eq!(listed[0]["due_at"], due[1].in_views().as_str());
    assert_eq!(listed[1]["state"], "missed");
    let missed = rollcall
        .command(&["slots", "--state", "missed", "--csv"])
        .with_code(0)
        .stdout;
    assert_eq!(missed.lines().count(), 2, "{missed}");
    let page = rollcall.command(&["slots"]).with_code(0).stdout;
    assert!(
        page.contains("late") && page.contains("the daemon was down from"),
        "{page}"
    );

    let coming = rollcall
        .command(&["slots", INTEGRATION, "--next", "10", "--json"])
        .with_code(0)
        .json();
    let coming = coming.as_array().unwrap();
    assert_eq!(coming.len(), 10);
    assert_eq!(
        coming[0]["due_at"],
        due[0].before(-24 * 60).in_views().as_str()
    );
    let offset = |row: &serde_json::Value| {
        let minute = |key: &str| row[key].as_str().unwrap()[14..19].to_owned();
        (minute("due_at"), minute("start_at"))
    };
    assert_eq!(
        offset(&coming[0]),
        offset(&coming[2]),
        "the offset is stable"
    );

    let _ = rollcall.command(&["notices"]).with_code(0);
    assert_eq!(
        rollcall
            .command(&["notices", "--json"])
            .with_code(0)
            .json()
            .as_array()
            .unwrap()
            .len(),
        0
    );
    let configuration = rollcall
        .command(&["runs", "--configuration", &rollcall.latest_run_id()])
        .with_code(0)
        .stdout;
    assert!(
        configuration.contains(&due[0].time_of_day()),
        "{configuration}"
    );
    for arguments in [
        &["slots", "--state", "lost"][..],
        &["slots", "nobody", "--next", "3"],
        &["slots", "--next", "many"],
        &[
            "runs",
            "--configuration",
            "019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33",
        ],
        &["completions", "nothing"],
        &["backup"],
        &["serve", "now"],
    ] {
        let ended = rollcall.command(arguments).with_code(2);
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    serving.stop();
}

#[test]
fn completions_and_man_pages_are_written() {
    let company = Company::plain(1, 0.5);
    for shell in ["bash", "zsh", "fish"] {
        let script = company
            .rollcall
            .command(&["completions", shell])
            .with_code(0)
            .stdout;
        assert!(
            script.contains("rollcall") && script.contains("slots"),
            "{script}"
        );
    }
    let page = company.rollcall.command(&["man"]).with_code(0).stdout;
    assert!(page.contains(".TH rollcall"), "{page}");
    let folder = company.rollcall.folder().join("man");
    let _ = company
        .rollcall
        .command(&["man", "--folder", &folder.display().to_string()])
        .with_code(0);
    for page in ["rollcall.1", "rollcall-serve.1", "rollcall-slots.1"] {
        assert!(folder.join(page).is_file(), "{page}");
    }
}
