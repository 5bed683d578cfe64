//! What goes to one system and comes back, counted across the clients that share a meter.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use http::StatusCode;
use tokio::time::Instant;

/// Counts what its clients send, for as long as it lives; clients of one system share one.
#[derive(Debug, Default)]
pub struct Meter {
    answers: Mutex<BTreeMap<Option<StatusCode>, u64>>,
    retries: AtomicU64,
    paced: Held,
    throttled: Held,
}

/// What a [`Meter`] shows at one moment; none of it ever goes down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reading {
    /// Requests by the status of their answer, repeated ones included; `None`: there was no answer.
    pub answers: BTreeMap<Option<StatusCode>, u64>,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// How long at least one request was held back to keep the promised pace.
    pub paced: Duration,
    /// How long at least one request was held back because of a 429.
    pub throttled: Duration,
}

impl Meter {
    /// What it shows now.
    pub fn read(&self) -> Reading {
        Reading {
            answers: lock(&self.answers).clone(),
            retries: self.retries.load(Relaxed),
            paced: self.paced.total(),
            throttled: self.throttled.total(),
        }
    }

    pub(crate) fn count_retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_answer(&self, status: Option<StatusCode>) {
        *lock(&self.answers).entry(status).or_default() += 1;
    }

    /// Notes that a request waits for its turn, until what is returned is dropped.
    pub(crate) fn pacing(&self) -> Waiting<'_> {
        self.paced.begin()
    }

    /// Notes that a request waits because of a 429, until what is returned is dropped.
    pub(crate) fn throttling(&self) -> Waiting<'_> {
        self.throttled.begin()
    }
}

/// The time in which at least one request waits: many that wait together count once.
#[derive(Debug, Default)]
struct Held(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    total: Duration,
    waiting: usize,
    since: Option<Instant>,
}

impl Held {
    fn begin(&self) -> Waiting<'_> {
        let mut state = lock(&self.0);
        state.waiting += 1;
        state.since.get_or_insert_with(Instant::now);
        Waiting(self)
    }

    fn total(&self) -> Duration {
        let state = lock(&self.0);
        let going_on = state.since.map(|since| since.elapsed());
        state.total + going_on.unwrap_or_default()
    }
}

/// A request that waits; also one that is given up meanwhile ends it.
pub(crate) struct Waiting<'m>(&'m Held);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.0);
        state.waiting -= 1;
        if state.waiting == 0 {
            let since = state.since.take();
            state.total += since.map(|since| since.elapsed()).unwrap_or_default();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while a lock is held, and what it guards is right at any moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_that_wait_together_are_counted_once_and_while_they_wait() {
        let meter = Meter::default();
        let first = meter.pacing();
        advance(Duration::from_secs(2)).await;
        let second = meter.pacing();
        advance(Duration::from_secs(3)).await;
        assert_eq!(meter.read().paced, Duration::from_secs(5));
        drop(first);
        advance(Duration::from_secs(1)).await;
        drop(second);
        advance(Duration::from_secs(9)).await;
        assert_eq!(meter.read().paced, Duration::from_secs(6));
        assert_eq!(meter.read().throttled, Duration::ZERO);
        let _third = meter.pacing();
        advance(Duration::from_secs(1)).await;
        assert_eq!(meter.read().paced, Duration::from_secs(7));
    }
}
