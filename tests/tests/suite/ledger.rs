//! The ledger: what becomes of due times that came while nobody was there, or that may not run.

use std::time::Duration;

use simulator::{Effect, Fault, System};
use tests::{HOUR, INTEGRATION, Minute};

use crate::company::{Company, at, each};

/// A company whose integration was due at these minutes.
fn due(minutes: &[Minute], more: &str) -> Company {
    let schedule = format!("{}{more}", at(minutes));
    Company::with(6, 0.5, |config| config.schedule = schedule)
}

/// Three due times of the last hours, in order.
fn three() -> [Minute; 3] {
    let now = Minute::now();
    [now.before(180), now.before(120), now.before(60)]
}

#[test]
fn of_several_due_times_that_were_missed_the_last_is_made_up_late() {
    let due_times = three();
    let company = due(&due_times, "");
    company.was_served_ago(4 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();

    let slots = company.rollcall.slots();
    let expected: Vec<_> = due_times.iter().map(|minute| minute.in_views()).collect();
    let found: Vec<_> = slots.iter().map(|slot| slot.due_at.clone()).collect();
    assert_eq!(found, expected);
    assert_eq!(company.rollcall.slot_states(), ["missed", "missed", "late"]);
    for slot in &slots {
        assert!(
            slot.note.starts_with("the daemon was down from 20"),
            "{slot:?}"
        );
    }
    let made_up = due_times[2].in_views().replace(".000", "");
    for slot in &slots[..2] {
        assert!(slot.note.contains(&made_up), "{slot:?}");
        assert_eq!(slot.run_id, None);
    }
    let run = company.rollcall.latest_run();
    assert_eq!(slots[2].run_id.as_deref(), run["run_id"].as_str());
    assert_eq!(run["due_at"], expected[2].as_str());
    assert_eq!(run["trigger"], "schedule");
    assert_eq!(company.rollcall.run_states(), ["completed"]);

    // All of it is done: another daemon has nothing to make up.
    serving.stop();
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    serving.stop();
    assert_eq!(company.rollcall.slots(), slots);
    assert_eq!(company.rollcall.run_states(), ["completed"]);
}

#[test]
fn what_is_older_than_catch_up_is_missed() {
    let rows = [
        (", catch_up: 30m", "older than catch_up (30m)"),
        (", catch_up: 0s", "not made up, as catch_up is 0"),
    ];
    each(rows, |(catch_up, why)| {
        let company = due(&three(), catch_up);
        company.was_served_ago(4 * HOUR);
        let mut serving = company.rollcall.serve();
        serving.wait_until_settled();
        assert_eq!(company.rollcall.slot_states(), ["missed"; 3]);
        for slot in company.rollcall.slots() {
            assert!(slot.note.contains(why), "{slot:?}");
        }
        assert_eq!(company.rollcall.run_states(), [""; 0]);
        serving.stop();
    });
}

#[test]
fn of_what_was_missed_only_what_catch_up_reaches_is_made_up() {
    let company = due(&three(), ", catch_up: 150m");
    company.was_served_ago(4 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    let slots = company.rollcall.slots();
    assert_eq!(company.rollcall.slot_states(), ["missed", "missed", "late"]);
    assert!(slots[0].note.contains("older than catch_up"), "{slots:?}");
    assert!(slots[1].note.contains("made up with"), "{slots:?}");
    serving.stop();
}

#[test]
fn due_times_before_the_first_start_are_nobodys() {
    let company = due(&three(), "");
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.slots(), []);
    assert_eq!(company.control.requests(), []);
    serving.stop();
}

#[test]
fn excluded_days_are_skipped_and_their_note_is_shown() {
    let [_, _, minute] = three();
    let exclude = format!(
        ", exclude: [{{ from: {day}, to: {day}, note: Christmas freeze }}]",
        day = minute.day()
    );
    let company = due(&[minute], &exclude);
    company.was_served_ago(2 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    let slots = company.rollcall.slots();
    assert_eq!(company.rollcall.slot_states(), ["skipped"]);
    assert!(slots[0].note.contains("excluded"), "{slots:?}");
    assert!(slots[0].note.contains("Christmas freeze"), "{slots:?}");
    assert_eq!(company.control.requests(), []);
    serving.stop();
}

#[test]
fn paused_in_the_configuration_is_on_record_and_above_resume() {
    let company = due(&three(), ", paused: until the merger is done");
    company.was_served_ago(4 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.slot_states(), ["paused"; 3]);
    for slot in company.rollcall.slots() {
        assert!(slot.note.contains("until the merger is done"), "{slot:?}");
        assert!(slot.note.contains("configuration"), "{slot:?}");
    }
    let ended = company.rollcall.resume();
    assert_ne!(ended.code, Some(0));
    assert!(
        ended.stderr.contains("stands above `resume`"),
        "{}",
        ended.stderr
    );
    let status = &company.rollcall.status()["integrations"][0];
    let paused = status["paused"].as_str().unwrap();
    assert!(paused.contains("until the merger is done"), "{paused}");
    // Paused is the schedule alone.
    company.load();
    serving.stop();
}

#[test]
fn paused_by_hand_lasts_over_restarts_until_it_is_resumed() {
    let due_times = three();
    let company = due(&due_times, "");
    let serving = company.rollcall.serve();
    let ended = company.rollcall.pause("the console moves").with_code(0);
    assert!(ended.stderr.contains("paused"), "{}", ended.stderr);
    serving.stop();
    company.rollcall.let_pass(4 * HOUR);

    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.slot_states(), ["paused"; 3]);
    for slot in company.rollcall.slots() {
        assert!(slot.note.contains("the console moves"), "{slot:?}");
        assert!(slot.note.contains("paused by "), "{slot:?}");
    }
    let _ = company.rollcall.resume().with_code(0);
    let again = company.rollcall.resume();
    assert_eq!(again.code, Some(2), "{}", again.talk());
    assert_eq!(
        company.rollcall.status()["integrations"][0]["paused"],
        serde_json::Value::Null
    );
    // Resuming runs nothing that was due in the pause.
    serving.wait_until_settled();
    assert_eq!(company.rollcall.slot_states(), ["paused"; 3]);
    assert_eq!(company.rollcall.run_states(), [""; 0]);
    serving.stop();

    let requests = company
        .rollcall
        .query("SELECT command, subject, detail, uid FROM v_requests");
    let commands: Vec<_> = requests.iter().map(|row| &row["command"]).collect();
    assert_eq!(commands, ["pause", "resume", "resume"]);
    assert_eq!(requests[0]["subject"], INTEGRATION);
    assert_eq!(requests[0]["detail"], "the console moves");
    assert!(
        requests.iter().all(|row| row["uid"].is_i64()),
        "{requests:?}"
    );
}

#[test]
fn all_are_paused_and_resumed_at_once() {
    let company = Company::with(6, 0.5, |config| {
        config.schedule = at(&three());
        config.others = vec!["others".to_owned()];
    });
    let serving = company.rollcall.serve();
    let everything = ["pause", "--reason", "the network is renewed"];
    let _ = company.rollcall.command(&everything).with_code(0);
    serving.stop();
    company.rollcall.let_pass(4 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    for integration in [INTEGRATION, "others"] {
        let slots = company.rollcall.slots_of(integration);
        assert_eq!(slots.len(), 3, "{slots:?}");
        assert!(slots.iter().all(|slot| slot.state == "paused"), "{slots:?}");
    }
    // Of one alone it cannot be lifted.
    assert_eq!(company.rollcall.resume().code, Some(2));
    let _ = company.rollcall.command(&["resume"]).with_code(0);
    for integration in company.rollcall.status()["integrations"]
        .as_array()
        .unwrap()
    {
        assert_eq!(integration["paused"], serde_json::Value::Null);
    }
    serving.stop();
}

/// A company whose console or configuration fails a run that is made up at once.
fn retried(times: u32) -> Company {
    let company = due(
        &three()[2..],
        &format!(", retry: {{ times: {times}, after: 1s }}"),
    );
    company.was_served_ago(2 * HOUR);
    company
}

#[test]
fn a_run_that_fails_is_tried_again_in_its_slot() {
    let company = retried(2);
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::Status(401),
    ));
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.run_states(), ["failed"; 3]);
    let slots = company.rollcall.slots();
    assert_eq!(slots.len(), 1);
    assert_eq!(slots[0].state, "late");
    assert_eq!(slots[0].run_id, Some(company.rollcall.latest_run_id()));
    assert!(slots[0].note.contains("3 tries"), "{slots:?}");
    let due_at = &slots[0].due_at;
    let runs = company.rollcall.query("SELECT due_at, trigger FROM v_runs");
    for run in runs {
        assert_eq!(run["due_at"], due_at.as_str());
        assert_eq!(run["trigger"], "schedule");
    }
    // The second wait is twice as long as the first.
    let waits = company.rollcall.query(
        "SELECT round(86400 * (julianday(started_at) - lag(julianday(finished_at)) OVER (ORDER BY run_id)), 1) AS wait
         FROM v_runs",
    );
    let waits: Vec<_> = waits
        .iter()
        .filter_map(|row| row["wait"].as_f64())
        .collect();
    assert!(waits[0] >= 1.0 && waits[1] >= 2.0, "{waits:?}");
    serving.stop();
}

#[test]
fn a_try_that_succeeds_is_the_last() {
    let company = retried(3);
    company
        .control
        .order(Fault::new(System::SentinelOne, "GET /users", Effect::Status(401)).times(1));
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.run_states(), ["failed", "completed"]);
    assert_eq!(company.rollcall.slot_states(), ["late"]);
    let slot = &company.rollcall.slots()[0];
    assert_eq!(slot.run_id, Some(company.rollcall.latest_run_id()));
    serving.stop();
}

#[test]
fn a_load_that_cannot_even_begin_is_a_failed_run_on_record() {
    let company = retried(1);
    std::fs::remove_file(company.rollcall.folder().join("oomnitza.token")).unwrap();
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.run_states(), ["failed"; 2]);
    for run in company
        .rollcall
        .query("SELECT error, due_at, finished_at FROM v_runs")
    {
        let error = run["error"].as_str().unwrap();
        assert!(error.contains("oomnitza.token"), "{error}");
        assert!(run["due_at"].is_string() && run["finished_at"].is_string());
    }
    assert_eq!(company.rollcall.slot_states(), ["late"]);
    serving.stop();
}

#[test]
fn a_try_that_was_waited_for_is_not_lost_by_kill_9() {
    let company = due(&three()[2..], ", retry: { times: 1, after: 30s }");
    company.was_served_ago(2 * HOUR);
    company
        .control
        .order(Fault::new(System::SentinelOne, "GET /users", Effect::Status(401)).times(1));
    let mut serving = company.rollcall.serve();
    serving.wait_for(
        "SELECT count(*) FROM slots WHERE next_try_at IS NOT NULL",
        1,
    );
    let status = company.rollcall.status();
    let waiting = status["integrations"][0]["waiting"].as_str();
    assert!(
        waiting.is_some_and(|waiting| waiting.contains("try 1 failed")),
        "{status}"
    );
    serving.kill();
    // It came due while the daemon was down.
    company
        .rollcall
        .spoil("UPDATE slots SET next_try_at = next_try_at - 60000");
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.run_states(), ["failed", "completed"]);
    assert_eq!(company.rollcall.slot_states(), ["late"]);
    serving.stop();
}

#[test]
fn a_due_time_while_another_process_runs_the_integration_is_skipped_or_waits() {
    let company = due(&three()[2..], "");
    company.was_served_ago(2 * HOUR);
    company
        .control
        .order(Fault::new(System::SentinelOne, "GET /users", Effect::TimeOut).times(1));
    // `run` by itself, as nobody serves yet.
    let mut running = company.rollcall.start_run();
    running.wait_until(|| !company.control.requests().is_empty());
    let mut serving = company.rollcall.serve();
    serving.wait_until_told("STATUS=");
    serving.wait_for("SELECT count(*) FROM slots WHERE settled = 0", 0);
    let slots = company.rollcall.slots();
    assert_eq!(company.rollcall.slot_states(), ["skipped"]);
    assert!(slots[0].note.contains("overlap"), "{slots:?}");
    assert_eq!(running.kill().code, None);
    serving.stop();
}

#[test]
fn twenty_integrations_due_at_once_all_run() {
    let names: Vec<String> = (1..20).map(|number| format!("site-{number}")).collect();
    let company = Company::with(4, 1.0, |config| {
        config.schedule = at(&three()[2..]);
        config.others.clone_from(&names);
    });
    company.was_served_ago(2 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.value("SELECT count(*) FROM v_slots"), 20);
    let made_up = "SELECT count(DISTINCT s.integration) FROM v_slots s JOIN v_runs r USING (run_id)
                   WHERE s.state = 'late' AND r.state = 'completed'";
    assert_eq!(company.rollcall.value(made_up), 20);
    assert_eq!(company.rollcall.value("SELECT count(*) FROM v_runs"), 20);
    let at_once = "SELECT max(n) FROM (SELECT (SELECT count(*) FROM v_runs b
                   WHERE b.started_at <= a.started_at AND b.finished_at > a.started_at) AS n FROM v_runs a)";
    let at_once = company.rollcall.value(at_once);
    assert!(at_once.as_i64().unwrap() <= 2, "{at_once}");
    company.no_violations();
    serving.stop();
}

#[test]
fn one_waits_for_the_other_where_only_one_may_run() {
    let company = Company::with(4, 1.0, |config| {
        config.schedule = at(&three()[2..]);
        config.others = vec!["others".to_owned()];
        config.max_concurrent_runs = 1;
    });
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::Slow {
            delay: Duration::from_millis(400),
        },
    ));
    company.was_served_ago(2 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_for("SELECT count(*) FROM v_runs WHERE state = 'running'", 1);
    let status = company.rollcall.status();
    let count = |key: &str| {
        let integrations = status["integrations"].as_array().unwrap();
        integrations
            .iter()
            .filter(|one| !one[key].is_null())
            .count()
    };
    assert_eq!((count("running"), count("waiting")), (1, 1), "{status}");
    serving.wait_until_settled();
    let overlapping = "SELECT count(*) FROM v_runs a JOIN v_runs b ON a.run_id < b.run_id AND b.started_at < a.finished_at";
    assert_eq!(company.rollcall.value(overlapping), 0);
    assert_eq!(company.rollcall.run_states(), ["completed"; 2]);
    serving.stop();
}

#[test]
fn after_a_clock_that_was_set_back_a_year_nothing_runs_twice_and_it_is_told() {
    let company = due(&three()[2..], "");
    company.was_served_ago(2 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    serving.stop();
    let slots = company.rollcall.slots();
    // All that is on record was a year from now.
    let year = 365 * 24 * 3_600_000_i64;
    company.rollcall.spoil(&format!(
        "UPDATE services SET started_at = started_at + {year}, alive_at = alive_at + {year}, stopped_at = stopped_at + {year}"
    ));
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.slots(), slots);
    let health = company.rollcall.status()["health"].to_string();
    assert!(health.contains("the clock was set back"), "{health}");
    company.load();
    serving.stop();
    assert!(company.rollcall.logs().contains("The clock was set back"));
}
