//! An address that is a secret: posted to as it stands, and shown by nothing.

use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use transport::{Allowance, Hook, Rate, Way};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, body_string, header, method, path, query_param},
};

const KEY: &str = "s3cr3t-k3y-of-the-hook";

fn way() -> Way {
    Way {
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_millis(300),
        proxy: None,
        ca_files: Vec::new(),
    }
}

fn hook(base: &str) -> Hook {
    let address = format!("{base}/services/{KEY}?sig={KEY}-too");
    Hook::new(&SecretString::from(address), &way()).unwrap()
}

async fn post(hook: &Hook) -> Result<(), transport::Error> {
    hook.post("application/json", Bytes::from_static(b"{}"))
        .await
}

#[tokio::test]
async fn the_address_is_posted_to_exactly_as_it_stands() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(format!("/services/{KEY}")))
        .and(query_param("sig", format!("{KEY}-too")))
        .and(header("content-type", "application/json"))
        .and(body_string("{}"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    post(&hook(&server.uri())).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_repeats_the_address_gets_it_into_no_error() {
    let server = MockServer::start().await;
    let address = format!("{}/services/{KEY}?sig={KEY}-too", server.uri());
    let said = format!("no_service {address} /services/{KEY} {KEY}");
    let answer = ResponseTemplate::new(404).set_body_string(said);
    Mock::given(any())
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    let error = post(&hook(&server.uri())).await.unwrap_err();
    let body = String::from_utf8_lossy(error.refusal().unwrap().body()).into_owned();
    let shown = format!("{error} {error:?} {body}");
    assert!(!shown.contains(KEY), "{shown}");
    assert!(
        error
            .to_string()
            .starts_with("could not post a message: the answer was 404 Not Found: no_service"),
        "{error}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_does_not_show_where_it_leads() {
    let server = MockServer::start().await;
    let answer =
        ResponseTemplate::new(302).insert_header("location", format!("/elsewhere/{KEY}").as_str());
    Mock::given(any())
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    let error = post(&hook(&server.uri())).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(KEY), "{shown}");
}

#[tokio::test]
async fn nobody_there_and_nobody_who_answers_are_told_apart_without_the_address() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let hook = hook(&base);
    let hangs = post(&hook).await.unwrap_err();
    drop(listener);
    let gone = post(&hook).await.unwrap_err();
    assert_eq!(
        hangs.to_string(),
        "could not post a message: the answer took too long"
    );
    assert_eq!(
        gone.to_string(),
        "could not post a message: no connection was made"
    );
    let shown = format!("{hangs:?} {gone:?} {hook:?}");
    assert!(!shown.contains(KEY), "{shown}");
}

#[test]
fn what_is_no_address_is_refused_and_not_repeated() {
    for address in ["", KEY, "ftp://host/s3cr3t-k3y", "https://"] {
        let error = Hook::new(&SecretString::from(address), &way()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("must be http or https"), "{shown}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}

#[tokio::test]
async fn after_a_burst_an_allowance_keeps_its_pace() {
    let rate = Rate::try_from(20.0).unwrap();
    let allowance = Allowance::new(5.try_into().unwrap(), rate);
    let started = std::time::Instant::now();
    for _ in 0..5 {
        allowance.ready().await;
    }
    let burst = started.elapsed();
    for _ in 0..2 {
        allowance.ready().await;
    }
    assert!(burst < Duration::from_millis(50), "{burst:?}");
    assert!(started.elapsed() >= Duration::from_millis(95));
}
