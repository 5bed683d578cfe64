//! No secret reaches an error or a `Debug`, whatever the server does with it.

use std::error::Error as _;

use http::HeaderName;
use secrecy::SecretString;
use transport::Client;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::{TOKEN, client, settings};

/// The part of the token that is secret.
const SECRET: &str = "s3cr3t-t0ken-0123456789";

/// All that an error shows, its causes included.
fn shown(error: &transport::Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}");
    let mut next = error.source();
    while let Some(cause) = next {
        text.extend(["\n".to_owned(), cause.to_string(), format!("{cause:?}")]);
        next = cause.source();
    }
    text
}

#[tokio::test]
async fn a_server_that_echoes_the_token_gets_it_into_no_error() {
    let server = MockServer::start().await;
    let body =
        format!("{{\"sent\":\"{TOKEN}\",\"again\":\"{SECRET}\",\"csrf\":\"csrf-0123456789\"}}");
    Mock::given(any())
        .respond_with(ResponseTemplate::new(400).set_body_string(body))
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let csrf = HeaderName::from_static("x-csrf-token");
    client
        .set_header(csrf, &SecretString::from("csrf-0123456789"))
        .unwrap();
    let error = client.get("x").send().await.err().unwrap();
    insta::assert_snapshot!(
        error,
        @r#"could not complete a request: the answer was 400 Bad Request: {"sent":"ApiToken [secret]","again":"[secret]","csrf":"[secret]"}"#
    );
    let body = String::from_utf8_lossy(error.refusal().unwrap().body());
    assert!(!body.contains(SECRET) && !shown(&error).contains(SECRET));
}

#[tokio::test]
async fn errors_hold_no_query_and_no_body_of_a_request() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let request = client(&uri)
        .post("x")
        .query(&[("email", "alice")])
        .json_body("\"hunter2\"");
    let shown = shown(&request.send().await.err().unwrap());
    assert!(
        !shown.contains("alice") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[test]
fn nothing_secret_is_in_a_debug() {
    let mut settings = settings("http://127.0.0.1:9");
    settings.proxy = Some("http://user:hunter2@proxy.invalid".parse().unwrap());
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert!(!format!("{settings:?}").contains(SECRET));
    let client = Client::new(settings).unwrap();
    assert!(!format!("{client:?}").contains(SECRET));
}

#[test]
fn a_value_that_no_header_can_carry_is_not_repeated() {
    let mut settings = settings("http://127.0.0.1:9");
    settings.value = SecretString::from("to\nken");
    insta::assert_snapshot!(
        Client::new(settings).unwrap_err(),
        @"the value for the header `authorization` holds characters that a header cannot carry"
    );
}
