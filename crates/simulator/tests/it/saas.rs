//! Oomnitza's `SaaS` users.

use serde_json::json;

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
