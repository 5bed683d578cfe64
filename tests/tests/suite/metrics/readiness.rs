//! Whether the loads are fine, as `/readyz` says it.

use serde_json::Value;
use simulator::{Effect, Fault, System};
use tests::{Database, HOUR, INTEGRATION};

use super::{of, watched};
use crate::company::Company;

/// What `/readyz` says, and whether that is what its status says.
#[track_caller]
fn readiness(company: &Company) -> (bool, Vec<(String, String)>) {
    let answer = company.rollcall.watch("/readyz");
    let body = answer.json();
    let ready = body["ready"].as_bool().unwrap();
    assert_eq!(answer.status, if ready { 200 } else { 503 }, "{body}");
    let integrations = body["integrations"].as_array().unwrap();
    let reason = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap().to_owned();
        assert!(!text("message").is_empty(), "{one}");
        (text("integration"), text("reason"))
    };
    (ready, integrations.iter().map(reason).collect())
}

/// What `/readyz` says of the one integration that there is.
#[track_caller]
pub(super) fn reason(company: &Company) -> (bool, String) {
    let (ready, mut reasons) = readiness(company);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    let (id, reason) = reasons.remove(0);
    assert_eq!(id, INTEGRATION);
    (ready, reason)
}

/// What `/readyz` says of each integration, in the order of their ids.
#[track_caller]
fn reasons(company: &Company) -> (bool, String) {
    let (ready, reasons) = readiness(company);
    let reasons: Vec<String> = reasons.into_iter().map(|(_, reason)| reason).collect();
    (ready, reasons.join(", "))
}

#[test]
fn readiness_names_each_integration_whose_latest_load_is_not_fine() {
    let company = watched(|config| config.others = vec!["others".to_owned()]);
    let serving = company.rollcall.serve();
    assert_eq!(
        reasons(&company),
        (true, "not_due_yet, not_due_yet".to_owned())
    );
    company.load();
    assert_eq!(
        reasons(&company),
        (true, "completed, not_due_yet".to_owned())
    );
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::Status(403),
    ));
    let _ = company.rollcall.run().with_code(1);
    assert_eq!(reasons(&company), (false, "failed, not_due_yet".to_owned()));
    company.control.clear_faults();
    // A dry run that is fine, and a single user, mend nothing.
    let _ = company.rollcall.run_dry().with_code(0);
    let _ = company
        .rollcall
        .run_only(&company.colleagues()[0])
        .with_code(0);
    assert_eq!(reasons(&company), (false, "failed, not_due_yet".to_owned()));
    company.load();
    assert_eq!(
        reasons(&company),
        (true, "completed, not_due_yet".to_owned())
    );

    serving.stop();
    for (state, ready) in [
        ("parked", false),
        ("completed_with_errors", false),
        ("canceled", false),
        ("completed", true),
    ] {
        company.rollcall.spoil(&format!(
            "UPDATE runs SET state = '{state}' WHERE run = (SELECT max(run) FROM runs)"
        ));
        let serving = company.rollcall.serve();
        assert_eq!(reasons(&company), (ready, format!("{state}, not_due_yet")));
        serving.stop();
    }
}

#[test]
fn what_is_overdue_is_not_ready_and_what_was_missed_is_shown() {
    let company = watched(|config| {
        // Never made up for.
        config.schedule = "every: 1h, catch_up: 0s".to_owned();
    });
    company.was_served_ago(3 * HOUR);
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(reason(&company), (false, "overdue".to_owned()));
    let scrape = company.rollcall.scrape();
    let missed = scrape.count(&of("rollcall_slots_total", ",state=\"missed\""));
    assert!((2..=3).contains(&missed), "{missed}");
    let now = company.rollcall.value("SELECT unixepoch('now', 'subsec')");
    let now = now.as_f64().unwrap();
    let noticed = scrape.value(&of("rollcall_last_missed_slot_timestamp_seconds", ""));
    assert!((now - 60.0..=now).contains(&noticed), "{noticed} {now}");
    let deadline = scrape.value(&of("rollcall_success_deadline_timestamp_seconds", ""));
    assert!(deadline < now, "{deadline} {now}");

    let _ = company.rollcall.pause("the merger").with_code(0);
    assert_eq!(reason(&company), (true, "paused".to_owned()));
    // Its end is no reason to be woken up: what was due in it is not owed.
    let _ = company.rollcall.resume().with_code(0);
    assert_eq!(reason(&company), (true, "not_due_yet".to_owned()));
    company.load();
    assert_eq!(reason(&company), (true, "completed".to_owned()));
    let scrape = company.rollcall.scrape();
    assert!(scrape.value(&of("rollcall_success_deadline_timestamp_seconds", "")) > now);
    serving.stop();
}

#[test]
fn a_damaged_database_is_a_problem_and_not_ready_and_scrapes_go_on() {
    let company = watched(|_| {});
    company.load();
    let serving = company.rollcall.serve();
    assert_eq!(reason(&company), (true, "completed".to_owned()));
    let mut database = Database::open_to_write(&company.rollcall.database_path());
    database.execute("ALTER TABLE tokens RENAME TO gone");
    let scrape = company.rollcall.scrape();
    assert_eq!(scrape.count("rollcall_health_problems"), 1);
    assert_eq!(scrape.count(&of("rollcall_paused", "")), 0);
    assert_eq!(reason(&company), (false, "unknown".to_owned()));
    database.execute("ALTER TABLE gone RENAME TO tokens");
    database.close();
    assert_eq!(reason(&company), (true, "completed".to_owned()));
    serving.stop();
}
