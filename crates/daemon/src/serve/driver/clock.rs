//! What the driver does when the machine slept, or its clock was set.

use jiff::{SignedDuration, Timestamp};
use schedule::{Absence, AbsenceKind};

use super::Driver;
use crate::serve::alarm::Gap;

/// A clock that is set back by less is none that anybody must look at.
pub(super) const WORTH_TELLING: SignedDuration = SignedDuration::from_mins(10);

impl Driver {
    /// Notices what the clock did since the last turn.
    pub(super) async fn look_at_the_clock(&mut self, now: Timestamp) {
        match self.alarm.take_gap() {
            Some(gap) if gap.to < gap.from => {
                self.absence.to = self.absence.to.min(now);
                if gap.to.duration_since(gap.from) < -WORTH_TELLING {
                    self.tell_of_a_clock_set_back(gap);
                }
                self.writes.set_back = Some(gap);
            }
            Some(gap) => {
                tracing::warn!(from = %gap.from, to = %gap.to, "The machine slept, or its clock was set forward");
                self.absence = Absence {
                    from: Some(gap.from),
                    to: gap.to,
                    kind: AbsenceKind::Asleep,
                };
                self.all_dirty();
            }
            None => {}
        }
        if self.writes.set_back.is_some() && self.rewind(now).await {
            self.writes.set_back = None;
        }
        if self.writes.again_until.is_some_and(|until| now >= until) {
            self.writes.again_until = None;
            self.health.remove("clock");
            tracing::info!("The clock has come to where it was set back from");
        }
    }

    pub(super) fn tell_of_a_clock_set_back(&mut self, gap: Gap) {
        let Gap { from, to } = gap;
        let sentence = format!(
            "the clock was set back from {from} to {to}: due times that have had their run do not run again; \
             if {to} is wrong, set the clock, for example with `timedatectl set-ntp true`"
        );
        tracing::error!(%from, %to, "The clock was set back: due times that have had their run do not run again; if it is wrong now, set it");
        self.health.insert("clock", sentence);
        self.writes.again_until = self.writes.again_until.max(Some(from));
    }

    /// Lets due times after now come again, without those that have had their run; says whether that could be done.
    async fn rewind(&mut self, now: Timestamp) -> bool {
        for served in self.integrations.values_mut() {
            match self.store.slots_done_after(served.key, now).await {
                Ok(done) => {
                    served.timetable.rewind(now, done.into_iter().collect());
                    served.dirty = true;
                }
                Err(error) => {
                    self.database_failed(&error);
                    return false;
                }
            }
        }
        true
    }
}
