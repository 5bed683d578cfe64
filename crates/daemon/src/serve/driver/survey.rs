//! What the driver alone knows of the daemon, for those who watch it.

use std::sync::Arc;

use jiff::Timestamp;
use schedule::Schedule;

use super::Driver;
use crate::config::Config;

/// How the daemon is, as far as the driver alone knows.
pub(crate) struct Survey {
    /// The configuration in force.
    pub(crate) config: Arc<Config>,
    /// When it was read.
    pub(crate) loaded_at: Timestamp,
    /// Whether a newer text was refused.
    pub(crate) rejected: bool,
    /// When the daemon was started.
    pub(crate) since: Timestamp,
    /// How many sentences there are on what is wrong with the daemon itself.
    pub(crate) problems: usize,
    /// The integrations that are served, by their ids.
    pub(crate) integrations: Vec<Surveyed>,
}

/// An integration that is served.
pub(crate) struct Surveyed {
    pub(crate) id: String,
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) paused: bool,
    pub(crate) running: bool,
    /// When it is due next; `None`: never, or it is paused.
    pub(crate) next: Option<Timestamp>,
}

impl Driver {
    pub(super) fn survey(&self) -> Survey {
        let now = self.clock.now();
        let served = self.integrations.iter().filter(|(_, one)| !one.removed);
        let integrations = served.map(|(id, served)| {
            let paused = self.pause_of(id, served).is_some();
            let next = served.timetable.next(now).filter(|_| !paused);
            Surveyed {
                id: id.clone(),
                schedule: Arc::clone(served.timetable.schedule()),
                paused,
                running: served.active.as_ref().is_some_and(|active| active.launched),
                next: next.map(|(due_at, _)| due_at),
            }
        });
        Survey {
            config: Arc::clone(&self.config),
            loaded_at: self.loaded_at,
            rejected: !self.faults.is_empty(),
            since: self.incumbent.since,
            problems: self.health.len(),
            integrations: integrations.collect(),
        }
    }

    /// Serves the metrics where the configuration says; what is in the way holds nothing up.
    pub(super) async fn expose(&mut self) {
        match self.exporter.listen(self.config.metrics.listen).await {
            Ok(()) => {
                self.health.remove("metrics");
            }
            Err(sentence) => {
                if self.health.get("metrics") != Some(&sentence) {
                    tracing::error!(error = sentence, "The metrics are not served");
                    self.health.insert("metrics", sentence);
                }
            }
        }
    }
}
