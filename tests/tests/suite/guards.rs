//! Guards: a plan that is over one writes nothing and waits; it is released, dropped or overtaken.

use serde_json::Value;
use simulator::{Effect, Fault, System};
use tests::INTEGRATION;

use crate::company::Company;

/// A company whose first load is done.
fn loaded(count: u32) -> Company {
    let company = Company::with(count, 1.0, |config| config.guards.clear());
    company.load();
    company.control.clear_requests();
    company
}

/// The latest run's id.
fn latest(company: &Company) -> String {
    let run_id = company.rollcall.latest_run()["run_id"].clone();
    run_id.as_str().expect("a run has an id").to_owned()
}

fn guards(company: &Company, run_id: &str) -> Vec<serde_json::Map<String, Value>> {
    let sql = format!("SELECT * FROM v_guards WHERE run_id = '{run_id}' ORDER BY guard");
    company.rollcall.query(&sql)
}

#[test]
fn a_console_that_halves_overnight_parks_and_a_release_carries_on() {
    let company = loaded(100);
    let all = company.control.users();
    company.control.set_users(&all[..50]);
    let ended = company.rollcall.run().with_code(4);
    assert!(
        ended.stdout.contains("rollcall release"),
        "{}",
        ended.stdout
    );
    assert_eq!(company.control.writes(), []);
    let run_id = latest(&company);
    let hits = guards(&company, &run_id);
    assert_eq!(hits.len(), 1, "{hits:?}");
    assert_eq!(hits[0]["guard"], "source_shrink");
    assert_eq!(hits[0]["found"], 50);
    assert_eq!(hits[0]["allowed"], 20);
    // The next one parks as well, and takes its place.
    let _ = company.rollcall.run().with_code(4);
    let ended = company
        .rollcall
        .command(&["release", &run_id, "--reason", "moved"])
        .with_code(2);
    assert!(ended.stderr.contains("overtaken"), "{}", ended.stderr);
    let run_id = latest(&company);
    let _ = company
        .rollcall
        .command(&["release", &run_id, "--reason", "half of us moved"])
        .with_code(0);
    let run = company.rollcall.latest_run();
    assert_eq!(run["state"], "completed");
    assert_eq!(run["decision"], "released");
    assert_eq!(run["decision_reason"], "half of us moved");
    assert_ne!(run["decided_by"], Value::Null);
    // Whoever released it has said what is usual now.
    let _ = company.rollcall.run().with_code(0);
    let again = company
        .rollcall
        .command(&["release", &run_id, "--reason", "again"])
        .with_code(2);
    assert!(again.stderr.contains("completed"), "{}", again.stderr);
}

#[test]
fn no_look_at_what_is_held_back_lets_it_pass() {
    let company = loaded(100);
    let all = company.control.users();
    company.control.set_users(&all[..50]);
    for _ in 0..8 {
        let _ = company.rollcall.run_dry().with_code(4);
    }
    // Judged it is as soon as it is on record.
    let dying = company
        .rollcall
        .start_with(&["run", INTEGRATION], |command| {
            command.env("ROLLCALL_KILL_AT", "plan_completed");
        });
    assert_eq!(dying.end().code, None);
    let _ = company.rollcall.run().with_code(4);
    assert_eq!(company.control.writes(), []);
}

#[test]
fn an_empty_console_parks_and_nobody_is_gone_until_a_release() {
    let company = loaded(30);
    company.control.set_users(&[]);
    let _ = company.rollcall.run().with_code(4);
    let gone = "SELECT * FROM v_people WHERE gone_since IS NOT NULL";
    assert_eq!(company.rollcall.query(gone).len(), 0);
    let run_id = latest(&company);
    let _ = company
        .rollcall
        .command(&["release", &run_id, "--reason", "closed"])
        .with_code(0);
    assert_eq!(company.rollcall.query(gone).len(), 30);
}

#[test]
fn creates_beyond_the_share_wait_with_ten_examples_and_can_be_dropped() {
    let company = Company::with(40, 1.0, |config| config.guards.clear());
    company.load();
    let people = company.control.people();
    for person in &people[..20] {
        company
            .control
            .remove_person(person["user_id"].as_str().expect("an id"));
    }
    company.control.clear_requests();
    let ended = company.rollcall.run_dry().with_code(4);
    assert!(ended.stdout.contains("would be parked"), "{}", ended.stdout);
    let _ = company.rollcall.run().with_code(4);
    assert_eq!(company.control.writes(), []);
    let run_id = latest(&company);
    let hits = guards(&company, &run_id);
    assert_eq!(hits[0]["guard"], "create");
    let examples: Vec<Value> =
        serde_json::from_str(hits[0]["examples"].as_str().expect("a list")).expect("JSON");
    assert_eq!(examples.len(), 10);
    let _ = company
        .rollcall
        .command(&["discard", &run_id, "--reason", "no"])
        .with_code(0);
    assert_eq!(company.rollcall.latest_state(), "discarded");
    let ended = company
        .rollcall
        .command(&["release", &run_id, "--reason", "yes"])
        .with_code(2);
    assert!(ended.stderr.contains("discarded"), "{}", ended.stderr);
    let ended = company.rollcall.command(&["discard", &run_id]).with_code(2);
    assert!(ended.stderr.contains("discarded"), "{}", ended.stderr);
    let unknown = "019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33";
    let ended = company
        .rollcall
        .command(&["release", unknown, "--reason", "yes"])
        .with_code(2);
    assert!(ended.stderr.contains(unknown), "{}", ended.stderr);
    assert_eq!(company.control.writes(), []);
}

#[test]
fn a_run_of_which_most_writes_fail_stops() {
    let company = Company::with(300, 1.0, |config| config.guards.clear());
    company.control.order(Fault::new(
        System::Oomnitza,
        "PATCH /api/v3/users/*",
        Effect::Status(400),
    ));
    let _ = company.rollcall.run().with_code(1);
    let run = company.rollcall.latest_run();
    assert_eq!(run["state"], "failed");
    assert!(
        run["error"]
            .as_str()
            .is_some_and(|error| error.contains("`failed`")),
        "{run:?}"
    );
    assert!(
        company.control.writes().len() < 60,
        "{}",
        company.control.writes().len()
    );
    company.sums_hold();
}

#[test]
fn guards_that_contradict_each_other_are_a_fault_of_the_file() {
    let company = Company::with(1, 1.0, |config| {
        config.guards = "{ create: 2, at_least: 5 }".to_owned();
    });
    let ended = company.rollcall.command(&["check"]).with_code(2);
    assert!(ended.stdout.contains("at_least") || ended.stderr.contains("at_least"));
    let ended = company.rollcall.command(&["run", INTEGRATION]).with_code(2);
    assert!(ended.stderr.contains("at_least"), "{}", ended.stderr);
}
