//! The socket, with a stand-in for the driver behind it.

mod asking;
mod bad_clients;
mod finding;
mod following;
mod lines;
mod paths;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use load::{Counts, Halt, Progress, Report, State};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::peer::Peer;
use super::protocol::{Incumbent, Order, Refusal, Work};
use super::server::{Desk, Server, Started};
use super::status::{ConfigStatus, Status};
use crate::doctor::Finding;
use crate::exit::Exit;
use crate::forget::Forgotten;
use crate::notify::Trial;

/// Long enough for everything that is to happen at once.
const SOON: Duration = Duration::from_secs(20);

/// A run that a client has asked for, in the hands of the test.
struct Run {
    order: Order,
    progress: watch::Sender<Progress>,
    halt: Halt,
    report: oneshot::Sender<Result<Report, Refusal>>,
}

/// Stands in for the driver: notes who asked for what, and hands runs to the test.
#[derive(Clone)]
struct Driver {
    heard: Arc<Mutex<Vec<(String, Peer)>>>,
    runs: mpsc::UnboundedSender<Run>,
}

impl Driver {
    fn hear(&self, what: String, peer: &Peer) {
        self.heard.lock().unwrap().push((what, peer.clone()));
    }
}

impl Desk for Driver {
    async fn status(&self) -> Result<Status, Refusal> {
        Ok(status())
    }

    async fn doctor(&self, config: PathBuf) -> Result<Vec<Finding>, Refusal> {
        Ok(vec![Finding::ok(
            "configuration",
            config.display().to_string(),
        )])
    }

    async fn pause(
        &self,
        integration: Option<String>,
        reason: String,
        peer: &Peer,
    ) -> Result<String, Refusal> {
        let what = format!("pause {} because {reason}", integration.unwrap_or_default());
        self.hear(what.clone(), peer);
        Ok(what)
    }

    async fn resume(&self, integration: Option<String>, _: &Peer) -> Result<String, Refusal> {
        let what = integration.unwrap_or_default();
        Err(Refusal::new(Exit::Usage, format!("`{what}` is not paused")))
    }

    async fn discard(
        &self,
        run_id: String,
        _: Option<String>,
        _: &Peer,
    ) -> Result<String, Refusal> {
        Ok(format!("discard {run_id}"))
    }

    async fn forget(&self, email: String, peer: &Peer) -> Result<Forgotten, Refusal> {
        self.hear(format!("forget {email}"), peer);
        Ok(Forgotten {
            people: Vec::new(),
            log_is_rid: true,
        })
    }

    async fn cancel(&self, run_id: String, _: &Peer) -> Result<String, Refusal> {
        assert_ne!(run_id, "panic", "a fault of ours");
        Ok(format!("cancel {run_id}"))
    }

    async fn test_notify(&self, channels: Vec<String>, peer: &Peer) -> Result<Vec<Trial>, Refusal> {
        self.hear("notify".to_owned(), peer);
        let trial = |channel| Trial {
            channel,
            error: Some("nobody is there".to_owned()),
        };
        Ok(channels.into_iter().map(trial).collect())
    }

    async fn start(&self, order: Order, peer: &Peer) -> Result<Started, Refusal> {
        self.hear(format!("start {}", order.integration), peer);
        let (progress, watched) = watch::channel(Progress::default());
        let (report, awaited) = oneshot::channel();
        let halt = Halt::new();
        let started = Started {
            progress: watched,
            waiting: Some("for another run to end".to_owned()),
            halt: halt.clone(),
            report: awaited,
        };
        let run = Run {
            order,
            progress,
            halt,
            report,
        };
        self.runs.send(run).expect("the test takes runs");
        Ok(started)
    }
}

/// A socket that is served, in a folder that is a `state_dir` with a living daemon.
struct Served {
    folder: TempDir,
    driver: Driver,
    runs: mpsc::UnboundedReceiver<Run>,
    cancel: CancellationToken,
    server: JoinHandle<()>,
    _lock: std::fs::File,
}

impl Served {
    async fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(folder.path());
        let (sender, runs) = mpsc::unbounded_channel();
        let driver = Driver {
            heard: Arc::default(),
            runs: sender,
        };
        let cancel = CancellationToken::new();
        let server = Server::bind(&socket(folder.path())).await.unwrap();
        let server = tokio::spawn(server.serve(driver.clone(), cancel.clone()));
        Self {
            folder,
            driver,
            runs,
            cancel,
            server,
            _lock: lock,
        }
    }

    fn path(&self) -> PathBuf {
        socket(self.folder.path())
    }

    async fn client(&self) -> Client {
        let client = Client::find(self.folder.path()).await.unwrap();
        client.expect("the daemon is found")
    }

    async fn next_run(&mut self) -> Run {
        soon(self.runs.recv()).await.expect("a run was asked for")
    }

    async fn end(self) {
        self.cancel.cancel();
        soon(self.server).await.expect("the server ends in order");
    }
}

/// Writes and locks the file of a daemon; it lives until what is returned goes.
fn lock(state_dir: &Path) -> std::fs::File {
    let folder = state_dir.join("locks");
    std::fs::create_dir_all(&folder).unwrap();
    let incumbent = Incumbent {
        pid: 4711,
        version: "0.1.0".to_owned(),
        socket: socket(state_dir),
        since: Timestamp::UNIX_EPOCH,
    };
    let path = folder.join("daemon");
    std::fs::write(&path, serde_json::to_string(&incumbent).unwrap()).unwrap();
    let file = std::fs::File::open(path).unwrap();
    file.lock().unwrap();
    file
}

fn socket(state_dir: &Path) -> PathBuf {
    state_dir.join("rollcall.sock")
}

/// Waits for what is to happen at once.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what)
        .await
        .expect("it happens soon")
}

fn load_order() -> Order {
    Order {
        integration: "users".to_owned(),
        work: Work::Load { only: None },
        config_hash: "0123456789ab".to_owned(),
    }
}

fn report() -> Report {
    Report {
        run_id: "019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33".to_owned(),
        integration: "users".to_owned(),
        state: State::CompletedWithErrors,
        intents: false,
        counts: Counts {
            seen: 3,
            created: 1,
            unchanged: 1,
            failed: 1,
            ..Counts::default()
        },
        reasons: vec![("failed".to_owned(), "rejected".to_owned(), 1)],
        duration: Duration::from_millis(1234),
        source_calls: 2,
        target_calls: 5,
        error: None,
        reason: None,
        guards: Vec::new(),
    }
}

fn status() -> Status {
    Status {
        pid: 4711,
        version: "0.1.0".to_owned(),
        since: Timestamp::UNIX_EPOCH,
        config: ConfigStatus {
            path: PathBuf::from("/etc/rollcall/rollcall.yaml"),
            hash: "0123456789ab".to_owned(),
            loaded_at: Timestamp::UNIX_EPOCH,
            faults: Vec::new(),
            timezone: "Europe/Dublin".to_owned(),
            restart: Vec::new(),
        },
        integrations: Vec::new(),
        tokens: Vec::new(),
        notices: Vec::new(),
        health: Vec::new(),
        metrics: None,
        timezones: "bundled with Rollcall".to_owned(),
    }
}
