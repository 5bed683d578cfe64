//! What an operator types.

use std::net::SocketAddr;

use serde_json::Value;

use super::Rollcall;
use crate::config::INTEGRATION;
use crate::http::{HttpAnswer, ask};
use crate::process::Ended;
use crate::scrape::Scrape;

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
}
