//! A request before it is sent, and the answer to it.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use crate::{
    client::{Client, Shared},
    error::Error,
};

/// Whether a request may be sent again when it is not known what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Sending it twice does what sending it once does.
    Harmless,
    /// It is sent again only when it certainly did nothing: no connection was made, or a 429.
    OnlyIfNotArrived,
}

/// What a request that is not out yet does when its client is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopping {
    /// It is given up.
    GivesUp,
    /// It goes out once.
    GoesOutOnce,
}

/// A request that is put together, and then sent.
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    pub(crate) client: Client,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) repeat: Repeat,
    pub(crate) operation: &'static str,
    pub(crate) stopping: Stopping,
}

/// An answer with a status of 2xx, read to its end.
#[derive(Clone)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
    pub(crate) shared: Arc<Shared>,
}

impl Response {
    /// Cuts the client's secrets out of words of the answer that are to be shown.
    pub fn redact(&self, words: String) -> String {
        self.shared.redact(words)
    }
}

// By hand: a body stays out of logs.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Request {
    pub(crate) fn new(client: Client, method: Method, path: &str, repeat: Repeat) -> Self {
        let mut url = client.base().clone();
        // Appended, not joined: an absolute URL in a path must not carry the credential away.
        url.set_path(&format!("{}{path}", url.path()));
        Self {
            client,
            method,
            url,
            headers: HeaderMap::new(),
            body: None,
            repeat,
            operation: "complete a request",
            stopping: Stopping::GivesUp,
        }
    }

    /// Says that the request concludes what others began.
    ///
    /// It goes out once even when its [client is stopped](Client::until), unless a 429 holds requests back.
    pub fn concluding(mut self) -> Self {
        self.stopping = Stopping::GoesOutOnce;
        self
    }

    /// Appends one segment to the path, percent-encoded, such as an id.
    ///
    /// The segments `.` and `..` cannot stand in a URL and are left out.
    pub fn segment(mut self, segment: &str) -> Self {
        if let Ok(mut segments) = self.url.path_segments_mut() {
            segments.pop_if_empty().push(segment);
        }
        self
    }

    /// Appends parameters to the query, percent-encoded.
    pub fn query<K: AsRef<str>, V: AsRef<str>>(mut self, pairs: &[(K, V)]) -> Self {
        if pairs.is_empty() {
            return self;
        }
        let encoded = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
            // A plus is a space in forms only; in a URL `%20` is one everywhere.
            .replace('+', "%20");
        let query = match self.url.query() {
            Some(before) => format!("{before}&{encoded}"),
            None => encoded,
        };
        self.url.set_query(Some(&query));
        self
    }

    /// Sets a body that is JSON already.
    pub fn json_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self.header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )
    }

    /// Sets a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Says whether the request may be repeated when it is not known what became of it.
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = repeat;
        self
    }

    /// Names what the request is for, as it follows on "could not": `read a page of users`.
    pub fn operation(mut self, operation: &'static str) -> Self {
        self.operation = operation;
        self
    }

    /// Sends the request until it is answered with 2xx, or given up.
    ///
    /// # Errors
    /// When the answer is no 2xx, or there is none, after all tries that are allowed.
    pub async fn send(self) -> Result<Response, Error> {
        self.run(Ok).await
    }

    /// Sends the request and parses the answer, which is given beside the value it holds.
    ///
    /// # Errors
    /// As [`Request::send`]; a body that is not the JSON of a `T` is a transient fault.
    pub async fn send_json<T: DeserializeOwned>(self) -> Result<(T, Bytes), Error> {
        self.run(|response| Ok((serde_json::from_slice(&response.body)?, response.body)))
            .await
    }

    /// Sends the request and has the answer read by the caller.
    ///
    /// # Errors
    /// As [`Request::send`]; an answer that `check` refuses is a transient fault.
    pub async fn send_checked<T>(
        self,
        mut check: impl FnMut(&Response) -> Result<T, serde_json::Error>,
    ) -> Result<T, Error> {
        self.run(|response| check(&response)).await
    }
}
