//! No secret reaches an error, a `Debug` or a log, whatever the server does with it.

use std::{
    error::Error as _,
    io,
    sync::{Arc, Mutex},
};

use http::HeaderName;
use secrecy::SecretString;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};
use transport::Client;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

use crate::{TOKEN, client, settings};

/// The part of the token that is secret.
const SECRET: &str = "s3cr3t-t0ken-0123456789";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

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

#[tokio::test]
async fn logs_at_every_level_hold_no_secret_and_our_own_no_query_and_no_body() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(429))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let answer = ResponseTemplate::new(200).set_body_string("\"answered\"");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let client = client(&server.uri());
    client
        .get("users")
        .query(&[("email", "alice")])
        .json_body("\"hunter2\"")
        .send()
        .await
        .unwrap();

    let text = log.text();
    assert!(!text.contains(SECRET), "{text}");
    let own: Vec<_> = text
        .lines()
        .filter(|line| line.contains(" transport::"))
        .collect();
    for word in ["alice", "hunter2", "answered"] {
        assert!(own.iter().all(|line| !line.contains(word)), "{own:#?}");
    }
    let has = |words: &[&str]| {
        own.iter()
            .any(|line| words.iter().all(|word| line.contains(word)))
    };
    assert!(
        has(&[
            "DEBUG",
            "transport.send",
            "http.path=\"/users\"",
            "http.status=200",
            "attempt=3"
        ]),
        "{own:#?}"
    );
    assert!(has(&["WARN", "The system asks to slow down"]), "{own:#?}");
    assert!(
        has(&["WARN", "A request succeeded when repeated"]),
        "{own:#?}"
    );
}
