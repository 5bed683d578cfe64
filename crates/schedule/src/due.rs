//! From a schedule to instants.
//!
//! Times of day are found on the calendar first, without a zone, and then resolved in it. So the
//! rules at clock changes are ours alone, and are the same for `cron` and `at`:
//! a local time that the clocks skip is due at the first instant after the gap, one that comes
//! twice is due the first time.
//! The order of local times is the order of their instants, only not strictly: all times of one gap
//! are one instant, and so one due time.

use std::iter;
use std::time::Duration;

use croner::Cron;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, date};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::schedule::{Schedule, Timing};

const DAY: Duration = Duration::from_hours(24);
const EPOCH: Date = date(1970, 1, 1);

impl Schedule {
    /// Finds the first due time after an instant; `None` when there is none, or none that the
    /// calendar of the crates can hold.
    pub fn next_due(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.timing {
            Timing::Cron { cron, .. } => self.next_of(after, |local| following(cron, local)),
            Timing::At(times) => self.next_of(after, |local| time_after(times, local)),
            Timing::Every(every) => self.next_elapsed(*every, after),
        }
    }

    /// Finds the first due time after an instant that is on no excluded day; `None` as above.
    pub fn next_included(&self, after: Timestamp) -> Option<Timestamp> {
        let mut after = after;
        loop {
            let due_at = self.next_due(after)?;
            let Some(days) = self.excluded(due_at) else {
                return Some(due_at);
            };
            // Straight to the day after, rather than through every due time before it.
            let back = self.midnight(days.to.tomorrow().ok()?)?;
            let just_before = back.checked_sub(Duration::from_nanos(1)).ok()?;
            after = due_at.max(just_before);
        }
    }

    /// Lists the due times after `after` up to `until`, itself too, each later than the one before.
    pub fn due_between(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = Timestamp> + '_ {
        iter::successors(self.next_due(after), |due_at| self.next_due(*due_at))
            .take_while(move |due_at| *due_at <= until)
    }

    /// Finds the first due time after an instant among local times, of which `next` knows the one
    /// that follows a local time.
    fn next_of(
        &self,
        after: Timestamp,
        next: impl Fn(DateTime) -> Option<DateTime>,
    ) -> Option<Timestamp> {
        // No earlier local time can be due later than `after`. Later ones can be due earlier: those
        // of a repeated hour, while it comes the second time.
        let mut local = self.timezone.to_datetime(after);
        loop {
            local = next(local)?;
            let due_at = resolve(&self.timezone, local)?;
            if due_at > after {
                return Some(due_at);
            }
        }
    }

    /// Finds the first due time after an instant among those that are counted from midnight.
    fn next_elapsed(&self, every: Duration, after: Timestamp) -> Option<Timestamp> {
        // No earlier day can have one: it ends where the next begins.
        let mut day = self.timezone.to_datetime(after).date();
        loop {
            if begins(every, day)
                && let Some(due_at) = self.next_in_day(every, day, after)
            {
                return Some(due_at);
            }
            day = day.tomorrow().ok()?;
        }
    }

    /// Finds the first instant of a day after an instant, of those that are `every` apart.
    fn next_in_day(&self, every: Duration, day: Date, after: Timestamp) -> Option<Timestamp> {
        let midnight = self.midnight(day)?;
        if midnight > after {
            return Some(midnight);
        }
        let elapsed = after.duration_since(midnight).unsigned_abs();
        let steps = elapsed.as_nanos().checked_div(every.as_nanos())? + 1;
        let steps = u32::try_from(steps).ok()?;
        let due_at = midnight.checked_add(every.checked_mul(steps)?).ok()?;
        let end = self.midnight(day.tomorrow().ok()?)?;
        (every < DAY && due_at < end).then_some(due_at)
    }

    /// Finds the first instant of a local day.
    pub(crate) fn midnight(&self, day: Date) -> Option<Timestamp> {
        resolve(&self.timezone, day.to_datetime(Time::midnight()))
    }
}

/// Finds the instant of a local time: the first of two, or the first after the gap that it is in.
fn resolve(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(local).ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            // By the clocks of afterwards the skipped time lies before the change.
            let before = after.to_timestamp(local).ok()?;
            let mut changes = zone.following(before);
            changes
                .find(|change| change.offset() == after)
                .map(|change| change.timestamp())
        }
    }
}

/// Finds the local time that follows another in a cron expression.
fn following(cron: &Cron, local: DateTime) -> Option<DateTime> {
    // What it fails with is that there is none in the years that it knows.
    cron.find_next_occurrence(&local, false).ok()
}

/// Finds the local time that follows another among times of day, which are in order.
fn time_after(times: &[Time], local: DateTime) -> Option<DateTime> {
    match times.iter().find(|time| **time > local.time()) {
        Some(time) => Some(local.date().to_datetime(*time)),
        None => Some(local.date().tomorrow().ok()?.to_datetime(*times.first()?)),
    }
}

/// Whether a day is one from whose midnight is counted: each, but when `every` is of several days.
fn begins(every: Duration, day: Date) -> bool {
    let days = i64::try_from(every.as_secs() / DAY.as_secs()).unwrap_or(i64::MAX);
    days <= 1 || (day.duration_since(EPOCH).as_hours() / 24).rem_euclid(days) == 0
}
