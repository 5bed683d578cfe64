//! One run, from its beginning to its end: read, match, plan, deliver, and put on record what became of it.

mod end;
mod going;
mod gone;
mod guarding;
mod replay;
mod undo;
mod waiting;

pub(crate) use going::sync_time;
pub use replay::Replay;
pub use undo::Undo;
pub use waiting::discard;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use oomnitza::{PortionId, Reader, Writer};
use store::{Furthest, GuardHit, Kind, NewRun, NewRunSlot, PersonRow, Run, RunKey, State, Store};
use transport::Retry;
use uuid::Uuid;

use crate::deliver::{Deliverer, Failures, SecondLook, report_failed};
use crate::error::{Error, Stop};
use crate::halt::Halt;
use crate::lock::Lock;
use crate::point::{Point, reach};
use crate::progress::Publisher;
use crate::recover::Recovery;
use crate::report::Report;
use crate::request::{Intent, Request};
use crate::settings::{Delivery, Integration};

/// What starts a run that nobody has asked for.
const SCHEDULE: &str = "schedule";

/// Loads one integration: everything that a run needs is given here.
pub struct Loader {
    /// What is loaded, and how.
    pub integration: Integration,
    /// The way to the console.
    pub source: transport::Client,
    /// The way to Oomnitza.
    pub target: transport::Client,
    /// How often, and how far apart, what failed is tried again.
    pub retry: Retry,
    /// Where everything is remembered.
    pub store: Arc<Store>,
    /// Where the locks are, and the scratch files while a run reads.
    pub state_dir: PathBuf,
    /// Stops the run.
    pub halt: Halt,
    /// Where the run publishes how far it is.
    pub progress: Publisher,
}

/// A run that is on record as running.
struct Active<'a> {
    loader: &'a Loader,
    sentinelone: sentinelone::Client,
    reader: Reader,
    key: RunKey,
    kind: Kind,
    partial: bool,
    read_at: Timestamp,
    /// Who was seen, in a partial run.
    among: Option<Vec<PersonRow>>,
    /// The guards that its plan is over.
    hits: Vec<GuardHit>,
}

impl Loader {
    /// Makes what writes to Oomnitza, for [`Intent::Deliver`], until the run is stopped.
    pub fn writer(&self) -> Writer {
        let target = self.target.until(self.halt.token().clone());
        Writer::new(Reader::new(target))
    }

    /// Makes one run.
    ///
    /// A run that could not go on is no error: it is on record, and its report says why.
    ///
    /// # Errors
    /// There is no run at all: another one is going on, or the database cannot be used.
    pub async fn run(&self, request: &Request) -> Result<Report, Error> {
        let _lock = self.lock()?;
        let started_at = Timestamp::now();
        let run_id = request.run_id.unwrap_or_else(Uuid::now_v7);
        let probed = self.recover(request.intent.writer()).await;
        let key = self
            .store
            .begin_run(&NewRun {
                run_id,
                integration: &self.integration.id,
                trigger: request.trigger,
                kind: request.kind(),
                origin: request.whom.again().map(|again| again.run_id.as_str()),
                dry_run: matches!(request.intent, Intent::DryRun),
                partial: request.whom.is_partial(),
                started_at,
                config_hash: &self.integration.config_hash,
                slot: request.slot.as_ref().map(|slot| NewRunSlot {
                    slot: slot.slot,
                    state: slot.state,
                    note: slot.note.as_deref(),
                }),
            })
            .await?;
        reach(Point::RunRecorded);
        let mut run = self.active(key, request.kind(), request.whom.is_partial(), started_at);
        tracing::info!(run.id = %run_id, integration.id = %self.integration.id, trigger = request.trigger, "The run began");
        let result = match probed {
            Ok(()) => run.go(request, started_at).await,
            Err(stop) => Err(stop),
        };
        let result = result.map_err(|stop| self.halt.explain(stop));
        if let Err(stop) = &result {
            run.tell_oomnitza(request, stop).await;
        }
        run.end(&run_id.to_string(), &request.intent, result, started_at)
            .await
    }

    /// Closes what dead processes left of the integration, and makes no run; gives how many runs it closed.
    ///
    /// Where nothing was left, nobody is contacted.
    ///
    /// # Errors
    /// A run is going on; Oomnitza could not be asked or told, and the next run tries again; the database cannot be used.
    pub async fn recover_only(&self) -> Result<usize, Error> {
        let _lock = self.lock()?;
        let integration = self.store.integration(&self.integration.id).await?.key;
        let dead = self.store.unfinished(integration).await?.len();
        if dead == 0 && self.store.open_portions(integration).await?.is_empty() {
            return Ok(0);
        }
        self.close_dead_runs(Some(&self.writer())).await?;
        Ok(dead)
    }

    fn lock(&self) -> Result<Lock, Error> {
        Lock::take(&self.state_dir, &self.integration.id)
    }

    /// Finds a run of the integration that was made before, with its lock held: one that is on record as running is
    /// dead, and is closed first.
    async fn earlier(&self, run_id: &str, writer: Option<&Writer>) -> Result<Run, Error> {
        let run = self.on_record(run_id).await?;
        if run.state != State::Running {
            return Ok(run);
        }
        self.close_dead_runs(writer).await?;
        let run = self.on_record(run_id).await?;
        if run.state == State::Running {
            return Err(Error::NotRecovered {
                integration: run.integration,
                reason: "a portion is to be finalized first, which takes a run that may write"
                    .to_owned(),
            });
        }
        Ok(run)
    }

    async fn on_record(&self, run_id: &str) -> Result<Run, Error> {
        let run = self.store.run(run_id).await?;
        run.filter(|run| run.integration == self.integration.id)
            .ok_or_else(|| Error::UnknownRun {
                run_id: run_id.to_owned(),
            })
    }

    async fn close_dead_runs(&self, writer: Option<&Writer>) -> Result<(), Error> {
        self.recover(writer).await.map_err(|stop| match stop {
            Stop::Store(error) => error.into(),
            stop => Error::NotRecovered {
                integration: self.integration.id.clone(),
                reason: self.halt.explain(stop).for_log(),
            },
        })
    }

    /// Takes up a run that is on record; `read_at` is when what it goes by was read.
    fn active(&self, key: RunKey, kind: Kind, partial: bool, read_at: Timestamp) -> Active<'_> {
        Active {
            loader: self,
            sentinelone: sentinelone::Client::new(self.source.clone()),
            reader: self.reader(),
            key,
            kind,
            partial,
            read_at,
            among: None,
            hits: Vec::new(),
        }
    }

    fn reader(&self) -> Reader {
        Reader::new(self.target.clone())
    }

    /// Reaches Oomnitza, and closes what dead runs left behind.
    async fn recover(&self, writer: Option<&Writer>) -> Result<(), Stop> {
        let reader = self.reader();
        self.halt.or_stop(reader.probe()).await?;
        let integration = self.store.integration(&self.integration.id).await?;
        let recovery = Recovery {
            integration: &self.integration,
            store: &self.store,
            reader: &reader,
            writer,
            halt: &self.halt,
        };
        recovery.close_dead_runs(integration.key).await
    }
}

impl Active<'_> {
    async fn deliver(&self, intent: &Intent, second_look: SecondLook) -> Result<(), Stop> {
        let Some(writer) = intent.writer() else {
            return Ok(());
        };
        let loader = self.loader;
        if self.is_whole() {
            loader
                .store
                .keep_furthest(self.key.integration, Furthest::Begun)
                .await?;
        }
        let deliverer = Deliverer {
            integration: &loader.integration,
            delivery: self.delivery(),
            store: &loader.store,
            key: self.key,
            reader: &self.reader,
            writer,
            retry: loader.retry,
            read_at: self.read_at,
            second_look,
            failures: Failures::default(),
            halt: &loader.halt,
            progress: &loader.progress,
            saas: match self.kind {
                // What was made of SaaS users stays.
                Kind::Undo => None,
                Kind::Load | Kind::Replay => loader.integration.saas.as_ref(),
            },
        };
        deliverer.deliver().await
    }

    /// Whether it loads everybody.
    fn is_whole(&self) -> bool {
        !self.partial && self.kind == Kind::Load
    }

    /// How the run writes: what it takes back, person by person, as bulk may not take back what it wrote.
    fn delivery(&self) -> &Delivery {
        match self.kind {
            Kind::Undo => &Delivery::Rest,
            Kind::Load | Kind::Replay => &self.loader.integration.delivery,
        }
    }

    /// Tells Oomnitza of a load that failed before anything was sent, as its own integrations do.
    async fn tell_oomnitza(&self, request: &Request, stop: &Stop) {
        let (Some(writer), Delivery::Bulk(bulk)) =
            (request.intent.writer(), &self.loader.integration.delivery)
        else {
            return;
        };
        let planned = !matches!(self.loader.store.intents(self.key).await, Ok(None));
        if stop.state() == State::Failed && !planned {
            report_failed(writer, bulk, &PortionId::random(), stop).await;
        }
    }
}
