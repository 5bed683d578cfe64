//! The task that watches over: it looks after each run, when something has changed, and once a minute.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store::Store;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::driver::Handle;
use crate::clock::Clock;
use crate::config::Config;
use crate::notify::Notifier;
use crate::watch::{self, Facts, Outlook, Skews};

/// Tokens end, disks fill and loads stay away without anybody saying so.
const EVERY: Duration = Duration::from_mins(1);

/// What is to be looked at, and the bell that says so.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    changed: Mutex<BTreeSet<String>>,
    bell: Notify,
    /// How far the clocks of both systems are away.
    pub(crate) skews: Skews,
}

impl Watch {
    /// Has an integration looked at: a run has ended, or a due time was missed.
    pub(crate) fn look_at(&self, integration: &str) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.insert(integration.to_owned());
        self.bell.notify_one();
    }

    /// Has everything else looked at: the configuration, pauses.
    pub(crate) fn look(&self) {
        self.bell.notify_one();
    }

    fn take_changed(&self) -> BTreeSet<String> {
        mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Watches, until it is over.
pub(crate) async fn keep(
    watch: Arc<Watch>,
    store: Arc<Store>,
    handle: Handle,
    clock: Arc<dyn Clock>,
    notifier: Notifier,
    over: CancellationToken,
) {
    let ended = over.run_until_cancelled(async {
        let mut facts = Facts::new(clock.now());
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut refused = false;
        loop {
            tokio::select! {
                () = watch.bell.notified() => {}
                () = notifier.failing_changed() => {}
                _ = ticks.tick() => {}
            }
            facts.now = clock.now();
            let changed = watch.take_changed();
            match look(&mut facts, &changed, &watch, &store, &handle, &notifier).await {
                Ok(()) => {
                    refused = false;
                    notifier.wake();
                }
                Err(error) => {
                    // The next look makes up for it; the database's own state tells of the fault.
                    watch.changed.lock().unwrap_or_else(PoisonError::into_inner).extend(changed);
                    if !mem::replace(&mut refused, true) {
                        tracing::error!(error = %load::chain(&error), "Could not watch over; it is tried again every minute");
                    }
                }
            }
        }
    });
    let _: Option<()> = ended.await;
}

async fn look(
    facts: &mut Facts,
    changed: &BTreeSet<String>,
    watch: &Watch,
    store: &Store,
    handle: &Handle,
    notifier: &Notifier,
) -> Result<(), store::Error> {
    // Asked for first: what the driver wrote down of a turn is on record when it answers.
    let Some((config, outlook)) = handle.outlook().await else {
        return Ok(());
    };
    look_at_changed(facts, changed, &config, &outlook, store).await?;
    facts
        .look_around(&config, store, &outlook, &watch.skews)
        .await?;
    watch::tell(store, facts, notifier.failing()).await?;
    Ok(())
}

async fn look_at_changed(
    facts: &mut Facts,
    changed: &BTreeSet<String>,
    config: &Config,
    outlook: &Outlook,
    store: &Store,
) -> Result<(), store::Error> {
    for integration in &config.integrations {
        let id = &integration.id;
        let known = facts.integrations.get(id);
        if known.is_some() && !changed.contains(id) {
            continue;
        }
        let missed = known.and_then(|known| known.missed.clone());
        facts.look_at(integration, store).await?;
        // A due time that is being made up stands in for those before it once its run is on record.
        if outlook.active.contains(id)
            && let Some(facts) = facts.integrations.get_mut(id)
        {
            facts.missed = missed;
        }
    }
    Ok(())
}
