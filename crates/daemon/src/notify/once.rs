//! Telling without a daemon: a command that made a load tells what came of it, and goes.

use std::fs::{self, File};
use std::sync::Arc;
use std::time::Duration;

use store::Store;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::deliver::route;
use super::notifier::Notifier;
use super::teller::Teller;

/// After this time nothing new is tried; what is out has two seconds more.
const LONGEST: Duration = Duration::from_secs(3);
/// How often it is looked whether another process is done.
const LOOK: Duration = Duration::from_millis(50);
/// Loads are told of for so long.
const PINGS: Duration = Duration::from_secs(5);

/// Routes what began and ended, and tries once to tell everybody: some seconds in all, at most.
///
/// What cannot be told stays in the outboxes, for the next command or a daemon.
pub(crate) async fn tell_once(notifier: &Notifier, store: &Arc<Store>) {
    let in_force = notifier.in_force();
    let Some(_alone) = alone(store).await else {
        tracing::info!("Another process tells of notices; what is left is told with the next load");
        return notifier.shared.pings.settle(PINGS).await;
    };
    route(&in_force, store).await;
    let over = CancellationToken::new();
    let mut telling = JoinSet::new();
    for channel in &in_force.notify.channels {
        let mut teller = Teller::new(
            channel.clone(),
            in_force.reach.clone(),
            Arc::clone(store),
            Arc::clone(&notifier.shared.health),
        );
        let over = over.clone();
        telling.spawn(async move { teller.pass(&over).await });
    }
    let told = async { while telling.join_next().await.is_some() {} };
    let limited = async {
        tokio::pin!(told);
        tokio::select! {
            () = &mut told => {}
            () = sleep(LONGEST) => {
                over.cancel();
                told.await;
            }
        }
    };
    tokio::join!(limited, notifier.shared.pings.settle(PINGS));
}

/// Waits until no other command tells; what is returned keeps others waiting. `None`: it takes too long.
async fn alone(store: &Store) -> Option<File> {
    let folder = store.path().with_file_name("locks");
    let file = fs::create_dir_all(&folder)
        .and_then(|()| File::create(folder.join("notify")))
        .inspect_err(|error| tracing::warn!(%error, "Could not take the lock of those who tell"))
        .ok()?;
    let deadline = Instant::now() + LONGEST;
    while file.try_lock().is_err() {
        if Instant::now() >= deadline {
            return None;
        }
        sleep(LOOK).await;
    }
    Some(file)
}
