//! What a run came to.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store::{Counts, GuardHit, State};

/// What a run came to: for the summary, and for the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The id of the run.
    pub run_id: String,
    /// The id of the integration in the YAML.
    pub integration: String,
    /// The state that it ended in.
    pub state: State,
    /// Whether its plan was made and not delivered, so that the counts are intents.
    pub intents: bool,
    /// The counts.
    pub counts: Counts,
    /// How many users were skipped or failed for each reason, the most frequent first.
    pub reasons: Vec<(String, String, u64)>,
    /// How long it took.
    pub duration: Duration,
    /// HTTP requests sent to the source.
    pub source_calls: u64,
    /// HTTP requests sent to the target.
    pub target_calls: u64,
    /// Why it could not go on, or why it is parked.
    pub error: Option<String>,
    /// The guards that its plan is over; the examples are addresses, or ids of users without one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<GuardHit>,
    /// The same as the log has it, in words that name nobody; known to the process that made the run alone.
    #[serde(skip)]
    pub reason: Option<String>,
}
