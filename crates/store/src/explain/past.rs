//! What a run had of a person.

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::EXPLAIN;
use super::history::RunRef;
use crate::changes::{PlannedChange, planned_change};
use crate::error::Error;
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::{RunKey, instant};

/// What a run had of a person, as far as it is on record.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// The user, the JSON as it came.
    pub user: Option<String>,
    /// The run since which the user is so.
    pub user_since: Option<RunRef>,
    /// The record, a JSON object.
    pub record: Option<String>,
    /// What its sync keys found, a JSON object; `None`: nobody, or it is not on record.
    pub sighting: Option<String>,
    /// What was to be written.
    pub change: Option<PastChange>,
    /// What was to be written of the `SaaS` user.
    pub place: Option<PastPlace>,
    /// Why nothing was, or why it was not.
    pub fault: Option<PastFault>,
}

/// An intended write of the `SaaS` user, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastPlace {
    /// Update or deactivate.
    pub action: String,
    /// Its state: planned, sent, done, failed or withdrawn.
    pub state: String,
    /// What Oomnitza showed of what changes, a JSON object.
    pub before: String,
    /// What was to be there, a JSON object.
    pub after: String,
    /// The HTTP status of the answer that refused it.
    pub status: Option<u16>,
    /// Why it is not done.
    pub error: Option<String>,
}

/// An intended write, and what became of it.
#[derive(Debug, Clone)]
pub struct PastChange {
    /// What was planned.
    pub planned: PlannedChange,
    /// Its state: planned, sent, done, failed or withdrawn.
    pub state: String,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// Of an undo: the fields that somebody had changed since, with what was there; a JSON object.
    pub left_alone: Option<String>,
}

/// Why a person was skipped or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastFault {
    /// Skipped, or failed.
    pub outcome: String,
    /// The stable code.
    pub reason: String,
    /// The Oomnitza field concerned.
    pub field: Option<String>,
    /// For a person.
    pub message: String,
    /// The YAML to change.
    pub hint: Option<String>,
    /// The record that it is about; `None`: there was none.
    pub record: Option<String>,
    /// When a later run loaded the user, or found it gone or out of scope.
    pub resolved_at: Option<jiff::Timestamp>,
}

impl Store {
    /// Reads what a run had of a person.
    ///
    /// # Errors
    /// The database refused.
    pub async fn past(&self, key: RunKey, person: PersonRow) -> Result<Past, Error> {
        let mut reader = self.reader().await;
        let past = past(&mut reader, key.run, person).await;
        past.map_err(self.failed(EXPLAIN))
    }

    /// Reads the names of an integration's roles by their ids, as the latest run found them.
    ///
    /// # Errors
    /// The database refused.
    pub async fn roles(&self, integration: i64) -> Result<Vec<(String, String)>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_as("SELECT role_id, name FROM roles WHERE integration = ?")
            .bind(integration)
            .fetch_all(&mut *reader)
            .await
            .map_err(self.failed(EXPLAIN))
    }
}

async fn past(
    connection: &mut SqliteConnection,
    run: i64,
    person: PersonRow,
) -> Result<Past, sqlx::Error> {
    let user = sqlx::query(
        "SELECT v.user, r.run_id, r.started_at, r.state, r.kind, r.dry_run, v.run
         FROM user_versions v LEFT JOIN runs r USING (run)
         WHERE v.person = ? AND v.run <= ? ORDER BY v.user_version DESC LIMIT 1",
    )
    .bind(person)
    .bind(run)
    .fetch_optional(&mut *connection)
    .await?;
    let record = sqlx::query_scalar(
        "SELECT record FROM record_versions WHERE person = ? AND run <= ? ORDER BY record_version DESC LIMIT 1",
    )
    .bind(person)
    .bind(run)
    .fetch_optional(&mut *connection)
    .await?;
    let sighting: Option<Option<String>> = sqlx::query_scalar(
        "SELECT sighting FROM people WHERE person = ?1 AND sighting_run <= ?2
         UNION ALL
         SELECT seen FROM sightings WHERE person = ?1 AND run <= ?2 AND until_run > ?2 LIMIT 1",
    )
    .bind(person)
    .bind(run)
    .fetch_optional(&mut *connection)
    .await?;
    let change = sqlx::query(
        "SELECT c.change, c.person, c.action, c.key_field, v.key_value, c.oomnitza_id, v.before, v.after, c.standing,
                c.state, c.status, v.left_alone
         FROM changes c JOIN change_values v USING (change) WHERE c.person = ? AND c.run = ?",
    )
    .bind(person)
    .bind(run)
    .fetch_optional(&mut *connection)
    .await?;
    let fault = sqlx::query(
        "SELECT e.outcome, e.reason, e.field, e.message, e.hint, v.record, e.resolved_at
         FROM errors e LEFT JOIN record_versions v USING (record_version) WHERE e.person = ? AND e.run = ?",
    )
    .bind(person)
    .bind(run)
    .fetch_optional(&mut *connection)
    .await?;
    let place = sqlx::query(
        "SELECT action, state, before, after, status, error FROM saas_changes WHERE person = ? AND run = ?",
    )
    .bind(person)
    .bind(run)
    .fetch_optional(&mut *connection)
    .await?;
    let user_since = user.as_ref().map(|row| RunRef::read(row, 1)).transpose()?;
    Ok(Past {
        user: user.map(|row| row.try_get(0)).transpose()?,
        user_since,
        record,
        sighting: sighting.flatten(),
        change: change.map(|row| past_change(&row)).transpose()?,
        place: place.map(|row| past_place(&row)).transpose()?,
        fault: fault.map(|row| past_fault(&row)).transpose()?,
    })
}

fn past_place(row: &SqliteRow) -> Result<PastPlace, sqlx::Error> {
    Ok(PastPlace {
        action: row.try_get(0)?,
        state: row.try_get(1)?,
        before: row.try_get(2)?,
        after: row.try_get(3)?,
        status: row.try_get(4)?,
        error: row.try_get(5)?,
    })
}

fn past_change(row: &SqliteRow) -> Result<PastChange, sqlx::Error> {
    Ok(PastChange {
        planned: planned_change(row)?,
        state: row.try_get(9)?,
        status: row.try_get(10)?,
        left_alone: row.try_get(11)?,
    })
}

fn past_fault(row: &SqliteRow) -> Result<PastFault, sqlx::Error> {
    Ok(PastFault {
        outcome: row.try_get(0)?,
        reason: row.try_get(1)?,
        field: row.try_get(2)?,
        message: row.try_get(3)?,
        hint: row.try_get(4)?,
        record: row.try_get(5)?,
        resolved_at: row.try_get::<Option<i64>, _>(6)?.map(instant),
    })
}
