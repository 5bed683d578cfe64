//! A client that is stopped sends nothing more, and still waits for what is out.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use transport::{Client, Fault, Repeat, Retry, Settings};
use wiremock::matchers::{any, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::settings;

/// Far less than any of the pauses here.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Settings that repeat after a minute.
fn patient(server: &MockServer) -> Settings {
    let minute = Duration::from_mins(1);
    Settings {
        retry: Retry {
            tries: 6,
            first: minute,
            longest: minute,
            patience: 10 * minute,
        },
        ..settings(&server.uri())
    }
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(template)
        .mount(&server)
        .await;
    server
}

/// Waits until the server has got a request.
async fn has_asked(server: &MockServer) {
    while server.received_requests().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_pause_before_the_next_try_ends_with_the_last_error() {
    for template in [
        ResponseTemplate::new(503),
        ResponseTemplate::new(429).insert_header("retry-after", "300"),
    ] {
        let server = answering(template).await;
        let stopped = CancellationToken::new();
        let client = Client::new(patient(&server))
            .unwrap()
            .until(stopped.clone());
        let going = tokio::spawn(client.get("any").send());
        has_asked(&server).await;
        let began = Instant::now();
        stopped.cancel();
        let error = going.await.unwrap().unwrap_err();
        assert!(began.elapsed() < AT_ONCE);
        assert!(error.status().is_some(), "{error}");
        assert_eq!(error.attempts(), 1);
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_request_that_is_out_is_waited_for() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_millis(300));
    let server = answering(slow).await;
    let stopped = CancellationToken::new();
    let client = Client::new(patient(&server))
        .unwrap()
        .until(stopped.clone());
    let going = tokio::spawn(client.post("any").send());
    has_asked(&server).await;
    stopped.cancel();
    assert_eq!(going.await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn only_what_concludes_goes_out_afterwards_and_once() {
    let server = answering(ResponseTemplate::new(503)).await;
    let client = Client::new(patient(&server)).unwrap();
    let stopped = CancellationToken::new();
    stopped.cancel();
    let stopped = client.until(stopped);

    let error = stopped.post("more").send().await.unwrap_err();
    assert!(matches!(error.fault(), Fault::Stopped), "{error}");
    assert_eq!(
        error.to_string(),
        "could not complete a request: it was stopped before it was sent"
    );
    assert!(!error.may_have_arrived());
    assert_eq!(server.received_requests().await.unwrap().len(), 0);

    let last = stopped.post("last").repeat(Repeat::Harmless).concluding();
    let error = last.send().await.unwrap_err();
    assert_eq!(
        (
            error.attempts(),
            server.received_requests().await.unwrap().len()
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn even_what_concludes_does_not_break_a_hold() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(429).insert_header("retry-after", "300"))
        .mount(&server)
        .await;
    let stopped = CancellationToken::new();
    let client = Client::new(patient(&server))
        .unwrap()
        .until(stopped.clone());
    let going = tokio::spawn(client.get("busy").send());
    has_asked(&server).await;
    stopped.cancel();
    going.await.unwrap().unwrap_err();
    let error = client.post("last").concluding().send().await.unwrap_err();
    assert!(matches!(error.fault(), Fault::Stopped), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}
