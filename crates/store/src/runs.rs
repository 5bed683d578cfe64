//! Runs: their rows, their states, their counts.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::error::{Cause, Error};
use crate::open::Store;

/// The row of an integration: what is remembered of it between runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// The row id, which other calls take.
    pub key: i64,
    /// Hash of what settles the population (url, sites, accounts) at the last complete read; `None` before one.
    pub population: Option<String>,
    /// When the last complete read ended.
    pub last_read_at: Option<Timestamp>,
    /// How many users the last complete read saw.
    pub present: u64,
}

/// The row id of a run, and of its integration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunKey {
    /// The row id of the run.
    pub run: i64,
    /// The row id of its integration.
    pub integration: i64,
}

/// A run about to begin.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// Its id, a UUIDv7.
    pub run_id: Uuid,
    /// The id of its integration in the YAML.
    pub integration: &'a str,
    /// What started it: `manual`, `schedule`.
    pub trigger: &'a str,
    /// Whether its plan is never delivered.
    pub dry_run: bool,
    /// Whether only some users are read.
    pub partial: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// The hash of its configuration.
    pub config_hash: &'a str,
}

/// The states of a run, as `v_runs.state` shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Made by `plan`, and waiting for `apply`.
    Planned,
    /// Going on.
    Running,
    /// Over a guard, and waiting for a release.
    Parked,
    /// Done, and every user was loaded or skipped.
    Completed,
    /// Done, and some users failed.
    CompletedWithErrors,
    /// It could not go on.
    Failed,
    /// Its process was stopped.
    Interrupted,
    /// Somebody pressed Cancel.
    Canceled,
    /// A plan that was dropped.
    Discarded,
    /// A plan that a newer run made obsolete.
    Overtaken,
}

impl State {
    const ALL: [Self; 10] = [
        Self::Planned,
        Self::Running,
        Self::Parked,
        Self::Completed,
        Self::CompletedWithErrors,
        Self::Failed,
        Self::Interrupted,
        Self::Canceled,
        Self::Discarded,
        Self::Overtaken,
    ];

    /// The word that the database and its readers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Parked => "parked",
            Self::Completed => "completed",
            Self::CompletedWithErrors => "completed_with_errors",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Canceled => "canceled",
            Self::Discarded => "discarded",
            Self::Overtaken => "overtaken",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many users of a run had each outcome; in planned, parked and dry runs, how many would.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users of the source.
    pub seen: u64,
    /// Made in Oomnitza.
    pub created: u64,
    /// Changed in Oomnitza.
    pub updated: u64,
    /// Already as they should be.
    pub unchanged: u64,
    /// Left alone, each with a reason.
    pub skipped: u64,
    /// Not loaded, each with a reason.
    pub failed: u64,
}

impl Counts {
    /// Whether every user that was seen has exactly one outcome.
    pub fn add_up(&self) -> bool {
        self.seen == self.created + self.updated + self.unchanged + self.skipped + self.failed
    }
}

/// A run as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its row.
    pub key: RunKey,
    /// Its id.
    pub run_id: String,
    /// The id of its integration in the YAML.
    pub integration: String,
    /// Its state.
    pub state: State,
    /// Whether its plan is never delivered.
    pub dry_run: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When both sides had been read.
    pub read_at: Option<Timestamp>,
    /// The hash of its configuration.
    pub config_hash: String,
    /// Its counts.
    pub counts: Counts,
    /// Why it could not go on.
    pub error: Option<String>,
}

/// A run of a process that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its row.
    pub key: RunKey,
    /// Its id.
    pub run_id: String,
    /// Whether its plan was complete, so that delivery may have begun.
    pub planned: bool,
    /// Whether its plan was never to be delivered.
    pub dry_run: bool,
    /// Whether only some users were read.
    pub partial: bool,
}

impl Store {
    /// Finds the row of an integration, or makes it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn integration(&self, name: &str) -> Result<Integration, Error> {
        let failed = self.failed("look up an integration");
        let mut writer = self.writer().await;
        sqlx::query("INSERT INTO integrations (name) VALUES (?) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .execute(&mut *writer)
            .await
            .map_err(&failed)?;
        let row = sqlx::query(
            "SELECT integration, population, last_read_at,
                    (SELECT count(*) FROM people p WHERE p.integration = i.integration AND p.present = 1)
             FROM integrations i WHERE name = ?",
        )
        .bind(name)
        .fetch_one(&mut *writer)
        .await
        .map_err(&failed)?;
        Ok(Integration {
            key: row.get(0),
            population: row.get(1),
            last_read_at: row.get::<Option<i64>, _>(2).map(instant),
            present: count(row.get(3)),
        })
    }

    /// Puts a new run on record as running.
    ///
    /// # Errors
    /// The database refused.
    pub async fn begin_run(&self, run: &NewRun<'_>) -> Result<RunKey, Error> {
        let integration = self.integration(run.integration).await?.key;
        let mut writer = self.writer().await;
        let row = sqlx::query_scalar(
            "INSERT INTO runs (run_id, integration, trigger, state, dry_run, partial, started_at, config_hash)
             VALUES (?, ?, ?, 'running', ?, ?, ?, ?) RETURNING run",
        )
        .bind(run.run_id.to_string())
        .bind(integration)
        .bind(run.trigger)
        .bind(run.dry_run)
        .bind(run.partial)
        .bind(run.started_at.as_millisecond())
        .bind(run.config_hash)
        .fetch_one(&mut *writer)
        .await
        .map_err(self.failed("begin a run"))?;
        Ok(RunKey {
            run: row,
            integration,
        })
    }

    /// Ends a run: its state, its counts, how many calls it took, and why it could not go on, if it could not.
    ///
    /// # Errors
    /// The database refused; among its rules is that the counts add up.
    pub async fn end_run(
        &self,
        key: RunKey,
        state: State,
        counts: &Counts,
        error: Option<&str>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE runs SET state = ?, seen = ?, created = ?, updated = ?, unchanged = ?, skipped = ?, failed = ?,
                    error = ?, finished_at = ? WHERE run = ?",
        )
        .bind(state.as_str())
        .bind(number(counts.seen))
        .bind(number(counts.created))
        .bind(number(counts.updated))
        .bind(number(counts.unchanged))
        .bind(number(counts.skipped))
        .bind(number(counts.failed))
        .bind(error)
        .bind(at.as_millisecond())
        .bind(key.run)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("end a run"))?;
        self.one(done.rows_affected(), "end a run")
    }

    /// Adds to the number of HTTP requests that a run has sent to either side.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_calls(&self, key: RunKey, source: u64, target: u64) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query("UPDATE runs SET source_calls = source_calls + ?, target_calls = target_calls + ? WHERE run = ?")
            .bind(number(source))
            .bind(number(target))
            .bind(key.run)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("count the calls of a run"))?;
        Ok(())
    }

    /// Takes a planned run up again, to deliver it.
    ///
    /// # Errors
    /// The database refused, or the run is not planned any more.
    pub async fn resume_planned(&self, key: RunKey) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE runs SET state = 'running', finished_at = NULL WHERE run = ? AND state = 'planned'",
        )
        .bind(key.run)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("take up a planned run"))?;
        self.one(done.rows_affected(), "take up a planned run")
    }

    /// Marks planned and parked runs of the integration that are older than `key` as overtaken.
    ///
    /// # Errors
    /// The database refused.
    pub async fn overtake(&self, key: RunKey) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query(
            "UPDATE runs SET state = 'overtaken'
             WHERE integration = ? AND run < ? AND state IN ('planned', 'parked')",
        )
        .bind(key.integration)
        .bind(key.run)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("mark older plans as overtaken"))?;
        Ok(())
    }

    /// Finds a run by its id.
    ///
    /// # Errors
    /// The database refused.
    pub async fn run(&self, run_id: &str) -> Result<Option<Run>, Error> {
        let mut reader = self.reader().await;
        let row = sqlx::query(
            "SELECT r.run, r.integration, r.run_id, i.name, r.state, r.dry_run, r.started_at, r.read_at, r.config_hash,
                    r.seen, r.created, r.updated, r.unchanged, r.skipped, r.failed, r.error
             FROM runs r JOIN integrations i USING (integration) WHERE r.run_id = ?",
        )
        .bind(run_id)
        .fetch_optional(&mut *reader)
        .await
        .map_err(self.failed("look up a run"))?;
        row.map(|row| self.run_of(&row)).transpose()
    }

    fn run_of(&self, row: &SqliteRow) -> Result<Run, Error> {
        let state = State::parse(row.get(4))
            .ok_or_else(|| Error::because(self.path(), "read a run", Cause::Newer))?;
        Ok(Run {
            key: RunKey {
                run: row.get(0),
                integration: row.get(1),
            },
            run_id: row.get(2),
            integration: row.get(3),
            state,
            dry_run: row.get(5),
            started_at: instant(row.get(6)),
            read_at: row.get::<Option<i64>, _>(7).map(instant),
            config_hash: row.get(8),
            counts: Counts {
                seen: count(row.get(9)),
                created: count(row.get(10)),
                updated: count(row.get(11)),
                unchanged: count(row.get(12)),
                skipped: count(row.get(13)),
                failed: count(row.get(14)),
            },
            error: row.get(15),
        })
    }

    /// Lists the runs of an integration that are on record as running: with its lock held, those of dead processes.
    ///
    /// # Errors
    /// The database refused.
    pub async fn unfinished(&self, integration: i64) -> Result<Vec<Unfinished>, Error> {
        let mut reader = self.reader().await;
        let rows = sqlx::query(
            "SELECT run, run_id, planned_at IS NOT NULL, dry_run, partial FROM runs
             WHERE integration = ? AND state = 'running' ORDER BY run",
        )
        .bind(integration)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for unfinished runs"))?;
        Ok(rows
            .iter()
            .map(|row| Unfinished {
                key: RunKey {
                    run: row.get(0),
                    integration,
                },
                run_id: row.get(1),
                planned: row.get(2),
                dry_run: row.get(3),
                partial: row.get(4),
            })
            .collect())
    }

    /// Remembers the portion that a run is about to open.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_portion(&self, key: RunKey, portion: Uuid) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query("UPDATE runs SET portion = ?, portion_open = 1 WHERE run = ?")
            .bind(portion.to_string())
            .bind(key.run)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("remember a portion"))?;
        self.one(done.rows_affected(), "remember a portion")
    }

    /// Remembers that the portion of a run was finalized.
    ///
    /// # Errors
    /// The database refused.
    pub async fn portion_finalized(&self, run: i64) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query("UPDATE runs SET portion_open = 0 WHERE run = ?")
            .bind(run)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("remember that a portion was finalized"))?;
        self.one(
            done.rows_affected(),
            "remember that a portion was finalized",
        )
    }

    /// Lists the portions of an integration that no finalize has succeeded on, each with the row id of its run.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_portions(&self, integration: i64) -> Result<Vec<(i64, Uuid)>, Error> {
        let mut reader = self.reader().await;
        let rows = sqlx::query(
            "SELECT run, portion FROM runs WHERE integration = ? AND portion_open = 1 ORDER BY run",
        )
        .bind(integration)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for open portions"))?;
        Ok(rows
            .iter()
            .filter_map(|row| Some((row.get(0), Uuid::parse_str(row.get(1)).ok()?)))
            .collect())
    }

    pub(crate) fn one(&self, rows: u64, doing: &'static str) -> Result<(), Error> {
        if rows == 1 {
            Ok(())
        } else {
            Err(Error::because(self.path(), doing, Cause::Missing))
        }
    }
}

pub(crate) fn instant(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
