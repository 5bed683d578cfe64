//! Insisting: what became of users is not given up at the first full disk, for there may be room again in a moment.

use std::time::Duration;

use store::{Cause, Error};
use transport::Retry;

use crate::error::chain;
use crate::halt::Halt;

/// How much longer a write to the database is repeated; it must be one that may be made twice.
pub(crate) struct Insistence<'a> {
    halt: &'a Halt,
    delays: Box<dyn Iterator<Item = Duration> + Send>,
}

impl<'a> Insistence<'a> {
    /// Insists as often, and as far apart, as a request is repeated, and until the run is stopped.
    pub(crate) fn new(retry: Retry, halt: &'a Halt) -> Self {
        Self {
            halt,
            delays: Box::new(retry.delays()),
        }
    }

    /// Makes a write, again and again while the disk is full or another program keeps the database locked.
    pub(crate) async fn on<T, F>(&mut self, mut write: impl FnMut() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        loop {
            match write().await {
                Err(error) if self.again(&error).await => {}
                result => return result,
            }
        }
    }

    /// Waits before a write is made again; says whether it is to be.
    async fn again(&mut self, error: &Error) -> bool {
        if !matches!(error.cause(), Cause::Full | Cause::Locked) {
            return false;
        }
        let Some(delay) = self.delays.next() else {
            return false;
        };
        tracing::warn!(error = %chain(error), "The database takes no outcomes now; the run waits and tries again");
        let pause = tokio::time::sleep(delay);
        self.halt.unless_stopped(pause).await.is_some()
    }
}
