//! An instance on loopback whose answers a test orders.

use std::time::Duration;

use oomnitza::{Reader, Writer};
use secrecy::SecretString;
use serde_json::{Value, json};
use transport::{Client, Rate, Retry, Settings};
use url::Url;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The portion of every test, one of those that Oomnitza's own connector was seen with.
pub(crate) const PORTION: &str = "8f3a0552-7fdd-4f8e-b23a-7cdd54786df8";

pub(crate) struct Instance {
    server: MockServer,
}

impl Instance {
    pub(crate) async fn start() -> Self {
        Self {
            server: MockServer::start().await,
        }
    }

    /// A reader that gives up after three tries and waits for milliseconds between them.
    pub(crate) fn reader(&self) -> Reader {
        let base = Url::parse(&self.server.uri()).unwrap();
        let header = http::HeaderName::from_static("authorization2");
        let rate = Rate::try_from(10_000.0).unwrap();
        let mut settings = Settings::new(base, header, SecretString::from("oomtok"), rate);
        settings.retry = Retry {
            tries: 3,
            first: Duration::from_millis(1),
            longest: Duration::from_millis(2),
            patience: Duration::from_millis(10),
        };
        Reader::new(Client::new(settings).unwrap())
    }

    pub(crate) fn writer(&self) -> Writer {
        Writer::new(self.reader())
    }

    /// Orders the answer to a call, such as `GET /api/v3/users`.
    pub(crate) async fn answers(&self, call: &str, answer: impl Respond + 'static) {
        ordered(call, answer).mount(&self.server).await;
    }

    /// Orders the answer to a call for the first few times; later the one that is ordered next
    /// holds.
    pub(crate) async fn answers_first(
        &self,
        times: u64,
        call: &str,
        answer: impl Respond + 'static,
    ) {
        ordered(call, answer)
            .up_to_n_times(times)
            .mount(&self.server)
            .await;
    }

    pub(crate) async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }

    /// The requests so far, as `METHOD path?query` with the query decoded.
    pub(crate) async fn calls(&self) -> Vec<String> {
        self.requests().await.iter().map(call).collect()
    }
}

fn ordered(call: &str, answer: impl Respond + 'static) -> Mock {
    let (verb, target) = call.split_once(' ').unwrap();
    Mock::given(method(verb))
        .and(path(target))
        .respond_with(answer)
}

fn call(request: &Request) -> String {
    let query: Vec<String> = request
        .url
        .query_pairs()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!(
        "{} {}{mark}{}",
        request.method,
        request.url.path(),
        query.join("&")
    )
}

pub(crate) fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

pub(crate) fn body(json: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json)
}

pub(crate) fn text(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(text, "application/json")
}

/// People with the ids of a range.
pub(crate) fn people(ids: std::ops::Range<u32>) -> Vec<Value> {
    ids.map(|id| json!({"user_id": format!("{id:032x}"), "email": format!("u{id}@acme.example")}))
        .collect()
}

/// A parameter of a request's query as a number.
pub(crate) fn parameter(request: &Request, name: &str) -> usize {
    let (_, value) = request
        .url
        .query_pairs()
        .find(|(key, _)| key == name)
        .unwrap();
    value.parse().unwrap()
}
