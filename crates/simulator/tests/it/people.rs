//! Oomnitza's REST interface.

use serde_json::{Value, json};
use simulator::{Letters, Options, ShownForm};

use crate::wire::{Both, Reply, call, encoded, plain, three};

const USERS: &str = "/api/v3/users";

fn list(both: &Both, query: &str) -> (Vec<Value>, u64) {
    let reply = both.oomnitza("GET", &format!("{USERS}?{query}"), None);
    assert_eq!(reply.status, 200, "{query}: {}", reply.body);
    let total = reply.header("x-total-count").unwrap().parse().unwrap();
    (reply.json().as_array().unwrap().clone(), total)
}

fn filtered(both: &Both, filter: &str) -> Vec<String> {
    let (people, _) = list(both, &format!("filter={}", encoded(filter)));
    people
        .iter()
        .map(|person| person["user_id"].as_str().unwrap().to_owned())
        .collect()
}

fn post(both: &Both, person: &Value) -> Reply {
    both.oomnitza("POST", USERS, Some(person))
}

fn patch(both: &Both, id: &str, changes: &Value) -> Reply {
    both.oomnitza("PATCH", &format!("{USERS}/{id}"), Some(changes))
}

#[test]
fn pages_give_each_person_once_in_the_order_of_ids() {
    let both = Both::start(plain(1_234));
    assert_eq!(list(&both, "").0.len(), 200);
    let mut people = Vec::new();
    loop {
        let (page, total) = list(
            &both,
            &format!("limit=500&skip={}&sortby=user_id", people.len()),
        );
        assert_eq!(total, 1_234);
        if page.is_empty() {
            break;
        }
        people.extend(page);
    }
    let ids: Vec<&str> = people
        .iter()
        .map(|person| person["user_id"].as_str().unwrap())
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]) && ids.len() == 1_234);
    assert_eq!(people, both.control.people());
    both.no_violations();
}

#[test]
fn people_are_those_of_the_users_and_custom_fields_stand_as_null() {
    let both = Both::start(Options::demo());
    let users = both.control.users();
    let people = both.control.people();
    assert!(people.len() > users.len() / 2 && people.len() < users.len());
    for person in &people {
        assert!(
            users.iter().any(|user| user["email"] == person["email"]),
            "{person}"
        );
        assert!(
            person
                .as_object()
                .unwrap()
                .contains_key("sentinelone_scope")
        );
        assert_eq!(person["sentinelone_scope"], Value::Null);
    }
}

#[test]
fn filters_find_generated_written_and_created_people() {
    let both = Both::start(plain(300));
    let people = both.control.people();
    let id = people[17]["user_id"].as_str().unwrap();
    let email = people[17]["email"].as_str().unwrap();
    assert_eq!(filtered(&both, &format!("email eq \"{email}\"")), [id]);
    assert_eq!(
        filtered(&both, &format!("email eq \"{}\"", email.to_uppercase())),
        Vec::<String>::new()
    );
    assert_eq!(
        filtered(&both, &format!("user_id IN [\"{id}\",\"nobody\"]")),
        [id]
    );
    assert_eq!(
        patch(&both, id, &json!({ "email": "new@acme.example" })).status,
        200
    );
    assert_eq!(filtered(&both, "email eq 'new@acme.example'"), [id]);
    assert_eq!(
        filtered(&both, &format!("email eq \"{email}\"")),
        Vec::<String>::new()
    );
    let made = post(
        &both,
        &json!({ "username": "z@acme.example", "role": 25, "email": "z@acme.example" }),
    )
    .json();
    assert_eq!(
        filtered(&both, "email IN ['z@acme.example']"),
        [made["user_id"].as_str().unwrap()]
    );
    assert_eq!(filtered(&both, "email LIKE 'z@%' and role eq 25").len(), 1);
    assert_eq!(list(&both, "limit=1").1, 301);
    both.no_violations();
}

#[test]
fn filters_on_null_and_without_an_index_agree() {
    let both = Both::start(three());
    assert_eq!(filtered(&both, "email IS NULL"), ["P3"]);
    assert_eq!(filtered(&both, "email IS NOT NULL and role eq 23"), ["P2"]);
    assert_eq!(
        filtered(&both, "role eq 23 or username eq 'cleo@acme.example'"),
        ["P2", "P3"]
    );
    let folded = Both::start(Options {
        letters: Letters::Folded,
        ..three()
    });
    assert_eq!(filtered(&folded, "email eq 'BOB@acme.example'"), ["P2"]);
    both.no_violations();
}

#[test]
fn what_is_no_listing_is_refused_and_noted() {
    let both = Both::start(three());
    for query in [
        "limit=501",
        "limit=0",
        "offset=1",
        "sortby=nobody",
        "sortby=email%20up",
        "filter=email%20eq%20ann",
        "filter=nobody%20eq%20'a'",
        "filter=email%20eq%20'a",
    ] {
        assert_eq!(
            both.oomnitza("GET", &format!("{USERS}?{query}"), None)
                .status,
            400,
            "{query}"
        );
        assert_eq!(both.violations().len(), 1, "{query}");
    }
}

#[test]
fn a_write_is_read_back_with_its_dates_and_full_name() {
    let both = Both::start(three());
    let answered = patch(
        &both,
        "P1",
        &json!({ "first_name": "Anna", "sentinelone_scope": "site" }),
    )
    .json();
    assert_eq!(answered["full_name"], "Anna Lee");
    assert!(answered["change_date"].as_i64().unwrap() > 1_700_000_000);
    assert_eq!(
        both.oomnitza("GET", &format!("{USERS}/P1"), None).json(),
        answered
    );
    assert_eq!(
        both.control.person_by("sentinelone_scope", "site").unwrap(),
        answered
    );
    let cleared = patch(&both, "P1", &json!({ "sentinelone_scope": null })).json();
    assert_eq!(cleared["sentinelone_scope"], Value::Null);
    both.no_violations();
}

#[test]
fn a_new_person_needs_a_free_username_and_a_role_that_exists() {
    let both = Both::start(three());
    let fits = json!({ "username": "dan@acme.example", "role": 25, "first_name": "Dan" });
    let made = post(&both, &fits).json();
    assert_eq!(
        (&made["full_name"], &made["suspended"]),
        (&json!("Dan"), &json!(false))
    );
    assert_eq!(made["user_id"].as_str().unwrap().len(), 32);
    for refused in [
        json!({ "username": "DAN@acme.example", "role": 25 }),
        json!({ "username": "eve@acme.example", "role": 99 }),
    ] {
        assert_eq!(post(&both, &refused).status, 400, "{refused}");
    }
    both.no_violations();
    assert_eq!(both.control.people().len(), 4);
    for broken in [
        json!({ "username": "eve@acme.example" }),
        json!({ "role": 25 }),
        json!({ "username": "eve@acme.example", "role": "25" }),
        json!({ "username": 7, "role": 25 }),
        json!({ "username": "eve@acme.example", "role": 25, "suspended": "no" }),
        json!({ "username": "eve@acme.example", "role": 25, "nobody": 1 }),
        json!({ "username": "eve@acme.example", "role": 25, "user_id": "X" }),
        json!([{ "username": "eve@acme.example", "role": 25 }]),
    ] {
        assert_eq!(post(&both, &broken).status, 400, "{broken}");
        assert_eq!(both.violations().len(), 1, "{broken}");
    }
}

#[test]
fn a_patch_must_change_something_of_somebody() {
    let both = Both::start(three());
    assert_eq!(patch(&both, "P9", &json!({ "email": "x@y.z" })).status, 404);
    assert_eq!(
        patch(&both, "P1", &json!({ "username": "bob@acme.example" })).status,
        400
    );
    assert_eq!(
        patch(&both, "P1", &json!({ "username": "ANN@acme.example" })).status,
        200
    );
    assert_eq!(patch(&both, "P1", &json!({ "role": null })).status, 400);
    both.no_violations();
    assert_eq!(patch(&both, "P1", &json!({})).status, 400);
    assert_eq!(both.violations().len(), 1);
}

#[test]
fn edit_only_fields_want_the_header_and_dropdowns_their_values() {
    let both = Both::start(Options {
        edit_only_fields: vec!["sentinelone_scope".to_owned()],
        dropdowns: [("sentinelone_source".to_owned(), vec!["mgmt".to_owned()])].into(),
        ..three()
    });
    let scope = json!({ "sentinelone_scope": "site" });
    assert_eq!(patch(&both, "P1", &scope).status, 400);
    assert_eq!(both.violations().len(), 1);
    let url = both.simulator.oomnitza_url();
    let token = format!("Authorization2: {}", both.simulator.oomnitza_token());
    let headers = [token.as_str(), "Oomnitza-Ignore-Meta-Restriction: 1"];
    let path = format!("{USERS}/P1");
    assert_eq!(
        call(&url, "PATCH", &path, &headers, Some(&scope))
            .unwrap()
            .status,
        200
    );
    assert_eq!(
        patch(&both, "P1", &json!({ "sentinelone_source": "mgmt" })).status,
        200
    );
    assert_eq!(
        patch(&both, "P1", &json!({ "sentinelone_source": "ldap" })).status,
        400
    );
    both.no_violations();
}

#[test]
fn a_value_shows_in_the_ordered_form() {
    let both = Both::start(Options {
        shown_forms: [
            ("sentinelone_roles".to_owned(), ShownForm::Cut(5)),
            ("sentinelone_last_login".to_owned(), ShownForm::UnixSeconds),
        ]
        .into(),
        ..three()
    });
    let sent = json!({ "sentinelone_roles": "Viewer, Admin", "sentinelone_last_login": "2026-11-23T02:00:00Z" });
    let shown = patch(&both, "P1", &sent).json();
    assert_eq!(shown["sentinelone_roles"], "Viewe");
    assert_eq!(shown["sentinelone_last_login"], 1_795_399_200);
}

#[test]
fn the_csrf_token_is_demanded_once_it_was_given() {
    let both = Both::start(three());
    let url = both.simulator.oomnitza_url();
    let token = format!("Authorization2: {}", both.simulator.oomnitza_token());
    let ask = |path: &str, headers: &[&str]| call(&url, "GET", path, headers, None).unwrap();
    assert_eq!(ask(USERS, &[&token]).status, 200);
    let probe = ask("/api/v2/mappings?name=AuthTest", &[&token]);
    let csrf = format!("X-CSRF-Token: {}", probe.header("x-csrf-token").unwrap());
    assert_eq!(ask(USERS, &[&token, &csrf]).status, 200);
    both.no_violations();
    assert_eq!(ask(USERS, &[&token]).status, 403);
    assert_eq!(both.violations().len(), 1);
    assert_eq!(ask("/api/v2/mappings?name=AuthTest", &[&token]).status, 200);
}

#[test]
fn only_the_bare_token_is_taken() {
    let both = Both::start(three());
    let url = both.simulator.oomnitza_url();
    let ask = |header: &str| call(&url, "GET", USERS, &[header], None).unwrap().status;
    assert_eq!(ask("Authorization2: wrong"), 401);
    both.no_violations();
    let token = both.simulator.oomnitza_token();
    assert_eq!(ask(&format!("Authorization2: Bearer {token}")), 401);
    assert_eq!(ask(&format!("Authorization: {token}")), 401);
    assert_eq!(both.violations().len(), 2);
}

#[test]
fn a_body_must_be_json_by_its_header_too() {
    let both = Both::start(three());
    let url = both.simulator.oomnitza_url();
    let token = format!("Authorization2: {}", both.simulator.oomnitza_token());
    let reply = call(&url, "PATCH", &format!("{USERS}/P1"), &[&token], None).unwrap();
    assert_eq!(reply.status, 415);
    assert_eq!(both.violations().len(), 1);
}

#[test]
fn others_can_add_edit_and_remove_people() {
    let both = Both::start(plain(3));
    both.control
        .add_person(&json!({ "user_id": "00", "username": "first@acme.example", "role": 1 }));
    let (people, _) = list(&both, "sortby=user_id");
    assert_eq!(people[0]["user_id"], "00");
    assert!(
        both.control
            .edit_person("00", &json!({ "email": "first@acme.example" }))
    );
    assert_eq!(filtered(&both, "email eq 'first@acme.example'"), ["00"]);
    assert!(both.control.remove_person("00"));
    assert!(!both.control.remove_person("00"));
    assert_eq!(list(&both, "").1, 3);
}
