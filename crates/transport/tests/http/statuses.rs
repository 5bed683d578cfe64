//! Which statuses are tried again, and what becomes of those that are not.

use std::{fmt::Write as _, time::Duration};

use transport::{Repeat, Retry};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, method},
};

use crate::{client, settings};

/// Folds a list of statuses into ranges: `500-599`.
fn ranges(statuses: &[u16]) -> String {
    let mut text = String::new();
    for run in statuses.chunk_by(|a, b| a + 1 == *b) {
        match run {
            [one] => write!(text, " {one}").unwrap(),
            [first, .., last] => write!(text, " {first}-{last}").unwrap(),
            [] => {}
        }
    }
    text
}

#[tokio::test]
async fn statuses_that_are_tried_again() {
    let mut table = String::new();
    for repeat in [Repeat::Harmless, Repeat::OnlyIfNotArrived] {
        let (mut repeated, mut arrived, mut transient) = (Vec::new(), Vec::new(), Vec::new());
        for status in 300..=599 {
            let server = MockServer::start().await;
            Mock::given(any())
                .respond_with(ResponseTemplate::new(status))
                .mount(&server)
                .await;
            let mut settings = settings(&server.uri());
            settings.retry.first = Duration::from_nanos(1);
            settings.retry.patience = Duration::from_millis(20);
            let client = transport::Client::new(settings).unwrap();
            let error = client.post("x").repeat(repeat).send().await.err().unwrap();
            assert_eq!(error.status().unwrap().as_u16(), status);
            let sent = server.received_requests().await.unwrap().len();
            assert_eq!(u64::try_from(sent).unwrap(), client.calls().sent);
            assert_eq!(usize::try_from(error.attempts()).unwrap(), sent);
            if sent > 1 {
                repeated.push(status);
            }
            if error.may_have_arrived() {
                arrived.push(status);
            }
            if error.is_transient() {
                transient.push(status);
            }
        }
        writeln!(table, "{repeat:?}").unwrap();
        writeln!(table, "  tried again:     {}", ranges(&repeated)).unwrap();
        writeln!(table, "  transient:       {}", ranges(&transient)).unwrap();
        writeln!(table, "  may have arrived:{}", ranges(&arrived)).unwrap();
    }
    insta::assert_snapshot!(table, @"
    Harmless
      tried again:      408 429 500-599
      transient:        408 429 500-599
      may have arrived: 300-399 408 500-599
    OnlyIfNotArrived
      tried again:      429
      transient:        408 429 500-599
      may have arrived: 300-399 408 500-599
    ");
}

#[tokio::test]
async fn the_sixth_try_is_the_last_by_default() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(502))
        .expect(6)
        .mount(&server)
        .await;
    let mut settings = settings(&server.uri());
    settings.retry.tries = Retry::default().tries;
    let client = transport::Client::new(settings).unwrap();
    let error = client.get("x").send().await.err().unwrap();
    assert_eq!(error.attempts(), 6);
}

#[tokio::test]
async fn a_call_that_recovers_succeeds_and_is_counted() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_string("ok"))
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let response = client.get("x").send().await.unwrap();
    assert_eq!(response.body, "ok");
    let calls = client.calls();
    assert_eq!(
        (calls.sent, calls.repeated, calls.failed, calls.succeeded),
        (3, 2, 2, 1)
    );
}

#[tokio::test]
async fn an_error_keeps_its_status_and_a_bounded_line_of_any_body() {
    let server = MockServer::start().await;
    let body = format!("<html>\r\n<b>Bad\u{7} Gateway</b>{}", "x".repeat(100_000));
    Mock::given(any())
        .respond_with(ResponseTemplate::new(403).set_body_raw(body, "text/html"))
        .mount(&server)
        .await;
    let error = client(&server.uri())
        .get("x")
        .operation("read a page")
        .send()
        .await
        .err()
        .unwrap();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "could not read a page: the answer was 403 Forbidden: <html> <b>Bad Gateway</b>xxx"
        ),
        "{text}"
    );
    assert!(text.len() < 700, "{}", text.len());
    assert_eq!(error.refusal().unwrap().body().len(), 64 * 1024);
}

#[tokio::test]
async fn an_error_says_how_often_and_how_long_it_tried() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(502).set_body_string("Bad Gateway"))
        .mount(&server)
        .await;
    let error = client(&server.uri())
        .get("x")
        .operation("read a page")
        .send()
        .await
        .err()
        .unwrap();
    let text = error.to_string();
    let (sentence, elapsed) = text.split_once(" tries in ").unwrap();
    insta::assert_snapshot!(sentence, @"could not read a page: the answer was 502 Bad Gateway: Bad Gateway; gave up after 3");
    assert!(
        elapsed.ends_with(" ms") || elapsed.ends_with(" s"),
        "{elapsed}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_says_where_it_points() {
    let server = MockServer::start().await;
    let elsewhere = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200))
        .expect(0)
        .mount(&elsewhere)
        .await;
    let target = format!(
        "http://user:pass@{}/login?next=token#x",
        elsewhere.address()
    );
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(302).insert_header("location", target.as_str()))
        .mount(&server)
        .await;
    let error = client(&server.uri()).get("x").send().await.err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "could not complete a request: the answer was 302 Found, a redirect to `http://{}/login`",
            elsewhere.address()
        )
    );
}
