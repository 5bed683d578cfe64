//! What went wrong with a request, whether to try again, and whether it may have taken effect.

use std::{error::Error as StdError, fmt, io, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use serde::de::Error as _;

/// A request that was given up.
///
/// Display is one sentence with the status and a bounded excerpt of the answer, and says how
/// often and for how long it was tried; the cause is its source.
#[derive(Debug)]
pub struct Error {
    operation: &'static str,
    attempts: u32,
    elapsed: Duration,
    may_have_arrived: bool,
    // In a box, as every result of a call would be as large as the largest fault.
    fault: Box<Fault>,
}

/// What became of the last try of a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The answer's status is not 2xx.
    Status(Refusal),
    /// No connection was made: refused, no such host, or a proxy that does not connect.
    Connect(reqwest::Error),
    /// No secure connection was made: the certificate is not trusted, or no protocol is shared.
    Tls(reqwest::Error),
    /// Connecting took too long.
    ConnectTimeout(reqwest::Error),
    /// The answer took too long.
    Timeout(reqwest::Error),
    /// The connection broke before the answer was complete, or the answer could not be decoded.
    Interrupted(reqwest::Error),
    /// The answer is larger than the bound.
    TooLarge {
        /// The bound, in bytes.
        limit: usize,
    },
    /// The status is 2xx, but the body is not the JSON that was promised.
    NotJson(serde_json::Error),
    /// The request could not be built.
    Unsendable(reqwest::Error),
    /// It was stopped while it waited to be sent.
    Stopped,
}

/// An answer whose status is not 2xx.
#[non_exhaustive]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The beginning of the body on one line: at most 500 characters, secrets cut out.
    pub excerpt: String,
    /// Where a redirect points, without its query.
    pub location: Option<String>,
    /// How long the system asks to wait, if it says so in a usable way.
    pub retry_after: Option<Duration>,
    /// The body, as far as it was read, secrets cut out.
    pub(crate) body: Bytes,
}

impl Error {
    pub(crate) fn new(
        operation: &'static str,
        attempts: u32,
        elapsed: Duration,
        may_have_arrived: bool,
        fault: Fault,
    ) -> Self {
        Self {
            operation,
            attempts,
            elapsed,
            may_have_arrived,
            fault: Box::new(fault),
        }
    }

    /// The fault of the last try.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// The status of the last answer, if there was one that is not 2xx.
    pub fn status(&self) -> Option<StatusCode> {
        self.fault.status()
    }

    /// The last answer, if its status is not 2xx.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self.fault() {
            Fault::Status(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the same request may succeed later, with nothing changed on our side.
    pub fn is_transient(&self) -> bool {
        self.fault.is_transient()
    }

    /// Whether any of the tries may have taken effect at the other side.
    pub fn may_have_arrived(&self) -> bool {
        self.may_have_arrived
    }

    /// How many times the request went out.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The time from the first try to the last answer, waiting included.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl Refusal {
    /// The body as far as it was read: the first 64 KiB, secrets cut out.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

// By hand: a body stays out of logs.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .field("excerpt", &self.excerpt)
            .finish_non_exhaustive()
    }
}

impl Fault {
    /// Sorts what reqwest reports; the URL is taken out, as it may hold a query.
    pub(crate) fn from_reqwest(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            Self::Unsendable(error)
        } else if is_tls(&error) {
            Self::Tls(error)
        } else if error.is_connect() && error.is_timeout() {
            Self::ConnectTimeout(error)
        } else if error.is_connect() {
            Self::Connect(error)
        } else if error.is_timeout() {
            Self::Timeout(error)
        } else {
            Self::Interrupted(error)
        }
    }

    /// What the parser says of a body, without the text that it found: that may be a secret, or personal.
    pub(crate) fn not_json(error: serde_json::Error) -> Self {
        let message = error.to_string();
        let Some((before, found)) = message.split_once(" string \"") else {
            return Self::NotJson(error);
        };
        let behind = found.rsplit_once("\", expected ");
        let behind = behind.map_or("something else", |(_, expected)| expected);
        Self::NotJson(serde_json::Error::custom(format!(
            "{before} a text, expected {behind}"
        )))
    }

    /// The status of the answer, if there was one.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// What kind of fault it is, in one word that may stand in a log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::ConnectTimeout(_) => "connect_timeout",
            Self::Timeout(_) => "timeout",
            Self::Interrupted(_) => "interrupted",
            Self::TooLarge { .. } => "too_large",
            Self::NotJson(_) => "not_json",
            Self::Unsendable(_) => "unsendable",
            Self::Stopped => "stopped",
        }
    }

    /// Whether the answer is 429: too many requests, and this one was not looked at.
    pub(crate) fn is_throttled(&self) -> bool {
        self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Status(refusal) => {
                refusal.status.is_server_error()
                    || matches!(
                        refusal.status,
                        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
                    )
            }
            Self::Connect(_)
            | Self::ConnectTimeout(_)
            | Self::Timeout(_)
            | Self::Interrupted(_)
            | Self::NotJson(_) => true,
            Self::Tls(_) | Self::TooLarge { .. } | Self::Unsendable(_) | Self::Stopped => false,
        }
    }

    /// Whether the request may have taken effect; a status of 4xx says that it has not, save 408.
    pub(crate) fn may_have_arrived(&self) -> bool {
        match self {
            Self::Status(refusal) => {
                !refusal.status.is_client_error() || refusal.status == StatusCode::REQUEST_TIMEOUT
            }
            Self::Timeout(_) | Self::Interrupted(_) | Self::TooLarge { .. } | Self::NotJson(_) => {
                true
            }
            Self::Connect(_)
            | Self::ConnectTimeout(_)
            | Self::Tls(_)
            | Self::Unsendable(_)
            | Self::Stopped => false,
        }
    }

    /// How long the system asks to wait before the next try.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(refusal) => {
                write!(f, "the answer was {}", refusal.status)?;
                if let Some(location) = &refusal.location {
                    write!(f, ", a redirect to `{location}`")?;
                }
                if !refusal.excerpt.is_empty() {
                    write!(f, ": {}", refusal.excerpt)?;
                }
                Ok(())
            }
            Self::Connect(_) => f.write_str("no connection was made"),
            Self::Tls(_) => f.write_str("no secure connection was made"),
            Self::ConnectTimeout(_) => f.write_str("connecting took too long"),
            Self::Timeout(_) => f.write_str("the answer took too long"),
            Self::Interrupted(_) => {
                f.write_str("the connection broke before the answer was complete")
            }
            Self::TooLarge { limit } => write!(f, "the answer is larger than {limit} bytes"),
            Self::NotJson(_) => f.write_str("the answer is not the JSON that was promised"),
            Self::Unsendable(_) => f.write_str("the request could not be built"),
            Self::Stopped => f.write_str("it was stopped before it was sent"),
        }
    }
}

impl StdError for Fault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Connect(error)
            | Self::Tls(error)
            | Self::ConnectTimeout(error)
            | Self::Timeout(error)
            | Self::Interrupted(error)
            | Self::Unsendable(error) => Some(error),
            Self::NotJson(error) => Some(error),
            Self::Status(_) | Self::TooLarge { .. } | Self::Stopped => None,
        }
    }
}

// By hand: the fault is part of the sentence, so the source is what caused the fault.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.operation, self.fault)?;
        match (self.attempts, self.elapsed.as_secs()) {
            (..=1, _) => Ok(()),
            (tries, 0) => {
                let elapsed = self.elapsed.as_millis();
                write!(f, "; gave up after {tries} tries in {elapsed} ms")
            }
            (tries, seconds) => write!(f, "; gave up after {tries} tries in {seconds} s"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.fault.source()
    }
}

/// Whether rustls is at the bottom of an error.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An I/O error hides what it wraps: its source is already that one's source.
        next = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}
