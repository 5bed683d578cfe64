//! A daemon that serves, and what is waited for while it does.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;

use serde_json::Value;

use crate::database::Database;
use crate::process::{Ended, Going};
use crate::systemd::Systemd;

/// A daemon that goes on; it is killed when this is dropped.
#[derive(Debug)]
pub struct Serving {
    going: Going,
    systemd: Systemd,
    database: PathBuf,
}

impl Serving {
    pub(crate) fn new(going: Going, systemd: Systemd, database: PathBuf) -> Self {
        Self {
            going,
            systemd,
            database,
        }
    }

    /// What it tells systemd.
    pub fn systemd(&self) -> &Systemd {
        &self.systemd
    }

    /// Waits until systemd was told a line that begins so.
    ///
    /// # Panics
    /// It never is.
    #[track_caller]
    pub fn wait_until_told(&mut self, beginning: &str) {
        self.wait_until_told_after(0, beginning);
    }

    /// Waits until systemd was told a line that begins so, after the first so many.
    ///
    /// # Panics
    /// It never is.
    #[track_caller]
    pub fn wait_until_told_after(&mut self, lines: usize, beginning: &str) {
        let systemd = &self.systemd;
        self.going.wait_until(|| {
            let told = systemd.told();
            let mut later = told.iter().skip(lines);
            later.any(|line| line.starts_with(beginning))
        });
    }

    /// Waits until a query has this for its only value.
    ///
    /// # Panics
    /// It never has.
    #[track_caller]
    pub fn wait_for(&mut self, sql: &str, expected: impl Into<Value>) {
        let expected = expected.into();
        let mut database = Database::open(&self.database);
        self.going.wait_until(|| database.value(sql) == expected);
        database.close();
    }

    /// Waits until no slot and no run has anything to come.
    ///
    /// # Panics
    /// It never comes to that.
    #[track_caller]
    pub fn wait_until_settled(&mut self) {
        self.wait_for(
            "SELECT (SELECT count(*) FROM slots WHERE settled = 0) + (SELECT count(*) FROM v_runs WHERE state = 'running')",
            0,
        );
    }

    /// Asks it to stop, and waits until it has, of its own will.
    ///
    /// # Panics
    /// It ends in another way.
    #[track_caller]
    pub fn stop(self) -> Ended {
        self.going.terminate();
        self.end().with_code(0)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It does not end.
    #[track_caller]
    pub fn end(self) -> Ended {
        self.going.end()
    }

    /// Pulls the plug: `kill -9`.
    ///
    /// # Panics
    /// It ended before.
    #[track_caller]
    pub fn kill(self) {
        let ended = self.going.kill();
        assert_eq!(ended.code, None, "it ended before: {}", ended.talk());
    }
}

impl Deref for Serving {
    type Target = Going;

    fn deref(&self) -> &Going {
        &self.going
    }
}

impl DerefMut for Serving {
    fn deref_mut(&mut self) -> &mut Going {
        &mut self.going
    }
}
