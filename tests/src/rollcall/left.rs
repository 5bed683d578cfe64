//! What is left behind: files, and the database.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::Rollcall;
use crate::config::INTEGRATION;
use crate::database::Database;

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
