//! The history: first seen, what changed in which run, when gone.

use serde_json::{Value, json};

use super::text;
use crate::company::Company;

/// The events of an explanation, as words.
fn events(explanation: &Value) -> Vec<&str> {
    let events = explanation["history"].as_array().expect("a list of events");
    events.iter().map(|event| text(event, "event")).collect()
}

#[track_caller]
fn event<'e>(explanation: &'e Value, name: &str) -> &'e Value {
    let events = explanation["history"].as_array().expect("a list of events");
    let event = events.iter().find(|event| event["event"] == name);
    event.unwrap_or_else(|| panic!("no `{name}`: {explanation}"))
}

#[test]
fn the_history_tells_what_changed_in_which_run() {
    let company = Company::plain(4, 1.0);
    let email = company.colleagues().remove(0);
    company.load();
    let first = company.rollcall.latest_run_id();
    company.load();
    let explanation = company.explain(&email);
    assert_eq!(events(&explanation), ["first_seen", "updated"]);
    assert_eq!(event(&explanation, "first_seen")["run_id"], first.as_str());

    let token = json!({ "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2027-01-01T00:00:00Z" });
    company.edit_user(&email, &json!({ "scope": "site", "apiToken": token }));
    company.load();
    let later = json!({ "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2028-01-01T00:00:00Z" });
    company.edit_user(&email, &json!({ "scope": "tenant", "apiToken": later }));
    company.load();
    let run_id = company.rollcall.latest_run_id();
    let explanation = company.explain(&email);
    let history = explanation["history"].as_array().unwrap();
    let of_run: Vec<&Value> = history
        .iter()
        .filter(|event| event["run_id"] == run_id.as_str())
        .collect();
    let names: Vec<_> = of_run.iter().map(|event| text(event, "event")).collect();
    assert_eq!(names, ["user_changed", "record_changed", "updated"]);
    let scope = json!({ "field": "scope", "old": "site", "new": "tenant" });
    let expires = json!({ "field": "apiToken.expiresAt", "old": "2027-01-01T00:00:00Z", "new": "2028-01-01T00:00:00Z" });
    let mut changes = of_run[0]["changes"].as_array().unwrap().clone();
    changes.sort_by_key(|change| text(change, "field").to_owned());
    assert_eq!(changes, [expires, scope]);
    let written = of_run[2]["changes"].as_array().unwrap();
    assert!(
        written.contains(&json!({ "field": "sentinelone_scope", "old": "site", "new": "tenant" }))
    );
    let told = company.explained(&email);
    assert!(
        told.contains("apiToken.expiresAt: \"2027-01-01T00:00:00Z\" -> \"2028-01-01T00:00:00Z\""),
        "{told}"
    );
}

#[test]
fn who_is_gone_and_came_back_is_told_when_and_by_which_runs() {
    let company = Company::plain(4, 1.0);
    let email = company.colleagues().remove(0);
    let id = company.user_id(&email);
    let users = company.control.users();
    company.load();
    assert!(company.control.remove_user(&id));
    company.load();
    let without = company.rollcall.latest_run_id();
    let explanation = company.explain(&email);
    assert_ne!(explanation["gone_since"], Value::Null);
    assert_ne!(explanation["run"]["run_id"], without.as_str());
    assert_eq!(events(&explanation), ["first_seen", "updated", "gone"]);
    assert_eq!(event(&explanation, "gone")["run_id"], without.as_str());
    let ended = company
        .rollcall
        .command(&["explain", &email, "--run", &without])
        .with_code(2);
    assert!(
        ended.stderr.contains("did not see the user") && ended.stderr.contains("is gone since"),
        "{}",
        ended.stderr
    );

    company.control.set_users(&users);
    company.load();
    let back = company.rollcall.latest_run_id();
    let explanation = company.explain(&email);
    assert_eq!(explanation["gone_since"], Value::Null);
    assert_eq!(explanation["run"]["run_id"], back.as_str());
    assert_eq!(
        events(&explanation),
        ["first_seen", "updated", "gone", "back"]
    );
    let ended = company
        .rollcall
        .command(&["explain", &email, "--run", &without])
        .with_code(2);
    assert!(
        ended.stderr.contains("shows when it was not there"),
        "{}",
        ended.stderr
    );
    let told = company.explained(&email);
    assert!(
        told.contains("gone from the console") && told.contains("in the console again"),
        "{told}"
    );
}

#[test]
fn who_came_with_a_run_of_some_users_is_not_in_the_runs_before() {
    let company = Company::plain(3, 1.0);
    company.load();
    let first = company.rollcall.latest_run_id();
    let mut user = company.control.users().remove(0);
    user["id"] = json!("999999999999999999");
    user["email"] = json!("new.one@acme.example");
    let mut users = company.control.users();
    users.push(user);
    company.control.set_users(&users);
    let _ = company
        .rollcall
        .run_only("new.one@acme.example")
        .with_code(0);
    let only = company.rollcall.latest_run_id();
    let explanation = company.explain("new.one@acme.example");
    assert_eq!(explanation["run"]["run_id"], only.as_str());
    assert_eq!(explanation["gone_since"], Value::Null);
    let ask = ["explain", "new.one@acme.example", "--run", &first];
    let ended = company.rollcall.command(&ask).with_code(2);
    assert!(
        ended.stderr.contains("did not see the user"),
        "{}",
        ended.stderr
    );
    company.load();
    assert_eq!(
        company.explain("new.one@acme.example")["outcome"]["outcome"],
        "unchanged"
    );
}

#[test]
fn runs_in_a_row_that_skip_a_user_are_one_event_until_it_is_loaded() {
    let company = Company::with(12, 0.5, |config| config.preference = "update_only");
    let email = company.newcomers().remove(0);
    for _ in 0..3 {
        company.load();
    }
    let last = company.rollcall.latest_run_id();
    let explanation = company.explain(&email);
    assert_eq!(events(&explanation), ["first_seen", "skipped"]);
    let skipped = event(&explanation, "skipped");
    assert_eq!(
        (&skipped["runs"], &skipped["until_run_id"]),
        (&json!(3), &json!(last))
    );
    assert_eq!(
        (text(skipped, "reason"), &skipped["resolved_at"]),
        ("not_in_oomnitza", &Value::Null)
    );
    company
        .control
        .add_person(&json!({ "username": email, "email": email, "role": 25 }));
    company.load();
    let explanation = company.explain(&email);
    assert_eq!(events(&explanation), ["first_seen", "skipped", "updated"]);
    assert_ne!(event(&explanation, "skipped")["resolved_at"], Value::Null);
    assert!(
        company
            .explained(&email)
            .contains("not_in_oomnitza, 3 runs in a row")
    );
}

#[test]
fn times_are_in_the_configured_zone_for_people_and_in_utc_for_programs() {
    let company = Company::plain(2, 1.0);
    company.load();
    let email = company.colleagues().remove(0);
    let explanation = company.explain(&email);
    let at = text(&explanation, "first_seen_at");
    assert!(
        at.len() == "2026-11-23T02:00:00.000Z".len() && at.ends_with('Z'),
        "{at}"
    );
    let yaml = format!("timezone: Asia/Tokyo\n{}", company.rollcall.yaml());
    company.rollcall.write_config(&yaml);
    assert!(company.explained(&email).contains(" JST"));
    assert_eq!(company.explain(&email)["first_seen_at"], at);
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let company = Company::plain(2, 1.0);
    company.load();
    let email = company.colleagues().remove(0);
    let ask = ["explain", &email, "--json"];
    let _ = company
        .rollcall
        .command_into_a_closed_pipe(&ask)
        .with_code(0);
}
