//! What a client has sent so far.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use http::StatusCode;

/// A snapshot of what a client has sent since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Calls {
    /// Requests that went out, repeated ones included.
    pub sent: u64,
    /// Those of them that repeated an earlier one.
    pub repeated: u64,
    /// Answers with a status of 2xx.
    pub succeeded: u64,
    /// Answers with a status of 4xx, 429 not counted, or of 1xx or 3xx.
    pub refused: u64,
    /// Answers with the status 429.
    pub throttled: u64,
    /// Answers with a status of 5xx.
    pub failed: u64,
    /// Requests that got no answer.
    pub unanswered: u64,
    /// How long requests were held back because of a 429.
    pub held_back: Duration,
}

/// The counters behind [`Calls`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    sent: AtomicU64,
    repeated: AtomicU64,
    succeeded: AtomicU64,
    refused: AtomicU64,
    throttled: AtomicU64,
    failed: AtomicU64,
    unanswered: AtomicU64,
}

impl Counters {
    pub(crate) fn count_sent(&self, is_repeat: bool) {
        self.sent.fetch_add(1, Relaxed);
        if is_repeat {
            self.repeated.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn count_answer(&self, status: Option<StatusCode>) {
        let counter = match status {
            None => &self.unanswered,
            Some(StatusCode::TOO_MANY_REQUESTS) => &self.throttled,
            Some(status) if status.is_success() => &self.succeeded,
            Some(status) if status.as_u16() >= 500 => &self.failed,
            Some(_) => &self.refused,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn snapshot(&self, held_back: Duration) -> Calls {
        Calls {
            sent: self.sent.load(Relaxed),
            repeated: self.repeated.load(Relaxed),
            succeeded: self.succeeded.load(Relaxed),
            refused: self.refused.load(Relaxed),
            throttled: self.throttled.load(Relaxed),
            failed: self.failed.load(Relaxed),
            unanswered: self.unanswered.load(Relaxed),
            held_back,
        }
    }
}
