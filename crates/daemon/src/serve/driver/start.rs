//! The start: the ledger is taken up where the daemon before left it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use schedule::{Absence, AbsenceKind, Open, Timetable};
use store::{Ledger, OpenSlot, Service, SlotState, State};
use tokio::sync::mpsc;

use super::clock::WORTH_TELLING;
use super::ledger::{Write, Writes, later};
use super::state::{Served, Slot};
use super::{Driver, Handle, Parts};
use crate::serve::alarm::Gap;
use crate::serve::metrics::{Exporter, Watched};

impl Driver {
    /// Takes up the ledger where the daemon before left it.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub(crate) async fn new(parts: Parts) -> anyhow::Result<(Self, Handle)> {
        let (sender, events) = mpsc::channel(64);
        let now = parts.clock.now();
        let store = &parts.store;
        let last = store.last_service().await?;
        let (pid, version) = (parts.incumbent.pid, &parts.incumbent.version);
        let service = store.begin_service(pid, version, now).await?;
        let absence = Absence {
            from: last.as_ref().map(last_seen),
            to: now,
            kind: AbsenceKind::Down,
        };
        let pauses = store.pauses().await?;
        let handle = Handle::new(sender.clone());
        let exporter = Exporter::new(Watched {
            handle: handle.clone(),
            store: Arc::clone(store),
            clock: Arc::clone(&parts.clock),
            counters: parts.counters.clone(),
        });
        let config = Arc::new(parts.config);
        let mut driver = Self {
            path: parts.path,
            at_start: Arc::clone(&config),
            config,
            restart: Vec::new(),
            loaded_at: now,
            faults: Vec::new(),
            store: parts.store,
            clock: parts.clock,
            alarm: parts.alarm,
            watch: parts.watch,
            carrier: parts.carrier,
            counters: parts.counters,
            exporter,
            incumbent: parts.incumbent,
            logging: parts.logging,
            notifier: parts.notifier,
            service,
            absence,
            integrations: std::collections::BTreeMap::new(),
            pauses,
            queue: std::collections::VecDeque::new(),
            writes: Writes::default(),
            health: std::collections::BTreeMap::new(),
            stopping: false,
            forgetting: Arc::default(),
            told: String::new(),
            events,
            sender,
        };
        driver.tell_of_the_life_before(last.as_ref(), now);
        // Due times until then have their slots; noticing one twice does no harm.
        let since = last.as_ref().map_or(now, |last| last.alive_at);
        let config = Arc::clone(&driver.config);
        driver.serve(&config.integrations, since, now).await?;
        driver.take_up_open_slots(now).await?;
        Ok((driver, handle))
    }

    fn tell_of_the_life_before(&mut self, last: Option<&Service>, now: Timestamp) {
        let Some(last) = last else { return };
        if last.stopped_at.is_none() {
            tracing::warn!(
                pid = last.pid,
                alive_at = %last.alive_at,
                "The daemon before this one did not stop by itself: it was killed, or the machine went down"
            );
        }
        let from = last_seen(last);
        if now.duration_since(from) < -WORTH_TELLING {
            self.tell_of_a_clock_set_back(Gap { from, to: now });
        }
    }

    /// Begins to serve integrations whose due times count from `since`, or from now where they are new.
    pub(super) async fn serve(
        &mut self,
        integrations: &[crate::config::Integration],
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let names: Vec<String> = integrations.iter().map(|one| one.id.clone()).collect();
        let ledgers = self.store.ledgers(&names).await?;
        let ledgers: HashMap<&str, &Ledger> = ledgers
            .iter()
            .map(|ledger| (ledger.name.as_str(), ledger))
            .collect();
        for integration in integrations {
            let Some(ledger) = ledgers.get(integration.id.as_str()) else {
                continue;
            };
            let timing = integration.schedule.timing.to_string();
            let known = ledger.from.map(|from| from.max(since));
            // What lies before the longest that history is kept would be gone from it at once.
            let oldest = before(now, self.config.retention.runs);
            let cursor = known.unwrap_or(now).max(oldest).min(now);
            if ledger.from.is_none() || ledger.timing.as_deref() != Some(timing.as_str()) {
                let from = ledger.from.unwrap_or(now);
                self.store.begin_ledger(ledger.key, from, &timing).await?;
            }
            self.store
                .keep_configuration(
                    ledger.key,
                    &integration.config_hash,
                    &integration.effective_yaml(),
                    now,
                )
                .await?;
            let schedule = Arc::new(integration.schedule.clone());
            let mut timetable = Timetable::new(&integration.id, schedule, cursor);
            if known.is_some_and(|known| known > now) {
                let done = self.store.slots_done_after(ledger.key, now).await?;
                timetable.rewind(now, done.into_iter().collect());
            }
            let served = Served {
                key: ledger.key,
                timetable,
                slots: HashMap::new(),
                active: None,
                wake: Some(now),
                dirty: true,
                removed: false,
            };
            self.counters.begin(&integration.id);
            self.integrations.insert(integration.id.clone(), served);
        }
        Ok(())
    }

    /// Takes up slots of which nothing final became before the daemon stopped.
    async fn take_up_open_slots(&mut self, now: Timestamp) -> Result<(), store::Error> {
        for open in self.store.open_slots().await? {
            let served = self
                .integrations
                .iter_mut()
                .find(|(_, served)| served.key == open.integration);
            let Some((id, served)) = served else {
                self.writes.slots.push(taken_out(&open));
                continue;
            };
            let state = open.run.as_ref().map(|(_, state)| *state);
            let retry = served.timetable.retry_after(open.tries);
            let (start_at, interrupted) = match (state, open.next_try_at) {
                (_, Some(next_try_at)) => (next_try_at, false),
                (None, None) => {
                    let offset = served.timetable.schedule().offset(id);
                    (later(open.due_at, offset), false)
                }
                (Some(State::Running | State::Interrupted), None) => (open.due_at, true),
                (Some(State::Failed), None) if retry.is_some() => {
                    (later(now, retry.unwrap_or_default()), false)
                }
                // Its run has ended, and the daemon with it, before this could be written down.
                (Some(_), None) => {
                    self.counters.count_slot(id, open.state);
                    self.writes.slots.push(Write::Settle {
                        slot: open.slot,
                        state: open.state,
                        note: None,
                    });
                    continue;
                }
            };
            served.timetable.restore(Open {
                due_at: open.due_at,
                start_at,
                tries: open.tries,
                interrupted,
                late: open.state == SlotState::Late,
            });
            served.slots.insert(open.due_at, Slot::of(&open));
        }
        Ok(())
    }
}

/// What becomes of a slot whose integration is no part of the configuration any more.
fn taken_out(open: &OpenSlot) -> Write {
    let state = match open.state {
        SlotState::Waiting => SlotState::Skipped,
        begun => begun,
    };
    Write::Settle {
        slot: open.slot,
        state,
        note: Some("the integration was taken out of the configuration".to_owned()),
    }
}

/// The last time at which a daemon is known to have lived.
fn last_seen(service: &Service) -> Timestamp {
    service.stopped_at.unwrap_or(service.alive_at)
}

fn before(now: Timestamp, duration: std::time::Duration) -> Timestamp {
    now.checked_sub(duration).unwrap_or(Timestamp::MIN)
}
