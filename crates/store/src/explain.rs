//! What is on record of one person: in a run, and from run to run.
//!
//! What held in a run is the latest that a run up to it put on record, so that any run that is kept can be told of.

mod history;
mod past;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::decisions::Decision;
use crate::error::Error;
use crate::forget::{Somebody, SomebodyRow};
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::{Run, instant, run_columns, run_of};

pub use history::{Absence, History, KnownRun, PastOutcome, RunRef, Version, Written};
pub use past::{Past, PastChange, PastFault, PastPlace};

/// What could not be done when the database refuses.
const EXPLAIN: &str = "look up what is on record of a person";

/// A run, with what else an explanation tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOnRecord {
    /// The run.
    pub run: Run,
    /// What started it: `manual`, `schedule`.
    pub trigger: String,
    /// The id of the run that it replays or undoes.
    pub origin: Option<String>,
    /// When it ended, or its plan was made.
    pub finished_at: Option<Timestamp>,
    /// The bulk portion.
    pub portion: Option<String>,
    /// What became of a plan that waited: applied, released or discarded; and who decided that.
    pub decision: Option<(String, Decision)>,
}

/// What is known of a person across runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub last_seen_at: Timestamp,
    /// When a read of everybody first lacked it.
    pub gone_since: Option<Timestamp>,
}

/// The runs that saw a person ?1: those of everybody, unless it was absent, and those of some that it was among.
macro_rules! saw {
    () => {
        "r.planned_at IS NOT NULL AND (
             r.partial = 0 AND r.seen > 0
                 AND r.integration = (SELECT integration FROM people WHERE person = ?1)
                 AND r.run >= (SELECT min(run) FROM user_versions WHERE person = ?1)
                 AND NOT EXISTS (SELECT 1 FROM absences a WHERE a.person = ?1 AND a.run <= r.run
                                 AND (a.back_run IS NULL OR a.back_run > r.run))
             OR r.run IN (SELECT run FROM changes WHERE person = ?1
                          UNION ALL SELECT run FROM errors WHERE person = ?1
                          UNION ALL SELECT run FROM bystanders WHERE person = ?1))"
    };
}

impl Store {
    /// Lists whom a name may mean: those with this id in the console, and those whose address may be this one.
    ///
    /// `folded` is the name as addresses compare; of addresses that SQL cannot compare, all are listed.
    ///
    /// # Errors
    /// The database refused.
    pub async fn people_named(&self, name: &str, folded: &str) -> Result<Vec<Somebody>, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<SomebodyRow> = sqlx::query_as(
            "SELECT p.person, i.name, p.source_id, p.email, p.full_name FROM people p JOIN integrations i USING (integration)
             WHERE p.source_id = ?1 OR p.email = ?2 COLLATE NOCASE OR p.email GLOB '*[^!-~]*'
             ORDER BY i.name, p.person",
        )
        .bind(name)
        .bind(folded)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for a person"))?;
        Ok(rows.into_iter().map(Somebody::from).collect())
    }

    /// Finds a run by its id, with what else an explanation tells of it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn run_on_record(&self, run_id: &str) -> Result<Option<RunOnRecord>, Error> {
        let failed = self.failed(EXPLAIN);
        let mut reader = self.reader().await;
        let row = sqlx::query(concat!(
            "SELECT ",
            run_columns!(),
            ", r.trigger, r.origin, r.finished_at, r.portion, r.decision, r.decided_at, r.decided_by, r.decision_reason
             FROM runs r JOIN integrations i USING (integration) WHERE r.run_id = ?"
        ))
        .bind(run_id)
        .fetch_optional(&mut *reader)
        .await
        .map_err(&failed)?;
        row.map(|row| run_on_record_of(&row))
            .transpose()
            .map_err(&failed)
    }

    /// Finds the latest run that saw a person and does not go on, by its id.
    ///
    /// # Errors
    /// The database refused.
    pub async fn latest_run_of(&self, person: PersonRow) -> Result<Option<String>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(concat!(
            "SELECT r.run_id FROM runs r WHERE r.state <> 'running' AND ",
            saw!(),
            " ORDER BY r.run DESC LIMIT 1"
        ))
        .bind(person)
        .fetch_optional(&mut *reader)
        .await
        .map_err(self.failed(EXPLAIN))
    }

    /// Says whether a run saw a person.
    ///
    /// # Errors
    /// The database refused.
    pub async fn saw(&self, run: i64, person: PersonRow) -> Result<bool, Error> {
        let mut reader = self.reader().await;
        let found: Option<i64> = sqlx::query_scalar(concat!(
            "SELECT r.run FROM runs r WHERE r.run = ?2 AND ",
            saw!()
        ))
        .bind(person)
        .bind(run)
        .fetch_optional(&mut *reader)
        .await
        .map_err(self.failed(EXPLAIN))?;
        Ok(found.is_some())
    }

    /// Reads what is known of a person across runs.
    ///
    /// # Errors
    /// The database refused, or there is no such person.
    pub async fn lifetime(&self, person: PersonRow) -> Result<Lifetime, Error> {
        let mut reader = self.reader().await;
        let (first, last, gone): (i64, i64, Option<i64>) = sqlx::query_as(
            "SELECT p.first_seen_at, iif(p.present, max(p.seen_at, ifnull(i.last_read_at, 0)), p.seen_at), p.gone_since
             FROM people p JOIN integrations i USING (integration) WHERE p.person = ?",
        )
        .bind(person)
        .fetch_one(&mut *reader)
        .await
        .map_err(self.failed(EXPLAIN))?;
        Ok(Lifetime {
            first_seen_at: instant(first),
            last_seen_at: instant(last),
            gone_since: gone.map(instant),
        })
    }
}

fn run_on_record_of(row: &SqliteRow) -> Result<RunOnRecord, sqlx::Error> {
    let decision: Option<String> = row.try_get("decision")?;
    let decided_at: Option<i64> = row.try_get("decided_at")?;
    let decided_by: Option<String> = row.try_get("decided_by")?;
    let reason = row.try_get("decision_reason")?;
    let decision = decision.zip(decided_at).map(|(word, at)| {
        let by = decided_by.unwrap_or_default();
        let at = instant(at);
        (word, Decision { by, reason, at })
    });
    Ok(RunOnRecord {
        run: run_of(row)?,
        trigger: row.try_get("trigger")?,
        origin: row.try_get("origin")?,
        finished_at: row.try_get::<Option<i64>, _>("finished_at")?.map(instant),
        portion: row.try_get("portion")?,
        decision,
    })
}
