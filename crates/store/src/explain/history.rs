//! What became of a person from run to run.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::EXPLAIN;
use super::past::PastFault;
use crate::error::Error;
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::{Kind, instant};
use crate::state::State;

/// A run that something is said of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRef {
    /// Its row, by which runs are in order.
    pub run: i64,
    /// Its id, and what is known of it; `None`: it is not on record any more.
    pub known: Option<KnownRun>,
}

/// What is known of a run that something is said of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRun {
    /// Its id.
    pub run_id: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Its state.
    pub state: State,
    /// What it does.
    pub kind: Kind,
    /// Whether its plan is never delivered.
    pub dry_run: bool,
}

/// The JSON of a user, or its record, from a run on.
#[derive(Debug, Clone)]
pub struct Version {
    /// The run.
    pub since: RunRef,
    /// The text.
    pub json: String,
}

/// A write that a run intended, or why it intended none.
#[derive(Debug, Clone)]
pub struct PastOutcome<T> {
    /// The run.
    pub run: RunRef,
    /// What it was.
    pub what: T,
}

/// A write of a run, for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Create, update; `saas` or deactivate of the `SaaS` user.
    pub action: String,
    /// Its state: planned, sent, done, failed or withdrawn.
    pub state: String,
    /// What Oomnitza had, a JSON object; `None` of a create.
    pub before: Option<String>,
    /// What was sent, a JSON object.
    pub after: String,
}

/// When a person was not in the reads of everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absence {
    /// The run that first lacked it.
    pub run: RunRef,
    /// When.
    pub at: Timestamp,
    /// The run that found it gone, and when: that one or, of another population, a later one.
    pub gone: Option<(RunRef, Timestamp)>,
    /// The run that had it again, and when.
    pub back: Option<(RunRef, Timestamp)>,
}

/// All that is on record of a person, the oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// How the console had the user.
    pub users: Vec<Version>,
    /// What the mapping made of it.
    pub records: Vec<Version>,
    /// What runs were to write.
    pub changes: Vec<PastOutcome<Written>>,
    /// Why runs did not load it.
    pub faults: Vec<PastOutcome<PastFault>>,
    /// When it was not there.
    pub absences: Vec<Absence>,
}

impl RunRef {
    /// Reads the columns of [`ref_columns`] from `first` on, and the column `run`.
    pub(super) fn read(row: &SqliteRow, first: usize) -> Result<Self, sqlx::Error> {
        let run_id: Option<String> = row.try_get(first)?;
        let known = match run_id {
            None => None,
            Some(run_id) => Some(KnownRun {
                run_id,
                started_at: instant(row.try_get(first + 1)?),
                state: State::read(row.try_get(first + 2)?)?,
                kind: Kind::read(row.try_get(first + 3)?)?,
                dry_run: row.try_get(first + 4)?,
            }),
        };
        Ok(Self {
            run: row.try_get("run")?,
            known,
        })
    }
}

/// The columns of a [`RunRef`].
macro_rules! ref_columns {
    () => {
        "r.run_id, r.started_at, r.state, r.kind, r.dry_run"
    };
}

impl Store {
    /// Reads all that is on record of a person.
    ///
    /// # Errors
    /// The database refused.
    pub async fn history(&self, person: PersonRow) -> Result<History, Error> {
        let mut reader = self.reader().await;
        let history = history(&mut reader, person).await;
        history.map_err(self.failed(EXPLAIN))
    }
}

async fn history(
    connection: &mut SqliteConnection,
    person: PersonRow,
) -> Result<History, sqlx::Error> {
    Ok(History {
        users: read(connection, person, USERS, version).await?,
        records: read(connection, person, RECORDS, version).await?,
        changes: read(connection, person, CHANGES, written).await?,
        faults: read(connection, person, FAULTS, fault).await?,
        absences: read(connection, person, ABSENCES, absence).await?,
    })
}

async fn read<T>(
    connection: &mut SqliteConnection,
    person: PersonRow,
    sql: &'static str,
    of: fn(&SqliteRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, sqlx::Error> {
    let rows = sqlx::query(sql)
        .bind(person)
        .fetch_all(&mut *connection)
        .await?;
    rows.iter().map(of).collect()
}

const USERS: &str = concat!(
    "SELECT v.run, ",
    ref_columns!(),
    ", v.user FROM user_versions v LEFT JOIN runs r USING (run) WHERE v.person = ? ORDER BY v.user_version"
);
const RECORDS: &str = concat!(
    "SELECT v.run, ",
    ref_columns!(),
    ", v.record FROM record_versions v LEFT JOIN runs r USING (run) WHERE v.person = ? ORDER BY v.record_version"
);

fn version(row: &SqliteRow) -> Result<Version, sqlx::Error> {
    Ok(Version {
        since: RunRef::read(row, 1)?,
        json: row.try_get(6)?,
    })
}

const CHANGES: &str = concat!(
    "SELECT c.run, ",
    ref_columns!(),
    ", c.action, c.state, v.before, v.after
     FROM changes c JOIN change_values v USING (change) JOIN runs r USING (run) WHERE c.person = ?1
     UNION ALL SELECT c.run, ",
    ref_columns!(),
    ", iif(c.action = 'deactivate', 'deactivate', 'saas'), c.state, c.before, c.after
     FROM saas_changes c JOIN runs r USING (run) WHERE c.person = ?1
     ORDER BY run"
);

fn written(row: &SqliteRow) -> Result<PastOutcome<Written>, sqlx::Error> {
    Ok(PastOutcome {
        run: RunRef::read(row, 1)?,
        what: Written {
            action: row.try_get(6)?,
            state: row.try_get(7)?,
            before: row.try_get(8)?,
            after: row.try_get(9)?,
        },
    })
}

const FAULTS: &str = concat!(
    "SELECT e.run, ",
    ref_columns!(),
    ", e.outcome, e.reason, e.field, e.message, e.hint, e.resolved_at
     FROM errors e JOIN runs r USING (run) WHERE e.person = ? ORDER BY e.run"
);

fn fault(row: &SqliteRow) -> Result<PastOutcome<PastFault>, sqlx::Error> {
    Ok(PastOutcome {
        run: RunRef::read(row, 1)?,
        what: PastFault {
            outcome: row.try_get(6)?,
            reason: row.try_get(7)?,
            field: row.try_get(8)?,
            message: row.try_get(9)?,
            hint: row.try_get(10)?,
            record: None,
            resolved_at: row.try_get::<Option<i64>, _>(11)?.map(instant),
        },
    })
}

const ABSENCES: &str = concat!(
    "SELECT a.run, ",
    ref_columns!(),
    ", a.at, a.gone, a.back_run, a.back_at, b.run_id, b.started_at, b.state, b.kind, b.dry_run,
       a.gone_run, a.gone_at, g.run_id, g.started_at, g.state, g.kind, g.dry_run
     FROM absences a LEFT JOIN runs r USING (run) LEFT JOIN runs b ON b.run = a.back_run
     LEFT JOIN runs g ON g.run = a.gone_run
     WHERE a.person = ? ORDER BY a.absence"
);

fn absence(row: &SqliteRow) -> Result<Absence, sqlx::Error> {
    let run = RunRef::read(row, 1)?;
    let at = instant(row.try_get(6)?);
    let gone = if row.try_get(7)? {
        Some((run.clone(), at))
    } else {
        later(row, 15)?
    };
    Ok(Absence {
        run,
        at,
        gone,
        back: later(row, 8)?,
    })
}

/// Reads what a later run found, from the column `first` on: its row, when, and the columns of a [`RunRef`].
fn later(row: &SqliteRow, first: usize) -> Result<Option<(RunRef, Timestamp)>, sqlx::Error> {
    let (run, at): (Option<i64>, Option<i64>) = (row.try_get(first)?, row.try_get(first + 1)?);
    let Some((run, at)) = run.zip(at) else {
        return Ok(None);
    };
    let known = RunRef::read(row, first + 2)?.known;
    Ok(Some((RunRef { run, known }, instant(at))))
}
