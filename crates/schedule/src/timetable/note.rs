//! The notes of a ledger: why a due time became what it did, for a person.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::Open;
use super::verdict::{Absence, AbsenceKind};
use crate::schedule::Span;

/// What the notes of one round speak of.
pub(super) struct Notes {
    /// The latest time during which nothing could start; `None`: there is none that counts.
    pub(super) absence: Option<Absence>,
    pub(super) catch_up: Duration,
}

impl Notes {
    /// Whether nobody was there to start a slot that was to start at an instant.
    pub(super) fn nobody_at(&self, start_at: Timestamp) -> bool {
        self.absence.is_some_and(|absence| start_at < absence.to)
    }

    /// Why a slot is made up late.
    pub(super) fn late(&self, open: &Open) -> String {
        let absence = self.absence.filter(|_| self.nobody_at(open.start_at));
        match (open.interrupted, absence) {
            (true, None) => "its run was cut off".to_owned(),
            (true, Some(absence)) => format!("its run was cut off; {}", Words(absence)),
            (false, Some(absence)) => Words(absence).to_string(),
            (false, None) => "nobody was there to start it".to_owned(),
        }
    }

    /// Why a slot that was missed is not made up itself.
    pub(super) fn made_up(&self, open: &Open, with: Timestamp) -> String {
        format!("{}; made up with the slot of {}", self.late(open), At(with))
    }

    /// Why a slot that was missed is not made up at all.
    pub(super) fn too_old(&self, open: &Open) -> String {
        let late = self.late(open);
        if self.catch_up.is_zero() {
            format!("{late}; not made up, as catch_up is 0")
        } else {
            format!("{late}; older than catch_up ({})", Span(self.catch_up))
        }
    }
}

/// Why a slot is not run while the integration is paused.
pub(super) fn paused(open: &Open, why: &str) -> String {
    match (open.tries, open.interrupted) {
        (0, _) => why.to_owned(),
        (_, true) => format!("its run was cut off; not made up: {why}"),
        (_, false) => format!("not tried again: {why}"),
    }
}

/// Why a slot is skipped while something is going on.
pub(super) fn overlap(busy: &str) -> String {
    format!("overlap: {busy} was going on")
}

/// What is going on, when it is a slot of the same timetable.
pub(super) fn run_of(due_at: Timestamp) -> String {
    format!("the run of the slot of {}", At(due_at))
}

/// Why a slot is skipped although slots may wait for the end of a run.
pub(super) fn queue_is_full(waiting: Timestamp) -> String {
    format!("overlap: the slot of {} is waiting already", At(waiting))
}

/// Why a slot whose run failed is not tried again.
pub(super) fn not_tried_again(heir: Timestamp) -> String {
    format!("not tried again: the slot of {} came due", At(heir))
}

/// Writes an absence as a sentence.
struct Words(Absence);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Absence { from, to, kind } = self.0;
        f.write_str(match kind {
            AbsenceKind::Down => "the daemon was down",
            AbsenceKind::Asleep => "the daemon was asleep",
        })?;
        match from {
            Some(from) => write!(f, " from {} to {}", At(from), At(to)),
            None => write!(f, " until {}", At(to)),
        }
    }
}

/// Writes an instant in UTC, to the second.
struct At(Timestamp);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}
