//! What a timetable is told when it decides, and what it says.

use jiff::Timestamp;

/// What keeps an integration from running just now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing<'a> {
    /// A sentence that says why nothing runs, and by whom; `None` while it may run.
    pub paused: Option<&'a str>,
    /// What is going on that is no slot of this timetable, such as `run 0199…` or `a run by hand`.
    pub busy: Option<&'a str>,
}

/// The latest time during which nothing could start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// When it began; `None`: nobody knows.
    pub from: Option<Timestamp>,
    /// When it ended: since then the daemon is there.
    pub to: Timestamp,
    /// Why nothing could start.
    pub kind: AbsenceKind,
}

/// Why nothing could start for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbsenceKind {
    /// There was no daemon.
    Down,
    /// There was one, but it did not get to run, or the clock was set forward.
    Asleep,
}

/// What became of a due time for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It ran: the runs that it had are all that it gets.
    Ran,
    /// The same, of one that was made up late.
    Late,
    /// It was not to run: another run was going on, or its day is excluded.
    Skipped,
    /// Nobody was there to run it.
    Missed,
    /// The integration was paused.
    Paused,
}

/// What is to be done about a due time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its run begins, or begins again.
    Start {
        /// The due time.
        due_at: Timestamp,
        /// Whether it is on record as late, not as ran.
        late: bool,
        /// Why it is late; `None` when it is not, or was before.
        note: Option<String>,
    },
    /// It is over.
    Settle {
        /// The due time.
        due_at: Timestamp,
        /// What became of it.
        fate: Fate,
        /// Why, for a person.
        note: String,
    },
}

impl Verdict {
    /// Returns the due time that it is about.
    pub fn due_at(&self) -> Timestamp {
        match self {
            Self::Start { due_at, .. } | Self::Settle { due_at, .. } => *due_at,
        }
    }
}
