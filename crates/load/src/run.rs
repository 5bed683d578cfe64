//! One run, from its beginning to its end: read, match, plan, deliver, and put on record what became of it.

mod end;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use oomnitza::{PortionId, Reader, Writer};
use store::{NewRun, NewRunSlot, Notice, PersonRow, PlanSummary, Run, RunKey, State, Store};
use transport::Retry;
use uuid::Uuid;

use crate::deliver::{Deliverer, SecondLook, report_failed};
use crate::error::{Error, Stop};
use crate::halt::Halt;
use crate::lock::Lock;
use crate::memory;
use crate::plan::Planner;
use crate::point::{Point, reach};
use crate::progress::{Phase, Publisher};
use crate::read::{self, Side, UserReader};
use crate::recover::Recovery;
use crate::report::Report;
use crate::request::{Intent, Request};
use crate::settings::{Delivery, Integration};

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
    partial: bool,
    read_at: Timestamp,
    /// Who was seen, in a partial run.
    among: Option<Vec<PersonRow>>,
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
        let reader = Reader::new(self.target.clone());
        let probed = self.recover(&reader, request.intent.writer()).await;
        let key = self
            .store
            .begin_run(&NewRun {
                run_id,
                integration: &self.integration.id,
                trigger: request.trigger,
                dry_run: matches!(request.intent, Intent::DryRun),
                partial: request.only.is_some(),
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
        let mut run = Active {
            loader: self,
            sentinelone: sentinelone::Client::new(self.source.clone()),
            reader,
            key,
            partial: request.only.is_some(),
            read_at: started_at,
            among: None,
        };
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

    /// Carries out a plan that was made before, exactly as it was made.
    ///
    /// # Errors
    /// There is nothing to carry out: no such run, or one that is not planned; the configuration has changed since;
    /// another run is going on; the database cannot be used.
    pub async fn apply(&self, run_id: &str, writer: Writer) -> Result<Report, Error> {
        let _lock = self.lock()?;
        let planned = self.planned(run_id).await?;
        let started_at = Timestamp::now();
        let reader = Reader::new(self.target.clone());
        let intent = Intent::Deliver(writer);
        let probed = self.recover(&reader, intent.writer()).await;
        let probed = probed.map_err(|stop| self.halt.explain(stop));
        let run = Active {
            loader: self,
            sentinelone: sentinelone::Client::new(self.source.clone()),
            reader,
            key: planned.key,
            partial: false,
            read_at: planned.read_at.unwrap_or(planned.started_at),
            among: None,
        };
        if let Err(stop) = &probed {
            // The plan stays as it is, to be applied when Oomnitza can be reached again.
            return Ok(run.unstarted(&planned, stop, started_at));
        }
        self.store.resume_planned(planned.key).await?;
        reach(Point::PlanResumed);
        tracing::info!(run.id = run_id, integration.id = %self.integration.id, "The plan is being applied");
        let result = run.deliver(&intent, SecondLook::Always).await;
        let result = result.map_err(|stop| self.halt.explain(stop));
        run.end(run_id, &intent, result, started_at).await
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
        let reader = Reader::new(self.target.clone());
        match self.recover(&reader, Some(&self.writer())).await {
            Ok(()) => Ok(dead),
            Err(Stop::Store(error)) => Err(error.into()),
            Err(stop) => Err(Error::NotRecovered {
                integration: self.integration.id.clone(),
                reason: self.halt.explain(stop).for_log(),
            }),
        }
    }

    async fn planned(&self, run_id: &str) -> Result<Run, Error> {
        let integration = self.integration.id.clone();
        let run = self.store.run(run_id).await?;
        let run = run
            .filter(|run| run.integration == integration)
            .ok_or_else(|| Error::UnknownRun {
                run_id: run_id.to_owned(),
            })?;
        if run.state != State::Planned {
            return Err(Error::NotPlanned {
                run_id: run.run_id,
                state: run.state,
                integration,
            });
        }
        if run.config_hash != self.integration.config_hash {
            return Err(Error::Reconfigured {
                run_id: run.run_id,
                integration,
            });
        }
        Ok(run)
    }

    fn lock(&self) -> Result<Lock, Error> {
        let integration = || self.integration.id.clone();
        Lock::take(&self.state_dir, &self.integration.id)
            .map_err(|source| Error::Lock {
                integration: integration(),
                source,
            })?
            .ok_or_else(|| Error::Busy {
                integration: integration(),
            })
    }

    /// Reaches Oomnitza, and closes what dead runs left behind.
    async fn recover(&self, reader: &Reader, writer: Option<&Writer>) -> Result<(), Stop> {
        self.halt.or_stop(reader.probe()).await?;
        let integration = self.store.integration(&self.integration.id).await?;
        let recovery = Recovery {
            integration: &self.integration,
            store: &self.store,
            reader,
            writer,
            halt: &self.halt,
        };
        recovery.close_dead_runs(integration.key).await
    }
}

impl Active<'_> {
    /// Reads, plans, and delivers where that is intended.
    async fn go(&mut self, request: &Request, started_at: Timestamp) -> Result<(), Stop> {
        let loader = self.loader;
        loader.progress.begin(Phase::Reading, None);
        let load = self.load(started_at).await?;
        let users = UserReader {
            mapping: &loader.integration.mapping,
            load: &load,
            store: &loader.store,
            integration: self.key.integration,
            folder: &loader.state_dir,
            halt: &loader.halt,
            progress: &loader.progress,
        };
        let (users, people) = self.read(&users).await?;
        self.read_at = Timestamp::now();
        reach(Point::Read);
        memory::give_back();
        if users.rows.len() == 0 {
            self.nobody_in_the_console().await?;
        }
        let summary = self.plan(users, people, request.only.as_deref()).await?;
        self.settle(&summary, request).await?;
        reach(Point::PlanSettled);
        self.deliver(&request.intent, SecondLook::WhenStale).await
    }

    /// What the load brings to the mapping: the console's URL, its own instant, the names of roles.
    async fn load(&self, started_at: Timestamp) -> Result<mapping::Load, Stop> {
        let roles = self.loader.halt.or_stop(self.sentinelone.roles()).await?;
        let roles = roles.unwrap_or_default();
        let roles: Vec<(String, String)> =
            roles.into_iter().map(|role| (role.id, role.name)).collect();
        self.loader
            .store
            .replace_roles(self.key.integration, &roles)
            .await?;
        let names: HashMap<String, String> = roles.into_iter().collect();
        let instant = started_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Ok(mapping::Load::new(
            &self.loader.integration.console_url,
            &instant,
            names,
        ))
    }

    /// Reads both sides at once.
    async fn read(&self, users: &UserReader<'_>) -> Result<(Side, Side), Stop> {
        let filter = &self.loader.integration.filter;
        tokio::try_join!(
            read::users(&self.sentinelone, filter, users),
            read::people(&self.reader, users.mapping, users.folder, users.halt),
        )
    }

    /// An empty console is believed only where nobody was ever seen.
    async fn nobody_in_the_console(&self) -> Result<(), Stop> {
        let loader = self.loader;
        let known = loader.store.integration(&loader.integration.id).await?;
        let same = known.population.as_deref() == Some(loader.integration.population().as_str());
        if same && known.present > 0 {
            return Err(Stop::Parked(format!(
                "the console shows nobody, and the complete read before it showed {}: nothing is written on the \
                 strength of that; look at the console and at what the token may see",
                known.present
            )));
        }
        let message = "the console shows nobody: the token may see no site, or the filters of `source` leave nobody";
        let notice = Notice::new("empty_source", "", message);
        loader
            .store
            .begin_notice(Some(self.key.integration), &notice, self.read_at)
            .await?;
        tracing::warn!(integration.id = %loader.integration.id, "{message}");
        Ok(())
    }

    async fn plan(
        &self,
        users: Side,
        people: Side,
        only: Option<&str>,
    ) -> Result<PlanSummary, Stop> {
        let loader = self.loader;
        let planner = Planner {
            integration: &loader.integration,
            store: &loader.store,
            key: self.key,
            only,
            halt: &loader.halt,
            progress: &loader.progress,
        };
        planner.plan(users, people).await
    }

    /// Puts the complete plan on record, and what the read says about who is there.
    async fn settle(&mut self, summary: &PlanSummary, request: &Request) -> Result<(), Stop> {
        let loader = self.loader;
        let (store, now) = (&loader.store, Timestamp::now());
        store
            .complete_plan(self.key, &summary.counts, self.read_at, now)
            .await?;
        reach(Point::PlanCompleted);
        if self.partial {
            let people = summary.presence.people();
            store.touch(&people, now).await?;
            self.among = Some(people);
            return Ok(());
        }
        let population = loader.integration.population();
        store
            .settle_presence(self.key, &population, &summary.presence, self.read_at)
            .await?;
        if summary.counts.seen > 0 {
            store
                .end_notices(Some(self.key.integration), "empty_source", now)
                .await?;
        }
        if request.intent.writer().is_some() {
            // This run has compared everybody.
            store
                .end_notices(Some(self.key.integration), "unverified", now)
                .await?;
        }
        Ok(())
    }

    async fn deliver(&self, intent: &Intent, second_look: SecondLook) -> Result<(), Stop> {
        let Some(writer) = intent.writer() else {
            return Ok(());
        };
        let loader = self.loader;
        let deliverer = Deliverer {
            integration: &loader.integration,
            store: &loader.store,
            key: self.key,
            reader: &self.reader,
            writer,
            retry: loader.retry,
            read_at: self.read_at,
            second_look,
            halt: &loader.halt,
            progress: &loader.progress,
        };
        deliverer.deliver().await
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
