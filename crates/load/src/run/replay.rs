//! A run that loads again just those whom an earlier one skipped or failed.

use uuid::Uuid;

use super::Loader;
use crate::error::Error;
use crate::report::Report;
use crate::request::{Again, Intent, Request, Whom};
use crate::settings::Preference;

/// What is to be loaded again.
#[derive(Debug, Clone)]
pub struct Replay {
    /// The id of the run that skipped or failed them.
    pub run_id: String,
    /// What may be written, if not what the integration says.
    pub preference: Option<Preference>,
    /// What becomes of the plan.
    pub intent: Intent,
    /// The id that the run gets, a UUIDv7; without one it takes a new one.
    pub new_run_id: Option<Uuid>,
}

impl Loader {
    /// Loads again, read anew, just the users whom an earlier run skipped or failed.
    ///
    /// # Errors
    /// There is nobody to load again: no such run, or one that loaded everybody; another run is going on; the database cannot be used.
    pub async fn replay(&self, replay: &Replay) -> Result<Report, Error> {
        let run_id = replay.run_id.clone();
        let run = {
            let _lock = self.lock()?;
            self.earlier(&run_id, replay.intent.writer()).await?
        };
        let source_ids = self.store.not_loaded(run.key).await?;
        if source_ids.is_empty() {
            return Err(Error::NobodyToReplay {
                run_id,
                not_loaded: run.counts.skipped + run.counts.failed,
            });
        }
        self.run(&Request {
            intent: replay.intent.clone(),
            whom: Whom::Again(Again {
                run_id,
                source_ids: source_ids.into_iter().collect(),
                preference: replay.preference,
            }),
            trigger: "manual",
            run_id: replay.new_run_id,
            slot: None,
        })
        .await
    }
}
