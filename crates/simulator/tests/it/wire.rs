//! The least HTTP client that shows what really comes over the wire.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use simulator::{Control, Options, Simulator};

/// A simulator with the two callers that know their tokens.
pub(crate) struct Both {
    pub(crate) simulator: Simulator,
    pub(crate) control: Control,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Both {
    pub(crate) fn start(options: Options) -> Self {
        let simulator = Simulator::launch(options).unwrap();
        let control = simulator.control();
        Self { simulator, control }
    }

    /// A call to the console, below its base path.
    pub(crate) fn console(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let token = format!(
            "Authorization: ApiToken {}",
            self.simulator.sentinelone_token()
        );
        let path = format!("/web/api/v2.1{path}");
        let url = self.simulator.sentinelone_url();
        call(&url, method, &path, &[&token], body).unwrap()
    }

    /// A call to Oomnitza, with the CSRF token.
    pub(crate) fn oomnitza(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.try_oomnitza(method, path, body).unwrap()
    }

    pub(crate) fn try_oomnitza(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<Reply> {
        let token = format!("Authorization2: {}", self.simulator.oomnitza_token());
        let csrf = "X-CSRF-Token: csrf-5d41402abc4b2a76";
        call(
            &self.simulator.oomnitza_url(),
            method,
            path,
            &[&token, csrf],
            body,
        )
    }

    pub(crate) fn no_violations(&self) {
        assert_eq!(self.control.violations(), Vec::<String>::new());
    }

    /// The violations so far, which are then forgotten.
    pub(crate) fn violations(&self) -> Vec<String> {
        let violations = self.control.violations();
        self.control.clear_requests();
        violations
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// A generated population without oddities, all of it in Oomnitza.
pub(crate) fn plain(count: u32) -> Options {
    Options {
        record_requests: true,
        bulk_timing: simulator::BulkTiming::AfterPolls(2),
        ..Options::bench(count)
    }
}

/// Exactly these users and people.
pub(crate) fn given(users: Value, people: Value) -> Options {
    Options {
        users: simulator::Users::Given(serde_json::from_value(users).unwrap()),
        people: simulator::People::Given(serde_json::from_value(people).unwrap()),
        ..Options::default()
    }
}

/// Three people to write to.
pub(crate) fn three() -> Options {
    given(
        json!([]),
        json!([
            { "user_id": "P1", "username": "ann@acme.example", "email": "ann@acme.example", "first_name": "Ann",
              "last_name": "Lee", "role": 25 },
            { "user_id": "P2", "username": "bob@acme.example", "email": "Bob@acme.example", "role": 23 },
            { "user_id": "P3", "username": "cleo@acme.example", "email": null, "role": 25 },
        ]),
    )
}

/// One call on a connection of its own. An answer that ends early is an error.
pub(crate) fn call(
    url: &str,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> io::Result<Reply> {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for header in headers {
        write!(request, "{header}\r\n").unwrap();
    }
    if let Some(body) = body {
        let body = body.to_string();
        write!(
            request,
            "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    } else {
        request.push_str("\r\n");
    }
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    let reply = Reply {
        status: head[9..12].parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    };
    let length: usize = reply.header("content-length").unwrap().parse().unwrap();
    if reply.body.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(reply)
}

/// A text as it stands in a query.
pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
