//! When an integration is due, and what becomes of each due time.
//!
//! The story, in the order of the modules: a [`Schedule`] says when an integration is due;
//! [`Schedule::next_due`] turns that into instants, by the rules at clock changes; a [`Timetable`]
//! follows the due times of one integration until something final became of each: it ran, ran late,
//! was skipped, missed or paused.
//!
//! Absent here on purpose: a clock, timers, a database, YAML. The time is an argument, so a year of
//! loads, a suspended machine and a clock that is set back are a test of milliseconds; and what is
//! decided here is carried out, and put on record, by the one who asked.
//!
//! **Invariant:** whatever order of calls, two slots of a timetable are never started at once, and
//! one that was settled is not spoken of again.

mod schedule;

mod due;

mod timetable;

pub use schedule::{Exclusion, Overlap, Retry, Schedule, Timing};
pub use timetable::{Absence, AbsenceKind, Due, Fate, Open, Standing, Timetable, Verdict};
