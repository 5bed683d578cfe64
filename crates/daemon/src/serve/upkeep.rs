//! Upkeep: the history is kept as long as the configuration says, and the database small, at quiet times.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{Pruning, Store};
use tokio_util::sync::CancellationToken;

use super::driver::{Event, Handle};

/// The first time after the start: those who are restarted several times in a row, or load first, do not wait for it.
const FIRST: Duration = Duration::from_mins(15);
/// Until the next time, while it was not quiet.
const SOON: Duration = Duration::from_mins(5);
/// From one time to the next.
const A_DAY: Duration = Duration::from_hours(24);
/// Quiet is when nothing goes on, and nothing is due for so long.
const AHEAD: Duration = Duration::from_mins(2);
/// Rows of one transaction: others wait for some milliseconds.
const ROWS: u32 = 1_000;
/// Free pages that are given back at a time: 8 MB.
const PAGES: u32 = 1_000;
/// Between two transactions others have their turn.
const PAUSE: Duration = Duration::from_millis(50);

/// Keeps the database, until it is over.
pub(crate) async fn keep(store: Arc<Store>, handle: Handle, over: CancellationToken) {
    let ended = over.run_until_cancelled(async {
        check(&store, &handle).await;
        if handle.is_quiet(AHEAD).await {
            finish_forgetting(&store).await;
        }
        give_back(&store).await;
        let mut wait = FIRST;
        loop {
            tokio::time::sleep(wait).await;
            wait = if !handle.is_quiet(AHEAD).await {
                SOON
            } else if tidy(&store, &handle).await {
                A_DAY
            } else {
                SOON
            };
        }
    });
    let _: Option<()> = ended.await;
}

/// Looks once through the whole file, beside everything else.
async fn check(store: &Store, handle: &Handle) {
    let sentence = match store.quick_check().await {
        Ok(faults) if faults.is_empty() => return,
        Ok(faults) => format!(
            "the database `{}` is damaged ({}); stop the daemon and put the latest backup in its place",
            store.path().display(),
            faults.join("; ")
        ),
        Err(error) => load::chain(&error),
    };
    tracing::error!(error = sentence, "The check of the database failed");
    handle
        .tell(Event::Health {
            about: "database file",
            sentence: Some(sentence),
        })
        .await;
}

/// Gives back to the system what work on the database needed: the daemon is small while it waits.
pub(super) async fn give_back(store: &Store) {
    if let Err(error) = store.shrink_memory().await {
        tracing::debug!(error = %load::chain(&error), "Could not shrink the caches of the database");
    }
    load::give_back();
}

/// Writes the database anew where somebody was forgotten and that was not come to, as its process died.
async fn finish_forgetting(store: &Store) {
    let finishing = async {
        if store.awaits_rewrite().await? {
            return Ok::<_, store::Error>(Some(store.rewrite().await?));
        }
        Ok(None)
    };
    match finishing.await {
        Ok(None) => {}
        Ok(Some(true)) => tracing::info!(
            "The database was written anew: nothing is left in it of who was forgotten"
        ),
        Ok(Some(false)) => tracing::warn!(
            "Somebody reads the database, so that its files still hold what was there of who was forgotten; it is tried again"
        ),
        Err(error) => {
            tracing::error!(error = %load::chain(&error), "Could not write the database anew after somebody was forgotten; it is tried again");
        }
    }
}

/// Finishes what is left of forgetting, and prunes the history; says whether that came to its end.
async fn tidy(store: &Store, handle: &Handle) -> bool {
    finish_forgetting(store).await;
    let done = try_to_tidy(store, handle).await;
    give_back(store).await;
    match done {
        Ok(done) => done,
        Err(error) => {
            tracing::error!(error = %load::chain(&error), "Could not prune the history; it is tried again");
            false
        }
    }
}

async fn try_to_tidy(store: &Store, handle: &Handle) -> Result<bool, store::Error> {
    let Some(retention) = handle.retention().await else {
        return Ok(true);
    };
    let now = Timestamp::now();
    let before = |time| now.checked_sub(time).unwrap_or(Timestamp::MIN);
    let retention = store::Retention {
        runs: before(retention.runs),
        errors: before(retention.errors),
        changes: before(retention.changes),
        gone_people: before(retention.gone_people),
    };
    let mut pruning = Pruning::new(retention);
    let mut rows = 0;
    loop {
        let pruned = store.prune(&mut pruning, ROWS).await?;
        rows += pruned.rows;
        if !pruned.more {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        if !handle.is_quiet(Duration::ZERO).await {
            return Ok(false);
        }
    }
    if rows > 0 {
        tracing::info!(rows, "The history was pruned");
    }
    if store.vacuum().await? {
        tracing::info!(
            "The database was rewritten: from now on it gives free pages back to the disk"
        );
    }
    while store.optimize(PAGES).await? {
        tokio::time::sleep(PAUSE).await;
        if !handle.is_quiet(Duration::ZERO).await {
            return Ok(false);
        }
    }
    Ok(true)
}
