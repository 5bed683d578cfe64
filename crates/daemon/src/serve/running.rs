//! One run, as the daemon carries it out: set up, limited in time, and its token looked at afterwards.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use load::{
    Address, Cause, Decision, Halt, Intent, Loader, Made, Publisher, Replay, Report, Request, Undo,
    Whom,
};
use sentinelone::OwnToken;
use store::{Store, Token};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::upkeep;
use crate::app::{self, Meters};
use crate::config::{Config, Integration};
use crate::control::Work;
use crate::notify::Notifier;
use crate::serve::watch::Watch;

/// A run to be carried out.
pub(crate) struct Launch {
    /// The configuration that was in force when it was asked for.
    pub(crate) config: Arc<Config>,
    /// The id of the integration.
    pub(crate) integration: String,
    /// What it is to do.
    pub(crate) task: Task,
    /// What started it: `manual`, `schedule`.
    pub(crate) trigger: &'static str,
    /// The slot that it is for.
    pub(crate) slot: Option<load::Slot>,
    /// Its id; of [`Work::Apply`] the planned run's own.
    pub(crate) run_id: Uuid,
    /// What stops it.
    pub(crate) halt: Halt,
    /// Where it publishes how far it is.
    pub(crate) progress: Publisher,
    /// After what time it is stopped.
    pub(crate) longest: Option<Duration>,
}

/// What the daemon does with an integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    /// A run.
    Work(Work),
    /// Closing what a dead process left behind.
    Recovery,
}

impl Task {
    /// Whether it loads everybody, and for good.
    fn is_a_load(&self) -> bool {
        matches!(self, Self::Work(work) if work.is_a_load())
    }

    /// Whether it goes on with a plan; whether there is one to go on with, that shows.
    fn goes_on(&self) -> bool {
        matches!(self, Self::Work(work) if work.goes_on_with().is_some())
    }
}

/// Why there was no run, or none that could be put on record.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It could not be set up: a secret, a certificate.
    Setup(anyhow::Error),
    /// There is no run, or its end is not on record.
    Load(load::Error),
}

impl Failure {
    /// Whether there was nothing to be done here: another process does it, or the plan cannot be applied.
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Load(error) if error.is_refusal())
    }

    /// The error and its causes, on one line.
    pub(crate) fn sentence(&self) -> String {
        match self {
            Self::Setup(error) => crate::exit::sentence(error),
            Self::Load(error) => load::chain(error),
        }
    }
}

/// What became of a launch: a report of its run; nothing for a recovery.
pub(crate) type Outcome = Result<Option<Report>, Failure>;

/// What carries launches out; tests put another in its place.
pub(crate) type Carrier =
    Arc<dyn Fn(Launch) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

/// Carries launches out for good, each in a thread of its own: a load computes as much as it waits.
pub(crate) fn carrier(
    store: Arc<Store>,
    watch: Arc<Watch>,
    meters: Meters,
    notifier: Notifier,
) -> Carrier {
    Arc::new(move |launch| {
        let (store, watch) = (Arc::clone(&store), Arc::clone(&watch));
        let (meters, runtime) = (meters.clone(), Handle::current());
        let notifier = notifier.clone();
        let thread = tokio::task::spawn_blocking(move || {
            runtime.block_on(carry_out_and_tell(store, &watch, &meters, notifier, launch))
        });
        Box::pin(async move {
            match thread.await {
                Ok(outcome) => outcome,
                Err(died) => std::panic::resume_unwind(died.into_panic()),
            }
        })
    })
}

/// Carries out a launch; those who want to know of loads are told, and whatever else came of it is.
async fn carry_out_and_tell(
    store: Arc<Store>,
    watch: &Watch,
    meters: &Meters,
    notifier: Notifier,
    launch: Launch,
) -> Outcome {
    let (id, run_id) = (launch.integration.clone(), launch.run_id.to_string());
    let is_a_load = launch.task.is_a_load();
    if is_a_load && !launch.task.goes_on() {
        notifier.run_started(&id, &run_id);
    }
    let outcome = carry_out(store, watch, meters, launch).await;
    match &outcome {
        Ok(Some(report)) if is_a_load => notifier.run_ended(report),
        Err(failure) if is_a_load && !failure.is_refusal() => {
            notifier.run_unmade(&id, &run_id, &failure.sentence());
        }
        _ => notifier.wake(),
    }
    outcome
}

async fn carry_out(store: Arc<Store>, watch: &Watch, meters: &Meters, launch: Launch) -> Outcome {
    let timer = launch
        .longest
        .map(|longest| limit(launch.halt.clone(), longest));
    let outcome = load(&store, watch, meters, launch).await;
    if let Some(timer) = timer {
        timer.abort();
    }
    upkeep::give_back(&store).await;
    outcome
}

async fn load(store: &Arc<Store>, watch: &Watch, meters: &Meters, launch: Launch) -> Outcome {
    let Launch {
        config,
        integration,
        task,
        trigger,
        slot,
        run_id,
        halt,
        progress,
        ..
    } = launch;
    let integration = app::integration(&config, &integration).map_err(Failure::Setup)?;
    let connections = app::connect(&config, integration, meters).map_err(Failure::Setup)?;
    let console = sentinelone::Client::new(connections.source.clone());
    let loader = app::loader(
        &config,
        integration,
        connections,
        Arc::clone(store),
        halt.clone(),
        progress,
    )
    .map_err(Failure::Setup)?;
    let result = work(&loader, task, trigger, slot, run_id).await;
    watch.skews.keep(&loader);
    let report = result.map_err(Failure::Load)?;
    if !halt.is_stopped() {
        keep_token(store, integration, &console).await;
    }
    Ok(report)
}

async fn work(
    loader: &Loader,
    task: Task,
    trigger: &'static str,
    slot: Option<load::Slot>,
    run_id: Uuid,
) -> Result<Option<Report>, load::Error> {
    Ok(match task {
        Task::Recovery => {
            loader.recover_only().await?;
            None
        }
        Task::Work(work) => Some(carry_out_work(loader, work, trigger, slot, run_id).await?),
    })
}

/// Does what is asked for with an integration, in the daemon or without it.
pub(crate) async fn carry_out_work(
    loader: &Loader,
    work: Work,
    trigger: &'static str,
    slot: Option<load::Slot>,
    run_id: Uuid,
) -> Result<Report, load::Error> {
    let (intent, only) = match work {
        Work::DryRun { only } => (Intent::DryRun, only),
        Work::Plan => (Intent::Plan, None),
        Work::Load { only } => (Intent::Deliver(loader.writer()), only),
        Work::Apply { run_id, by } => {
            let decision = decision(by, None);
            return loader.apply(&run_id, &decision, loader.writer()).await;
        }
        Work::Release { run_id, reason, by } => {
            let decision = decision(by, Some(reason));
            return loader.release(&run_id, &decision, loader.writer()).await;
        }
        Work::Replay {
            run_id: origin,
            preference,
        } => {
            let replay = Replay {
                run_id: origin,
                preference: preference.map(Into::into),
                intent: Intent::Deliver(loader.writer()),
                new_run_id: Some(run_id),
            };
            return loader.replay(&replay).await;
        }
        Work::Undo {
            run_id: origin,
            only,
            suspend,
            dry,
        } => {
            let undo = Undo {
                run_id: origin,
                only,
                made: if suspend { Made::Suspended } else { Made::Left },
                intent: if dry {
                    Intent::DryRun
                } else {
                    Intent::Deliver(loader.writer())
                },
                new_run_id: Some(run_id),
            };
            return loader.undo(&undo).await;
        }
    };
    let request = Request {
        intent,
        whom: only.map_or(Whom::Everybody, |only| Whom::Address(Address::new(&only))),
        trigger,
        slot,
        run_id: Some(run_id),
    };
    loader.run(&request).await
}

fn decision(by: String, reason: Option<String>) -> Decision {
    Decision {
        by,
        reason,
        at: Timestamp::now(),
    }
}

/// Stops a run after a time.
fn limit(halt: Halt, longest: Duration) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        tokio::time::sleep(longest).await;
        halt.stop(Cause::TooLong(longest));
    })
}

fn token(credential: &str, own: OwnToken, read_at: Timestamp) -> Token {
    let owner = match (own.owner_name, own.owner_email) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (name, email) => name.or(email),
    };
    Token {
        credential: credential.to_owned(),
        expires_at: own.expires_at,
        read_at,
        owner_id: own.owner_id,
        owner,
    }
}

/// Puts on record when the console's token ends, once a day; where the console does not say, that.
async fn keep_token(store: &Store, integration: &Integration, console: &sentinelone::Client) {
    const A_DAY: SignedDuration = SignedDuration::from_hours(20);
    let (credential, now) = (&integration.source.credential, Timestamp::now());
    let kept = async {
        let tokens = store.tokens().await?;
        let known = tokens.iter().find(|token| &token.credential == credential);
        if known.is_some_and(|token| now.duration_since(token.read_at).abs() < A_DAY) {
            return Ok(());
        }
        match console.own_token().await {
            Ok(own) => store.keep_token(&token(credential, own, now)).await,
            Err(error) => {
                let status = error.status().map(|status| status.as_u16());
                tracing::debug!(
                    credential,
                    status,
                    "Could not ask the console when its token ends"
                );
                Ok(())
            }
        }
    };
    let kept: Result<(), store::Error> = kept.await;
    if let Err(error) = kept {
        tracing::warn!(credential, error = %load::chain(&error), "Could not keep when a token ends");
    }
}
