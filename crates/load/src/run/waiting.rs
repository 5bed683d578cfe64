//! Plans that wait: carried out exactly as they were made, or dropped.

use jiff::Timestamp;
use oomnitza::Writer;
use store::{Decision, Kind, Presence, Run, State, Store};

use super::{Active, Loader};
use crate::deliver::SecondLook;
use crate::error::{Error, Stop};
use crate::point::{Point, reach};
use crate::report::Report;
use crate::request::Intent;

impl Loader {
    /// Carries out a plan that was made before, exactly as it was made.
    ///
    /// # Errors
    /// There is nothing to carry out: no such run, or one that is not planned; the configuration has changed since;
    /// another run is going on; the database cannot be used.
    pub async fn apply(
        &self,
        run_id: &str,
        decision: &Decision,
        writer: Writer,
    ) -> Result<Report, Error> {
        self.carry_out(run_id, State::Planned, decision, writer)
            .await
    }

    /// Carries out a plan that a guard held back, exactly as it was made.
    ///
    /// # Errors
    /// As [`apply`](Self::apply), of a run that is not parked.
    pub async fn release(
        &self,
        run_id: &str,
        decision: &Decision,
        writer: Writer,
    ) -> Result<Report, Error> {
        self.carry_out(run_id, State::Parked, decision, writer)
            .await
    }

    async fn carry_out(
        &self,
        run_id: &str,
        from: State,
        decision: &Decision,
        writer: Writer,
    ) -> Result<Report, Error> {
        let _lock = self.lock()?;
        let intent = Intent::Deliver(writer);
        let waiting = self.waiting(run_id, from, intent.writer()).await?;
        let started_at = Timestamp::now();
        let probed = self.recover(intent.writer()).await;
        let probed = probed.map_err(|stop| self.halt.explain(stop));
        let read_at = waiting.read_at.unwrap_or(waiting.started_at);
        let mut run = self.active(waiting.key, waiting.kind, waiting.partial, read_at);
        if let Err(stop) = &probed {
            // The plan stays as it is, to be carried out when Oomnitza can be reached again.
            return Ok(run.unstarted(&waiting, stop, started_at));
        }
        if run.partial {
            // Of the others of a partial run nothing is said.
            run.among = Some(self.store.touched(run.key).await?);
        }
        self.store.take_up(waiting.key, from, decision).await?;
        reach(Point::PlanResumed);
        tracing::info!(run.id = run_id, integration.id = %self.integration.id, "The plan is being carried out");
        let result = run.carry_out(&waiting, &intent).await;
        let result = result.map_err(|stop| self.halt.explain(stop));
        run.end(run_id, &intent, result, started_at).await
    }

    /// Finds a run whose plan waits in a state.
    async fn waiting(
        &self,
        run_id: &str,
        state: State,
        writer: Option<&Writer>,
    ) -> Result<Run, Error> {
        let run = self.earlier(run_id, writer).await?;
        let (run_id, integration) = (run.run_id.clone(), run.integration.clone());
        if run.state != state || run.dry_run {
            return Err(match state {
                State::Parked => Error::NotParked {
                    run_id,
                    state: run.state,
                    integration,
                },
                _ => Error::NotPlanned {
                    run_id,
                    state: run.state,
                    integration,
                },
            });
        }
        if !run.planned {
            return Err(Error::NoPlan { run_id });
        }
        // What takes back goes by what was written, and not by how it came to be.
        if run.config_hash != self.integration.config_hash && run.kind != Kind::Undo {
            return Err(Error::Reconfigured {
                run_id,
                integration,
            });
        }
        Ok(run)
    }
}

impl Active<'_> {
    async fn carry_out(&self, waiting: &Run, intent: &Intent) -> Result<(), Stop> {
        if waiting.counts.seen == 0 && !self.partial {
            // Whoever released it has confirmed that everybody is gone.
            let loader = self.loader;
            let population = loader.integration.population();
            loader
                .store
                .settle_presence(self.key, &population, &Presence::default(), self.read_at)
                .await?;
        }
        self.deliver(intent, SecondLook::Always).await
    }
}

/// Drops a plan that waits, planned or parked.
///
/// # Errors
/// There is no such run, or its plan does not wait; the database cannot be used.
pub async fn discard(store: &Store, run_id: &str, decision: &Decision) -> Result<Run, Error> {
    let unknown = || Error::UnknownRun {
        run_id: run_id.to_owned(),
    };
    let run = store.run(run_id).await?.ok_or_else(unknown)?;
    if store.discard(run.key, decision).await? {
        tracing::info!(run.id = run_id, integration.id = %run.integration, "The plan was dropped");
        return Ok(run);
    }
    let run = store.run(run_id).await?.ok_or_else(unknown)?;
    Err(Error::NotWaiting {
        run_id: run.run_id,
        state: run.state,
    })
}
