//! Waiting for the run log of a portion: bulk loads are applied later, and answered there.

use std::time::Duration;

use oomnitza::{Connector, PortionId, Reader, RunLog};
use tokio::time::Instant;

use crate::error::for_log;
use crate::settings::Bulk;

/// How long the log is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For the log to show up at all.
    pub(crate) appearing: Duration,
    /// For the records to be applied, once it has shown up.
    pub(crate) applying: Duration,
}

impl Patience {
    /// After a load.
    pub(crate) const LONG: Self = Self {
        appearing: Duration::from_secs(20),
        applying: Duration::from_mins(15),
    };
    /// After a load of a process that died, before the next one reads.
    pub(crate) const SHORT: Self = Self {
        appearing: Duration::from_secs(5),
        applying: Duration::from_mins(2),
    };
    /// After a load that broke off.
    pub(crate) const NONE: Self = Self {
        appearing: Duration::ZERO,
        applying: Duration::ZERO,
    };
}

/// The longest pause between two questions.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Waits until the portion of an earlier run was applied, or patience ends.
pub(crate) async fn await_portion(
    reader: &Reader,
    bulk: &Bulk,
    portion: &PortionId,
    patience: Patience,
) {
    wait(reader, &bulk.connector, portion, patience).await;
}

/// Waits until the log of a portion says that everything was applied; `None` when it does not in time.
pub(super) async fn wait(
    reader: &Reader,
    connector: &Connector,
    portion: &PortionId,
    patience: Patience,
) -> Option<RunLog> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(100);
    loop {
        let limit = match reader.run_log(&connector.idents(), portion).await {
            Ok(Some(log)) if log.finished => return Some(log),
            Ok(Some(_)) => patience.applying,
            Ok(None) => patience.appearing,
            Err(error) => {
                tracing::warn!(portion.id = %portion, error = %for_log(&error), "Could not read the run log of a portion");
                patience.appearing
            }
        };
        if began.elapsed() + pause > limit {
            return None;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
