//! A daemon whose clock stands where the test sets it, and whose loads end when and as the test says.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use load::{Cause, Counts, Report, State};
use store::{Cell, NewRun, NewRunSlot, Store};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::app::Meters;
use crate::clock::Manual;
use crate::config;
use crate::control::Incumbent;
use crate::notify::Notifier;
use crate::serve::alarm::Alarm;
use crate::serve::driver::{Driver, Event, Handle, Parts};
use crate::serve::metrics::Counters;
use crate::serve::running::{Failure, Launch, Outcome, Task};

/// Nothing here takes longer.
const LONGEST: Duration = Duration::from_secs(30);

/// An installation, its clock, and its daemon while it lives.
pub(super) struct World {
    folder: TempDir,
    pub(super) clock: Arc<Manual>,
    pub(super) store: Arc<Store>,
    life: Option<Life>,
    /// Loads that wait for the test to end them, by integration.
    loads: HashMap<String, Load>,
    /// Whether no load can begin, for want of a secret.
    pub(super) secretless: Arc<AtomicBool>,
}

struct Life {
    alarm: Arc<Alarm>,
    handle: Handle,
    driving: JoinHandle<anyhow::Result<()>>,
    launched: mpsc::UnboundedReceiver<Load>,
}

/// A load that has begun.
pub(super) struct Load {
    integration: String,
    run_id: String,
    pub(super) recovery: bool,
    end: oneshot::Sender<State>,
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An integration with a schedule, both as they stand in the YAML.
pub(super) fn integration(id: &str, schedule: &str) -> String {
    format!(
        "  {id}:
    source: {{ kind: sentinelone.users, url: 'http://127.0.0.1:1', credential: s }}
    target: {{ kind: oomnitza.users, url: 'http://127.0.0.1:1', credential: o, delivery: rest, records: user }}
    sync_keys: [email]
    mapping: {{ email: email }}
    schedule: {schedule}
"
    )
}

impl World {
    /// An installation at an instant, with one integration `a`; no daemon lives yet.
    pub(super) async fn new(now: &str, schedule: &str) -> Self {
        Self::with(now, &integration("a", schedule)).await
    }

    pub(super) async fn with(now: &str, integrations: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("rollcall.db"))
            .await
            .unwrap();
        let world = Self {
            folder,
            clock: Arc::new(Manual::at(at(now))),
            store: Arc::new(store),
            life: None,
            loads: HashMap::new(),
            secretless: Arc::default(),
        };
        world.write(integrations, "max_concurrent_runs: 2");
        world
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("rollcall.yaml")
    }

    pub(super) fn write(&self, integrations: &str, more: &str) {
        let text = format!(
            "state_dir: .
{more}
credentials:
  s: {{ header: Authorization, secret: {{ env: NO_SUCH }} }}
  o: {{ header: Authorization2, secret: {{ env: NO_SUCH }} }}
integrations:
{integrations}"
        );
        fs::write(self.path(), text).unwrap();
    }

    /// Starts the daemon.
    pub(super) async fn start(&mut self) {
        let loaded = config::load(&self.path()).unwrap_or_else(|faults| panic!("{faults:?}"));
        let (sender, launched) = mpsc::unbounded_channel();
        let alarm = Arc::new(Alarm::default());
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let sender = Arc::new(Mutex::new(sender));
        let (carrier_clock, secretless) = (Arc::clone(&clock), Arc::clone(&self.secretless));
        let notifier = Notifier::new(&loaded.config);
        let (driver, handle) = Driver::new(Parts {
            path: self.path(),
            config: loaded.config,
            store: Arc::clone(&self.store),
            clock,
            alarm: Arc::clone(&alarm),
            watch: Arc::default(),
            carrier: Arc::new(move |launch| {
                if secretless.load(Ordering::Relaxed) {
                    let failure = Failure::Setup(anyhow::anyhow!("there is no secret"));
                    return Box::pin(std::future::ready(Err(failure)));
                }
                let sender = sender.lock().unwrap().clone();
                Box::pin(carry_out(
                    Arc::clone(&store),
                    Arc::clone(&carrier_clock),
                    sender,
                    launch,
                ))
            }),
            counters: Counters::new(Meters::default()),
            incumbent: Incumbent {
                pid: 1,
                version: "0".to_owned(),
                socket: PathBuf::new(),
                since: Timestamp::UNIX_EPOCH,
            },
            logging: None,
            notifier,
        })
        .await
        .unwrap();
        alarm.look(self.now());
        let (ready, is_ready) = oneshot::channel();
        let driving = tokio::spawn(driver.drive(ready));
        self.life = Some(Life {
            alarm,
            handle,
            driving,
            launched,
        });
        is_ready.await.unwrap();
        self.settle_down().await;
    }

    fn now(&self) -> Timestamp {
        use crate::clock::Clock as _;
        self.clock.now()
    }

    fn life(&self) -> &Life {
        self.life.as_ref().expect("a daemon lives")
    }

    pub(super) fn handle(&self) -> Handle {
        self.life().handle.clone()
    }

    /// Sets the clock, as the machine does: the trigger looks at it and rings.
    pub(super) async fn set(&mut self, now: &str) {
        self.set_to(at(now)).await;
    }

    /// Lets the clock run to an instant, second by second's worth of looks.
    pub(super) async fn run_to(&mut self, until: &str) {
        let until = at(until);
        while self.now() < until {
            let next = (self.now() + Duration::from_secs(20)).min(until);
            self.set_to(next).await;
        }
    }

    pub(super) async fn set_to(&mut self, now: Timestamp) {
        self.clock.set(now);
        if self.life().alarm.look(now) {
            self.life().alarm.ring();
        }
        self.settle_down().await;
    }

    /// Lets the driver take all the turns that it has reason to.
    pub(super) async fn settle_down(&mut self) {
        for _ in 0..4 {
            assert!(self.life().handle.is_alive().await, "the driver has ended");
        }
        let life = self.life.as_mut().expect("a daemon lives");
        while let Ok(load) = life.launched.try_recv() {
            let before = self.loads.insert(load.integration.clone(), load);
            assert!(before.is_none(), "an integration runs twice at once");
        }
    }

    /// The load that goes on for an integration.
    pub(super) async fn load(&mut self, integration: &str) -> Load {
        let loading = async {
            loop {
                if let Some(load) = self.loads.remove(integration) {
                    return load;
                }
                self.settle_down().await;
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONGEST, loading)
            .await
            .unwrap_or_else(|_| panic!("no load of `{integration}` begins"))
    }

    /// Ends the load that goes on for an integration.
    pub(super) async fn end(&mut self, integration: &str, end: State) {
        let load = self.load(integration).await;
        load.end.send(end).unwrap();
        // Its end reaches the driver through a task of its own, and another may begin with it.
        let handle = self.handle();
        let ended = async {
            while run_of(&handle, integration).await.as_deref() == Some(load.run_id.as_str()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONGEST, ended)
            .await
            .expect("a load ends");
        self.settle_down().await;
    }

    /// Waits until as many loads go on.
    pub(super) async fn wait_for_loads(&mut self, many: usize) {
        let begun = async {
            while self.going_on().await < many {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONGEST, begun)
            .await
            .unwrap_or_else(|_| panic!("{many} loads do not begin"));
        assert_eq!(self.loads.len(), many);
    }

    pub(super) async fn complete(&mut self, integration: &str) {
        self.end(integration, State::Completed).await;
    }

    /// The integrations whose loads go on.
    pub(super) fn ids(&self) -> Vec<String> {
        self.loads.keys().cloned().collect()
    }

    /// Ends a load without waiting until that is known.
    pub(super) async fn end_unseen(&mut self, integration: &str) {
        let load = self.load(integration).await;
        load.end.send(State::Completed).unwrap();
    }

    /// Lets time pass while no daemon lives.
    pub(super) fn run_down_to(&self, until: &str) {
        self.clock.set(at(until));
    }

    /// How many loads go on.
    pub(super) async fn going_on(&mut self) -> usize {
        self.settle_down().await;
        self.loads.len()
    }

    /// `kill -9`: nothing that goes on comes to an end.
    pub(super) async fn kill(&mut self) {
        let life = self.life.take().expect("a daemon lives");
        life.driving.abort();
        let _ = life.driving.await;
        self.loads.clear();
    }

    /// SIGTERM; loads end as interrupted.
    pub(super) async fn stop(&mut self) {
        let life = self.life.take().expect("a daemon lives");
        life.handle.tell(Event::Stop).await;
        tokio::time::timeout(LONGEST, life.driving)
            .await
            .expect("the driver ends")
            .unwrap()
            .unwrap();
        self.loads.clear();
    }

    /// The ledger: `due_at state`, with the note where there is one.
    pub(super) async fn ledger(&self) -> Vec<String> {
        let sql = "SELECT substr(due_at, 1, 16) || ' ' || state || ifnull(': ' || note, '') FROM v_slots \
                   ORDER BY integration, due_at";
        self.texts(sql).await
    }

    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.store.select(sql.to_owned(), &[]).await.unwrap();
        let text = |row: &Vec<Cell>| match &row[0] {
            Cell::Text(text) => text.clone(),
            Cell::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        rows.rows.iter().map(text).collect()
    }
}

async fn run_of(handle: &Handle, integration: &str) -> Option<String> {
    use crate::control::Desk as _;
    let status = handle.status().await.unwrap();
    let of_it = status
        .integrations
        .into_iter()
        .find(|one| one.id == integration);
    of_it?.running.map(|run| run.run_id)
}

/// A load as the real one is seen from outside: its run is on record from its beginning to its end.
async fn carry_out(
    store: Arc<Store>,
    clock: Arc<Manual>,
    launched: mpsc::UnboundedSender<Load>,
    launch: Launch,
) -> Outcome {
    use crate::clock::Clock as _;
    let (end, ended) = oneshot::channel();
    let recovery = launch.task == Task::Recovery;
    let load = Load {
        integration: launch.integration.clone(),
        run_id: launch.run_id.to_string(),
        recovery,
        end,
    };
    let begin = async {
        let slot = launch.slot.as_ref().map(|slot| NewRunSlot {
            slot: slot.slot,
            state: slot.state,
            note: slot.note.as_deref(),
        });
        let run = NewRun {
            run_id: launch.run_id,
            integration: &launch.integration,
            trigger: launch.trigger,
            kind: store::Kind::Load,
            origin: None,
            dry_run: false,
            partial: false,
            started_at: clock.now(),
            config_hash: "0",
            slot,
        };
        store.begin_run(&run).await.unwrap()
    };
    let key = if recovery {
        drop(begin);
        None
    } else {
        Some(begin.await)
    };
    let _ = launched.send(load);
    let state = tokio::select! {
        end = ended => match end {
            Ok(state) => state,
            // The process was killed.
            Err(_) => std::future::pending().await,
        },
        () = launch.halt.stopped() => match launch.halt.cause() {
            Some(Cause::ByHand) => State::Canceled,
            _ => State::Interrupted,
        },
    };
    let Some(key) = key else { return Ok(None) };
    let counts = Counts::default();
    store
        .end_run(key, state, &counts, None, clock.now())
        .await
        .unwrap();
    Ok(Some(Report {
        run_id: launch.run_id.to_string(),
        integration: launch.integration,
        state,
        intents: false,
        counts,
        reasons: Vec::new(),
        duration: Duration::ZERO,
        source_calls: 0,
        target_calls: 0,
        error: None,
        reason: None,
        guards: Vec::new(),
    }))
}
