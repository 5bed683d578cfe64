//! The console.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulator::{Effect, Fault, Options, System};

use crate::wire::{Both, call, encoded, given, plain};

fn pages(both: &Both, path: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut reply = both.console("GET", path, None);
    loop {
        assert_eq!(reply.status, 200, "{}", reply.body);
        let page = reply.json();
        pages.push(page["data"].as_array().unwrap().clone());
        let Some(cursor) = page["pagination"]["nextCursor"].as_str() else {
            return pages;
        };
        reply = both.console("GET", &format!("{path}&cursor={}", encoded(cursor)), None);
    }
}

fn ids(pages: &[Vec<Value>]) -> Vec<u64> {
    let users = pages.iter().flatten();
    users
        .map(|user| user["id"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn cursors_give_each_user_once_in_order() {
    let both = Both::start(plain(3_000));
    let first = both.console("GET", "/users?limit=1000", None).json();
    assert_eq!(first["pagination"]["totalItems"], 3_000);
    for path in [
        "/users?limit=1000&sortBy=id&sortOrder=asc",
        "/users?limit=700&sortBy=id&sortOrder=asc&twoFaEnabled=true",
    ] {
        let ids = ids(&pages(&both, path));
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{path}");
        assert!(path.contains("twoFa") || ids.len() == 3_000);
    }
    both.no_violations();
}

#[test]
fn filters_agree_with_the_users() {
    let both = Both::start(Options::demo());
    let users = both.control.users();
    let expect = |query: &str, wanted: &dyn Fn(&Value) -> bool| {
        let found = pages(&both, &format!("/users?limit=50&{query}")).concat();
        let wanted: Vec<Value> = users.iter().filter(|user| wanted(user)).cloned().collect();
        assert!(!wanted.is_empty(), "{query}");
        assert_eq!(found, wanted, "{query}");
    };
    let email = users[3]["email"].as_str().unwrap();
    expect(&format!("email={}", encoded(email)), &|user| {
        user["email"] == email
    });
    let id = users[7]["id"].as_str().unwrap();
    expect(&format!("ids={id}"), &|user| user["id"] == id);
    expect("sources=sso_saml,active_directory", &|user| {
        user["source"] == "sso_saml" || user["source"] == "active_directory"
    });
    expect("twoFaEnabled=false", &|user| user["twoFaEnabled"] == false);
    expect("emailVerified=true", &|user| user["emailVerified"] == true);
    expect("query=ACME.EXAMPLE", &|user| {
        user["email"]
            .as_str()
            .is_some_and(|email| email.to_lowercase().contains("acme.example"))
    });
    let site = "617755838952421302";
    expect(&format!("siteIds={site}"), &|user| {
        user["scope"] == "site"
            && user["scopeRoles"]
                .as_array()
                .unwrap()
                .iter()
                .any(|role| role["id"] == site)
    });
    let account = "617755838952421243";
    expect(&format!("accountIds={account}"), &|user| {
        let in_account = |role: &Value| role["id"] == account || role["accountName"] == "ACME Labs";
        user["scope"] != "tenant"
            && user["scopeRoles"]
                .as_array()
                .unwrap()
                .iter()
                .any(in_account)
    });
    both.no_violations();
}

#[test]
fn what_no_console_takes_is_refused_and_noted() {
    let both = Both::start(plain(30));
    for path in [
        "/users?limit=1001",
        "/users?limit=0",
        "/users?limit=ten",
        "/users?skip=1001",
        "/users?pageSize=10",
        "/users?limit=5&limit=6",
        "/users?sortBy=name",
        "/users?sortOrder=up",
        "/users?sources=ldap",
        "/users?siteIds=12",
        "/users?cursor=nonsense",
    ] {
        let reply = both.console("GET", path, None);
        assert_eq!(reply.status, 400, "{path}");
        assert_eq!(reply.json()["errors"][0]["code"], 4_000_010, "{path}");
        assert_eq!(both.violations().len(), 1, "{path}");
    }
    assert_eq!(both.console("GET", "/groups", None).status, 404);
    assert_eq!(
        both.console("POST", "/users/delete-users", Some(&json!({})))
            .status,
        404
    );
    assert_eq!(both.violations().len(), 2);
}

#[test]
fn a_cursor_is_good_only_for_its_own_filters() {
    let both = Both::start(plain(30));
    let page = both
        .console("GET", "/users?limit=10&sortBy=id", None)
        .json();
    let cursor = encoded(page["pagination"]["nextCursor"].as_str().unwrap());
    assert_eq!(
        both.console(
            "GET",
            &format!("/users?limit=10&sortBy=id&cursor={cursor}"),
            None
        )
        .status,
        200
    );
    both.no_violations();
    assert_eq!(
        both.console("GET", &format!("/users?limit=10&cursor={cursor}"), None)
            .status,
        400
    );
    assert_eq!(both.violations().len(), 1);
}

#[test]
fn ten_is_the_default_and_skip_goes_as_far_as_a_thousand() {
    let both = Both::start(plain(1_500));
    let page = both.console("GET", "/users", None).json();
    assert_eq!(page["data"].as_array().unwrap().len(), 10);
    let skipped = both.console("GET", "/users?skip=1000&limit=1", None).json();
    assert_eq!(skipped["data"][0], both.control.users()[1_000]);
}

#[test]
fn only_the_right_token_is_taken() {
    let both = Both::start(plain(1));
    let url = both.simulator.sentinelone_url();
    let ask =
        |headers: &[&str]| call(&url, "GET", "/web/api/v2.1/system/info", headers, None).unwrap();
    let wrong = ask(&["Authorization: ApiToken abc"]);
    assert_eq!(
        (wrong.status, &wrong.json()["errors"][0]["code"]),
        (401, &json!(4_010_010))
    );
    both.no_violations();
    let bare = format!("Authorization: {}", both.simulator.sentinelone_token());
    assert_eq!(ask(&[&bare]).status, 401);
    assert_eq!(ask(&[]).status, 401);
    assert_eq!(both.violations().len(), 2);
    assert_eq!(both.console("GET", "/system/info", None).status, 200);
    let kept = format!("{:?}", both.control.requests());
    assert!(!kept.contains(both.simulator.sentinelone_token()));
}

#[test]
fn the_end_of_the_token_is_told_three_ways() {
    let both = Both::start(plain(20));
    let token = json!({ "data": { "apiToken": both.simulator.sentinelone_token() } });
    let details = both
        .console("POST", "/users/api-token-details", Some(&token))
        .json();
    assert_eq!(details["data"]["expiresAt"], "2027-05-01T00:00:00Z");
    let own = both.console("GET", "/user", None).json();
    assert_eq!(own["data"]["apiToken"], details["data"]);
    let with_token = both
        .control
        .users()
        .into_iter()
        .find(|user| user["apiToken"].is_object())
        .unwrap();
    let path = format!(
        "/users/{}/api-token-details",
        with_token["id"].as_str().unwrap()
    );
    assert_eq!(
        both.console("GET", &path, None).json()["data"],
        with_token["apiToken"]
    );
    assert!(both.control.writes().is_empty());
    both.no_violations();
}

#[test]
fn edits_show_in_the_listing_and_null_stays_null() {
    let both = Both::start(plain(5));
    let id = both.control.users()[2]["id"].as_str().unwrap().to_owned();
    assert!(
        both.control
            .edit_user(&id, &json!({ "email": null, "newField": 1 }))
    );
    assert!(
        both.control
            .remove_user(both.control.users()[0]["id"].as_str().unwrap())
    );
    let page = both.console("GET", "/users?limit=10", None).json();
    assert_eq!(page["pagination"]["totalItems"], 4);
    assert_eq!(page["data"][1]["email"], Value::Null);
    assert_eq!(page["data"][1]["newField"], 1);
    assert_eq!(
        both.console("GET", &format!("/users/{id}"), None).json()["data"],
        page["data"][1]
    );
    both.control.set_users(&[]);
    assert_eq!(
        both.console("GET", "/users", None).json()["pagination"]["totalItems"],
        0
    );
    assert_eq!(
        both.console("GET", &format!("/users/{id}"), None).status,
        404
    );
    both.no_violations();
}

#[test]
fn given_users_come_exactly_as_they_were_given() {
    let users = json!([
        { "id": "900000000000000009", "scope": "site" },
        { "id": "1100000000000000001", "scope": "tenant", "email": "x@y.z" },
        { "id": "1000000000000000002", "scope": "account", "odd": [1, { "a": null }] },
    ]);
    let both = Both::start(given(users.clone(), json!([])));
    assert_eq!(both.console("GET", "/users", None).json()["data"], users);
    let sorted = both
        .console("GET", "/users?sortBy=id&sortOrder=asc", None)
        .json();
    let sorted = sorted["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["id"].as_str().unwrap());
    assert_eq!(
        sorted.collect::<Vec<_>>(),
        [
            "900000000000000009",
            "1000000000000000002",
            "1100000000000000001"
        ]
    );
}

#[test]
fn names_of_custom_roles_stand_in_the_role_list() {
    let both = Both::start(Options::demo());
    let page = both.console("GET", "/rbac/roles?limit=100", None).json();
    let known: BTreeSet<&str> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role["id"].as_str().unwrap())
        .collect();
    for user in both.control.users() {
        for role in user["scopeRoles"].as_array().unwrap() {
            assert!(known.contains(role["roleId"].as_str().unwrap()), "{role}");
        }
    }
    let pages = pages(&both, "/rbac/roles?limit=4").concat();
    assert_eq!(pages.len(), known.len());
    both.control
        .set_roles(vec![json!({ "id": "1", "name": "Only" })]);
    assert_eq!(
        both.console("GET", "/rbac/roles", None).json()["pagination"]["totalItems"],
        1
    );
}

#[test]
fn accounts_are_a_list_and_sites_an_object() {
    let both = Both::start(plain(1));
    assert!(both.console("GET", "/accounts", None).json()["data"].is_array());
    assert!(both.console("GET", "/sites?limit=5", None).json()["data"]["sites"].is_array());
    both.no_violations();
}

#[test]
fn actions_change_the_user() {
    let both = Both::start(plain(3));
    let id = both.control.users()[1]["id"].as_str().unwrap().to_owned();
    let user = || both.console("GET", &format!("/users/{id}"), None).json()["data"].clone();
    let target = json!({ "data": { "id": id } });
    let success = json!({ "data": { "success": true } });
    assert_eq!(
        both.console("POST", "/users/2fa/disable", Some(&target))
            .json(),
        success
    );
    assert_eq!(user()["twoFaEnabled"], false);
    assert_eq!(
        both.console("POST", "/users/2fa/enable", Some(&target))
            .json(),
        success
    );
    assert_eq!(user()["twoFaEnabled"], true);
    let email = json!({ "data": { "email": "new@acme.example" } });
    assert_eq!(
        both.console("PUT", &format!("/users/{id}/recovery-email"), Some(&email))
            .json(),
        success
    );
    assert_eq!(user()["tfaRecoveryEmail"], "new@acme.example");
    assert_eq!(
        both.console(
            "POST",
            &format!("/users/{id}/resend-recovery-email-code"),
            None
        )
        .status,
        404
    );
    assert_eq!(
        both.console("DELETE", &format!("/users/{id}"), None).json(),
        success
    );
    assert_eq!(
        both.console("GET", &format!("/users/{id}"), None).status,
        404
    );
    both.no_violations();
    assert_eq!(both.control.writes().len(), 5);
    let wrong = json!({ "data": { "ids": [id] } });
    assert_eq!(
        both.console("POST", "/users/2fa/enable", Some(&wrong))
            .status,
        400
    );
    assert_eq!(both.violations().len(), 1);
}

#[test]
fn the_role_list_can_be_forbidden() {
    let both = Both::start(plain(1));
    both.control.order(Fault::new(
        System::SentinelOne,
        "GET /rbac/roles",
        Effect::Status(403),
    ));
    let reply = both.console("GET", "/rbac/roles", None);
    assert_eq!(
        (reply.status, &reply.json()["errors"][0]["code"]),
        (403, &json!(4_030_010))
    );
    both.no_violations();
}
