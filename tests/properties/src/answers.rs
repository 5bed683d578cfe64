//! Conversations with either API: the real client, and a peer that answers whatever the input says.
//!
//! An input is the name of a call in its first line, and then answers with a line of `===` between them: a line with the
//! status and headers, as `200 | x-total-count: 3`, and the body below it.
//! The last answer is given again and again, so that whoever never has enough is found.

mod oomnitza;
mod sentinelone;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};
use transport::{Client, Rate, Retry, Settings};

use crate::told::SECRET;

pub use oomnitza::oomnitza;
pub use sentinelone::sentinelone;

/// Two tries, as near to each other as the clock can tell.
const TWICE: Retry = Retry {
    tries: 2,
    first: Duration::from_nanos(1),
    longest: Duration::from_millis(1),
    patience: Duration::from_millis(3),
};

/// The most requests that one call may take for each answer that is not given again, and besides.
const PATIENCE: usize = 8;

/// A conversation as an input describes it.
pub(crate) struct Conversation {
    /// The name of the call.
    pub(crate) call: String,
    /// The answers, at least one, of which the last is given again and again.
    pub(crate) answers: Vec<Response<Bytes>>,
}

/// The peer's end of a conversation.
pub(crate) struct Peer {
    pub(crate) client: Client,
    asked: Arc<Mutex<Vec<(Method, String)>>>,
}

impl Conversation {
    pub(crate) fn read(data: &[u8]) -> Self {
        let text = String::from_utf8_lossy(data);
        let (call, answers) = text.split_once('\n').unwrap_or((&text, ""));
        let answers = answers.split("\n===\n").map(answer).collect();
        Self {
            call: call.to_owned(),
            answers,
        }
    }

    /// A client that is answered as the conversation says.
    pub(crate) fn begin(&self) -> Peer {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, answers) = (Arc::clone(&asked), self.answers.clone());
        let most = (answers.len() + 1) * PATIENCE;
        // A probe keeps what it is told, for all who come after it.
        let client = if self.call == "probe" {
            new_client(TWICE)
        } else {
            client(TWICE)
        };
        let client = client.answered_by(move |method, url| {
            let mut asked = noted.lock().expect("nobody panics with it");
            assert!(asked.len() < most, "there is no end of asking");
            asked.push((method, url.path().to_owned()));
            let place = (asked.len() - 1).min(answers.len() - 1);
            answers[place].clone()
        });
        Peer { client, asked }
    }
}

impl Peer {
    /// What was asked for so far, method and path.
    pub(crate) fn asked(&self) -> Vec<(Method, String)> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

/// Reads one answer: the line of its status and headers, and its body.
fn answer(text: &str) -> Response<Bytes> {
    let (head, body) = text.split_once('\n').unwrap_or(("", text));
    let mut parts = head.split(" | ");
    let status = parts
        .next()
        .and_then(|status| StatusCode::from_str(status).ok());
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = status.unwrap_or(StatusCode::OK);
    for header in parts {
        let (name, value) = header.split_once(": ").unwrap_or((header, ""));
        let pair = (HeaderName::from_str(name), HeaderValue::from_str(value));
        if let (Ok(name), Ok(value)) = pair {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// A client of nobody, with a credential that answers may echo.
pub(crate) fn client(retry: Retry) -> Client {
    thread_local! {
        // A client costs more than a whole conversation.
        static CLIENTS: RefCell<HashMap<u32, Client>> = RefCell::default();
    }
    CLIENTS.with_borrow_mut(|clients| {
        let client = clients
            .entry(retry.tries)
            .or_insert_with(|| new_client(retry));
        client.clone()
    })
}

fn new_client(retry: Retry) -> Client {
    let mut settings = Settings::new(
        "http://127.0.0.1:9/api/".parse().expect("it is a URL"),
        http::header::AUTHORIZATION,
        SecretString::from(format!("ApiToken {SECRET}")),
        Rate::try_from(10_000.0).expect("it is within the rule"),
    );
    settings.retry = retry;
    Client::new(settings).expect("the settings are sound")
}

/// Runs what waits, in a time that goes by itself.
pub(crate) fn within_time<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
    }
    RUNTIME.with(|runtime| {
        let runtime = runtime.get_or_init(|| {
            let mut builder = Builder::new_current_thread();
            let runtime = builder.enable_time().start_paused(true).build();
            runtime.expect("a runtime can be made")
        });
        runtime.block_on(future)
    })
}
