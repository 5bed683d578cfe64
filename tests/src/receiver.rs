//! Somebody who is told: an HTTP server on loopback that notes what arrives, and answers as it is asked to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use crate::listening::Listening;

/// How a receiver answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With a status, and a header or none.
    Status(u16, Option<(&'static str, &'static str)>),
    /// With a status, and what it was asked for in the body.
    Echo(u16),
    /// Never, while the other side waits.
    Hang,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// When.
    pub at: Timestamp,
    /// The path.
    pub path: String,
    /// The body.
    pub body: String,
    /// Whether it was answered with a status of 2xx.
    pub taken: bool,
}

impl Received {
    /// The body as JSON.
    ///
    /// # Panics
    /// It is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.body))
    }
}

/// Somebody who is told; gone when this is dropped.
#[derive(Debug)]
pub struct Receiver {
    listening: Listening,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    received: Mutex<Vec<Received>>,
    answer: Mutex<Answer>,
}

impl Receiver {
    /// Opens one that takes everything.
    ///
    /// # Panics
    /// Loopback has no free port.
    pub fn open() -> Self {
        Self::open_at(([127, 0, 0, 1], 0).into())
    }

    /// Opens one where another was.
    ///
    /// # Panics
    /// The address is taken.
    pub fn open_at(address: SocketAddr) -> Self {
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            answer: Mutex::new(Answer::Status(200, None)),
        });
        let of_threads = Arc::clone(&shared);
        let listening = Listening::at(address, move |stream| converse(stream, &of_threads));
        Self { listening, shared }
    }

    /// Answers so from now on.
    pub fn answers(&self, answer: Answer) {
        *lock(&self.shared.answer) = answer;
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// The address of a path, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// All that arrived, in order.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.shared.received).clone()
    }

    /// All that was taken, in order.
    pub fn taken(&self) -> Vec<Received> {
        let mut received = self.received();
        received.retain(|request| request.taken);
        received
    }

    /// The messages in plain JSON that were taken, on notices of a kind.
    #[track_caller]
    pub fn messages(&self, kind: &str) -> Vec<Value> {
        let taken = self.taken();
        let messages = taken.iter().map(Received::json);
        messages.filter(|message| message["kind"] == kind).collect()
    }

    /// What it was told of notices of a kind: `began`, `ended`.
    #[track_caller]
    pub fn events(&self, kind: &str) -> Vec<String> {
        let messages = self.messages(kind);
        let events = messages.iter().map(|message| message["event"].as_str());
        events
            .map(|event| event.unwrap_or_default().to_owned())
            .collect()
    }
}

/// Reads a request, notes it, and answers it.
fn converse(stream: &TcpStream, shared: &Shared) {
    let Some((path, body)) = read(stream) else {
        return;
    };
    let answer = lock(&shared.answer).clone();
    let (status, header, said) = match &answer {
        Answer::Status(status, header) => (*status, *header, String::new()),
        Answer::Echo(status) => (*status, None, format!("{path} {body}")),
        Answer::Hang => (0, None, String::new()),
    };
    lock(&shared.received).push(Received {
        at: Timestamp::now(),
        path,
        body,
        taken: (200..300).contains(&status),
    });
    let mut stream = stream;
    if answer == Answer::Hang {
        // Until the other side has had enough.
        let _ = stream.read(&mut [0]);
        return;
    }
    let header = header.map(|(name, value)| format!("{name}: {value}\r\n"));
    let header = header.unwrap_or_default();
    let length = said.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} Told\r\n{header}connection: close\r\ncontent-length: {length}\r\n\r\n{said}"
    );
}

/// The path and the body of a request; `None`: it broke off.
fn read(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.strip_prefix("POST ")?.split(' ').next()?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
