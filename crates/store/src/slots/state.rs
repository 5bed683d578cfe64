//! The states of a slot.

/// What became of a due time, as `v_slots.state` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotState {
    /// Nothing yet: it waits for its jitter, or for another run; the view leaves it out.
    Waiting,
    /// Its run began while the daemon was awake.
    Ran,
    /// Its run was made up for after the daemon was down or asleep, or after an earlier one was cut off.
    Late,
    /// It was left out: another run was going on, or its day is excluded.
    Skipped,
    /// The daemon was down or asleep, and it was not made up for.
    Missed,
    /// Its integration was paused.
    Paused,
}

impl SlotState {
    const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Ran,
        Self::Late,
        Self::Skipped,
        Self::Missed,
        Self::Paused,
    ];

    /// The word that the database and its readers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ran => "ran",
            Self::Late => "late",
            Self::Skipped => "skipped",
            Self::Missed => "missed",
            Self::Paused => "paused",
        }
    }

    /// Reads that word back from a row.
    pub(super) fn read(word: &str) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| sqlx::Error::Decode(format!("`{word}` is no state of a slot").into()))
    }
}

impl std::fmt::Display for SlotState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
