//! One user by id or address, the roles, and what the console is.

use sentinelone::{Error, UserFilter, UserId};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{path, query_param, query_param_is_missing},
};

use crate::client;

/// The answer with a list of entries.
fn list(data: &Value, cursor: Option<&str>) -> ResponseTemplate {
    let total = data.as_array().unwrap().len();
    ResponseTemplate::new(200).set_body_json(json!({
        "data": data,
        "pagination": { "totalItems": total, "nextCursor": cursor },
    }))
}

/// The ids of the users that are found, or what is wrong with them.
async fn found(server: &MockServer, email: &str) -> Result<Vec<String>, Error> {
    let users = client(server)
        .users_by_email(&UserFilter::default(), email)
        .await?;
    let ids = users.iter().map(|user| match user {
        Ok(user) => user.id.to_string(),
        Err(malformed) => malformed.to_string(),
    });
    Ok(ids.collect())
}

async fn mount(server: &MockServer, parameter: &str, email: &str, answer: ResponseTemplate) {
    Mock::given(path("/web/api/v2.1/users"))
        .and(query_param(parameter, email))
        .respond_with(answer)
        .expect(1..)
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_user_is_kept_as_it_came() {
    let server = MockServer::start().await;
    let body = include_str!("../../fixtures/user.json");
    Mock::given(path("/web/api/v2.1/users/225494730938493804"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(body, "application/json"))
        .mount(&server)
        .await;
    let id = UserId::try_from("225494730938493804").unwrap();
    let user = client(&server).user(&id).await.unwrap().unwrap();
    assert_eq!(user.id, id);
    assert_eq!(user.email.as_deref(), Some("siobhán.o'neill@acme.example"));
    assert_eq!(user.full_name.as_deref(), Some("Siobhán O\u{2019}Neill"));
    assert!(body.contains(user.json()));
    assert!(
        user.json()
            .contains(r#""somethingNew": { "kept": [1, 2, 3] }"#)
    );
    let roles = user.scope_roles();
    let roles = roles.iter().map(|role| {
        let parts = [
            &role.scope_id,
            &role.scope_name,
            &role.account_name,
            &role.role_id,
            &role.role_name,
        ];
        parts.map(|part| part.as_deref().unwrap_or("-")).join(" ")
    });
    assert_eq!(
        roles.collect::<Vec<_>>(),
        [
            "225494730938493915 Dublin Acme 225494730938493700 Viewer",
            "225494730938493916 Cork Acme 1225494730938493701 -",
        ]
    );
}

#[tokio::test]
async fn a_user_that_is_not_there_is_none() {
    let errors = json!({ "errors": [{ "code": 4_040_010, "title": "Not found" }] });
    for answer in [
        ResponseTemplate::new(404).set_body_json(errors),
        ResponseTemplate::new(404).set_body_string("404 page not found"),
    ] {
        let server = MockServer::start().await;
        Mock::given(path("/web/api/v2.1/users/1"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let id = UserId::try_from("1").unwrap();
        assert!(client(&server).user(&id).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn an_id_that_is_no_segment_of_a_path_is_not_asked_for() {
    let server = MockServer::start().await;
    for id in ["..", ".", "1/recovery-email", "1?x=y"] {
        let id = UserId::try_from(id).unwrap();
        assert!(client(&server).user(&id).await.unwrap().is_none());
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_address_is_found_in_every_spelling_and_no_other_is() {
    let server = MockServer::start().await;
    let typed = " Ána@Acme.example";
    let exact = json!([{ "id": "2", "email": "Ána@Acme.example" }]);
    mount(&server, "email", typed, list(&exact, None)).await;
    let similar = json!([
        { "id": "1", "email": "ána@acme.example " },
        { "id": "2", "email": "Ána@Acme.example" },
        { "id": "3", "email": "ana@acme.example" },
        { "id": "4", "email": "ána@acme.example.org" },
        { "id": "5", "email": null, "fullName": "Ána@Acme.example" },
        { "id": "6", "email": "ÁNA@ACME.EXAMPLE", "fullName": 6 },
        { "id": "7", "email": 7 },
    ]);
    mount(&server, "query", typed, list(&similar, None)).await;
    assert_eq!(
        found(&server, typed).await.unwrap(),
        ["2", "1", "`fullName` is a number where a text was expected"]
    );
}

#[tokio::test]
async fn a_search_that_is_not_offered_is_done_without() {
    for status in [400, 403, 404, 501] {
        let server = MockServer::start().await;
        let exact = json!([{ "id": "1", "email": "a@b.c" }]);
        mount(&server, "email", "a@b.c", list(&exact, None)).await;
        mount(&server, "query", "a@b.c", ResponseTemplate::new(status)).await;
        assert_eq!(found(&server, "a@b.c").await.unwrap(), ["1"], "{status}");
    }
    for status in [401, 502] {
        let server = MockServer::start().await;
        mount(&server, "email", "a@b.c", list(&json!([]), None)).await;
        mount(&server, "query", "a@b.c", ResponseTemplate::new(status)).await;
        assert_eq!(
            found(&server, "a@b.c").await.unwrap_err().status().unwrap(),
            status
        );
    }
}

#[tokio::test]
async fn roles_are_read_to_the_last_page() {
    let server = MockServer::start().await;
    let roles = path("/web/api/v2.1/rbac/roles");
    let first = json!([{ "id": "1225494730938493701", "name": "SOC Tier 1", "scope": "tenant" }, { "name": "?" }]);
    Mock::given(roles)
        .and(query_param_is_missing("cursor"))
        .respond_with(list(&first, Some("next")))
        .mount(&server)
        .await;
    let second = json!([{ "id": 7, "name": "Viewer" }]);
    Mock::given(path("/web/api/v2.1/rbac/roles"))
        .and(query_param("cursor", "next"))
        .respond_with(list(&second, None))
        .mount(&server)
        .await;
    let roles = client(&server).roles().await.unwrap().unwrap();
    let roles: Vec<_> = roles.iter().map(|role| (&*role.id, &*role.name)).collect();
    assert_eq!(
        roles,
        [("1225494730938493701", "SOC Tier 1"), ("7", "Viewer")]
    );
}

#[tokio::test]
async fn roles_that_the_token_may_not_read_are_none() {
    for status in [400, 403, 404, 501] {
        let server = MockServer::start().await;
        Mock::given(path("/web/api/v2.1/rbac/roles"))
            .respond_with(ResponseTemplate::new(status))
            .mount(&server)
            .await;
        assert_eq!(client(&server).roles().await.unwrap(), None, "{status}");
    }
    for status in [401, 500, 503] {
        let server = MockServer::start().await;
        Mock::given(path("/web/api/v2.1/rbac/roles"))
            .respond_with(ResponseTemplate::new(status))
            .mount(&server)
            .await;
        let error = client(&server).roles().await.unwrap_err();
        assert_eq!(error.status().unwrap(), status);
    }
}

#[tokio::test]
async fn the_console_says_what_it_is() {
    let server = MockServer::start().await;
    let info = json!({ "data": { "version": "Z SP 5", "build": "5.0.0.55", "patch": 3, "release": null } });
    Mock::given(path("/web/api/v2.1/system/info"))
        .respond_with(ResponseTemplate::new(200).set_body_json(info))
        .mount(&server)
        .await;
    let client = client(&server);
    let info = client.system_info().await.unwrap();
    assert_eq!(info.version.as_deref(), Some("Z SP 5"));
    assert_eq!(info.build.as_deref(), Some("5.0.0.55"));
    assert_eq!(info.release, None);
    assert_eq!(client.console_url(), server.uri());
}
