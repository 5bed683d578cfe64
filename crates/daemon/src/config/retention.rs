//! How long the history is kept.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::fault::Report;
use super::spot::Spot;
use super::{duration, written};

/// How long the history is kept: a day at least, each.
///
/// A run that goes takes its errors and changes along, so neither outlives `runs`, whatever is
/// written for them: a longer time there is no fault, only of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Runs, and what became of the due times.
    pub runs: Duration,
    /// Users who were skipped or failed.
    pub errors: Duration,
    /// What was written, with the values before and after.
    pub changes: Duration,
    /// People who are gone from the console.
    pub gone_people: Duration,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Retention {
    /// A year and a month of everything but the changes, which are the bulk of it.
    fn default() -> Self {
        Self {
            runs: 400 * DAY,
            errors: 400 * DAY,
            changes: 90 * DAY,
            gone_people: 400 * DAY,
        }
    }
}

/// Checks the section; `None` when there is a fault.
pub(super) fn check(
    written: Option<&written::Retention>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Retention> {
    const ALLOWED: RangeInclusive<Duration> = DAY..=Duration::MAX;
    let default = Retention::default();
    let Some(written) = written else {
        return Some(default);
    };
    let mut duration =
        |text, key, default| duration::check(text, default, ALLOWED, spot.at(key), report);
    let runs = duration(written.runs.as_ref(), "runs", default.runs);
    let errors = duration(written.errors.as_ref(), "errors", default.errors);
    let changes = duration(written.changes.as_ref(), "changes", default.changes);
    let gone_people = duration(
        written.gone_people.as_ref(),
        "gone_people",
        default.gone_people,
    );
    Some(Retention {
        runs: runs?,
        errors: errors?,
        changes: changes?,
        gone_people: gone_people?,
    })
}
