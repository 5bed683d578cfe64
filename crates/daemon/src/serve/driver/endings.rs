//! How a run ends, and what becomes of its slot.

use std::time::Duration;

use jiff::Timestamp;
use load::{Counts, Report, State};
use schedule::Overlap;
use store::{NewRun, NewRunSlot, SlotState};
use uuid::Uuid;

use super::Driver;
use super::ledger::{Write, later};
use super::state::Active;
use crate::control::{Refusal, Work};
use crate::exit::{self, Exit};
use crate::serve::running::{Failure, Outcome, Task};

/// What could not be begun because of the database or another process is tried again after this time.
const SOON: Duration = Duration::from_secs(10);

impl Driver {
    /// A run has ended, or could not begin.
    pub(super) async fn ended(&mut self, id: &str, outcome: Outcome) {
        let now = self.clock.now();
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        served.dirty = true;
        let Some(mut active) = served.active.take() else {
            return;
        };
        self.watch.look_at(id);
        if let Err(failure) = &outcome {
            tell(id, &active, failure);
        }
        self.count(id, &active, &outcome);
        if let Some(due_at) = active.due_at {
            self.end_slot(id, due_at, &active, &outcome, now).await;
        }
        if let Some(report) = active.report.take() {
            // Who asked may have gone away.
            let _ = report.send(answer(outcome));
        }
        if self
            .integrations
            .get(id)
            .is_some_and(|served| served.removed)
        {
            self.integrations.remove(id);
        }
    }

    /// Counts a run for those who watch; a dry run is none.
    fn count(&self, id: &str, active: &Active, outcome: &Outcome) {
        let dry = matches!(
            active.task,
            Task::Work(Work::DryRun { .. } | Work::Undo { dry: true, .. })
        );
        match outcome {
            Ok(Some(report)) if !dry => self.counters.count_run(report),
            // It is put on record as failed.
            Err(Failure::Setup(_)) if active.due_at.is_some() => self.counters.count_unbegun(id),
            _ => {}
        }
    }

    async fn end_slot(
        &mut self,
        id: &str,
        due_at: Timestamp,
        active: &Active,
        outcome: &Outcome,
        now: Timestamp,
    ) {
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        let Some(slot) = served.slots.get_mut(&due_at) else {
            return;
        };
        match outcome {
            Ok(Some(report)) => {
                slot.tries += 1;
                match report.state {
                    // The daemon stops; the next one makes it up.
                    State::Interrupted => {}
                    State::Failed => self.failed(id, due_at, now),
                    _ => self.done(id, due_at, None),
                }
            }
            Ok(None) => self.done(id, due_at, None),
            Err(Failure::Setup(_)) => {
                slot.tries += 1;
                let sentence = outcome.as_ref().err().map(Failure::sentence);
                self.record_unbegun(id, due_at, active, &sentence.unwrap_or_default(), now)
                    .await;
                self.failed(id, due_at, now);
            }
            Err(Failure::Load(load::Error::Busy { .. })) => {
                let queue = served.timetable.schedule().overlap == Overlap::Queue;
                if queue && !self.stopping {
                    let tries = slot.tries;
                    served.timetable.again(due_at, later(now, SOON), tries);
                } else {
                    slot.state = SlotState::Skipped;
                    let note = "overlap: a run of another process was going on";
                    self.done(id, due_at, Some(note.to_owned()));
                }
            }
            Err(Failure::Load(error)) => {
                let schedule = served.timetable.schedule();
                let over = later(due_at, schedule.catch_up.max(schedule.max_duration));
                if now < over {
                    let tries = slot.tries;
                    served.timetable.again(due_at, later(now, SOON), tries);
                } else {
                    if slot.tries == 0 {
                        slot.state = SlotState::Missed;
                    }
                    let note = format!("it could not be run: {}", load::chain(error));
                    self.done(id, due_at, Some(note));
                }
            }
        }
    }

    /// The run of a slot failed: it is tried again, or that was it.
    fn failed(&mut self, id: &str, due_at: Timestamp, now: Timestamp) {
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        let Some(slot) = served.slots.get_mut(&due_at) else {
            return;
        };
        slot.failed = true;
        let slot = *slot;
        match served.timetable.retry_after(slot.tries) {
            Some(after) => {
                let at = later(now, after);
                served.timetable.again(due_at, at, slot.tries);
                let note = format!(
                    "try {} failed; the next is at {}",
                    slot.tries,
                    at.strftime("%Y-%m-%dT%H:%M:%SZ")
                );
                tracing::info!(integration.id = id, %due_at, tries = slot.tries, next_try_at = %at, "The run is tried again");
                self.writes.slots.push(Write::Postpone {
                    slot: slot.key,
                    at,
                    note,
                });
            }
            None if slot.tries > 1 => {
                let note = format!("all {} tries failed", slot.tries);
                self.done(id, due_at, Some(note));
            }
            None => self.done(id, due_at, None),
        }
    }

    /// A slot has had its run.
    fn done(&mut self, id: &str, due_at: Timestamp, note: Option<String>) {
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        served.timetable.settled(due_at);
        let Some(slot) = served.slots.remove(&due_at) else {
            return;
        };
        self.counters.count_slot(id, slot.state);
        let again = slot.failed && slot.tries > 1;
        let note = note.or_else(|| again.then(|| format!("it took {} tries", slot.tries)));
        self.writes.slots.push(Write::Settle {
            slot: slot.key,
            state: slot.state,
            note,
        });
    }

    /// Puts a scheduled run that could not even be set up on record, as failed.
    async fn record_unbegun(
        &mut self,
        id: &str,
        due_at: Timestamp,
        active: &Active,
        sentence: &str,
        now: Timestamp,
    ) {
        let Some((slot, integration)) = self
            .integrations
            .get(id)
            .and_then(|served| served.slots.get(&due_at))
            .zip(self.config.integration(id))
        else {
            return;
        };
        let run_id = Uuid::parse_str(&active.run_id).unwrap_or_else(|_| Uuid::now_v7());
        let run = NewRun {
            run_id,
            integration: id,
            trigger: active.trigger,
            kind: store::Kind::Load,
            origin: None,
            dry_run: false,
            partial: false,
            started_at: active.since,
            config_hash: &integration.config_hash,
            slot: Some(NewRunSlot {
                slot: slot.key,
                state: slot.state,
                note: None,
            }),
        };
        let recorded = async {
            let key = self.store.begin_run(&run).await?;
            let counts = Counts::default();
            self.store.keep_outline(key, sentence).await?;
            self.store
                .end_run(key, State::Failed, &counts, Some(sentence), now)
                .await
        };
        let recorded: Result<(), store::Error> = recorded.await;
        if let Err(error) = recorded {
            tracing::error!(run.id = %run_id, error = %load::chain(&error), "Could not put a run on record that could not begin");
        }
    }
}

fn answer(outcome: Outcome) -> Result<Report, Refusal> {
    match outcome {
        Ok(Some(report)) => Ok(report),
        Ok(None) => Err(Refusal::new(Exit::Failed, "there was no run")),
        Err(failure) => {
            let sentence = failure.sentence();
            let exit = match failure {
                Failure::Setup(error) => exit::of_error(&error),
                Failure::Load(error) => exit::of_error(&error.into()),
            };
            Err(Refusal::new(exit, sentence))
        }
    }
}

/// A failure that has no run to tell of it.
fn tell(id: &str, active: &Active, failure: &Failure) {
    let error = match failure {
        Failure::Load(error) => error.for_log(),
        setup @ Failure::Setup(_) => setup.sentence(),
    };
    match failure {
        Failure::Load(load::Error::Busy { .. }) => {
            tracing::warn!(
                integration.id = id,
                error,
                "Another process runs the integration"
            );
        }
        _ if active.task == Task::Recovery => {
            tracing::warn!(
                integration.id = id,
                error,
                "Could not close what a dead process left behind; the next run does"
            );
        }
        _ => {
            tracing::error!(run.id = %active.run_id, integration.id = id, error, "The run could not be made");
        }
    }
}
