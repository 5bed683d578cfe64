//! An installation of Rollcall in a folder of its own, and what its operator does with it.

use std::cell::Cell;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Map, Value};
use simulator::Simulator;
use tempfile::TempDir;

use crate::binary;
use crate::config::{Config, INTEGRATION};
use crate::database::Database;
use crate::http::{HttpAnswer, ask};
use crate::process::{Ended, Going};
use crate::scrape::Scrape;
use crate::serving::Serving;
use crate::systemd::Systemd;

/// An installation that leads to a simulator.
#[derive(Debug)]
pub struct Rollcall {
    folder: TempDir,
    config: Config,
    commands: Cell<usize>,
}

impl Rollcall {
    /// Installs Rollcall for a simulator, with a configuration that works.
    ///
    /// # Panics
    /// The disk is full.
    pub fn new(simulator: &Simulator) -> Self {
        let folder = tempfile::tempdir().expect("a test folder can be made");
        let config = Config::new(simulator.sentinelone_url(), simulator.oomnitza_url());
        let this = Self {
            folder,
            config,
            commands: Cell::new(0),
        };
        this.write_token("sentinelone.token", simulator.sentinelone_token());
        this.write_token("oomnitza.token", simulator.oomnitza_token());
        this.write_config(&this.config.yaml());
        this
    }

    /// Installs Rollcall with some of its configuration changed.
    pub fn with(simulator: &Simulator, change: impl FnOnce(&mut Config)) -> Self {
        let mut this = Self::new(simulator);
        this.configure(change);
        this
    }

    /// Edits the configuration.
    pub fn configure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        self.write_config(&self.config.yaml());
    }

    /// What the configuration says.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The text of the configuration.
    pub fn yaml(&self) -> String {
        self.config.yaml()
    }

    /// Writes any text as the configuration.
    ///
    /// # Panics
    /// The disk is full.
    pub fn write_config(&self, yaml: &str) {
        fs::write(self.config_path(), yaml).expect("a test folder takes files");
    }

    /// Writes a token into its file, for its owner alone.
    ///
    /// # Panics
    /// The disk is full.
    pub fn write_token(&self, file: &str, token: &str) {
        use std::io::Write as _;
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let path = self.folder.path().join(file);
        let mut file = options.open(path).expect("a test folder takes files");
        writeln!(file, "{token}").expect("a test folder takes files");
    }
}

/// What an operator types.
impl Rollcall {
    /// `rollcall run`.
    #[track_caller]
    pub fn run(&self) -> Ended {
        self.command(&["run", INTEGRATION])
    }

    /// `rollcall run --dry-run`.
    #[track_caller]
    pub fn run_dry(&self) -> Ended {
        self.command(&["run", INTEGRATION, "--dry-run"])
    }

    /// `rollcall run --only EMAIL`.
    #[track_caller]
    pub fn run_only(&self, email: &str) -> Ended {
        self.command(&["run", INTEGRATION, "--only", email])
    }

    /// `rollcall plan`.
    #[track_caller]
    pub fn plan(&self) -> Ended {
        self.command(&["plan", INTEGRATION])
    }

    /// `rollcall apply RUN_ID`.
    #[track_caller]
    pub fn apply(&self, run_id: &str) -> Ended {
        self.command(&["apply", run_id])
    }

    /// `rollcall check`.
    #[track_caller]
    pub fn check(&self) -> Ended {
        self.command(&["check"])
    }

    /// Any command.
    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }

    /// Starts `rollcall run` and does not wait for its end.
    pub fn start_run(&self) -> Going {
        self.start(&["run", INTEGRATION])
    }

    /// Starts any command and does not wait for its end.
    pub fn start(&self, arguments: &[&str]) -> Going {
        self.start_with(arguments, |_| {})
    }

    /// Starts any command with something about its process changed, such as a variable of its environment.
    pub fn start_with(&self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Going {
        let mut command = Command::new(binary::rollcall());
        command.args(arguments);
        self.start_prepared(command, change)
    }

    /// Runs any command at a terminal, where somebody types these lines.
    ///
    /// What the command says to stdout and to stderr comes as one.
    ///
    /// # Panics
    /// The binary is in no path that a shell can be told.
    #[track_caller]
    pub fn command_at_a_terminal(&self, arguments: &[&str], typed: &str) -> Ended {
        let mut command = Command::new("bash");
        let script =
            "printf '%s' \"$TYPED\" | script --quiet --return --command \"$COMMAND\" /dev/null";
        let binary = binary::rollcall();
        let words = std::iter::once(binary.to_str().expect("a path in UTF-8"))
            .chain(arguments.iter().copied())
            .map(|word| format!("'{word}'"));
        let words: Vec<String> = words.collect();
        command
            .args(["-c", script])
            .env("TYPED", typed)
            .env("COMMAND", words.join(" "));
        self.start_prepared(command, |_| {}).end()
    }

    /// Runs any command with no file allowed to grow beyond so many KiB, as on a full disk.
    #[track_caller]
    pub fn command_with_file_limit(&self, arguments: &[&str], kib: u32) -> Ended {
        self.start_prepared(with_file_limit(arguments, kib), |_| {})
            .end()
    }

    /// Runs any command whose data nobody reads: the pipe is closed before it is full.
    #[track_caller]
    pub fn command_into_a_closed_pipe(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new("bash");
        command
            .args(["-c", "set -o pipefail; \"$0\" \"$@\" | true"])
            .arg(binary::rollcall())
            .args(arguments);
        self.start_prepared(command, |_| {}).end()
    }

    /// Serves, and waits until the daemon is ready.
    #[track_caller]
    pub fn serve(&self) -> Serving {
        self.serve_with(|_| {})
    }

    /// Serves with something about the process changed.
    #[track_caller]
    pub fn serve_with(&self, change: impl FnOnce(&mut Command)) -> Serving {
        let mut command = Command::new(binary::rollcall());
        command.arg("serve");
        let mut serving = self.start_serving(command, change);
        serving.wait_until_told("READY=1");
        serving
    }

    /// Serves with no file allowed to grow beyond so many KiB, as on a full disk.
    #[track_caller]
    pub fn serve_with_file_limit(&self, kib: u32) -> Serving {
        let mut serving = self.start_serving(with_file_limit(&["serve"], kib), |_| {});
        serving.wait_until_told("READY=1");
        serving
    }

    fn start_serving(&self, command: Command, change: impl FnOnce(&mut Command)) -> Serving {
        let number = self.commands.get() + 1;
        let systemd = Systemd::listen(&self.folder.path().join(format!("{number}.notify")));
        let going = self.start_prepared(command, |command| {
            command.env("NOTIFY_SOCKET", systemd.path());
            change(command);
        });
        Serving::new(going, systemd, self.database_path())
    }

    /// `rollcall serve` that is not to come to be.
    #[track_caller]
    pub fn serve_in_vain(&self) -> Ended {
        self.command(&["serve"])
    }

    /// `rollcall status --json`.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.command(&["status", "--json"]).with_code(0).json()
    }

    /// Where metrics are served, as `rollcall status --json` says; `None`: nowhere.
    ///
    /// # Panics
    /// It says something else.
    #[track_caller]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        let status = self.status();
        let address = status["metrics"].as_str()?;
        Some(address.parse().expect("an address with a port"))
    }

    /// What a watcher is answered on a path.
    ///
    /// # Panics
    /// Metrics are not served.
    #[track_caller]
    pub fn watch(&self, path: &str) -> HttpAnswer {
        ask(
            self.metrics_address().expect("metrics are served"),
            "GET",
            path,
        )
    }

    /// Scrapes the daemon.
    ///
    /// # Panics
    /// It does not answer as it should.
    #[track_caller]
    pub fn scrape(&self) -> Scrape {
        let answer = self.watch("/metrics");
        assert_eq!(answer.status, 200, "{answer:?}");
        Scrape::read(&answer.body)
    }

    /// `rollcall pause --reason`.
    #[track_caller]
    pub fn pause(&self, reason: &str) -> Ended {
        self.command(&["pause", INTEGRATION, "--reason", reason])
    }

    /// `rollcall resume`.
    #[track_caller]
    pub fn resume(&self) -> Ended {
        self.command(&["resume", INTEGRATION])
    }

    /// `rollcall cancel RUN_ID`.
    #[track_caller]
    pub fn cancel(&self, run_id: &str) -> Ended {
        self.command(&["cancel", run_id])
    }

    fn start_prepared(&self, mut command: Command, change: impl FnOnce(&mut Command)) -> Going {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if [
                "RUST_LOG",
                "NOTIFY_SOCKET",
                "RUNTIME_DIRECTORY",
                "JOURNAL_STREAM",
            ]
            .contains(&&*name)
                || name.starts_with("WATCHDOG_")
                || name.starts_with("ROLLCALL_")
                || name.to_lowercase().ends_with("_proxy")
            {
                command.env_remove(name);
            }
        }
        // A signal to the tests' own group is not for it.
        command
            .env("ROLLCALL_CONFIG", self.config_path())
            .process_group(0);
        change(&mut command);
        let number = self.commands.get() + 1;
        self.commands.set(number);
        Going::start(command, self.folder.path(), number)
    }
}

/// Any command with no file allowed to grow beyond so many KiB.
fn with_file_limit(arguments: &[&str], kib: u32) -> Command {
    let mut command = Command::new("bash");
    let script = format!("ulimit -f {kib}; exec \"$0\" \"$@\"");
    command
        .args(["-c", &script])
        .arg(binary::rollcall())
        .args(arguments);
    command
}

/// A row of `v_slots`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotRow {
    /// The due time.
    pub due_at: String,
    /// What became of it.
    pub state: String,
    /// Its latest run.
    pub run_id: Option<String>,
    /// Why.
    pub note: String,
}

/// What is left behind.
impl Rollcall {
    /// The folder of the configuration.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `rollcall.yaml`.
    pub fn config_path(&self) -> PathBuf {
        self.folder.path().join("rollcall.yaml")
    }

    /// `state_dir`.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// `rollcall.db`.
    pub fn database_path(&self) -> PathBuf {
        self.state_dir().join("rollcall.db")
    }

    /// Opens the database as a reader does.
    pub fn database(&self) -> Database {
        Database::open(&self.database_path())
    }

    /// The rows of a query.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<Map<String, Value>> {
        self.database().rows(sql)
    }

    /// The only value of a query.
    #[track_caller]
    pub fn value(&self, sql: &str) -> Value {
        self.database().value(sql)
    }

    /// The latest run.
    ///
    /// # Panics
    /// There was none.
    #[track_caller]
    pub fn latest_run(&self) -> Map<String, Value> {
        let mut rows = self.query("SELECT * FROM v_runs ORDER BY run_id DESC LIMIT 1");
        rows.pop().expect("there was a run")
    }

    /// The state of the latest run.
    #[track_caller]
    pub fn latest_state(&self) -> String {
        self.latest_run()["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// What became of the due times of an integration, in order.
    #[track_caller]
    pub fn slots_of(&self, integration: &str) -> Vec<SlotRow> {
        let rows = self.query(&format!(
            "SELECT * FROM v_slots WHERE integration = '{integration}' ORDER BY due_at"
        ));
        let slot = |row: &Map<String, Value>| {
            let text = |column: &str| row[column].as_str().map(str::to_owned);
            SlotRow {
                due_at: text("due_at").unwrap_or_default(),
                state: text("state").unwrap_or_default(),
                run_id: text("run_id"),
                note: text("note").unwrap_or_default(),
            }
        };
        rows.iter().map(slot).collect()
    }

    /// What became of the due times, in order.
    #[track_caller]
    pub fn slots(&self) -> Vec<SlotRow> {
        self.slots_of(INTEGRATION)
    }

    /// The states of the due times, in order.
    #[track_caller]
    pub fn slot_states(&self) -> Vec<String> {
        self.slots().into_iter().map(|slot| slot.state).collect()
    }

    /// The states of all runs, in order.
    #[track_caller]
    pub fn run_states(&self) -> Vec<String> {
        let rows = self.query("SELECT state FROM v_runs ORDER BY run_id");
        rows.iter()
            .map(|row| row["state"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Makes it as if every integration that was served before had completed a load: its schedule may start the next.
    #[track_caller]
    pub fn was_loaded_once(&self) {
        self.spoil("UPDATE integrations SET loaded = 2;");
    }

    /// Makes the ledger so much older while no daemon runs: as if the one before had stopped so long ago.
    #[track_caller]
    pub fn let_pass(&self, time: Duration) {
        let ms = time.as_millis();
        self.spoil(&format!(
            "UPDATE services SET started_at = started_at - {ms}, alive_at = alive_at - {ms}, stopped_at = stopped_at - {ms};
             UPDATE integrations SET ledger_from = ledger_from - {ms};"
        ));
    }

    /// Changes what the database holds while no daemon runs.
    #[track_caller]
    pub fn spoil(&self, sql: &str) {
        let mut database = Database::open_to_write(&self.database_path());
        database.execute(sql);
        database.close();
    }

    /// The id of the latest run.
    #[track_caller]
    pub fn latest_run_id(&self) -> String {
        self.latest_run()["run_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// How many users of the latest run have each outcome and reason, as `failed(rejected)`.
    #[track_caller]
    pub fn latest_reasons(&self) -> Vec<(String, i64)> {
        let rows = self.query(
            "SELECT outcome || '(' || reason || ')' AS why, count(*) AS users FROM v_errors
             WHERE run_id = (SELECT max(run_id) FROM v_runs) GROUP BY 1 ORDER BY 1",
        );
        let reason = |row: &Map<String, Value>| {
            let why = row["why"].as_str().unwrap_or_default().to_owned();
            (why, row["users"].as_i64().unwrap_or_default())
        };
        rows.iter().map(reason).collect()
    }

    /// Notices that stand, by kind.
    #[track_caller]
    pub fn notices(&self) -> Vec<String> {
        let rows = self.query("SELECT kind FROM v_notices WHERE until IS NULL ORDER BY kind");
        rows.iter()
            .map(|row| row["kind"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// All that the log files hold.
    ///
    /// # Panics
    /// There are none.
    pub fn logs(&self) -> String {
        let folder = fs::read_dir(self.state_dir().join("logs")).expect("there are logs");
        folder
            .map(|file| {
                let path = file.expect("a folder can be listed").path();
                fs::read_to_string(path).expect("logs are text")
            })
            .collect()
    }
}
