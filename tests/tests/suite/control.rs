//! The control socket: commands that the daemon carries out, and what it answers.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use simulator::{Effect, Fault, System};
use tests::{Ended, HOUR, INTEGRATION, Minute};

use crate::company::{Company, at, plain};
use crate::interruptions::Moment;

/// What a command says, without what differs from one run to another: its id, and how long it took.
fn without_its_own(text: &str) -> Vec<String> {
    let differs = |word: &str| {
        let word = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let is_id = word.len() == 36 && word.matches('-').count() == 4;
        // `0.1` of `in 0.1 s`.
        let is_time = word.contains('.') && word.parse::<f64>().is_ok();
        is_id || is_time
    };
    text.lines()
        .filter(|line| !line.contains("duration_ms"))
        .map(|line| {
            let words: Vec<_> = line
                .split(' ')
                .map(|word| if differs(word) { "…" } else { word })
                .collect();
            words.join(" ")
        })
        .collect()
}

/// Does the same without a daemon and with one, and demands the same words, the same code, and the same rows.
#[track_caller]
fn same(
    code: i32,
    prepare: impl Fn(&Company),
    command: impl Fn(&Company) -> Ended,
) -> [Company; 2] {
    let alone = Company::plain(12, 0.5);
    prepare(&alone);
    let by_itself = command(&alone).with_code(code);

    let served = Company::plain(12, 0.5);
    prepare(&served);
    let serving = served.rollcall.serve();
    let by_daemon = command(&served).with_code(code);
    serving.stop();

    assert_eq!(
        without_its_own(&by_daemon.stdout),
        without_its_own(&by_itself.stdout)
    );
    let counts = "SELECT state, dry_run, trigger, seen, created, updated, unchanged, skipped, failed FROM v_runs ORDER BY run_id";
    assert_eq!(served.rollcall.query(counts), alone.rollcall.query(counts));
    assert_eq!(served.control.writes().len(), alone.control.writes().len());
    served.no_violations();
    let asked = served
        .rollcall
        .query("SELECT uid, pid, command, answer FROM v_requests");
    assert!(!asked.is_empty(), "the request is on record");
    [alone, served]
}

#[test]
fn a_run_by_the_daemon_is_like_one_without_it() {
    same(0, |_| {}, |company| company.rollcall.run());
    same(
        0,
        |_| {},
        |company| company.rollcall.command(&["run", INTEGRATION, "--json"]),
    );
    same(0, |_| {}, |company| company.rollcall.run_dry());
    same(
        0,
        |_| {},
        |company| company.rollcall.run_only(&company.newcomers()[0]),
    );
}

#[test]
fn a_plan_by_the_daemon_is_like_one_without_it() {
    // Values hold the instant of the load and the port of the console: whom it is about does not.
    let plan = |company: &Company| {
        let mut ended = company.rollcall.command(&["plan", INTEGRATION, "--json"]);
        let plan = ended.json();
        let changes = plan["changes"]
            .as_array()
            .expect("a plan lists its changes");
        let whom = changes
            .iter()
            .map(|change| format!("{} {}\n", change["action"], change["email"]));
        ended.stdout = whom.collect();
        ended
    };
    same(0, |_| {}, plan);
    // What is planned is applied, by whomever.
    same(
        0,
        |company| {
            let _ = company.rollcall.plan().with_code(0);
        },
        |company| company.rollcall.apply(&company.rollcall.latest_run_id()),
    );
}

#[test]
fn failures_by_the_daemon_are_like_those_without_it() {
    let fails = |company: &Company| {
        company.control.order(Fault::new(
            System::SentinelOne,
            "GET /users",
            Effect::Status(401),
        ));
    };
    same(1, fails, |company| company.rollcall.run());
    let one_fails = |company: &Company| {
        let refuse = Effect::Refuse {
            status: 400,
            message: "no".to_owned(),
        };
        company
            .control
            .order(Fault::new(System::Oomnitza, "PATCH /api/v3/users/*", refuse).times(1));
    };
    same(3, one_fails, |company| company.rollcall.run());
}

#[test]
fn a_secret_that_is_missing_is_said_as_without_the_daemon() {
    let company = Company::plain(5, 0.5);
    fs::remove_file(company.rollcall.folder().join("oomnitza.token")).unwrap();
    let alone = company.rollcall.run();
    let serving = company.rollcall.serve();
    let served = company.rollcall.run();
    assert_eq!(served.code, alone.code);
    assert_eq!(served.stderr, alone.stderr);
    assert!(
        served.stderr.contains("oomnitza.token"),
        "{}",
        served.stderr
    );
    serving.stop();
}

#[test]
fn what_is_wrong_with_a_command_is_said_as_without_the_daemon() {
    let company = Company::plain(5, 0.5);
    company.load();
    let unknown_run = "019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33";
    let commands: [&[&str]; 4] = [
        &["run", "no-such-integration"],
        &["plan", "no-such-integration"],
        &["apply", unknown_run],
        &["apply", "no-id"],
    ];
    let alone = commands.map(|arguments| company.rollcall.command(arguments));
    let done = company.rollcall.latest_run_id();
    let applied = company.rollcall.apply(&done);
    let serving = company.rollcall.serve();
    for (arguments, alone) in commands.into_iter().zip(alone) {
        let served = company.rollcall.command(arguments);
        assert_eq!(served.code, Some(2), "{arguments:?}: {}", served.talk());
        assert_eq!(served.code, alone.code, "{arguments:?}");
        assert_eq!(served.stderr, alone.stderr, "{arguments:?}");
    }
    let served = company.rollcall.apply(&done);
    assert_eq!((served.code, served.stderr), (applied.code, applied.stderr));
    serving.stop();
}

/// A company whose console does not answer its first reading, with a daemon's run in it.
fn reading(company: &Company) {
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::TimeOut,
    ));
}

#[test]
fn a_second_run_is_refused_as_busy() {
    let company = Company::plain(5, 0.5);
    reading(&company);
    let serving = company.rollcall.serve();
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Reading.has_come(&company));
    for arguments in [
        &["run", INTEGRATION][..],
        &["plan", INTEGRATION],
        &["run", INTEGRATION, "--dry-run"],
    ] {
        let busy = company.rollcall.command(arguments).with_code(5);
        assert!(busy.stderr.contains("another run"), "{}", busy.stderr);
    }
    going.interrupt();
    let _ = going.end().with_code(6);
    serving.stop();
}

#[test]
fn ctrl_c_of_a_client_interrupts_its_run() {
    let company = Company::plain(30, 0.5);
    let slow = Effect::Slow {
        delay: Duration::from_millis(100),
    };
    company
        .control
        .order(Fault::new(System::Oomnitza, "* /api/v3/users/*", slow));
    let mut serving = company.rollcall.serve();
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Writes(2).has_come(&company));
    going.interrupt();
    let ended = going.end().with_code(6);
    serving.wait_until_settled();
    assert!(
        ended.stdout.contains(&company.rollcall.latest_run_id()),
        "{}",
        ended.talk()
    );
    assert_eq!(company.rollcall.latest_state(), "interrupted");
    assert_eq!(company.count("seen"), 30);
    company.sums_hold();
    company.control.clear_faults();
    company.load();
    company.next_load_sends_nothing();
    serving.stop();
}

#[test]
fn a_client_that_is_killed_leaves_its_run_going() {
    let company = Company::plain(30, 0.5);
    let slow = Effect::Slow {
        delay: Duration::from_millis(60),
    };
    company
        .control
        .order(Fault::new(System::Oomnitza, "* /api/v3/users/*", slow));
    let mut serving = company.rollcall.serve();
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Writes(2).has_come(&company));
    assert_eq!(going.kill().code, None);
    serving.wait_until_settled();
    assert_eq!(company.rollcall.run_states(), ["completed"]);
    serving.stop();
}

#[test]
fn a_daemon_that_is_killed_ends_its_client() {
    let company = Company::plain(5, 0.5);
    reading(&company);
    let serving = company.rollcall.serve();
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Reading.has_come(&company));
    serving.kill();
    let ended = going.end().with_code(6);
    assert!(ended.stderr.contains("daemon"), "{}", ended.stderr);
    company.control.clear_faults();
    // Nobody serves: this run closes what the daemon left, and makes the load.
    company.load();
    assert_eq!(company.rollcall.run_states(), ["interrupted", "completed"]);
}

#[test]
fn sigterm_of_the_daemon_interrupts_the_run_of_a_client() {
    let company = Company::plain(5, 0.5);
    reading(&company);
    let serving = company.rollcall.serve();
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Reading.has_come(&company));
    serving.stop();
    let ended = going.end().with_code(6);
    assert!(ended.stdout.contains("interrupted"), "{}", ended.talk());
    assert_eq!(company.rollcall.run_states(), ["interrupted"]);
}

#[test]
fn cancel_ends_a_run_and_its_slot_for_good() {
    let company = Company::with(30, 0.5, |config| {
        config.schedule = format!(
            "{}, retry: {{ times: 3, after: 1s }}",
            at(&[Minute::now().before(30)])
        );
    });
    company.was_served_ago(HOUR);
    let slow = Effect::Slow {
        delay: Duration::from_millis(100),
    };
    company
        .control
        .order(Fault::new(System::Oomnitza, "* /api/v3/users/*", slow));
    let mut serving = company.rollcall.serve();
    serving.wait_until(|| Moment::Writes(2).has_come(&company));
    let status = company.rollcall.status();
    let running = &status["integrations"][0]["running"];
    assert_eq!(running["trigger"], "schedule");
    let run_id = running["run_id"].as_str().unwrap().to_owned();
    assert_eq!(run_id, company.rollcall.latest_run_id());
    let ended = company.rollcall.cancel(&run_id).with_code(0);
    assert!(ended.stderr.contains("canceled"), "{}", ended.stderr);
    serving.wait_until_settled();
    assert_eq!(company.rollcall.run_states(), ["canceled"]);
    assert_eq!(company.rollcall.slot_states(), ["late"]);
    company.sums_hold();
    company.portions_are_finalized();
    serving.stop();
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.run_states(), ["canceled"]);
    serving.stop();
}

#[test]
fn cancel_ends_the_command_that_waits_for_the_run() {
    let company = Company::plain(5, 0.5);
    reading(&company);
    let serving = company.rollcall.serve();
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Reading.has_come(&company));
    let _ = company
        .rollcall
        .cancel(&company.rollcall.latest_run_id())
        .with_code(0);
    let ended = going.end().with_code(6);
    assert!(ended.stdout.contains("canceled"), "{}", ended.talk());
    assert_eq!(company.rollcall.run_states(), ["canceled"]);
    // It is over.
    let again = company.rollcall.cancel(&company.rollcall.latest_run_id());
    assert_eq!(again.code, Some(2), "{}", again.talk());
    let requests = company
        .rollcall
        .query("SELECT command, subject, answer FROM v_requests");
    let commands: Vec<_> = requests.iter().map(|row| &row["command"]).collect();
    assert_eq!(commands, ["run", "cancel", "cancel"]);
    assert_eq!(requests[1]["subject"], company.rollcall.latest_run_id());
    assert!(requests.iter().all(|row| {
        row["answer"]
            .as_str()
            .is_some_and(|answer| !answer.is_empty())
    }));
    serving.stop();
}

#[test]
fn a_run_that_waits_for_its_turn_can_be_canceled_and_given_up() {
    let company = Company::of(plain(5, 0.5), |config| {
        config.max_concurrent_runs = 1;
        config.others = vec!["others".to_owned()];
    });
    reading(&company);
    let mut serving = company.rollcall.serve();
    let mut first = company.rollcall.start_run();
    first.wait_until(|| Moment::Reading.has_come(&company));
    for give_up in [false, true] {
        let mut second = company.rollcall.start(&["run", "others"]);
        let others = || company.rollcall.status()["integrations"][1].clone();
        second.wait_until(|| !others()["waiting"].is_null());
        assert!(second.said().contains("waiting:"), "{}", second.said());
        if give_up {
            second.interrupt();
        } else {
            second.terminate();
        }
        let _ = second.end().with_code(6);
        serving.wait_until(|| others()["waiting"].is_null());
    }
    assert_eq!(company.rollcall.run_states(), ["running"]);
    first.interrupt();
    let _ = first.end().with_code(6);
    serving.stop();
}

#[test]
fn without_a_daemon_it_is_said_that_none_runs() {
    let company = Company::plain(5, 0.5);
    let say_so = || {
        for arguments in [
            &["status"][..],
            &["status", "--json"],
            &["pause", "--reason", "a reason"],
            &["resume"],
            &["cancel", "019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33"],
        ] {
            let ended = company.rollcall.command(arguments).with_code(1);
            assert!(
                ended.stderr.contains("no daemon runs on"),
                "{}",
                ended.stderr
            );
            assert_eq!(ended.stdout, "");
        }
    };
    say_so();
    company.rollcall.serve().stop();
    say_so();
    company.rollcall.serve().kill();
    say_so();
}

#[test]
fn wrong_questions_are_refused() {
    let company = Company::plain(5, 0.5);
    let serving = company.rollcall.serve();
    for (arguments, words) in [
        (
            &["pause", "nobody", "--reason", "a reason"][..],
            "there is no integration `nobody`",
        ),
        (&["pause", INTEGRATION], "--reason"),
        (&["pause", INTEGRATION, "--reason", " "], "reason"),
        (&["resume", "nobody"], "there is no integration `nobody`"),
        (&["cancel", "nothing"], "nothing"),
        (&["cancel"], "RUN_ID"),
    ] {
        let ended = company.rollcall.command(arguments).with_code(2);
        assert!(
            ended.stderr.contains(words),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    serving.stop();
}

#[test]
fn status_shows_the_last_run_the_next_due_time_and_the_tokens() {
    let minute = Minute::now().before(30);
    let company = Company::with(8, 0.5, |config| config.schedule = at(&[minute]));
    let serving = company.rollcall.serve();
    company.load();
    let status = company.rollcall.status();
    let integration = &status["integrations"][0];
    assert_eq!(integration["id"], INTEGRATION);
    let tomorrow = minute.before(-24 * 60).in_views().replace(".000", "");
    let next = integration["next"]["due_at"]
        .as_str()
        .unwrap()
        .replace(".000", "");
    assert_eq!(next, tomorrow);
    let last = &integration["last"];
    let run = company.rollcall.latest_run();
    assert_eq!(last["run_id"], run["run_id"]);
    assert_eq!(last["state"], "completed");
    assert_eq!(integration["config_hash"], run["config_hash"]);
    let tokens: Vec<_> = status["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| &token["credential"])
        .collect();
    assert_eq!(tokens, ["oomnitza", "sentinelone"]);
    assert!(status["tokens"][1]["days_left"].is_i64(), "{status}");
    assert_eq!(status["health"], Value::Array(Vec::new()));
    let page = company.rollcall.command(&["status"]).with_code(0).stdout;
    for words in [
        INTEGRATION,
        "completed",
        "sentinelone",
        status["config"]["hash"].as_str().unwrap(),
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    serving.stop();
}

#[test]
fn status_shows_the_last_run_that_is_over_while_another_goes_on() {
    let company = Company::plain(5, 0.5);
    let serving = company.rollcall.serve();
    company.load();
    let over = company.rollcall.latest_run_id();
    reading(&company);
    let mut going = company.rollcall.start_run();
    going.wait_until(|| company.rollcall.latest_run_id() != over);
    let status = company.rollcall.status();
    let integration = &status["integrations"][0];
    assert_eq!(
        integration["running"]["run_id"],
        company.rollcall.latest_run_id()
    );
    assert_eq!(integration["last"]["run_id"], over, "{integration}");
    going.interrupt();
    let _ = going.end().with_code(6);
    serving.stop();
}
