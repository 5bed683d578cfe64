//! What becomes of the due times of one integration.
//!
//! A [`Timetable`] is told the time and never asks for it; it proposes and never acts. Its caller
//! goes round: ask what is [due](Timetable::due), put it on record and tell so
//! ([`noticed`](Timetable::noticed)), ask what is to be [decided](Timetable::decide), carry each
//! verdict out and tell so ([`started`](Timetable::started), [`settled`](Timetable::settled)), and
//! sleep until [`wake_at`](Timetable::wake_at) or until a run ends, a pause comes or goes. What was
//! not carried out is proposed again.

mod decide;
mod note;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::schedule::{Retry, Schedule};

pub use verdict::{Absence, AbsenceKind, Fate, Standing, Verdict};

/// The longest wait for a try, as long as the longest duration in a configuration: an instant can
/// be moved by it.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 3_650);

/// The due times of one integration that have come, until something final became of each.
#[derive(Clone, Debug)]
pub struct Timetable {
    integration: String,
    schedule: Arc<Schedule>,
    /// How much later than due its runs start.
    offset: Duration,
    /// Due times up to this one were noticed.
    cursor: Timestamp,
    /// The first due time after the cursor.
    upcoming: Option<Timestamp>,
    /// Due times after the cursor that are on record as done: the clock was set back.
    done: BTreeSet<Timestamp>,
    /// The due times that something is still to be done about, and those that are being run.
    slots: BTreeMap<Timestamp, Slot>,
}

/// A due time that has come and of which nothing final became yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// When it was due, before jitter.
    pub due_at: Timestamp,
    /// When it is to start: due with its jitter, or the next try.
    pub start_at: Timestamp,
    /// How many runs were begun for it.
    pub tries: u32,
    /// Whether its latest run was cut off; it is made up at once, whenever it was to start.
    pub interrupted: bool,
    /// Whether a run of it was begun late, so that it is on record as late.
    pub late: bool,
}

/// Due times that have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// They, in order.
    pub times: Vec<Timestamp>,
    /// Up to where was looked: before the time that was asked for when there are more.
    pub until: Timestamp,
}

#[derive(Clone, Debug)]
struct Slot {
    open: Open,
    /// It is being run.
    started: bool,
    /// The start that was last proposed for it is a late one.
    starts_late: bool,
}

impl Slot {
    fn new(open: Open) -> Self {
        Self {
            open,
            started: false,
            starts_late: false,
        }
    }
}

impl Timetable {
    /// Makes the timetable of an integration, of which due times up to `cursor` are on record.
    pub fn new(integration: &str, schedule: Arc<Schedule>, cursor: Timestamp) -> Self {
        Self {
            integration: integration.to_owned(),
            offset: schedule.offset(integration),
            upcoming: schedule.next_due(cursor),
            schedule,
            cursor,
            done: BTreeSet::new(),
            slots: BTreeMap::new(),
        }
    }

    /// Returns the schedule in force.
    pub fn schedule(&self) -> &Arc<Schedule> {
        &self.schedule
    }

    /// Takes up an open slot from the record.
    pub fn restore(&mut self, mut open: Open) {
        if open.due_at > self.cursor {
            open.start_at = self.soonest(&open, self.cursor);
        }
        self.slots.insert(open.due_at, Slot::new(open));
    }

    /// Lists the due times that have come since the last that were noticed, at most `limit`,
    /// without those known as done or open.
    ///
    /// They are to be put on record, and then told back, except those that were on record as done.
    pub fn due(&self, now: Timestamp, limit: usize) -> Due {
        let is_new =
            |due_at: &Timestamp| !self.done.contains(due_at) && !self.slots.contains_key(due_at);
        let times: Vec<Timestamp> = self
            .schedule
            .due_between(self.cursor, now)
            .filter(is_new)
            .take(limit)
            .collect();
        let until = match times.last() {
            _ if times.len() < limit => now.max(self.cursor),
            Some(last) => *last,
            None => self.cursor,
        };
        Due { times, until }
    }

    /// Takes up due times that were put on record; all others up to `until` are done.
    pub fn noticed(&mut self, due: &[Timestamp], until: Timestamp) {
        for due_at in due {
            let open = Open {
                due_at: *due_at,
                start_at: later(*due_at, self.offset),
                tries: 0,
                interrupted: false,
                late: false,
            };
            let slot = self.slots.entry(*due_at);
            slot.or_insert_with(|| Slot::new(open));
        }
        self.look_from(self.cursor.max(until));
    }

    /// Notes that a slot is being run; it is left alone until [`again`](Self::again) or
    /// [`settled`](Self::settled).
    pub fn started(&mut self, due_at: Timestamp) {
        if let Some(slot) = self.slots.get_mut(&due_at) {
            slot.started = true;
            slot.open.late |= slot.starts_late;
            slot.open.tries = slot.open.tries.saturating_add(1);
            slot.open.interrupted = false;
        }
    }

    /// Forgets a slot: it is over.
    pub fn settled(&mut self, due_at: Timestamp) {
        self.slots.remove(&due_at);
    }

    /// Notes that the run of a slot failed, or could not start, and that it is tried again `at` an
    /// instant, after `tries` so far.
    pub fn again(&mut self, due_at: Timestamp, at: Timestamp, tries: u32) {
        if let Some(slot) = self.slots.get_mut(&due_at) {
            slot.started = false;
            slot.open.start_at = at;
            slot.open.tries = tries;
            slot.open.interrupted = false;
        }
    }

    /// Returns how long after its latest try a slot is tried again; `None` when it is not.
    ///
    /// The first repetition waits for `after`, each further one twice as long as the one before.
    pub fn retry_after(&self, tries: u32) -> Option<Duration> {
        let retry = self.schedule.retry.filter(|retry| tries <= retry.times)?;
        Some(wait_after(&retry, tries))
    }

    /// Returns when there will next be something to do that is not there now; `None`: never.
    ///
    /// It lies after `now` unless due times up to now were not noticed yet. A slot that waits for
    /// the end of a run does not count: that end is to be told, not waited for.
    pub fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = self.slots.values().filter(|slot| !slot.started);
        let starts = waiting.map(|slot| slot.open.start_at);
        starts
            .filter(|start_at| *start_at > now)
            .chain(self.upcoming)
            .min()
    }

    /// Finds the run that is to start next after `now`: when it is due, and when it starts.
    ///
    /// Days that are excluded are passed over; pauses are not looked at.
    pub fn next(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let waiting = self.slots.values().filter(|slot| !slot.started);
        let open = waiting
            .map(|slot| (slot.open.due_at, slot.open.start_at))
            .filter(|(_, start_at)| *start_at > now);
        open.chain(self.next_to_come(now))
            .min_by_key(|(_, start_at)| *start_at)
    }

    /// Puts another schedule in force from now on.
    ///
    /// Due times under the old one up to now must have been noticed; they keep their slots.
    pub fn replace(&mut self, schedule: Arc<Schedule>, now: Timestamp) {
        self.offset = schedule.offset(&self.integration);
        self.schedule = schedule;
        self.look_from(self.cursor.max(now));
    }

    /// Goes back with the clock, which was set back; `done` are the due times after now that are on
    /// record as done.
    pub fn rewind(&mut self, now: Timestamp, done: BTreeSet<Timestamp>) {
        self.done = done;
        let starts: Vec<Timestamp> = self
            .slots
            .values()
            .map(|slot| self.soonest(&slot.open, now))
            .collect();
        for (slot, start_at) in self.slots.values_mut().zip(starts) {
            slot.open.start_at = start_at;
        }
        self.look_from(now);
    }

    /// Returns when a slot is to start by a clock that was set back to `now`: nobody waits longer for
    /// a try than was said, whatever the clock says.
    fn soonest(&self, open: &Open, now: Timestamp) -> Timestamp {
        if open.tries == 0 {
            return open.start_at;
        }
        let retry = self.schedule.retry;
        let wait = retry.map(|retry| wait_after(&retry, open.tries));
        open.start_at.min(later(now, wait.unwrap_or_default()))
    }

    fn look_from(&mut self, cursor: Timestamp) {
        if cursor != self.cursor {
            self.done = self.done.split_off(&cursor);
            self.done.remove(&cursor);
        }
        self.cursor = cursor;
        self.upcoming = self.schedule.next_due(cursor);
    }

    fn next_to_come(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let mut after = self.cursor.max(now);
        loop {
            let due_at = self.schedule.next_included(after)?;
            if !self.done.contains(&due_at) && !self.slots.contains_key(&due_at) {
                return Some((due_at, later(due_at, self.offset)));
            }
            after = due_at;
        }
    }
}

/// How long after a number of tries the next one waits.
fn wait_after(retry: &Retry, tries: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(tries.saturating_sub(1));
    retry.after.saturating_mul(doubled).min(LONGEST_WAIT)
}

/// Moves an instant; beyond the end of the calendar it stays at the end.
fn later(instant: Timestamp, by: Duration) -> Timestamp {
    instant.saturating_add(by).unwrap_or(Timestamp::MAX)
}
