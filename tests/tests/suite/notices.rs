//! Notices: each begins once and is over once, whoever looks how often.

use serde_json::{Value, json};
use simulator::{Effect, Fault, System};
use tests::{HOUR, Minute};

use crate::company::{Company, at};

/// Notices of a kind, in the order in which they began: `subject` and whether they stand.
fn of_kind(company: &Company, kind: &str) -> Vec<(String, bool)> {
    let sql = format!(
        "SELECT subject, until FROM v_notices WHERE kind = '{kind}' ORDER BY since, subject"
    );
    let rows = company.rollcall.query(&sql);
    let subject =
        |row: &serde_json::Map<String, Value>| row["subject"].as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| (subject(row), row["until"].is_null()))
        .collect()
}

fn stands(subject: &str) -> (String, bool) {
    (subject.to_owned(), true)
}

fn is_over(subject: &str) -> (String, bool) {
    (subject.to_owned(), false)
}

fn refuse(company: &Company) {
    let refused = Effect::Status(403);
    company
        .control
        .order(Fault::new(System::SentinelOne, "GET /users", refused));
}

#[test]
fn a_load_that_fails_is_told_once_until_one_succeeds() {
    let company = Company::plain(5, 1.0);
    company.load();
    refuse(&company);
    for _ in 0..3 {
        let _ = company.rollcall.run().with_code(1);
        assert_eq!(of_kind(&company, "run_failed"), [stands("")]);
    }
    company.control.clear_faults();
    company.load();
    company.load();
    assert_eq!(of_kind(&company, "run_failed"), [is_over("")]);
}

#[test]
fn the_daemon_tells_of_a_load_that_failed_within_two_seconds() {
    let company = Company::with(5, 1.0, |config| {
        config.schedule = at(&[Minute::now().before(30)]);
    });
    company.was_served_ago(HOUR);
    refuse(&company);
    let mut serving = company.rollcall.serve();
    serving.wait_for(
        "SELECT count(*) FROM v_notices WHERE kind = 'run_failed' AND until IS NULL",
        1,
    );
    let late = company.rollcall.value(
        "SELECT (julianday(n.since) - julianday(r.finished_at)) * 86400
         FROM v_notices n JOIN v_runs r ON r.integration = n.integration WHERE n.kind = 'run_failed' AND r.state = 'failed'",
    );
    assert!(late.as_f64().unwrap() < 2.0, "{late}");
    company.control.clear_faults();
    let _ = company.rollcall.run().with_code(0);
    serving.wait_for(
        "SELECT count(*) FROM v_notices WHERE kind = 'run_failed' AND until IS NULL",
        0,
    );
    assert_eq!(of_kind(&company, "run_failed"), [is_over("")]);
    serving.stop();
}

#[test]
fn half_the_users_gone_are_told_until_that_is_usual() {
    let company = Company::plain(40, 1.0);
    for _ in 0..2 {
        company.load();
    }
    for number in 0..20 {
        assert!(
            company
                .control
                .remove_user(&company.user_id(&company.colleagues()[number]))
        );
    }
    company.load();
    assert_eq!(of_kind(&company, "odd_run"), [stands("seen")]);
    company.load();
    assert_eq!(of_kind(&company, "odd_run"), [stands("seen")]);
    for _ in 0..2 {
        company.load();
    }
    assert_eq!(of_kind(&company, "odd_run"), [is_over("seen")]);
}

#[test]
fn a_role_that_nobody_had_is_told_until_the_next_load() {
    let company = Company::plain(5, 1.0);
    company.load();
    assert!(
        of_kind(&company, "new_value").is_empty(),
        "what the first load shows is what there is"
    );
    let roles = json!([{ "id": "1", "name": "Acme", "accountName": "Acme", "roleId": "77", "roleName": "SOC L2", "roles": [] }]);
    company.edit_user(
        &company.colleagues()[0],
        &json!({ "scopeRoles": roles, "twoFaStatus": "enrollment_expired" }),
    );
    company.load();
    let told = of_kind(&company, "new_value");
    assert!(told.contains(&stands("role SOC L2")), "{told:?}");
    assert!(
        told.contains(&stands("two_fa_status enrollment_expired")),
        "{told:?}"
    );
    company.load();
    let told = of_kind(&company, "new_value");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|(_, stands)| !stands), "{told:?}");
}

#[test]
fn a_mapped_field_that_is_gone_from_all_users_is_told_until_it_is_back() {
    let company = Company::with(4, 1.0, |config| {
        config.map("position", "primaryTwoFaMethod");
    });
    let set = |value: Value| {
        for colleague in company.colleagues() {
            company.edit_user(&colleague, &json!({ "primaryTwoFaMethod": value }));
        }
    };
    set(json!("application"));
    company.load();
    set(Value::Null);
    company.load();
    company.load();
    assert_eq!(
        of_kind(&company, "field_gone"),
        [stands("primaryTwoFaMethod")]
    );
    set(json!("sms"));
    company.load();
    assert_eq!(
        of_kind(&company, "field_gone"),
        [is_over("primaryTwoFaMethod")]
    );
}

#[test]
fn a_missed_due_time_is_told_and_one_that_is_made_up_is_not() {
    for (catch_up, expected) in [("0s", vec![stands("")]), ("12h", vec![])] {
        let company = Company::with(5, 1.0, |config| {
            config.schedule = format!("{}, catch_up: {catch_up}", at(&[Minute::now().before(30)]));
        });
        company.was_served_ago(HOUR);
        let mut serving = company.rollcall.serve();
        serving.wait_until_settled();
        if expected.is_empty() {
            serving.wait_for("SELECT count(*) FROM v_runs WHERE state = 'completed'", 1);
            // A notice that comes later shows that everything was looked at.
            company.rollcall.write_config("nothing: sound");
            serving.wait_for(
                "SELECT count(*) FROM v_notices WHERE kind = 'config_refused'",
                1,
            );
        } else {
            serving.wait_for(
                "SELECT count(*) FROM v_notices WHERE kind = 'slot_missed'",
                1,
            );
        }
        serving.stop();
        assert_eq!(of_kind(&company, "slot_missed"), expected, "{catch_up}");
    }
}

#[test]
fn integrations_that_write_one_field_of_one_target_are_told_together() {
    let company = Company::with(3, 1.0, |config| {
        config.others = vec!["others".to_owned(), "more".to_owned()];
    });
    company.load();
    assert_eq!(of_kind(&company, "two_writers"), [stands("127.0.0.1")]);
}

#[test]
fn a_configuration_that_is_refused_is_told_until_one_is_accepted() {
    let company = Company::plain(3, 1.0);
    let mut serving = company.rollcall.serve();
    let sound = company.rollcall.yaml();
    company
        .rollcall
        .write_config(&sound.replace("integrations:", "integration:"));
    serving.wait_for(
        "SELECT count(*) FROM v_notices WHERE kind = 'config_refused' AND until IS NULL",
        1,
    );
    company.rollcall.write_config(&sound);
    serving.wait_for(
        "SELECT count(*) FROM v_notices WHERE kind = 'config_refused' AND until IS NULL",
        0,
    );
    serving.stop();
    assert_eq!(of_kind(&company, "config_refused"), [is_over("")]);
}

#[test]
fn notices_are_in_the_log_without_names() {
    let company = Company::plain(5, 1.0);
    company.load();
    refuse(&company);
    let _ = company.rollcall.run().with_code(1);
    let logs = company.rollcall.logs();
    assert_eq!(logs.matches("\"kind\":\"run_failed\"").count(), 1, "{logs}");
}
