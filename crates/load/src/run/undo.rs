//! A run that takes back what another one wrote.

use jiff::Timestamp;
use store::{CompletePlan, Kind, NewRun, PlanSummary, Run, State, WrittenChange};
use uuid::Uuid;

use super::{Active, Loader};
use crate::deliver::{SecondLook, people_of};
use crate::error::{Error, Stop};
use crate::guards::{Measure, Tally};
use crate::point::{Point, reach};
use crate::progress::Phase;
use crate::report::Report;
use crate::request::{Address, Intent};
use crate::undo::{Made, Rules};

/// Changes that are read, looked up and planned together.
const CHUNK: u32 = 500;

/// What is to be taken back.
#[derive(Debug, Clone)]
pub struct Undo {
    /// The id of the run that wrote it.
    pub run_id: String,
    /// Only of this user: an e-mail address, or an id of the console.
    pub only: Option<String>,
    /// What becomes of people whom that run made.
    pub made: Made,
    /// What becomes of the plan.
    pub intent: Intent,
    /// The id that the run gets, a UUIDv7; without one it takes a new one.
    pub new_run_id: Option<Uuid>,
}

impl Loader {
    /// Makes a run that writes back what an earlier one replaced, where Oomnitza still has what that one wrote.
    ///
    /// # Errors
    /// There is nothing to take back: no such run, one that takes back itself, or that wrote nothing; what it wrote is
    /// not on record any more; nobody or several are meant; another run is going on; the database cannot be used.
    pub async fn undo(&self, undo: &Undo) -> Result<Report, Error> {
        let _lock = self.lock()?;
        let origin = self.undoable(undo).await?;
        let only = self.only(undo, &origin).await?;
        let started_at = Timestamp::now();
        let probed = self.recover(undo.intent.writer()).await;
        let run_id = undo.new_run_id.unwrap_or_else(Uuid::now_v7);
        let key = self
            .store
            .begin_run(&NewRun {
                run_id,
                integration: &self.integration.id,
                trigger: "manual",
                kind: Kind::Undo,
                origin: Some(&undo.run_id),
                dry_run: matches!(undo.intent, Intent::DryRun),
                partial: true,
                started_at,
                config_hash: &self.integration.config_hash,
                slot: None,
            })
            .await?;
        reach(Point::RunRecorded);
        let mut run = self.active(key, Kind::Undo, true, started_at);
        tracing::info!(run.id = %run_id, integration.id = %self.integration.id, origin.id = %undo.run_id, "A run is being taken back");
        let result = match probed {
            Ok(()) => run.take_back(undo, &origin, only.as_deref()).await,
            Err(stop) => Err(stop),
        };
        let result = result.map_err(|stop| self.halt.explain(stop));
        let report = run
            .end(&run_id.to_string(), &undo.intent, result, started_at)
            .await?;
        let is_planned = self.store.intents(key).await?.is_some();
        if is_planned && undo.only.is_none() && undo.intent.writer().is_some() {
            // Older plans do not know what it took back.
            self.store.overtake(key).await?;
        }
        Ok(report)
    }

    /// Finds a run that can be taken back.
    async fn undoable(&self, undo: &Undo) -> Result<Run, Error> {
        let run = self.earlier(&undo.run_id, undo.intent.writer()).await?;
        let run_id = run.run_id.clone();
        if run.kind == Kind::Undo {
            return Err(Error::UndoOfUndo { run_id });
        }
        let waits = matches!(
            run.state,
            State::Planned | State::Parked | State::Discarded | State::Overtaken
        );
        let state = run.state;
        if waits || run.dry_run {
            return Err(Error::WroteNothing { run_id, state });
        }
        // A user whose SaaS user failed counts as failed, although its person is written.
        if !self.store.written(run.key, 0, 1).await?.is_empty() {
            return Ok(run);
        }
        if self.store.wrote_places(run.key).await? {
            return Err(Error::WroteSaasAlone { run_id });
        }
        Err(if run.counts.created + run.counts.updated == 0 {
            Error::WroteNothing { run_id, state }
        } else {
            Error::ChangesGone { run_id }
        })
    }

    /// Finds the one user whom `only` means, among those whom the run wrote; gives the id in the console.
    async fn only(&self, undo: &Undo, origin: &Run) -> Result<Option<String>, Error> {
        let Some(only) = &undo.only else {
            return Ok(None);
        };
        let address = Address::new(only);
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let chunk = self.store.written(origin.key, after, CHUNK).await?;
            let Some(last) = chunk.last() else {
                break;
            };
            after = last.change.change;
            let meant = chunk.into_iter().filter(|written| {
                written.source_id == *only || address.is(written.email.as_deref())
            });
            found.extend(meant.map(|written| written.source_id));
        }
        match found.as_slice() {
            [one] => Ok(Some(one.clone())),
            [] => Err(Error::NobodyMeant {
                run_id: undo.run_id.clone(),
                only: only.clone(),
            }),
            several => Err(Error::SeveralMeant {
                run_id: undo.run_id.clone(),
                only: only.clone(),
                source_ids: several.join(", "),
            }),
        }
    }
}

impl Active<'_> {
    /// Plans the way back, and delivers where that is intended.
    async fn take_back(
        &mut self,
        undo: &Undo,
        origin: &Run,
        only: Option<&str>,
    ) -> Result<(), Stop> {
        let (store, halt) = (&self.loader.store, &self.loader.halt);
        let written = origin.counts.created + origin.counts.updated;
        self.loader
            .progress
            .begin(Phase::Planning, only.map_or(Some(written), |_| None));
        let mut summary = PlanSummary::default();
        let mut tally = Tally::default();
        tally.in_scope = origin.in_scope.unwrap_or(origin.counts.seen);
        let mut after = 0;
        loop {
            halt.check()?;
            let mut chunk = store.written(origin.key, after, CHUNK).await?;
            let Some(last) = chunk.last() else {
                break;
            };
            after = last.change.change;
            chunk.retain(|written| only.is_none_or(|only| written.source_id == only));
            self.plan_back(undo, chunk, &mut summary, &mut tally)
                .await?;
        }
        self.read_at = Timestamp::now();
        let measure = Measure {
            guards: &self.loader.integration.guards,
            tally: &tally,
            seen: None,
            earlier: &[],
            reviewed: false,
            first: false,
        };
        let hits = measure.hits();
        let plan = CompletePlan {
            counts: &summary.counts,
            in_scope: tally.in_scope,
            population: None,
            hits: &hits,
            read_at: self.read_at,
        };
        store.complete_plan(self.key, &plan, self.read_at).await?;
        reach(Point::PlanCompleted);
        self.among = Some(summary.presence.people());
        self.hold(&undo.intent, &hits).await?;
        reach(Point::PlanSettled);
        self.deliver(&undo.intent, SecondLook::WhenStale).await
    }

    async fn plan_back(
        &self,
        undo: &Undo,
        chunk: Vec<WrittenChange>,
        summary: &mut PlanSummary,
        tally: &mut Tally,
    ) -> Result<(), Stop> {
        let loader = self.loader;
        let changes = chunk.iter().map(|written| &written.change);
        let looking = people_of(&self.reader, changes);
        let people = loader.halt.or_stop(looking).await?;
        let names: Vec<&str> = people.keys().map(String::as_str).collect();
        let forms = loader.store.forms(self.key.integration, &names).await?;
        let rules = Rules {
            mapping: &loader.integration.mapping,
            role_fields: &loader.integration.role_fields,
            forms: &forms,
            made: undo.made,
        };
        let mut lines = Vec::with_capacity(chunk.len());
        for written in chunk {
            let id = written.change.oomnitza_id.as_deref();
            let person = id.and_then(|id| people.get(id));
            let (line, effects) = rules.line(written, person);
            tally.plan(&line.source_id, &line.verdict, effects);
            lines.push(line);
        }
        loader.progress.advance(lines.len());
        let now = Timestamp::now();
        loader
            .store
            .add_to_plan(self.key, lines, false, now, summary)
            .await?;
        reach(Point::PlanChunkStored);
        Ok(())
    }
}
