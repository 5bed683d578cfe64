//! Runs: their rows, their states, their counts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};
use uuid::Uuid;

use crate::error::{Cause, Error};
use crate::open::Store;
use crate::slots::{self, SlotState};
use crate::state::State;

/// The columns that [`counts_of`] reads, of a run `r`.
macro_rules! count_columns {
    () => {
        "r.seen, r.created, r.updated, r.unchanged, r.skipped, r.failed, r.deactivated"
    };
}

/// The columns that [`run_of`] reads, of a run `r` of an integration `i`.
macro_rules! run_columns {
    () => {
        concat!(
            "r.run, r.integration, r.run_id, i.name, r.state, r.kind, r.dry_run, r.partial, r.planned_at IS NOT NULL AS planned,
             r.started_at, r.read_at, r.in_scope, r.config_hash, r.error, ",
            crate::runs::count_columns!()
        )
    };
}

pub(crate) use {count_columns, run_columns};

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

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It loads users of the source.
    Load,
    /// It loads again those whom an earlier run skipped or failed.
    Replay,
    /// It writes back what an earlier run replaced.
    Undo,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Load, Self::Replay, Self::Undo];

    /// The word that the database and its readers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Replay => "replay",
            Self::Undo => "undo",
        }
    }

    pub(crate) fn read(word: &str) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| sqlx::Error::Decode(format!("`{word}` is no kind of a run").into()))
    }
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
    /// What it does.
    pub kind: Kind,
    /// The id of the run that it replays or undoes.
    pub origin: Option<&'a str>,
    /// Whether its plan is never delivered.
    pub dry_run: bool,
    /// Whether only some users are read.
    pub partial: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// The hash of its configuration.
    pub config_hash: &'a str,
    /// The slot that it is begun for, if it is.
    pub slot: Option<NewRunSlot<'a>>,
}

/// The slot that a run is begun for, and what becomes of it by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRunSlot<'a> {
    /// The row id of the slot.
    pub slot: i64,
    /// Its state from now on: ran, or late.
    pub state: SlotState,
    /// Why, for a person; without one, the note that the slot has stays.
    pub note: Option<&'a str>,
}

/// How many users of a run had each outcome; in planned, parked and dry runs, how many would.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// `SaaS` users that were deactivated, whose users were not seen.
    #[serde(default)]
    pub deactivated: u64,
}

impl Counts {
    /// Whether every user that was seen has exactly one outcome.
    pub fn add_up(&self) -> bool {
        self.seen == self.created + self.updated + self.unchanged + self.skipped + self.failed
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.seen += other.seen;
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.deactivated += other.deactivated;
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
    /// What it does.
    pub kind: Kind,
    /// Whether its plan is never delivered.
    pub dry_run: bool,
    /// Whether only some users were read.
    pub partial: bool,
    /// Whether its plan was complete.
    pub planned: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When both sides had been read.
    pub read_at: Option<Timestamp>,
    /// How many of the users seen are in scope, where a plan was made.
    pub in_scope: Option<u64>,
    /// The hash of its configuration.
    pub config_hash: String,
    /// Its counts.
    pub counts: Counts,
    /// Why it could not go on.
    pub error: Option<String>,
}

impl Store {
    /// Finds the row of an integration, or makes it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn integration(&self, name: &str) -> Result<Integration, Error> {
        let failed = self.failed("look up an integration");
        let mut writer = self.writer().await;
        let key = integration_row(&mut writer, name).await.map_err(&failed)?;
        let (population, last_read_at, present): (_, Option<i64>, _) = sqlx::query_as(
            "SELECT population, last_read_at,
                    (SELECT count(*) FROM people NOT INDEXED WHERE integration = ?1 AND present = 1)
             FROM integrations WHERE integration = ?1",
        )
        .bind(key)
        .fetch_one(&mut *writer)
        .await
        .map_err(&failed)?;
        Ok(Integration {
            key,
            population,
            last_read_at: last_read_at.map(instant),
            present: count(present),
        })
    }

    /// Puts a new run on record as running, and in its slot that it has begun.
    ///
    /// The slot counts one try more and is not settled by that: a run may fail, or its process end.
    /// A slot that was late stays late when it is tried again.
    ///
    /// # Errors
    /// The database refused, or the slot is settled already, or of another integration; then there is no run.
    pub async fn begin_run(&self, run: &NewRun<'_>) -> Result<RunKey, Error> {
        let failed = self.failed("begin a run");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let key = insert_run(&mut transaction, run).await.map_err(&failed)?;
        if let Some(slot) = &run.slot {
            let begun = slots::begin(&mut transaction, slot, key)
                .await
                .map_err(&failed)?;
            self.one(begun, "begin a run")?;
        }
        transaction.commit().await.map_err(&failed)?;
        Ok(key)
    }

    /// Ends a run, or the making of its plan: its state, its counts, and why it could not go on, if it could not.
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
                    deactivated = ?, error = ?, finished_at = ? WHERE run = ?",
        )
        .bind(state.as_str())
        .bind(number(counts.seen))
        .bind(number(counts.created))
        .bind(number(counts.updated))
        .bind(number(counts.unchanged))
        .bind(number(counts.skipped))
        .bind(number(counts.failed))
        .bind(number(counts.deactivated))
        .bind(error)
        .bind(at.as_millisecond())
        .bind(key.run)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("end a run"))?;
        self.one(done.rows_affected(), "end a run")
    }

    /// Keeps why a run cannot go on, in words that name nobody.
    ///
    /// # Errors
    /// The database refused.
    pub async fn keep_outline(&self, key: RunKey, outline: &str) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query("UPDATE runs SET outline = ? WHERE run = ?")
            .bind(outline)
            .bind(key.run)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("keep the outline of an error"))?;
        self.one(done.rows_affected(), "keep the outline of an error")
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
        let row = sqlx::query(concat!(
            "SELECT ",
            run_columns!(),
            " FROM runs r JOIN integrations i USING (integration) WHERE r.run_id = ?"
        ))
        .bind(run_id)
        .fetch_optional(&mut *reader)
        .await
        .map_err(self.failed("look up a run"))?;
        row.map(|row| run_of(&row))
            .transpose()
            .map_err(self.failed("look up a run"))
    }

    /// Checks that an UPDATE found its row.
    pub(crate) fn one(&self, rows: u64, doing: &'static str) -> Result<(), Error> {
        self.all(rows, 1, doing)
    }

    /// Checks that an UPDATE found all its rows.
    pub(crate) fn all(&self, rows: u64, expected: usize, doing: &'static str) -> Result<(), Error> {
        if usize::try_from(rows) == Ok(expected) {
            Ok(())
        } else {
            Err(Error::because(self.path(), doing, Cause::Missing))
        }
    }
}

pub(crate) fn run_of(row: &SqliteRow) -> Result<Run, sqlx::Error> {
    Ok(Run {
        key: RunKey {
            run: row.try_get("run")?,
            integration: row.try_get("integration")?,
        },
        run_id: row.try_get("run_id")?,
        integration: row.try_get("name")?,
        state: State::read(row.try_get("state")?)?,
        kind: Kind::read(row.try_get("kind")?)?,
        dry_run: row.try_get("dry_run")?,
        partial: row.try_get("partial")?,
        planned: row.try_get("planned")?,
        started_at: instant(row.try_get("started_at")?),
        read_at: row.try_get::<Option<i64>, _>("read_at")?.map(instant),
        in_scope: row.try_get::<Option<i64>, _>("in_scope")?.map(count),
        config_hash: row.try_get("config_hash")?,
        counts: counts_of(row)?,
        error: row.try_get("error")?,
    })
}

/// Reads the counts of a row that has them under their names.
pub(crate) fn counts_of(row: &SqliteRow) -> Result<Counts, sqlx::Error> {
    let of = |name| row.try_get(name).map(count);
    Ok(Counts {
        seen: of("seen")?,
        created: of("created")?,
        updated: of("updated")?,
        unchanged: of("unchanged")?,
        skipped: of("skipped")?,
        failed: of("failed")?,
        deactivated: of("deactivated")?,
    })
}

async fn insert_run(
    connection: &mut SqliteConnection,
    run: &NewRun<'_>,
) -> Result<RunKey, sqlx::Error> {
    let integration = integration_row(connection, run.integration).await?;
    let row = sqlx::query_scalar(
        "INSERT INTO runs (run_id, integration, trigger, kind, origin, state, dry_run, partial, started_at,
             config_hash, slot)
         VALUES (?, ?, ?, ?, ?, 'running', ?, ?, ?, ?, ?) RETURNING run",
    )
    .bind(run.run_id.to_string())
    .bind(integration)
    .bind(run.trigger)
    .bind(run.kind.as_str())
    .bind(run.origin)
    .bind(run.dry_run)
    .bind(run.partial)
    .bind(run.started_at.as_millisecond())
    .bind(run.config_hash)
    .bind(run.slot.map(|slot| slot.slot))
    .fetch_one(connection)
    .await?;
    Ok(RunKey {
        run: row,
        integration,
    })
}

/// Finds the row id of an integration, or makes the row.
pub(crate) async fn integration_row(
    connection: &mut SqliteConnection,
    name: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query("INSERT INTO integrations (name) VALUES (?) ON CONFLICT (name) DO NOTHING")
        .bind(name)
        .execute(&mut *connection)
        .await?;
    sqlx::query_scalar("SELECT integration FROM integrations WHERE name = ?")
        .bind(name)
        .fetch_one(connection)
        .await
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
