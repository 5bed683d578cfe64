//! Tokens that do not hold, may not, or are about to end.

use sentinelone::{Error, UserFilter};
use serde_json::{Value, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, method, path},
};

use crate::client;

const OWN: &str = "/web/api/v2.1/user";
const DETAILS: &str = "/web/api/v2.1/users/api-token-details";

/// A console that answers both questions about the token.
async fn console(own: ResponseTemplate, details: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(OWN))
        .respond_with(own)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(DETAILS))
        .and(body_json(
            json!({ "data": { "apiToken": "eyJhbGciOi.s3cr3t" } }),
        ))
        .respond_with(details)
        .mount(&server)
        .await;
    server
}

fn own(api_token: &Value) -> ResponseTemplate {
    let user = json!({ "id": "1", "scope": "tenant", "apiToken": api_token });
    ResponseTemplate::new(200).set_body_json(json!({ "data": user }))
}

fn details(expires_at: &Value) -> ResponseTemplate {
    let details = json!({ "createdAt": "2026-06-01T00:00:00Z", "expiresAt": expires_at });
    ResponseTemplate::new(200).set_body_json(json!({ "data": details }))
}

async fn expiry(own: ResponseTemplate, details: ResponseTemplate) -> Result<Option<String>, Error> {
    let server = console(own, details).await;
    let expiry = client(&server).token_expiry().await?;
    Ok(expiry.map(|time| time.to_string()))
}

async fn refusal(answer: ResponseTemplate) -> Error {
    let server = MockServer::start().await;
    Mock::given(path("/web/api/v2.1/users"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let mut pages = client(&server).users(&UserFilter::default());
    pages.next().await.unwrap_err()
}

#[tokio::test]
async fn the_end_of_a_token_is_had_from_either_call() {
    let known = own(&json!({ "expiresAt": "2026-12-01T00:00:00.000000Z" }));
    let later = || details(&json!("2027-01-01T00:00:00"));
    let refused = || ResponseTemplate::new(403);
    assert_eq!(
        expiry(known, refused()).await.unwrap().as_deref(),
        Some("2026-12-01T00:00:00Z")
    );
    for unknown in [
        own(&Value::Null),
        own(&json!({ "expiresAt": null })),
        refused(),
        ResponseTemplate::new(404),
    ] {
        assert_eq!(
            expiry(unknown, later()).await.unwrap().as_deref(),
            Some("2027-01-01T00:00:00Z")
        );
    }
}

#[tokio::test]
async fn an_end_that_nobody_tells_is_unknown() {
    for status in [400, 403, 404, 501] {
        let refused = || ResponseTemplate::new(status);
        assert_eq!(expiry(refused(), refused()).await.unwrap(), None);
    }
    assert_eq!(
        expiry(own(&Value::Null), details(&Value::Null))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        expiry(own(&Value::Null), details(&json!("never")))
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn a_token_that_does_not_hold_has_no_unknown_end() {
    let refused = || ResponseTemplate::new(401);
    assert!(
        expiry(refused(), refused())
            .await
            .unwrap_err()
            .is_unauthorized()
    );
}

#[tokio::test]
async fn the_tokens_own_user_is_read() {
    let server = console(own(&Value::Null), ResponseTemplate::new(403)).await;
    assert_eq!(client(&server).own_user().await.unwrap().id.as_str(), "1");
}

#[tokio::test]
async fn asking_about_the_token_may_be_repeated() {
    let server = MockServer::start().await;
    Mock::given(path(DETAILS))
        .respond_with(ResponseTemplate::new(502))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(path(DETAILS))
        .respond_with(details(&Value::Null))
        .mount(&server)
        .await;
    let details = client(&server).token_details().await.unwrap();
    assert_eq!(
        details.created_at.unwrap().to_string(),
        "2026-06-01T00:00:00Z"
    );
    assert_eq!(details.expires_at, None);
}

#[tokio::test]
async fn a_401_says_where_to_make_a_new_token() {
    let body = include_str!("../../fixtures/unauthorized.json");
    let error = refusal(ResponseTemplate::new(401).set_body_string(body)).await;
    assert!(error.is_unauthorized());
    insta::assert_snapshot!(error, @"the console refused the token: it is wrong or has expired; make a new one in the console under Settings > Users > Service Users and put it where `credentials` points (the console says: 4010010, Authentication Failed)");
}

#[tokio::test]
async fn a_403_names_the_permission() {
    let body = include_str!("../../fixtures/forbidden.json");
    let error = refusal(ResponseTemplate::new(403).set_body_string(body)).await;
    insta::assert_snapshot!(error, @"the token may not read a page of users; give its user a role with the permission `Users.view`, such as Viewer (the console says: 4030010, Insufficient permissions, The user lacks Users.view)");
}

#[tokio::test]
async fn a_refusal_without_json_keeps_its_status_and_words() {
    let error = refusal(ResponseTemplate::new(404).set_body_string("404 page not found")).await;
    insta::assert_snapshot!(error, @"the console refused to read a page of users with 404 Not Found: 404 page not found");
    let error = refusal(ResponseTemplate::new(405)).await;
    insta::assert_snapshot!(error, @"the console refused to read a page of users with 405 Method Not Allowed: nothing more");
}
