//! The states of a run.

use serde::{Deserialize, Serialize};

/// The states of a run, as `v_runs.state` shows them; in JSON the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Made by `plan`, and waiting for `apply`.
    Planned,
    /// Going on.
    Running,
    /// Over a guard, and waiting for a release.
    Parked,
    /// Done, and every user was loaded or skipped.
    Completed,
    /// Done, and some users failed.
    CompletedWithErrors,
    /// It could not go on.
    Failed,
    /// Its process was stopped.
    Interrupted,
    /// Somebody pressed Cancel.
    Canceled,
    /// A plan that was dropped.
    Discarded,
    /// A plan that a newer run made obsolete.
    Overtaken,
}

impl State {
    const ALL: [Self; 10] = [
        Self::Planned,
        Self::Running,
        Self::Parked,
        Self::Completed,
        Self::CompletedWithErrors,
        Self::Failed,
        Self::Interrupted,
        Self::Canceled,
        Self::Discarded,
        Self::Overtaken,
    ];

    /// The word that the database and its readers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Parked => "parked",
            Self::Completed => "completed",
            Self::CompletedWithErrors => "completed_with_errors",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Canceled => "canceled",
            Self::Discarded => "discarded",
            Self::Overtaken => "overtaken",
        }
    }

    /// Reads that word back from a row.
    pub(crate) fn read(word: &str) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| sqlx::Error::Decode(format!("`{word}` is no state of a run").into()))
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
