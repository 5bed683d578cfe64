//! The end of a run: its state, its counts, and what it did to the runs and errors before it.

use jiff::Timestamp;
use store::{Furthest, Run, State};
use transport::Retry;

use super::Active;
use crate::error::{Error, Stop, chain};
use crate::insist::Insistence;
use crate::point::{Point, reach};
use crate::recover::end_early;
use crate::report::Report;
use crate::request::Intent;

impl Active<'_> {
    /// Puts the end of the run on record.
    pub(super) async fn end(
        &self,
        run_id: &str,
        intent: &Intent,
        result: Result<(), Stop>,
        started_at: Timestamp,
    ) -> Result<Report, Error> {
        let ended = self.record_end(run_id, intent, &result, started_at).await;
        match (ended, result) {
            // What broke the run keeps its end from being recorded too, and is what the operator must hear of.
            (Err(later), Err(Stop::Store(first))) => {
                tracing::error!(run.id = run_id, error = %chain(&later), "Could not put the end of the run on record");
                Err(first.into())
            }
            (ended, _) => ended,
        }
    }

    async fn record_end(
        &self,
        run_id: &str,
        intent: &Intent,
        result: &Result<(), Stop>,
        started_at: Timestamp,
    ) -> Result<Report, Error> {
        let store = &self.loader.store;
        let (source_calls, target_calls) = (
            self.loader.source.calls().sent,
            self.loader.target.calls().sent,
        );
        let error = result.as_ref().err().map(Stop::chain);
        let mut insistence = Insistence::new(self.patience(result), &self.loader.halt);
        insistence
            .on(|| store.count_calls(self.key, source_calls, target_calls))
            .await?;
        let outline = result.as_ref().err().map(Stop::for_log);
        let (_, undone, first) = store.deactivations(self.key).await?;
        // Their users were not seen, and have no outcome.
        let undone = (result.is_ok() && undone > 0)
            .then(|| format!("{undone} SaaS users who are gone could not be deactivated"));
        let error = error.or_else(|| {
            let first = first.unwrap_or_default();
            undone
                .as_ref()
                .map(|undone| format!("{undone}; one of them: {first}"))
        });
        let state = insistence
            .on(|| self.finish(intent, result, error.as_deref()))
            .await?;
        if let Some(outline) = &outline {
            store.keep_outline(self.key, outline).await?;
        }
        let delivered = intent.writer().is_some();

        let run = store.run(run_id).await?.ok_or_else(|| Error::UnknownRun {
            run_id: run_id.to_owned(),
        })?;
        let report = Report {
            run_id: run_id.to_owned(),
            integration: run.integration,
            state,
            intents: !delivered || state == State::Parked,
            counts: run.counts,
            reasons: store.reasons(self.key).await?,
            duration: elapsed(started_at),
            source_calls,
            target_calls,
            error: run.error,
            reason: outline.or(undone),
            guards: self.hits.clone(),
        };
        log_end(&report);
        Ok(report)
    }

    /// How long the recording of the end is insisted on.
    fn patience(&self, result: &Result<(), Stop>) -> Retry {
        let retry = self.loader.retry;
        match result {
            // What broke with the database is closed by the next run, as if its process had died.
            Err(Stop::Store(_)) => Retry { tries: 1, ..retry },
            _ => retry,
        }
    }

    /// Ends the run in the database, which may be done twice; gives the state that it ends in.
    async fn finish(
        &self,
        intent: &Intent,
        result: &Result<(), Stop>,
        error: Option<&str>,
    ) -> Result<State, store::Error> {
        let (store, key, now) = (&self.loader.store, self.key, Timestamp::now());
        let intents = store.intents(key).await?;
        let among = self.among.as_deref();
        let overtakes = intents.is_some() && intent.writer().is_some() && self.is_whole();
        let state = match (intents, intent, result) {
            (Some(_), Intent::Deliver(_), Ok(())) => {
                let counts = store.outcomes(key).await?;
                let state = if counts.failed > 0 || error.is_some() {
                    State::CompletedWithErrors
                } else {
                    State::Completed
                };
                store.publish_outcomes(key, among, now).await?;
                if self.is_whole() {
                    store
                        .keep_furthest(key.integration, Furthest::Completed)
                        .await?;
                }
                reach(Point::OutcomesPublished);
                store.end_run(key, state, &counts, error, now).await?;
                state
            }
            (Some(_), Intent::Deliver(_), Err(stop)) if stop.state() != State::Parked => {
                let state = stop.state();
                end_early(store, key, state, among, error.unwrap_or_default()).await?;
                state
            }
            (intents, intent, result) => {
                if intents.is_none() {
                    store.drop_plan(key).await?;
                }
                let state = match (result, intent) {
                    (Err(stop), _) => stop.state(),
                    (Ok(()), Intent::Plan) => State::Planned,
                    (Ok(()), Intent::DryRun | Intent::Deliver(_)) => State::Completed,
                };
                let counts = intents.unwrap_or_default();
                store.end_run(key, state, &counts, error, now).await?;
                state
            }
        };
        reach(Point::RunEnded);
        if overtakes {
            store.overtake(key).await?;
        }
        Ok(state)
    }

    /// The report of a plan that could not even be begun.
    pub(super) fn unstarted(&self, planned: &Run, stop: &Stop, started_at: Timestamp) -> Report {
        Report {
            run_id: planned.run_id.clone(),
            integration: planned.integration.clone(),
            state: stop.state(),
            intents: true,
            counts: planned.counts,
            reasons: Vec::new(),
            duration: elapsed(started_at),
            source_calls: self.loader.source.calls().sent,
            target_calls: self.loader.target.calls().sent,
            error: Some(format!("{}; the plan stays as it is", stop.chain())),
            reason: Some(stop.for_log()),
            guards: Vec::new(),
        }
    }
}

fn elapsed(since: Timestamp) -> std::time::Duration {
    Timestamp::now().duration_since(since).unsigned_abs()
}

/// Logs the one line of a run's end.
fn log_end(report: &Report) {
    let error = report.reason.as_deref();
    let counts = &report.counts;
    let duration_ms = u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX);
    macro_rules! ended {
        ($level:ident) => {
            tracing::$level!(
                run.id = %report.run_id,
                integration.id = %report.integration,
                state = %report.state,
                seen = counts.seen,
                created = counts.created,
                updated = counts.updated,
                unchanged = counts.unchanged,
                skipped = counts.skipped,
                failed = counts.failed,
                deactivated = counts.deactivated,
                source_calls = report.source_calls,
                target_calls = report.target_calls,
                duration_ms,
                error,
                "The run ended"
            )
        };
    }
    match report.state {
        State::Failed | State::Parked => ended!(error),
        State::CompletedWithErrors | State::Interrupted | State::Canceled => ended!(warn),
        _ => ended!(info),
    }
}
