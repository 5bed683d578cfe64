//! No secret reaches a log, and our own lines say neither query nor body.
//!
//! A process of its own: of a span that another thread meets first, `tracing` asks that thread's
//! subscriber, and keeps the answer.

#![cfg(test)]

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::header::AUTHORIZATION;
use secrecy::SecretString;
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};
use transport::{Client, Rate, Settings};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

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
    let mut settings = Settings::new(
        server.uri().parse().unwrap(),
        AUTHORIZATION,
        SecretString::from(format!("ApiToken {SECRET}")),
        Rate::try_from(10_000.0).unwrap(),
    );
    settings.retry.first = Duration::from_millis(1);
    let client = Client::new(settings).unwrap();
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
