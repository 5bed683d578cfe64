//! The way to those who are told: what the rest of the process knows of it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use load::Report;
use store::{Notice, Store};
use tokio::sync::Notify;

use super::health::{Health, KIND};
use super::pings::{Pings, Signal};
use super::tell::reach;
use super::trial::{self, Trial};
use crate::config::{self, Config};

/// Tries before which a channel is not said to fail when they are found in the database.
const TRIES: u32 = 3;

/// The way to those who are told; clones lead to the same ones.
///
/// Nothing here waits for anybody: what is to be told is told by [`serve`](super::serve), or by
/// [`tell_once`](super::tell_once), and loads by tasks of their own.
#[derive(Debug, Clone)]
pub(crate) struct Notifier {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    in_force: Mutex<Arc<InForce>>,
    /// There may be notices to route.
    pub(super) bell: Notify,
    /// Something has changed that may have mended what failed.
    again: AtomicBool,
    pub(super) health: Arc<Health>,
    pub(super) pings: Pings,
}

/// Who is told, and how addresses are reached.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) notify: config::Notify,
    pub(super) reach: transport::Way,
}

impl Notifier {
    /// Makes the way to those whom a configuration names, and takes up who of them could not be told before.
    pub(crate) async fn begin(config: &Config, store: &Store) -> Self {
        let notifier = Self::new(config);
        let health = &notifier.shared.health;
        for name in failing_on_record(&config.notify, store).await {
            health.take_up(&name, Timestamp::now());
        }
        notifier
    }

    /// Makes the way to those whom a configuration names.
    pub(crate) fn new(config: &Config) -> Self {
        let in_force = Arc::new(InForce::of(config));
        let health = Arc::<Health>::default();
        let pings = Pings::default();
        pings.configure(&in_force.notify.pings, &in_force.reach, &health);
        Self {
            shared: Arc::new(Shared {
                in_force: Mutex::new(in_force),
                bell: Notify::new(),
                again: AtomicBool::new(false),
                health,
                pings,
            }),
        }
    }

    /// Puts another configuration in force; what failed is tried at once.
    pub(crate) fn configure(&self, config: &Config) {
        let shared = &self.shared;
        let in_force = Arc::new(InForce::of(config));
        shared
            .pings
            .configure(&in_force.notify.pings, &in_force.reach, &shared.health);
        let names: BTreeSet<&str> = in_force.notify.names().collect();
        shared.health.keep(&names, Timestamp::now());
        *self.lock() = Arc::clone(&in_force);
        self.try_again();
    }

    /// Says that notices may have begun or ended, so that they are told of.
    pub(crate) fn wake(&self) {
        self.shared.bell.notify_one();
    }

    /// Returns the notices on those who cannot be told, as they should stand: of the kind `notify_failed`.
    pub(crate) fn failing(&self) -> Vec<Notice> {
        self.shared.health.failing(Timestamp::now())
    }

    /// Waits until [`failing`](Self::failing) returns others.
    pub(crate) async fn failing_changed(&self) {
        self.shared.health.changed().await;
    }

    /// A load starts.
    pub(crate) fn run_started(&self, integration: &str, run_id: &str) {
        let signal = Signal::started(integration, run_id);
        self.shared.pings.tell(&signal);
    }

    /// A load has ended; notices may have come of it.
    pub(crate) fn run_ended(&self, report: &Report) {
        if let Some(signal) = Signal::ended(report) {
            self.shared.pings.tell(&signal);
        }
        self.wake();
    }

    /// A load could not be made, or its end is not on record.
    pub(crate) fn run_unmade(&self, integration: &str, run_id: &str, why: &str) {
        let signal = Signal::unmade(integration, run_id, why);
        self.shared.pings.tell(&signal);
        self.wake();
    }

    /// Sends a test to everybody, in the order of the configuration; whoever failed and can be told is told the rest.
    pub(crate) async fn test(&self) -> Vec<Trial> {
        let in_force = self.in_force();
        let trials = trial::all(&in_force.notify, &in_force.reach).await;
        for trial in trials.iter().filter(|trial| trial.error.is_none()) {
            self.shared.health.told(&trial.channel, Timestamp::now());
        }
        self.try_again();
        trials
    }

    pub(super) fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.lock())
    }

    /// Says whether what failed is to be tried at once, and forgets it.
    pub(super) fn is_to_try_again(&self) -> bool {
        self.shared.again.swap(false, Ordering::Relaxed)
    }

    fn try_again(&self) {
        self.shared.again.store(true, Ordering::Relaxed);
        self.wake();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<InForce>> {
        let in_force = self.shared.in_force.lock();
        in_force.unwrap_or_else(PoisonError::into_inner)
    }
}

impl InForce {
    fn of(config: &Config) -> Self {
        Self {
            notify: config.notify.clone(),
            reach: reach(config),
        }
    }
}

/// Finds who could not be told before this process.
async fn failing_on_record(notify: &config::Notify, store: &Store) -> BTreeSet<String> {
    let found = async {
        let mut failing = BTreeSet::new();
        for standing in store.standing_notices().await? {
            if standing.notice.kind == KIND
                && notify.names().any(|name| name == standing.notice.subject)
            {
                failing.insert(standing.notice.subject);
            }
        }
        for channel in &notify.channels {
            let outbox = store.outbox(&channel.name).await?;
            if outbox.first().is_some_and(|message| message.tries >= TRIES) {
                failing.insert(channel.name.clone());
            }
        }
        Ok(failing)
    };
    let found: Result<_, store::Error> = found.await;
    found.unwrap_or_else(|error| {
        tracing::warn!(error = %load::chain(&error), "Could not look up who could not be told before");
        BTreeSet::new()
    })
}
