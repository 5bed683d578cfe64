//! Oomnitza's `SaaS` users.

use serde_json::{Value, json};
use simulator::{ActivityShown, BulkTiming, Options, RolesShown, SaasListing};

use crate::wire::{Both, encoded, three};

#[test]
fn a_user_is_assigned_given_roles_and_deactivated() {
    let both = Both::start(three());
    let ask = |method: &str, path: &str, body: Option<serde_json::Value>| {
        let reply = both.oomnitza(method, &format!("/api/v3/{path}"), body.as_ref());
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    };
    let by_name = format!("saas?filter={}", encoded("saas_name eq 'SentinelOne'"));
    assert_eq!(ask("GET", &by_name, None), json!([]));
    let made = ask("POST", "saas", Some(json!({ "saas_name": "SentinelOne" })));
    assert_eq!(made, json!({ "saas_id": "1" }));
    assert_eq!(
        ask("GET", &by_name, None),
        json!([{ "saas_id": 1, "saas_name": "SentinelOne" }])
    );
    ask(
        "POST",
        "saas/1/users",
        Some(json!([{ "user_id": "P1", "assign": true }])),
    );
    ask(
        "POST",
        "saas/1/users/P1",
        Some(json!({ "user_external_id": "1000000000000000001" })),
    );
    let roles = json!([{ "role_external_id": "Admin", "role_external_label": "Admin" }]);
    ask(
        "PATCH",
        "saas/1/roles/users",
        Some(json!({ "users": "P1", "roles": roles })),
    );
    let users = ask("GET", "saas/1/users", None);
    assert_eq!(users[0]["email"], "ann@acme.example");
    assert_eq!(users[0]["roles"][0]["role_external_id"], "Admin");
    assert_eq!(users[0]["user_external_id"], "1000000000000000001");
    let id = users[0]["saas_user_id"].as_str().unwrap();
    let done = ask(
        "PATCH",
        "saas_users/deactivate",
        Some(json!({ "saas_user_ids": [id, "99"] })),
    );
    assert_eq!(done[0]["error"], serde_json::Value::Null);
    assert!(done[1]["error"].is_string());
    assert_eq!(ask("GET", "saas/1/users", None)[0]["active"], false);
    both.no_violations();
}

#[test]
fn a_bulk_record_assigns_its_person_and_is_refused_with_another_application() {
    let both = Both::start(Options {
        applications: vec!["SentinelOne".to_owned()],
        bulk_timing: BulkTiming::AtOnce,
        ..three()
    });
    let record = |email: &str, id: &str| {
        json!({
            "USER": email, "EMAIL": email, "PERMISSIONS_ID": "25",
            "SAAS": { "sync_key": "email", "selected_saas_id": id, "name": "SentinelOne" },
        })
    };
    let envelope = json!({
        "connector_version": "0.1.0", "sync_field": ["EMAIL"], "portion": "63f4dcf8-b2b1-408a-adb7-633798c52b45",
        "data_type": "users", "insert_only": false, "update_only": false, "error": null, "test_run": false,
        "multi_str_input_value": null, "connector_id": 268,
        "records": [record("ann@acme.example", "1"), record("dan@acme.example", "1"), record("eve@acme.example", "2")],
    });
    let reply = both.oomnitza("POST", "/api/v3/bulk", Some(&envelope));
    assert_eq!(reply.status, 200);
    let portion = both.control.portions().remove(0);
    assert_eq!(portion.failed, 1);
    let assigned = both.control.saas_users("SentinelOne");
    assert_eq!(assigned.len(), 2);
    assert_eq!(assigned[0]["external_id"], Value::Null);
}

#[test]
fn one_wrong_person_among_several_assigns_nobody() {
    let both = Both::start(Options {
        applications: vec!["SentinelOne".to_owned()],
        ..three()
    });
    let body =
        json!([{ "user_id": "P1", "assign": true }, { "user_id": "nobody", "assign": true }]);
    let reply = both.oomnitza("POST", "/api/v3/saas/1/users", Some(&body));
    assert_eq!(reply.status, 400);
    assert_eq!(both.control.saas_users("SentinelOne"), [Value::Null; 0]);
}

#[test]
fn a_listing_shows_what_it_is_told_to() {
    let both = Both::start(three());
    let control = &both.control;
    let place = json!({ "external_id": "225", "roles": ["Admin"], "active": false });
    control.set_saas_user("SentinelOne", "P1", &place);
    let listed = || {
        both.oomnitza("GET", "/api/v3/saas/1/users", None)
            .json()
            .as_array()
            .unwrap()
            .clone()
    };
    control.set_saas_listing(SaasListing {
        ids: false,
        activity: ActivityShown::Untold,
        external_ids: false,
        roles: RolesShown::Object,
    });
    let user = listed().remove(0);
    for hidden in ["saas_user_id", "active", "user_external_id"] {
        assert_eq!(user.get(hidden), None, "{hidden}");
    }
    assert_eq!(user["roles"], json!({ "1": "Admin" }));
    control.set_saas_listing(SaasListing {
        activity: ActivityShown::Hidden,
        ..SaasListing::default()
    });
    assert_eq!(listed(), [Value::Null; 0]);
}

#[test]
fn who_cannot_be_deactivated_is_named_in_a_200() {
    let both = Both::start(three());
    let control = &both.control;
    control.set_saas_user("SentinelOne", "P1", &json!({}));
    control.refuse_activity("P1", Some("the owner stays"));
    let body = json!({ "saas_user_ids": ["1"] });
    let reply = both.oomnitza("PATCH", "/api/v3/saas_users/deactivate", Some(&body));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()[0]["error"], "the owner stays");
    assert_eq!(control.saas_users("SentinelOne")[0]["active"], true);
}
