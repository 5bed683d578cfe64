//! An installation of Rollcall in a folder of its own, and what its operator does with it.

mod commands;
mod left;
mod starting;

pub use left::SlotRow;

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;

use simulator::Simulator;
use tempfile::TempDir;

use crate::config::Config;

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
