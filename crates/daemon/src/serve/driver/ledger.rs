//! The ledger: every due time has its slot, and every slot becomes something.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use schedule::{Fate, Schedule, Standing, Verdict};
use store::{NewSlot, OpenSlot, SlotState};

use super::Driver;
use super::state::Slot;
use crate::serve::alarm::Gap;

/// When the database could not be written, it is tried again after this time.
pub(super) const TRY_AGAIN: SignedDuration = SignedDuration::from_secs(5);
/// Due times that are put on record together.
const CHUNK: usize = 2_000;

/// What is still to be written down.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// That the daemon lives is to be written down.
    pub(super) heartbeat: bool,
    /// What became of slots.
    pub(super) slots: Vec<Write>,
    /// The clock was set back, and what is done after it is to be looked up.
    pub(super) set_back: Option<Gap>,
    /// Until when the clock shows times that it has shown before.
    pub(super) again_until: Option<Timestamp>,
}

/// One line of the ledger.
#[derive(Debug)]
pub(super) enum Write {
    /// A slot is settled.
    Settle {
        slot: i64,
        state: SlotState,
        note: Option<String>,
    },
    /// A slot waits for another try.
    Postpone {
        slot: i64,
        at: Timestamp,
        note: String,
    },
}

impl Driver {
    /// Puts due times that have come on record, and what became of others; says whether all of it is on record.
    pub(super) async fn record(&mut self, now: Timestamp) -> bool {
        match self.try_to_record(now).await {
            Ok(()) => {
                if self.health.remove("database").is_some() {
                    tracing::info!("The database can be written again");
                }
                self.writes.set_back.is_none()
            }
            Err(error) => {
                self.database_failed(&error);
                false
            }
        }
    }

    pub(super) fn database_failed(&mut self, error: &store::Error) {
        let sentence = load::chain(error);
        if self.health.get("database") != Some(&sentence) {
            tracing::error!(error = %sentence, "Could not keep the ledger; it is tried again every few seconds");
            self.health.insert("database", sentence);
        }
    }

    pub(super) async fn try_to_record(&mut self, now: Timestamp) -> Result<(), store::Error> {
        self.flush().await?;
        loop {
            let mut new = Vec::new();
            let mut noticed = Vec::new();
            for (id, served) in &self.integrations {
                let asleep = !served.dirty && served.wake.is_none_or(|wake| wake > now);
                if served.removed || asleep || new.len() >= CHUNK {
                    continue;
                }
                let due = served.timetable.due(now, CHUNK - new.len());
                new.extend(due.times.iter().map(|&due_at| NewSlot {
                    integration: served.key,
                    due_at,
                }));
                noticed.push((id.clone(), due));
            }
            let full = new.len() >= CHUNK;
            let open = if new.is_empty() {
                Vec::new()
            } else {
                self.store.notice_slots(&new, now).await?
            };
            self.notice(&noticed, &open);
            if !full {
                break;
            }
        }
        if std::mem::take(&mut self.writes.heartbeat) {
            self.store
                .service_alive(self.service, now)
                .await
                .inspect_err(|_| {
                    self.writes.heartbeat = true;
                })?;
        }
        Ok(())
    }

    fn notice(&mut self, noticed: &[(String, schedule::Due)], open: &[OpenSlot]) {
        let open: HashMap<(i64, Timestamp), &OpenSlot> = open
            .iter()
            .map(|slot| ((slot.integration, slot.due_at), slot))
            .collect();
        for (id, due) in noticed {
            let Some(served) = self.integrations.get_mut(id) else {
                continue;
            };
            // A due time that is not among the open slots had its run before the clock was set.
            let mut fresh = Vec::new();
            for due_at in &due.times {
                if let Some(slot) = open.get(&(served.key, *due_at))
                    && served.slots.insert(*due_at, Slot::of(slot)).is_none()
                {
                    fresh.push(*due_at);
                }
            }
            served.dirty |= !fresh.is_empty();
            served.timetable.noticed(&fresh, due.until);
        }
    }

    /// Writes down what became of slots.
    pub(super) async fn flush(&mut self) -> Result<(), store::Error> {
        while let Some(write) = self.writes.slots.first() {
            match write {
                Write::Settle { slot, state, note } => {
                    self.store
                        .settle_slot(*slot, *state, note.as_deref())
                        .await?;
                }
                Write::Postpone { slot, at, note } => {
                    self.store.postpone_slot(*slot, *at, note).await?;
                }
            }
            self.writes.slots.remove(0);
        }
        Ok(())
    }

    /// The integrations about which there is something to decide.
    pub(super) fn due_for_a_decision(&self, now: Timestamp) -> Vec<String> {
        let due = self.integrations.iter().filter(|(_, served)| {
            !served.removed && (served.dirty || served.wake.is_some_and(|wake| wake <= now))
        });
        due.map(|(id, _)| id.clone()).collect()
    }

    /// Decides what becomes of the due times of an integration, and begins with it.
    pub(super) async fn decide(&mut self, id: &str, now: Timestamp) {
        let Some(served) = self.integrations.get(id) else {
            return;
        };
        let paused = self.pause_of(id, served);
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        served.dirty = false;
        served.wake = served.timetable.wake_at(now);
        if served.is_recovering() {
            // It takes moments, and its end brings us back here.
            return;
        }
        let busy = served
            .active
            .as_ref()
            .map(|active| format!("run {}", active.run_id));
        let standing = Standing {
            paused: paused.as_deref(),
            busy: busy.as_deref(),
        };
        for verdict in served.timetable.decide(now, &self.absence, &standing) {
            match verdict {
                Verdict::Start { due_at, late, note } => {
                    self.start_slot(id, due_at, late, note, now);
                }
                Verdict::Settle { due_at, fate, note } => self.settle(id, due_at, fate, note),
            }
        }
        if let Err(error) = self.flush().await {
            self.database_failed(&error);
        }
    }

    /// Settles a slot that has no run, or no more of them: one that had keeps what it shows.
    pub(super) fn settle_as(&mut self, id: &str, due_at: Timestamp, fate: Fate, note: &str) {
        let slot = self
            .integrations
            .get(id)
            .and_then(|served| served.slots.get(&due_at));
        let begun = slot.filter(|slot| slot.tries > 0);
        let fate = match begun.map(|slot| slot.state) {
            Some(SlotState::Ran) => Fate::Ran,
            Some(SlotState::Late) => Fate::Late,
            _ => fate,
        };
        self.settle(id, due_at, fate, note.to_owned());
    }

    fn settle(&mut self, id: &str, due_at: Timestamp, fate: Fate, note: String) {
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        served.timetable.settled(due_at);
        let Some(slot) = served.slots.remove(&due_at) else {
            return;
        };
        let state = match fate {
            Fate::Ran => SlotState::Ran,
            Fate::Late => SlotState::Late,
            Fate::Skipped => SlotState::Skipped,
            Fate::Missed => SlotState::Missed,
            Fate::Paused => SlotState::Paused,
        };
        if state == SlotState::Missed {
            self.watch.look_at(id);
            tracing::warn!(integration.id = id, %due_at, note, "A due time was missed");
        } else {
            tracing::info!(integration.id = id, %due_at, %state, note, "A due time has no run, or no more of them");
        }
        self.counters.count_slot(id, state);
        self.writes.slots.push(Write::Settle {
            slot: slot.key,
            state,
            note: Some(note),
        });
    }

    pub(super) fn all_dirty(&mut self) {
        for served in self.integrations.values_mut() {
            served.dirty = true;
        }
    }

    /// Puts the schedule of an integration in force from now on.
    pub(super) async fn replace_schedule(
        &mut self,
        id: &str,
        schedule: &Schedule,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let Some(served) = self.integrations.get_mut(id) else {
            return Ok(());
        };
        served.timetable.replace(Arc::new(schedule.clone()), now);
        served.dirty = true;
        let timing = schedule.timing.to_string();
        self.store.begin_ledger(served.key, now, &timing).await
    }
}

impl Slot {
    pub(super) fn of(open: &OpenSlot) -> Self {
        Self {
            key: open.slot,
            tries: open.tries,
            state: open.state,
            failed: open.next_try_at.is_some(),
        }
    }
}

pub(super) fn later(at: Timestamp, duration: std::time::Duration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}
