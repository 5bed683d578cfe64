//! Runs: put into the queue, and launched in their turn.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use load::{Cause, Halt, Publisher, Report};
use store::SlotState;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::Driver;
use super::desk::Event;
use super::state::{Active, Served};
use crate::control::{Refusal, Work};
use crate::exit::Exit;
use crate::serve::running::{Launch, Task};

impl Served {
    pub(super) fn is_recovering(&self) -> bool {
        let task = self.active.as_ref().map(|active| &active.task);
        task == Some(&Task::Recovery)
    }
}

impl Driver {
    /// Closes what dead processes left behind of the integrations that are served.
    pub(super) async fn recover_all(&mut self) {
        let unfinished = match self.store.unfinished_integrations().await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                tracing::error!(error = %load::chain(&error), "Could not look for what dead processes left behind; the next run of each integration does");
                return;
            }
        };
        for id in unfinished {
            if self.integrations.contains_key(&id) {
                let now = self.clock.now();
                self.enqueue(&id, Task::Recovery, "recovery", None, Uuid::now_v7(), now);
            } else {
                tracing::warn!(integration.id = %id, "A dead process left a run of an integration that is not in the configuration; it is closed once the integration is back");
            }
        }
    }

    /// Begins the run of a slot.
    pub(super) fn start_slot(
        &mut self,
        id: &str,
        due_at: Timestamp,
        late: bool,
        note: Option<String>,
        now: Timestamp,
    ) {
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        let Some(slot) = served.slots.get_mut(&due_at) else {
            // Without its row it cannot be run; that is a defect, and must not come around for ever.
            served.timetable.settled(due_at);
            return;
        };
        slot.state = if late {
            SlotState::Late
        } else {
            SlotState::Ran
        };
        let slot = load::Slot {
            slot: slot.key,
            state: slot.state,
            note,
        };
        served.timetable.started(due_at);
        let longest = served.timetable.schedule().max_duration;
        let task = Task::Work(Work::Load { only: None });
        let run_id = Uuid::now_v7();
        self.enqueue(
            id,
            task,
            "schedule",
            Some((due_at, slot, longest)),
            run_id,
            now,
        );
    }

    /// Puts a run at the end of the queue.
    pub(super) fn enqueue(
        &mut self,
        id: &str,
        task: Task,
        trigger: &'static str,
        slot: Option<(Timestamp, load::Slot, Duration)>,
        run_id: Uuid,
        now: Timestamp,
    ) -> Option<Enqueued> {
        let config = Arc::clone(&self.config);
        let served = self.integrations.get_mut(id)?;
        let (publisher, progress) = Publisher::new();
        let (halt, (report, answer)) = (Halt::new(), oneshot::channel());
        let run_id = match &task {
            Task::Work(work) => work.goes_on_with().map(str::to_owned),
            Task::Recovery => None,
        }
        .unwrap_or_else(|| run_id.to_string());
        let due_at = slot.as_ref().map(|(due_at, ..)| *due_at);
        let longest = slot.as_ref().map(|(.., longest)| *longest);
        served.active = Some(Active {
            run_id: run_id.clone(),
            task: task.clone(),
            trigger,
            due_at,
            since: now,
            launched: false,
            halt: halt.clone(),
            progress: progress.clone(),
            report: Some(report),
        });
        self.queue.push_back(Launch {
            config,
            integration: id.to_owned(),
            task,
            trigger,
            slot: slot.map(|(_, slot, _)| slot),
            run_id: Uuid::parse_str(&run_id).unwrap_or_else(|_| Uuid::now_v7()),
            halt: halt.clone(),
            progress: publisher,
            longest,
        });
        Some(Enqueued {
            progress,
            halt,
            answer,
        })
    }

    /// Launches what waits, as far as there is room.
    pub(super) fn launch_queued(&mut self) {
        let now = self.clock.now();
        // A load would find who is being forgotten half gone, and the integration locked.
        while !self.is_forgetting() && self.running() < self.config.max_concurrent_runs {
            let Some(launch) = self.queue.pop_front() else {
                return;
            };
            let id = launch.integration.clone();
            if let Some(active) = self.active_mut(&id) {
                active.launched = true;
                active.since = now;
            }
            let (carrier, sender) = (Arc::clone(&self.carrier), self.sender.clone());
            let run = tokio::spawn(async move { carrier(launch).await });
            tokio::spawn(async move {
                let event = match run.await {
                    Ok(outcome) => Event::Ended { id, outcome },
                    Err(died) => Event::Died(format!("the run of `{id}` died: {died}")),
                };
                // A driver that has ended hears of nothing.
                let _ = sender.send(event).await;
            });
        }
    }

    fn active_mut(&mut self, id: &str) -> Option<&mut Active> {
        self.integrations.get_mut(id)?.active.as_mut()
    }

    /// Stops everything: nothing new begins, and what goes on ends at its next batch.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
        for launch in std::mem::take(&mut self.queue) {
            let Some(served) = self.integrations.get_mut(&launch.integration) else {
                continue;
            };
            if let Some(report) = served.active.take().and_then(|active| active.report) {
                let _ = report.send(Err(stopping()));
            }
        }
        for active in self
            .integrations
            .values()
            .filter_map(|served| served.active.as_ref())
        {
            active.halt.stop(Cause::Shutdown);
        }
        tracing::info!(runs = self.running(), "Stopping");
    }

    /// Puts the end of the daemon on record.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        // Nobody is answered any more, least of all by the next daemon's address.
        let _ = self.exporter.listen(None).await;
        let now = self.clock.now();
        self.writes.heartbeat = true;
        self.try_to_record(now).await?;
        self.store.end_service(self.service, now).await?;
        Ok(())
    }
}

/// What follows from putting a run into the queue.
pub(super) struct Enqueued {
    pub(super) progress: watch::Receiver<load::Progress>,
    pub(super) halt: Halt,
    pub(super) answer: oneshot::Receiver<Result<Report, Refusal>>,
}

/// The refusal of a daemon that stops.
pub(super) fn stopping() -> Refusal {
    Refusal::new(
        Exit::Interrupted,
        "the daemon is stopping; ask again when it runs",
    )
}
