//! The rules: what is to be done about the open slots of a timetable.
//!
//! A pause ends all that would start, an excluded day its own slots. Of the slots that were missed
//! while nobody was there, the last is made up for all; one that is due just now does for them too.
//! Of the slots that are due just now the first starts; while a run is going on they are skipped, or
//! one of them waits. A slot that is tried again starts when its time has come, unless a later due
//! time took its place.

use std::time::Duration;

use jiff::Timestamp;

use super::note::{self, Notes};
use super::verdict::{Absence, Fate, Standing, Verdict};
use super::{Open, Slot, Timetable};
use crate::schedule::Overlap;

impl Timetable {
    /// Decides what is to be done now, in the order of the due times.
    ///
    /// At most one verdict is a start. What is not carried out and told back is said again; what has
    /// to wait, for the end of a run or for due times that were not noticed yet, is not mentioned.
    /// An absence that ends after `now` is one of a clock that was set back since: it means nothing.
    pub fn decide(
        &mut self,
        now: Timestamp,
        absence: &Absence,
        standing: &Standing<'_>,
    ) -> Vec<Verdict> {
        let mut verdicts = self.verdicts(now, absence, standing);
        verdicts.sort_by_key(Verdict::due_at);
        for verdict in &verdicts {
            if let Verdict::Start { due_at, late, .. } = verdict
                && let Some(slot) = self.slots.get_mut(due_at)
            {
                slot.starts_late = *late;
            }
        }
        verdicts
    }

    fn verdicts(&self, now: Timestamp, absence: &Absence, standing: &Standing<'_>) -> Vec<Verdict> {
        let notes = Notes {
            absence: Some(*absence).filter(|absence| absence.to <= now),
            catch_up: self.schedule.catch_up,
        };
        let waiting = self.slots.values().filter(|slot| !slot.started);
        let mut round = Round::default();
        for Slot { open, .. } in waiting {
            let is_ripe = open.interrupted || open.start_at <= now;
            let excluded = self.schedule.excluded(open.due_at);
            if let (true, Some(paused)) = (is_ripe, standing.paused) {
                let note = note::paused(open, paused);
                round.verdicts.push(settle(open, Fate::Paused, note));
            } else if let (true, 0, Some(days)) = (is_ripe, open.tries, excluded) {
                let note = format!("excluded: {days}");
                round.verdicts.push(settle(open, Fate::Skipped, note));
            } else if is_ripe && (open.interrupted || notes.nobody_at(open.start_at)) {
                round.missed.push(open);
            } else if open.tries > 0 {
                round.again.push(open);
            } else if is_ripe {
                round.on_time.push(open);
            }
        }
        let going_on = self.slots.values().filter(|slot| slot.started);
        let going_on: Vec<Timestamp> = going_on.map(|slot| slot.open.due_at).collect();
        let begun = round.again.iter().map(|open| open.due_at);
        // One that lies ahead, because the clock was set back, stands in for nobody.
        let begun = begun.chain(going_on.iter().copied());
        round.begun = begun.filter(|due_at| *due_at <= now).max();
        round.busy = match (standing.busy, going_on.last()) {
            (Some(busy), _) => Some(busy.to_owned()),
            (None, Some(due_at)) => Some(note::run_of(*due_at)),
            (None, None) => None,
        };
        // While there are due times that were not looked at, the last of them is not known.
        round.complete = self.upcoming.is_none_or(|upcoming| upcoming > now);

        round.decide_missed(now, self.schedule.catch_up, self.schedule.overlap, &notes);
        round.decide_on_time(self.schedule.overlap);
        round.decide_again(now);
        round.verdicts
    }
}

/// The open slots that are not being run, sorted by the rule that they fall under, and what was
/// decided so far.
#[derive(Default)]
struct Round<'a> {
    /// To be started while nobody was there, or cut off.
    missed: Vec<&'a Open>,
    /// To be started now, for the first time.
    on_time: Vec<&'a Open>,
    /// To be tried again, now or later.
    again: Vec<&'a Open>,
    /// The latest that is being run, or is to be tried again.
    begun: Option<Timestamp>,
    /// What is going on, or begins in this round.
    busy: Option<String>,
    /// Whether all due times up to now were noticed.
    complete: bool,
    /// What takes the place of those that were to be tried again.
    heir: Option<Timestamp>,
    verdicts: Vec<Verdict>,
}

impl Round<'_> {
    fn decide_missed(
        &mut self,
        now: Timestamp,
        catch_up: Duration,
        overlap: Overlap,
        notes: &Notes,
    ) {
        let is_too_old = |open: &Open| {
            let age = now.duration_since(open.due_at);
            catch_up.is_zero() || (age.is_positive() && age.unsigned_abs() > catch_up)
        };
        // Skipped while a run is going on, one that is due just now is no substitute.
        let substitute = self
            .on_time
            .first()
            .filter(|_| self.busy.is_none() || overlap == Overlap::Queue)
            .map(|open| open.due_at);
        let last = self.missed.iter().rfind(|open| !is_too_old(open));
        let last = last.map(|open| open.due_at);
        for open in &self.missed {
            let substitute = self
                .begun
                .filter(|begun| *begun > open.due_at)
                .or(substitute);
            let verdict = if is_too_old(open) {
                settle(open, Fate::Missed, notes.too_old(open))
            } else if !self.complete {
                continue;
            } else if let Some(substitute) = substitute {
                settle(open, Fate::Missed, notes.made_up(open, substitute))
            } else if self.busy.is_some() {
                continue;
            } else if let Some(last) = last.filter(|last| *last != open.due_at) {
                settle(open, Fate::Missed, notes.made_up(open, last))
            } else {
                self.busy = Some(note::run_of(open.due_at));
                start(open, true, Some(notes.late(open)))
            };
            self.verdicts.push(verdict);
        }
        self.heir = last;
    }

    fn decide_on_time(&mut self, overlap: Overlap) {
        self.heir = self.heir.max(self.on_time.last().map(|open| open.due_at));
        let mut waiting = None;
        for open in &self.on_time {
            let verdict = match (&self.busy, overlap, waiting) {
                (None, ..) if self.complete => {
                    self.busy = Some(note::run_of(open.due_at));
                    start(open, open.late, None)
                }
                (None, ..) => continue,
                (Some(busy), Overlap::Skip, _) => settle(open, Fate::Skipped, note::overlap(busy)),
                (Some(_), Overlap::Queue, None) => {
                    waiting = Some(open.due_at);
                    continue;
                }
                (Some(_), Overlap::Queue, Some(waiting)) => {
                    settle(open, Fate::Skipped, note::queue_is_full(waiting))
                }
            };
            self.verdicts.push(verdict);
        }
    }

    fn decide_again(&mut self, now: Timestamp) {
        let heir = self.heir.max(self.begun);
        for open in &self.again {
            if let Some(heir) = heir.filter(|heir| *heir > open.due_at) {
                let note = note::not_tried_again(heir);
                self.verdicts.push(settle(open, Fate::Ran, note));
            } else if open.start_at <= now && self.complete && self.busy.is_none() {
                self.busy = Some(note::run_of(open.due_at));
                self.verdicts.push(start(open, open.late, None));
            }
        }
    }
}

fn start(open: &Open, late: bool, note: Option<String>) -> Verdict {
    let due_at = open.due_at;
    Verdict::Start { due_at, late, note }
}

/// Settles a slot; one that had a run stays what it is on record.
fn settle(open: &Open, fate: Fate, note: String) -> Verdict {
    let due_at = open.due_at;
    let fate = match (open.tries, open.late) {
        (0, _) => fate,
        (_, false) => Fate::Ran,
        (_, true) => Fate::Late,
    };
    Verdict::Settle { due_at, fate, note }
}
