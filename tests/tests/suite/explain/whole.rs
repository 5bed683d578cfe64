//! Everybody explained, and each explanation held against what was read, sent and written.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::{Options, People, Users};
use tests::Delivery;

use super::text;
use crate::company::{Company, each};

const KEYS: [&str; 2] = ["sentinelone_user_id", "email"];

fn odd_company(delivery: Delivery, preference: &'static str) -> Company {
    let options = Options {
        seed: 7,
        users: Users::Generated {
            count: 45,
            oddities: true,
        },
        people: People::Matching { share: 0.6 },
        ..Options::default()
    };
    Company::of(options, |config| {
        config.delivery = delivery;
        config.preference = preference;
        config.map(
            "role",
            "{ from: lowestRole, table: { Admin: 23, Viewer: 25 }, write: on_create }",
        );
    })
}

/// All people by their ids.
fn people(company: &Company) -> BTreeMap<String, Value> {
    let people = company.control.people().into_iter();
    people
        .map(|person| (text(&person, "user_id").to_owned(), person))
        .collect()
}

/// Who has a value in a key, whatever its case.
fn who_has(people: &BTreeMap<String, Value>, field: &str, value: &Value) -> Vec<String> {
    let folded = |value: &Value| value.as_str().map(|text| text.trim().to_lowercase());
    let wanted = folded(value);
    let found = people
        .iter()
        .filter(|(_, person)| folded(&person[field]) == wanted);
    let mut ids: Vec<_> = found.map(|(id, _)| id.clone()).collect();
    ids.sort();
    ids
}

fn sorted(ids: &Value) -> Vec<String> {
    let mut ids: Vec<_> = ids
        .as_array()
        .expect("ids")
        .iter()
        .map(|id| id.as_str().expect("a text").to_owned())
        .collect();
    ids.sort();
    ids
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value == ""
}

/// Holds an explanation against what Oomnitza had before the run, and what the run has on record.
#[track_caller]
fn hold(company: &Company, explanation: &Value, before: &BTreeMap<String, Value>) {
    let (run_id, id) = (
        text(&explanation["run"], "run_id"),
        text(explanation, "source_id"),
    );
    let of = format!("WHERE run_id = '{run_id}' AND source_id = '{id}'");
    let change = company
        .rollcall
        .query(&format!("SELECT * FROM v_changes {of}"));
    let error = company
        .rollcall
        .query(&format!("SELECT * FROM v_errors {of}"));
    let outcome = &explanation["outcome"];
    let expected = match (error.first(), change.first()) {
        (Some(error), _) => error["outcome"].as_str().unwrap(),
        (None, Some(change)) if change["action"] == "create" => "created",
        (None, Some(_)) => "updated",
        (None, None) => "unchanged",
    };
    assert_eq!(outcome["outcome"], expected, "{explanation}");
    for column in ["reason", "field", "message", "hint"] {
        let known = error.first().map_or(&Value::Null, |error| &error[column]);
        assert_eq!(&outcome[column], known, "{explanation}");
    }

    let is_out = outcome["reason"] == "out_of_scope";
    assert_eq!(explanation["scope"]["in_scope"], !is_out, "{explanation}");

    for key in explanation["sync_keys"].as_array().unwrap() {
        if key["found"].is_null() {
            let unknown =
                is_empty(&key["value"]) || explanation["match"]["finding"] == "not_looked_up";
            assert!(unknown, "{explanation}");
        } else {
            let had = who_has(before, text(key, "field"), &key["value"]);
            assert_eq!(sorted(&key["found"]), had, "{explanation}");
        }
    }
    let keys: Vec<&str> = explanation["sync_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| text(key, "field"))
        .collect();
    assert_eq!(keys, KEYS);

    let sent: Value = change.first().map_or(json!({}), |change| {
        serde_json::from_str(change["after"].as_str().unwrap()).unwrap()
    });
    let matched = explanation["match"]["oomnitza_id"].as_str();
    for field in explanation["fields"].as_array().unwrap() {
        let name = text(field, "field");
        assert_eq!(
            field["sent"],
            sent.get(name).is_some(),
            "{name}: {explanation}"
        );
        if field["sent"] == true {
            assert!(
                is_empty(&field["value"]) && is_empty(&sent[name]) || field["value"] == sent[name],
                "{name}: {explanation}"
            );
        }
        assert_ne!(field["why"], "not_on_record", "{name}: {explanation}");
        if field["had_known"] == true {
            let had = &before[matched.expect("somebody")][name];
            let same = is_empty(had) && is_empty(&field["had"]) || *had == field["had"];
            // Of what is equal the form is not kept.
            assert!(
                same || field["why"] == "equal" || field["why"] == "on_create",
                "{name}, {had}: {field}"
            );
        } else {
            let word = field["why"].as_str().unwrap();
            let known = [
                "new",
                "no_value",
                "not_reached",
                "not_computed",
                "no_change_alone",
                "equal",
            ];
            assert!(known.contains(&word), "{name}: {explanation}");
        }
    }
    if let Some(change) = change.first() {
        assert_eq!(explanation["request"]["state"], change["state"]);
        assert_eq!(explanation["request"]["status"], change["status"]);
    } else {
        assert_eq!(explanation["request"], Value::Null);
    }
}

/// An explanation without what later runs add to it.
fn lasting(mut explanation: Value) -> Value {
    let members = explanation.as_object_mut().expect("an object");
    for later in [
        "history",
        "last_seen_at",
        "gone_since",
        "email",
        "full_name",
    ] {
        members.remove(later);
    }
    members["outcome"]
        .as_object_mut()
        .expect("an object")
        .remove("resolved_at");
    // Its state may come to another, as that of a plan does.
    explanation
}

#[test]
fn everybody_is_explained_as_it_was_loaded_and_stays_so() {
    let cases = [
        (Delivery::Rest, "create_and_update"),
        (Delivery::Bulk, "create_and_update"),
        (Delivery::Rest, "update_only"),
        (Delivery::Rest, "create_only"),
    ];
    each(cases, |(delivery, preference)| {
        let company = odd_company(delivery, preference);
        let mut kept: Vec<(String, String, Value)> = Vec::new();
        for round in 0..3 {
            let before = people(&company);
            let _ = company.rollcall.run();
            let run_id = company.rollcall.latest_run_id();
            let users = company
                .rollcall
                .query("SELECT source_id FROM v_people WHERE gone_since IS NULL");
            for user in &users {
                let id = user["source_id"].as_str().unwrap();
                let explanation = company.explain(id);
                assert_eq!(explanation["run"]["run_id"], run_id.as_str());
                assert_eq!(explanation["notes"], json!([]), "{explanation}");
                hold(&company, &explanation, &before);
                kept.push((id.to_owned(), run_id.clone(), explanation));
            }
            // What somebody does between two runs.
            let users = company.control.users();
            for (place, user) in users.iter().enumerate() {
                let changes = match (place + round) % 5 {
                    0 => json!({ "lastLogin": format!("2026-11-0{}T01:02:03Z", round + 1) }),
                    1 => json!({ "lowestRole": "Viewer", "twoFaEnabled": null }),
                    _ => continue,
                };
                company.control.edit_user(text(user, "id"), &changes);
            }
            for (place, id) in people(&company).keys().enumerate() {
                let changes = match (place + round) % 7 {
                    0 => json!({ "sentinelone_scope": "by hand" }),
                    1 => json!({ "position": format!("Boss {round}"), "first_name": "" }),
                    2 => json!({ "username": format!("other.{round}.{place}@acme.example") }),
                    _ => continue,
                };
                company.control.edit_person(id, &changes);
            }
        }
        // A sample, as each asks the whole program.
        for (id, run_id, explanation) in kept.iter().step_by(4) {
            let later = company.explain_in(id, run_id);
            assert_eq!(lasting(later), lasting(explanation.clone()));
        }
        company.no_violations();
    });
}

#[test]
fn the_second_of_two_loads_keeps_no_other_sightings() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(20, 1.0, |config| config.delivery = delivery);
        company.load();
        let sightings = "SELECT person, sighting, sighting_run FROM people ORDER BY person";
        let before = company.rollcall.query(sightings);
        assert!(
            before.iter().all(|row| !row["sighting"].is_null()),
            "{before:?}"
        );
        // The load has written the key by which they are found from now on.
        company.next_load_sends_nothing();
        assert_eq!(company.rollcall.query(sightings), before);
        assert_eq!(company.rollcall.value("SELECT count(*) FROM sightings"), 0);
    });
}
