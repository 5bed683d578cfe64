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

#[test]
fn a_console_that_shows_nobody_any_more_parks_and_is_told_until_somebody_is_back() {
    let company = Company::plain(5, 1.0);
    company.load();
    let users = company.control.users();
    company.control.set_users(&[]);
    for _ in 0..2 {
        let _ = company.rollcall.run().with_code(4);
        assert_eq!(of_kind(&company, "run_parked"), [stands("")]);
    }
    company.control.set_users(&users);
    company.load();
    assert_eq!(of_kind(&company, "run_parked"), [is_over("")]);
    assert!(of_kind(&company, "odd_run").is_empty());
}

#[test]
fn a_token_that_ends_is_told_at_each_stage_and_is_over_once_it_is_renewed() {
    let company = Company::plain(3, 1.0);
    let sound = company.rollcall.yaml();
    let with_days = |days: i64| {
        let day = company
            .rollcall
            .value(&format!("SELECT date('now', '{days} days')"));
        let written = format!("Authorization2\n    expires: {}", day.as_str().unwrap());
        company
            .rollcall
            .write_config(&sound.replace("Authorization2", &written));
        company.load();
    };
    company.load();
    for days in [30, 10, 10, 5, 2, 0, -1, 300] {
        with_days(days);
    }
    let stages = company.rollcall.query(
        "SELECT stage, until IS NULL AS stands FROM notices WHERE kind = 'token_expiring' AND subject = 'oomnitza'
         ORDER BY since",
    );
    let stages: Vec<_> = stages
        .iter()
        .map(|row| row["stage"].as_str().unwrap())
        .collect();
    assert_eq!(stages, ["14", "7", "3", "1", "0"]);
    assert!(
        of_kind(&company, "token_expiring")
            .iter()
            .all(|(_, stands)| !stands)
    );
}

#[test]
fn a_clock_that_is_off_by_more_than_half_a_minute_is_told_for_each_system() {
    let company = Company::plain(3, 1.0);
    company.load();
    let calls = [
        (
            System::SentinelOne,
            "SentinelOne",
            ["GET /users", "GET /user", "GET /rbac/roles"],
        ),
        (
            System::Oomnitza,
            "Oomnitza",
            [
                "* /api/v3/users",
                "* /api/v3/users/*",
                "GET /api/v2/mappings",
            ],
        ),
    ];
    for (system, name, calls) in calls {
        for seconds in [20, -45, 45] {
            company.control.clear_faults();
            for call in calls {
                let wrong = Effect::WrongDate { seconds };
                company.control.order(Fault::new(system, call, wrong));
            }
            company.load();
            let mut told = of_kind(&company, "clock_skew");
            told.retain(|(_, stands)| *stands);
            let expected = if seconds == 20 {
                vec![]
            } else {
                vec![stands(name)]
            };
            assert_eq!(told, expected, "{name} {seconds}");
        }
        company.control.clear_faults();
        company.load();
    }
    assert_eq!(
        of_kind(&company, "clock_skew"),
        [is_over("SentinelOne"), is_over("Oomnitza")]
    );
}

#[test]
fn a_clock_of_which_a_process_hears_nothing_keeps_its_notice() {
    let other = "other-users";
    let company = Company::with(3, 1.0, |config| config.others = vec![other.to_owned()]);
    let wrong = Effect::WrongDate { seconds: 45 };
    let calls = [
        "* /api/v3/users",
        "* /api/v3/users/*",
        "GET /api/v2/mappings",
    ];
    for call in calls {
        company
            .control
            .order(Fault::new(System::Oomnitza, call, wrong.clone()));
    }
    let told = || {
        let sql = "SELECT integration, until IS NULL AS stands FROM v_notices WHERE kind = 'clock_skew' ORDER BY since";
        company.rollcall.query(sql)
    };
    let of_other = |stands: u8| json!({ "integration": other, "stands": stands });
    let _ = company.rollcall.command(&["run", other]).with_code(0);
    assert_eq!(told(), [of_other(1).as_object().cloned().unwrap()]);
    // A load of another integration hears nothing of it, whether its own answers are right or wrong.
    company.load();
    company.control.clear_faults();
    company.load();
    let stand = "SELECT count(*) FROM v_notices WHERE kind = 'clock_skew' AND until IS NULL";
    assert_eq!(company.rollcall.value(stand), 1);
    // Nor does a daemon that has just begun.
    let mut serving = company.rollcall.serve();
    refuse(&company);
    let _ = company.rollcall.run().with_code(1);
    serving.wait_for(
        "SELECT count(*) FROM v_notices WHERE kind = 'run_failed'",
        1,
    );
    assert_eq!(company.rollcall.value(stand), 1);
    // Once it hears that the clock is right, it is over.
    company.control.clear_faults();
    let _ = company.rollcall.command(&["run", other]).with_code(0);
    serving.wait_for(stand, 0);
    serving.stop();
    assert_eq!(told()[0], of_other(0).as_object().cloned().unwrap());
    assert_eq!(told().len(), 2);
}

#[test]
fn no_success_for_twice_the_interval_is_told_until_a_load_succeeds() {
    let company = Company::with(3, 1.0, |config| {
        config.schedule = at(&[Minute::now().before(30)]);
    });
    company.was_served_ago(HOUR);
    company.load();
    refuse(&company);
    let served_after = |days: u32, kind: &str| {
        let passed = HOUR * 24 * days;
        company.rollcall.let_pass(passed);
        let ms = passed.as_millis();
        company.rollcall.spoil(&format!(
            "UPDATE runs SET started_at = started_at - {ms}, finished_at = finished_at - {ms};
             UPDATE slots SET due_at = due_at - {ms}, noticed_at = noticed_at - {ms}",
        ));
        let mut serving = company.rollcall.serve();
        serving.wait_for(
            &format!("SELECT count(*) FROM v_notices WHERE kind = '{kind}' AND until IS NULL"),
            1,
        );
        serving.stop();
    };
    served_after(1, "run_failed");
    assert!(of_kind(&company, "no_success").is_empty());
    served_after(1, "no_success");
    assert_eq!(of_kind(&company, "no_success"), [stands("")]);
    company.control.clear_faults();
    company.load();
    assert_eq!(of_kind(&company, "no_success"), [is_over("")]);
}
