//! `serve`: the daemon, from its start to its end.
//!
//! A few tasks, each with one subject: the [`driver`] owns the ledger and the runs, the [`bell`] wakes it,
//! the control server carries what clients ask to it, [`reload`] tells it of another configuration,
//! [`upkeep`] keeps the database small, [`watch`] begins and ends notices, [`notify`] tells others of them,
//! [`metrics`] answers whoever scrapes, and [`watchdog`](systemd) tells systemd that it lives.
//!
//! **Invariant:** a task that dies ends the process with failure; systemd starts it again.

mod alarm;
mod bell;
mod driver;
mod metrics;
mod reload;
mod running;
mod single;
mod systemd;
mod upkeep;
mod watch;

pub(crate) use running::carry_out_work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::alarm::Alarm;
use self::bell::Bell;
use self::driver::{Driver, Event, Handle, Parts};
use self::metrics::Counters;
use self::single::Single;
use self::watch::Watch;
use crate::app::{self, Meters};
use crate::clock::{Clock, System};
use crate::config::{self, Config};
use crate::control::{Incumbent, Server};
use crate::exit::Exit;
use crate::logging::{self, Audience};
use crate::notify::{self, Notifier};

/// After a first signal to stop, runs have so long to come to their ends; systemd's own limit is longer.
const DEADLINE: Duration = Duration::from_secs(90);

/// Serves until it is told to stop.
pub(crate) async fn serve(path: &Path) -> anyhow::Result<Exit> {
    // Taken first: a signal in the first moments must not be the process's end.
    let signals = Signals::take()?;
    // Before it is read: relative paths in it are then the same after a reload.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let watching = reload::Watching::begin(&path);
    let config = app::configuration(&path)?;
    app::make_folder(&config.state_dir)?;
    let incumbent = Incumbent {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        socket: socket_path(&config),
        since: Timestamp::now(),
    };
    let single = Single::take(&config.state_dir, &incumbent).await?;
    let logging = logging::begin(&config, Audience::Service)?;
    let server = Server::bind(&incumbent.socket).await?;
    let store = app::open_store(&config).await?;
    let clock: Arc<dyn Clock> = Arc::new(System);
    let alarm = Arc::new(Alarm::default());
    let watch = Arc::new(Watch::default());
    tracing::info!(
        version = incumbent.version,
        config = %path.display(),
        state_dir = %config.state_dir.display(),
        integrations = config.integrations.len(),
        timezones = config::timezones(),
        "Serving"
    );
    let meters = Meters::default();
    let notifier = Notifier::begin(&config, &store).await;
    let (driver, handle) = Driver::new(Parts {
        path: path.clone(),
        config,
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        alarm: Arc::clone(&alarm),
        watch: Arc::clone(&watch),
        carrier: running::carrier(
            Arc::clone(&store),
            Arc::clone(&watch),
            meters.clone(),
            notifier.clone(),
        ),
        counters: Counters::new(meters),
        incumbent,
        logging: Some(logging),
        notifier: notifier.clone(),
    })
    .await?;
    let bell = Bell::begin(Arc::clone(&alarm), Arc::clone(&clock)).await?;

    let over = CancellationToken::new();
    let (ready, is_ready) = oneshot::channel();
    let driving = tokio::spawn(driver.drive(ready));
    let mut helpers = JoinSet::new();
    // Clients are answered once the ledger is up to date; who connects before waits.
    helpers.spawn(server.serve(handle.clone(), over.clone()));
    helpers.spawn(watching.tell(handle.clone(), over.clone()));
    if let Some(period) = systemd::watchdog() {
        helpers.spawn(watch_over(period, alarm, handle.clone(), over.clone()));
    }
    let _ = is_ready.await;
    // It begins with a look through the whole file, which would be in the way of the start.
    helpers.spawn(upkeep::keep(
        Arc::clone(&store),
        handle.clone(),
        over.clone(),
    ));
    helpers.spawn(watch::keep(
        watch,
        Arc::clone(&store),
        handle.clone(),
        clock,
        notifier.clone(),
        over.clone(),
    ));
    helpers.spawn(notify::serve(notifier, Arc::clone(&store), over.clone()));
    let exit = until_the_end(signals, driving, &mut helpers, &handle).await?;

    over.cancel();
    while let Some(ended) = helpers.join_next().await {
        ended.context("a task of the daemon died")?;
    }
    bell.end().await;
    if let Some(store) = Arc::into_inner(store) {
        store.close().await?;
    }
    single.give_back();
    Ok(exit)
}

/// Waits for the end of the driver, and hands signals to it.
async fn until_the_end(
    mut signals: Signals,
    mut driving: tokio::task::JoinHandle<anyhow::Result<()>>,
    helpers: &mut JoinSet<()>,
    handle: &Handle,
) -> anyhow::Result<Exit> {
    let mut stopping = false;
    let deadline = tokio::time::sleep(DEADLINE);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            ended = &mut driving => {
                ended.context("the driver of the daemon died")??;
                return Ok(Exit::Done);
            }
            ended = helpers.join_next(), if !stopping => {
                if let Some(ended) = ended {
                    ended.context("a task of the daemon died")?;
                    anyhow::bail!("a task of the daemon ended by itself");
                }
            }
            signal = signals.next() => match signal {
                Asked::Reload => handle.tell(Event::Reload).await,
                Asked::Stop if stopping => {
                    tracing::warn!("Stopping at once, as asked; the next start closes what was going on");
                    out();
                }
                Asked::Stop => {
                    stopping = true;
                    systemd::stopping("stopping; running loads end at their next batch");
                    deadline.as_mut().reset(tokio::time::Instant::now() + DEADLINE);
                    handle.tell(Event::Stop).await;
                }
            },
            () = &mut deadline, if stopping => {
                tracing::error!("Runs did not come to their ends in time; the next start closes them");
                out();
            }
        }
    }
}

/// Ends the process as it stands: what goes on is closed by the next start.
fn out() -> ! {
    std::process::exit(6)
}

/// Tells systemd that the daemon lives, for as long as both the trigger and the driver do.
async fn watch_over(period: Duration, alarm: Arc<Alarm>, handle: Handle, over: CancellationToken) {
    // Not at once: the trigger first looks at the clock half a second after the start.
    let first = tokio::time::Instant::now() + period / 3;
    let mut ticks = tokio::time::interval_at(first, period / 3);
    loop {
        tokio::select! {
            () = over.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let driver = tokio::time::timeout(period, handle.is_alive()).await;
        if alarm.is_looked_at(period / 3) && driver == Ok(true) {
            systemd::alive();
        } else if !over.is_cancelled() {
            tracing::error!("The scheduler does not answer; systemd will start the daemon anew");
        }
    }
}

/// Where the control socket is: in the service's runtime directory, or beside the database.
fn socket_path(config: &Config) -> PathBuf {
    let runtime = std::env::var_os("RUNTIME_DIRECTORY")
        .and_then(|folders| std::env::split_paths(&folders).find(|folder| folder.is_absolute()));
    let folder = match runtime {
        Some(folder) => folder,
        None => std::path::absolute(&config.state_dir).unwrap_or_else(|_| config.state_dir.clone()),
    };
    folder.join("rollcall.sock")
}

/// The signals that the daemon heeds.
struct Signals {
    hang_up: Signal,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn take() -> anyhow::Result<Self> {
        Ok(Self {
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.hang_up.recv() => Asked::Reload,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
        }
    }
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Reload,
    Stop,
}
