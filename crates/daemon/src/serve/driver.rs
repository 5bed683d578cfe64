//! The driver: one task that owns the ledger, the pauses and the runs of the daemon.
//!
//! It waits for the alarm, for the ends of runs and for what clients ask, and after each of them takes a turn:
//! due times that have come are put on record, what becomes of each is decided (in `schedule`) and carried out,
//! and the alarm is set to the next instant at which there is something to do.
//!
//! **Invariant:** a due time is on record before anything is done about it, so that no death of the process loses it.
//! **Invariant:** an integration has at most one run, of whatever kind, in this process.

mod clock;
mod desk;
mod endings;
mod ledger;
mod orders;
mod pauses;
mod reload;
mod runs;
mod start;
mod state;
mod status;
mod survey;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schedule::Absence;
use store::{Pause, Store};
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::desk::{Event, Handle};
use self::ledger::Writes;
use self::state::Served;
pub(crate) use self::status::token_statuses;
pub(crate) use self::survey::{Survey, Surveyed};
use super::alarm::Alarm;
use super::metrics::{Counters, Exporter};
use super::running::{Carrier, Launch};
use super::systemd;
use super::watch::Watch;
use crate::clock::Clock;
use crate::config::Config;
use crate::control::Incumbent;
use crate::logging::Logging;
use crate::notify::Notifier;

/// How often it is put on record that the daemon lives.
const HEARTBEAT: Duration = Duration::from_mins(1);

/// What the driver is made of.
pub(crate) struct Parts {
    /// The file of the configuration.
    pub(crate) path: PathBuf,
    /// What it says.
    pub(crate) config: Config,
    /// Where everything is remembered.
    pub(crate) store: Arc<Store>,
    /// Where the time is taken from.
    pub(crate) clock: Arc<dyn Clock>,
    /// What wakes the driver.
    pub(crate) alarm: Arc<Alarm>,
    /// What is told of runs that end, and of all else that may be worth a notice.
    pub(crate) watch: Arc<Watch>,
    /// What carries runs out.
    pub(crate) carrier: Carrier,
    /// What is counted for those who watch.
    pub(crate) counters: Counters,
    /// Which daemon this is.
    pub(crate) incumbent: Incumbent,
    /// The log, whose level a reload changes; tests have none.
    pub(crate) logging: Option<Logging>,
    /// The way to those who are told, whom a reload changes.
    pub(crate) notifier: Notifier,
}

/// The task that owns the state of the daemon.
pub(crate) struct Driver {
    path: PathBuf,
    config: Arc<Config>,
    /// What was in force at the start: some of it stays until the end.
    at_start: Arc<Config>,
    restart: Vec<String>,
    loaded_at: Timestamp,
    faults: Vec<String>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    alarm: Arc<Alarm>,
    watch: Arc<Watch>,
    carrier: Carrier,
    counters: Counters,
    exporter: Exporter,
    incumbent: Incumbent,
    logging: Option<Logging>,
    notifier: Notifier,
    /// The row of this life of the daemon.
    service: i64,
    /// The latest time in which nothing could start.
    absence: Absence,
    integrations: BTreeMap<String, Served>,
    pauses: Vec<Pause>,
    /// Runs that wait for a place among those that go on, the first first.
    queue: VecDeque<Launch>,
    writes: Writes,
    /// Sentences on what is wrong with the daemon, by what they are about.
    health: BTreeMap<&'static str, String>,
    stopping: bool,
    /// Held by others too while somebody is being forgotten.
    forgetting: Arc<()>,
    told: String,
    events: mpsc::Receiver<Event>,
    sender: mpsc::Sender<Event>,
}

impl Driver {
    /// Serves until it is told to stop and every run has ended.
    ///
    /// # Errors
    /// The end could not be put on record.
    pub(crate) async fn drive(mut self, ready: oneshot::Sender<()>) -> anyhow::Result<()> {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        self.expose().await;
        self.recover_all().await;
        self.turn().await;
        systemd::ready(&self.line());
        // Whoever started the daemon may have gone away.
        let _ = ready.send(());
        let alarm = Arc::clone(&self.alarm);
        while !(self.stopping && self.running() == 0) {
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => self.hear(event).await?,
                    None => break,
                },
                () = alarm.rung() => {}
                _ = heartbeat.tick() => {
                    self.writes.heartbeat = true;
                    self.expose().await;
                }
            }
            self.turn().await;
        }
        self.end().await
    }

    /// Does what there is to do now, and sets the alarm to when there will be more.
    async fn turn(&mut self) {
        let now = self.clock.now();
        self.look_at_the_clock(now).await;
        let recorded = self.record(now).await;
        if !self.stopping {
            for id in self.due_for_a_decision(now) {
                self.decide(&id, now).await;
            }
            self.launch_queued();
        }
        let next = self.integrations.values().filter_map(|served| served.wake);
        let again = (!recorded).then(|| now + ledger::TRY_AGAIN);
        self.alarm.set(if self.stopping {
            again
        } else {
            next.chain(again).min()
        });
        self.tell_systemd();
    }

    /// What systemd shows of the daemon, in one line.
    fn line(&self) -> String {
        let going_on: Vec<&str> = self
            .integrations
            .iter()
            .filter(|(_, served)| served.active.as_ref().is_some_and(|active| active.launched))
            .map(|(id, _)| id.as_str())
            .collect();
        let mut parts = vec![match going_on.as_slice() {
            [] if self.stopping => "stopping".to_owned(),
            [] => "nothing runs".to_owned(),
            ids if ids.len() <= 3 => format!("running {}", ids.join(", ")),
            ids => format!("running {} integrations", ids.len()),
        }];
        let now = self.clock.now();
        let next = self
            .integrations
            .iter()
            .filter(|(id, served)| self.pause_of(id, served).is_none())
            .filter_map(|(id, served)| {
                served
                    .timetable
                    .next(now)
                    .map(|(_, start_at)| (start_at, id))
            })
            .min();
        if let (Some((at, id)), false) = (next, self.stopping) {
            let at = at.to_zoned(self.config.timezone.clone());
            parts.push(format!(
                "next {id} at {}",
                at.strftime("%Y-%m-%d %H:%M:%S %Z")
            ));
        }
        let faults = match self.faults.len() {
            0 => None,
            1 => Some("a fault".to_owned()),
            faults => Some(format!("{faults} faults")),
        };
        parts.extend(
            faults.map(|faults| format!("the configuration file has {faults} and is not in force")),
        );
        if !self.health.is_empty() {
            parts.push("see `rollcall status`".to_owned());
        }
        parts.join("; ")
    }

    fn tell_systemd(&mut self) {
        let line = self.line();
        if line != self.told {
            systemd::status(&line);
            self.told = line;
        }
    }

    fn is_forgetting(&self) -> bool {
        Arc::strong_count(&self.forgetting) > 1
    }

    /// The runs that go on, recoveries included.
    fn running(&self) -> usize {
        let going_on =
            |served: &&Served| served.active.as_ref().is_some_and(|active| active.launched);
        self.integrations.values().filter(going_on).count()
    }
}
