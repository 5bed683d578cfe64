//! Undo: what a run wrote is written back, where Oomnitza still has it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::Delivery;

use crate::company::Company;

/// The people of Oomnitza by their ids, without what Oomnitza notes by itself.
pub(crate) fn people(company: &Company) -> BTreeMap<String, Value> {
    let people = company.control.people().into_iter();
    people
        .map(|mut person| {
            let members = person.as_object_mut().expect("a person is an object");
            for own in ["change_date", "changed_by"] {
                members.remove(own);
            }
            // What was never there and what is empty are the same.
            members.retain(|_, value| !value.is_null() && value != "");
            let id = members["user_id"].as_str().expect("an id").to_owned();
            (id, person)
        })
        .collect()
}

#[test]
fn an_undone_run_leaves_oomnitza_as_it_was() {
    for delivery in [Delivery::Rest, Delivery::Bulk] {
        let company = Company::with(40, 1.0, |config| config.delivery = delivery);
        let before = people(&company);
        company.load();
        let run_id = company.rollcall.latest_run_id();
        assert_ne!(people(&company), before);
        company.control.clear_requests();
        let _ = company
            .rollcall
            .command(&["undo", &run_id, "--dry-run"])
            .with_code(0);
        assert_eq!(company.control.writes(), []);
        let _ = company.rollcall.command(&["undo", &run_id]).with_code(0);
        assert_eq!(people(&company), before, "{delivery:?}");
        let run = company.rollcall.latest_run();
        assert_eq!(run["kind"], "undo");
        assert_eq!(run["of_run_id"], run_id.as_str());
        // Once more there is nothing left to do.
        company.control.clear_requests();
        let _ = company.rollcall.command(&["undo", &run_id]).with_code(0);
        assert_eq!(company.control.writes(), []);
        let undo = company.rollcall.latest_run_id();
        let ended = company.rollcall.command(&["undo", &undo]).with_code(2);
        assert!(
            ended.stderr.contains("is an undo itself"),
            "{}",
            ended.stderr
        );
        company.no_violations();
        company.sums_hold();
    }
}

#[test]
fn what_somebody_changed_since_is_left_and_listed() {
    let company = Company::plain(10, 1.0);
    company.load();
    let run_id = company.rollcall.latest_run_id();
    let people = company.control.people();
    let edited = |place: usize| people[place]["user_id"].as_str().expect("an id").to_owned();
    company
        .control
        .edit_person(&edited(0), &json!({"sentinelone_scope": "elsewhere"}));
    let ended = company.rollcall.command(&["undo", &run_id]).with_code(0);
    assert!(
        ended.stdout.contains("sentinelone_scope"),
        "{}",
        ended.stdout
    );
    let left = company
        .rollcall
        .query("SELECT left_alone FROM v_changes WHERE left_alone IS NOT NULL");
    assert_eq!(left.len(), 1);
    let person = company
        .control
        .person_by("user_id", &edited(0))
        .expect("there is one");
    assert_eq!(person["sentinelone_scope"], "elsewhere");
    assert!(person["sentinelone_roles"].is_null() || person["sentinelone_roles"] == "");
}

#[test]
fn people_who_were_made_are_left_or_suspended_and_never_deleted() {
    let company = Company::plain(6, 0.0);
    company.load();
    let run_id = company.rollcall.latest_run_id();
    let suspended = || {
        let people = company.control.people();
        people
            .iter()
            .filter(|person| person["suspended"] == true)
            .count()
    };
    let all = company.control.people().len();
    let already = suspended();
    let _ = company.rollcall.command(&["undo", &run_id]).with_code(0);
    assert_eq!(suspended(), already);
    let suspend = ["undo", &run_id, "--created", "suspend"];
    let _ = company.rollcall.command(&suspend).with_code(0);
    assert_eq!(suspended(), already + 6);
    assert_eq!(company.control.people().len(), all);
    company.no_violations();
}

#[test]
fn only_one_user_is_taken_back_and_guards_apply() {
    let company = Company::with(30, 1.0, |config| config.guards.clear());
    let before = people(&company);
    company.load();
    let run_id = company.rollcall.latest_run_id();
    let users = company
        .rollcall
        .query("SELECT email, oomnitza_id FROM v_people ORDER BY email");
    let email = users[3]["email"].as_str().expect("it has one");
    let _ = company
        .rollcall
        .command(&["undo", &run_id, "--only", email])
        .with_code(0);
    let after = people(&company);
    let back: Vec<&String> = after
        .keys()
        .filter(|id| after[*id] == before[*id])
        .collect();
    assert!(back.contains(&&users[3]["oomnitza_id"].as_str().expect("an id").to_owned()));
    assert_eq!(company.count("updated"), 1);
    let ended = company
        .rollcall
        .command(&["undo", &run_id, "--only", "nobody@nowhere.example"])
        .with_code(2);
    assert!(
        ended.stderr.contains("nobody@nowhere.example"),
        "{}",
        ended.stderr
    );
    // All the others are more than half.
    let _ = company.rollcall.command(&["undo", &run_id]).with_code(4);
    let parked = company.rollcall.latest_run_id();
    let _ = company
        .rollcall
        .command(&["release", &parked, "--reason", "a mistake"])
        .with_code(0);
    assert_eq!(people(&company), before);
    company.no_violations();
}

#[test]
fn an_undo_makes_older_plans_obsolete() {
    let company = Company::plain(10, 0.5);
    company.load();
    let load = company.rollcall.latest_run_id();
    let email = company.colleagues().remove(0);
    company.edit_user(&email, &json!({ "fullName": "New Name" }));
    let _ = company.rollcall.plan().with_code(0);
    let plan = company.rollcall.latest_run_id();
    let state = format!("SELECT state FROM v_runs WHERE run_id = '{plan}'");
    for (arguments, expected) in [
        (&["undo", &load, "--dry-run"][..], "planned"),
        (&["undo", &load, "--only", &email], "planned"),
        (&["undo", &load], "overtaken"),
    ] {
        let _ = company.rollcall.command(arguments).with_code(0);
        assert_eq!(company.rollcall.value(&state), expected, "{arguments:?}");
    }
}
