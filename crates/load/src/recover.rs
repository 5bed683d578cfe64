//! Recovery: what a process that died left behind is closed before the next run begins.
//!
//! A run that was cut off is never gone on with: the next one finds what was written already equal.

mod places;

use jiff::Timestamp;
use mapping::Mapping;
use oomnitza::{PortionId, Reader, Writer};
use store::{Counts, PersonRow, RunKey, Settled, State, Store, Unfinished};

use crate::deliver::{
    Patience, await_portion, done, failed, look_up, not_attempted, place_not_attempted,
};
use crate::error::{Stop, for_log};
use crate::halt::Halt;
use crate::point::{Point, reach};
use crate::reason::Reason;
use crate::settings::{Delivery, Integration};

/// Changes that are looked up together.
const CHUNK: u32 = 500;

/// Closes what dead runs of an integration left behind; its lock is held.
pub(crate) struct Recovery<'a> {
    pub(crate) integration: &'a Integration,
    pub(crate) store: &'a Store,
    pub(crate) reader: &'a Reader,
    /// What writes; a dry run has none, and leaves open portions, and the runs that opened them, to the next run that
    /// has.
    pub(crate) writer: Option<&'a Writer>,
    pub(crate) halt: &'a Halt,
}

impl Recovery<'_> {
    pub(crate) async fn close_dead_runs(&self, integration: i64) -> Result<(), Stop> {
        let unfinished = self.store.unfinished(integration).await?;
        let mut open = self.store.open_portions(integration).await?;
        if let Some(writer) = self.writer {
            for (run, portion) in std::mem::take(&mut open) {
                self.finalize(writer, run, portion).await?;
            }
        }
        for run in unfinished {
            if open.iter().any(|(row, _)| *row == run.key.run) {
                // Oomnitza applies what it holds when it is finalized: of that nothing can be said yet.
                continue;
            }
            tracing::warn!(run.id = %run.run_id, integration.id = %self.integration.id, "Closing a run whose process ended before it was through");
            self.close(&run).await?;
            reach(Point::LeftRunClosed);
        }
        self.claim_places(integration).await
    }

    async fn finalize(&self, writer: &Writer, run: i64, portion: uuid::Uuid) -> Result<(), Stop> {
        let Ok(id) = PortionId::try_from(portion) else {
            return Ok(());
        };
        match writer.finalize_abandoned(id).await {
            Ok(()) => {
                reach(Point::LeftPortionFinalized);
                self.store.portion_finalized(run).await?;
                self.await_applied(&id).await;
                Ok(())
            }
            Err(error) if error.is_refusal() => {
                tracing::warn!(portion.id = %id, error = %for_log(&error), "Oomnitza refuses to finalize the portion of an earlier run; the next run tries again");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Waits while Oomnitza applies a portion: what is read before that would be out of date.
    async fn await_applied(&self, portion: &PortionId) {
        if let Delivery::Bulk(bulk) = &self.integration.delivery {
            let waiting = await_portion(self.reader, bulk, portion, Patience::SHORT);
            // It is applied all the same; who is stopped reads nothing after it.
            let _ = self.halt.unless_stopped(waiting).await;
        }
    }

    async fn close(&self, run: &Unfinished) -> Result<(), Stop> {
        let now = Timestamp::now();
        if !run.planned {
            self.store.drop_plan(run.key).await?;
            let error = "its process ended before the plan was complete; nothing was written";
            self.store
                .end_run(
                    run.key,
                    State::Interrupted,
                    &Counts::default(),
                    Some(error),
                    now,
                )
                .await?;
            return Ok(());
        }
        let error = "its process ended before it was through";
        if run.dry_run {
            let counts = self.store.intents(run.key).await?.unwrap_or_default();
            self.store
                .end_run(run.key, State::Interrupted, &counts, Some(error), now)
                .await?;
            return Ok(());
        }
        if let Some(Ok(portion)) = run.finalized.map(PortionId::try_from) {
            self.await_applied(&portion).await;
        }
        self.settle_sent(run.key).await?;
        self.settle_sent_places(run.key).await?;
        reach(Point::LeftChangesSettled);
        // Of a partial run only those are known for whom something was planned or went wrong.
        let among = if run.partial {
            Some(self.store.touched(run.key).await?)
        } else {
            None
        };
        Ok(end_early(
            self.store,
            run.key,
            State::Interrupted,
            among.as_deref(),
            error,
        )
        .await?)
    }

    /// Looks up what was sent and not answered, by its key.
    async fn settle_sent(&self, key: RunKey) -> Result<(), Stop> {
        let mapping: &Mapping = &self.integration.mapping;
        let mut after = 0;
        loop {
            let chunk = self.store.sent_changes(key, after, CHUNK).await?;
            let Some(last) = chunk.last() else {
                return Ok(());
            };
            after = last.change;
            let looking = look_up(self.reader, mapping, &chunk);
            let mut looks = self.halt.or_stop(looking).await?;
            let settled: Vec<Settled> = chunk
                .iter()
                .map(|change| {
                    let look = looks
                        .remove(&change.change)
                        .filter(|look| look.deviations.iter().all(|one| !one.as_before));
                    let settlement = match look {
                        Some(look) => done(change, Some(look.id)),
                        None => failed(Reason::Unreachable.because(
                            "it was sent, the process ended before an answer came, and Oomnitza does not have it",
                        )),
                    };
                    Settled { change: change.change, person: change.person, settlement, status: None }
                })
                .collect();
            self.store.settle(key, &settled, Timestamp::now()).await?;
        }
    }
}

/// Ends a run whose plan was not carried out to the end: who is left was not attempted, and the sum holds.
pub(crate) async fn end_early(
    store: &Store,
    key: RunKey,
    state: State,
    among: Option<&[PersonRow]>,
    error: &str,
) -> Result<(), store::Error> {
    let now = Timestamp::now();
    store
        .withdraw_rest(key, &not_attempted(), &place_not_attempted(), now)
        .await?;
    let counts = store.outcomes(key).await?;
    // Published first: what dies in between is published once more, which changes nothing, and ended.
    // Where a change is sent and not settled, the counts do not add up, and neither is done: the end is refused.
    if counts.add_up() {
        store.publish_outcomes(key, among, now).await?;
        reach(Point::OutcomesPublished);
    }
    store.end_run(key, state, &counts, Some(error), now).await
}
