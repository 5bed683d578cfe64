//! Stopping a run from outside: that it is to stop, and why.
//!
//! What only reads is dropped at once, in the middle of a request or of the pause before the next one.
//! What writes is not: a write that is out is waited for, since its answer is the outcome of a user, and is not repeated.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::Stop;

/// Why a run is stopped; it settles the state that the run ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its process ends: the run ends as interrupted.
    Shutdown,
    /// Somebody wants it so: the run ends as canceled.
    ByHand,
    /// It took longer than this, its `max_duration`: the run ends as failed.
    TooLong(Duration),
}

/// Stops a run; clones stop the same one.
#[derive(Debug, Clone, Default)]
pub struct Halt {
    token: CancellationToken,
    cause: Arc<OnceLock<Cause>>,
}

impl Halt {
    /// Makes a halt for one run, or for several that stop together.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops the run; the first cause counts.
    pub fn stop(&self, cause: Cause) {
        // Whoever comes second stops what stops already.
        let _ = self.cause.set(cause);
        self.token.cancel();
    }

    /// Whether the run is stopped.
    pub fn is_stopped(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Why the run is stopped; `None` while it is not.
    pub fn cause(&self) -> Option<Cause> {
        self.cause.get().copied()
    }

    /// Waits until the run is stopped.
    pub async fn stopped(&self) {
        self.token.cancelled().await;
    }

    /// What a client looks at, to repeat nothing once the run is stopped.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Refuses to go on once the run is stopped.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        self.cause()
            .map_or(Ok(()), |cause| Err(Stop::Halted(cause)))
    }

    /// Does what may be dropped at any moment, until the run is stopped.
    pub(crate) fn or_stop<T, E>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, Stop>>
    where
        Stop: From<E>,
    {
        let work = self.unless_stopped(work);
        async move {
            if let Some(result) = work.await {
                return Ok(result?);
            }
            let cause = self.cause();
            let cause = cause.expect("the cause is set before the token is cancelled");
            Err(Stop::Halted(cause))
        }
    }

    /// The same where a stop is no reason to end the run here; `None` after one.
    pub(crate) fn unless_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> impl Future<Output = Option<T>> {
        // In a box, as the future of a whole run would grow with each of the layers that hold this one.
        self.token.run_until_cancelled(Box::pin(work))
    }

    /// Says why a run really ended: a write that was not repeated because the run is stopped is no failure of Oomnitza.
    pub(crate) fn explain(&self, stop: Stop) -> Stop {
        match (self.cause(), stop) {
            (
                Some(cause),
                Stop::Target(oomnitza::Error::Transport(_)) | Stop::Unreachable { .. },
            ) => Stop::Halted(cause),
            (_, stop) => stop,
        }
    }
}
