//! The plan of a run, written in bulk: who was seen, what is intended, what went wrong so far.
//!
//! Lines come in chunks, and a chunk is one transaction: large enough to cost little a row,
//! small enough to keep other writers waiting for milliseconds only.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, QueryBuilder, Sqlite};

use crate::error::Error;
use crate::open::Store;
use crate::people::{PersonRow, Presence};
use crate::runs::{Counts, RunKey, number};

/// XXH3-128 of a JSON text.
pub type ContentHash = [u8; 16];

/// How many rows an INSERT takes: with 16 columns well below SQLite's 32,766 parameters.
const ROWS: usize = 400;

/// A JSON text that is not on record yet, and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The text.
    pub json: String,
    /// Its hash: of a user over the text itself, of a record without the fields of the load's own instant.
    pub hash: ContentHash,
}

/// One user of a run, and what was decided about it.
#[derive(Debug, Clone)]
pub struct Line {
    /// The row, if the user was seen before; `None` with an empty `source_id` is something without an id.
    pub person: Option<PersonRow>,
    /// Whether it was in the complete read before.
    pub present: bool,
    /// The id in the console.
    pub source_id: String,
    /// The address as the console has it.
    pub email: Option<String>,
    /// The name as the console has it.
    pub full_name: Option<String>,
    /// The user's JSON, where it is new or changed.
    pub user: Option<Content>,
    /// The record, where it is new or changed.
    pub record: Option<Content>,
    /// Whether there is a record, new or old, that an error can show.
    pub has_record: bool,
    /// The match, where it is new or changed: `user_id`, and whether Oomnitza shows it as suspended.
    pub matched: Option<(Option<String>, Option<bool>)>,
    /// What was decided.
    pub verdict: Verdict,
}

/// What was decided about a user.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Oomnitza has everything already.
    Unchanged,
    /// One write is intended.
    Change(Box<Change>),
    /// Nothing is intended, and why.
    Fault(Box<Fault>),
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Makes a person.
    Create,
    /// Changes fields of a person.
    Update,
}

impl Action {
    /// The word that the database and its readers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
        }
    }
}

/// An intended write.
#[derive(Debug, Clone)]
pub struct Change {
    /// What it does.
    pub action: Action,
    /// The sync key that matched; of a create the first that has a value.
    pub key_field: String,
    /// The value of that key as Oomnitza has it, or will; JSON.
    pub key_value: String,
    /// The match, of an update.
    pub oomnitza_id: Option<String>,
    /// What Oomnitza had in the fields that change, a JSON object; `None` of a create.
    pub before: Option<String>,
    /// What is sent, a JSON object.
    pub after: String,
}

/// Why a user is not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Skipped or failed.
    pub severity: Severity,
    /// The stable code.
    pub reason: &'static str,
    /// The Oomnitza field concerned.
    pub field: Option<String>,
    /// For a person.
    pub message: String,
    /// The YAML to change.
    pub hint: Option<String>,
}

/// Whether a user was left alone on purpose, or could not be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Left alone.
    Skipped,
    /// Not loaded.
    Failed,
}

impl Severity {
    /// The word that the database and its readers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// What a whole plan came to.
#[derive(Debug, Default)]
pub struct PlanSummary {
    /// The counts, as intents.
    pub counts: Counts,
    /// Who was seen.
    pub presence: Presence,
}

/// A line with the rows that it is written to.
struct Placed {
    line: Line,
    person: Option<PersonRow>,
    user_version: Option<i64>,
    record_version: Option<i64>,
}

impl Store {
    /// Writes a chunk of a run's plan (1 to some thousand lines) in one transaction, and adds to its summary.
    ///
    /// `complete` says whether the run has read everybody, so that who is new is also present.
    ///
    /// # Errors
    /// The database refused; nothing of the chunk is then on record.
    pub async fn add_to_plan(
        &self,
        key: RunKey,
        lines: Vec<Line>,
        complete: bool,
        at: Timestamp,
        summary: &mut PlanSummary,
    ) -> Result<(), Error> {
        let failed = self.failed("store a plan");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let placed = place(&mut transaction, lines).await.map_err(&failed)?;
        write(&mut transaction, key, &placed, complete, at)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        for Placed { line, person, .. } in &placed {
            if let Some(person) = person {
                summary
                    .presence
                    .see(*person, line.present || (line.person.is_none() && complete));
            }
            let counts = &mut summary.counts;
            counts.seen += 1;
            match &line.verdict {
                Verdict::Unchanged => counts.unchanged += 1,
                Verdict::Change(change) => match change.action {
                    Action::Create => counts.created += 1,
                    Action::Update => counts.updated += 1,
                },
                Verdict::Fault(fault) => match fault.severity {
                    Severity::Skipped => counts.skipped += 1,
                    Severity::Failed => counts.failed += 1,
                },
            }
        }
        Ok(())
    }

    /// Puts on record that the plan of a run is complete, with its counts as intents.
    ///
    /// # Errors
    /// The database refused.
    pub async fn complete_plan(
        &self,
        key: RunKey,
        counts: &Counts,
        read_at: Timestamp,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE runs SET seen = ?, created = ?, updated = ?, unchanged = ?, skipped = ?, failed = ?,
                    read_at = ?, planned_at = ? WHERE run = ?",
        )
        .bind(number(counts.seen))
        .bind(number(counts.created))
        .bind(number(counts.updated))
        .bind(number(counts.unchanged))
        .bind(number(counts.skipped))
        .bind(number(counts.failed))
        .bind(read_at.as_millisecond())
        .bind(at.as_millisecond())
        .bind(key.run)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("complete a plan"))?;
        self.one(done.rows_affected(), "complete a plan")
    }

    /// Takes back what a run wrote of a plan that was never complete.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_plan(&self, key: RunKey) -> Result<(), Error> {
        let failed = self.failed("drop an incomplete plan");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        for statement in [
            "DELETE FROM changes WHERE run = ?",
            "DELETE FROM errors WHERE run = ?",
        ] {
            sqlx::query(statement)
                .bind(key.run)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }
}

/// Settles the row ids that a chunk needs; the transaction keeps them ours.
async fn place(
    connection: &mut SqliteConnection,
    lines: Vec<Line>,
) -> Result<Vec<Placed>, sqlx::Error> {
    let (mut person, mut user_version, mut record_version): (i64, i64, i64) = sqlx::query_as(
        "SELECT ifnull((SELECT max(person) FROM people), 0),
                ifnull((SELECT max(user_version) FROM user_versions), 0),
                ifnull((SELECT max(record_version) FROM record_versions), 0)",
    )
    .fetch_one(connection)
    .await?;
    let next = |last: &mut i64| {
        *last += 1;
        *last
    };
    Ok(lines
        .into_iter()
        .map(|line| Placed {
            person: match line.person {
                None if line.source_id.is_empty() => None,
                None => Some(next(&mut person)),
                known => known,
            },
            user_version: line.user.as_ref().map(|_| next(&mut user_version)),
            record_version: line.record.as_ref().map(|_| next(&mut record_version)),
            line,
        })
        .collect())
}

async fn write(
    connection: &mut SqliteConnection,
    key: RunKey,
    placed: &[Placed],
    complete: bool,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let persons: Vec<_> = placed
        .iter()
        .filter(|placed| {
            placed.person.is_some()
                && (placed.user_version.is_some()
                    || placed.record_version.is_some()
                    || placed.line.matched.is_some())
        })
        .collect();
    for rows in persons.chunks(ROWS) {
        upsert_people(connection, key, rows, complete, at).await?;
    }
    let users: Vec<_> = placed
        .iter()
        .filter(|placed| placed.user_version.is_some())
        .collect();
    for rows in users.chunks(ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO user_versions (user_version, person, run, user) ",
        );
        sql.push_values(rows, |mut row, placed| {
            row.push_bind(placed.user_version)
                .push_bind(placed.person)
                .push_bind(key.run);
            row.push_bind(placed.line.user.as_ref().map(|user| user.json.clone()));
        });
        sql.build().execute(&mut *connection).await?;
    }
    let records: Vec<_> = placed
        .iter()
        .filter(|placed| placed.record_version.is_some())
        .collect();
    for rows in records.chunks(ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO record_versions (record_version, person, run, record) ",
        );
        sql.push_values(rows, |mut row, placed| {
            row.push_bind(placed.record_version)
                .push_bind(placed.person)
                .push_bind(key.run);
            row.push_bind(
                placed
                    .line
                    .record
                    .as_ref()
                    .map(|record| record.json.clone()),
            );
        });
        sql.build().execute(&mut *connection).await?;
    }
    insert_changes(connection, key, placed).await?;
    insert_errors(connection, key, placed, at).await
}

async fn upsert_people(
    connection: &mut SqliteConnection,
    key: RunKey,
    rows: &[&Placed],
    complete: bool,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let at = at.as_millisecond();
    let mut sql = QueryBuilder::<Sqlite>::new(
        "INSERT INTO people (person, integration, source_id, email, full_name, user_version, user_hash,
            record_version, record_hash, oomnitza_id, oomnitza_suspended, first_seen_at, seen_at, present) ",
    );
    sql.push_values(rows, |mut row, placed| {
        let line = &placed.line;
        let (oomnitza_id, suspended) = line.matched.clone().unwrap_or_default();
        row.push_bind(placed.person).push_bind(key.integration);
        row.push_bind(line.source_id.clone());
        row.push_bind(line.email.clone())
            .push_bind(line.full_name.clone());
        // Zero and the empty blob stand for "as it was": the conflict clause below reads them so.
        row.push_bind(placed.user_version.unwrap_or_default());
        row.push_bind(
            line.user
                .as_ref()
                .map(|user| user.hash.to_vec())
                .unwrap_or_default(),
        );
        row.push_bind(placed.record_version);
        row.push_bind(line.record.as_ref().map(|record| record.hash.to_vec()));
        row.push_bind(oomnitza_id).push_bind(suspended);
        row.push_bind(at).push_bind(at).push_bind(complete);
    });
    sql.push(
        " ON CONFLICT (person) DO UPDATE SET
            email = iif(excluded.user_version, excluded.email, email),
            full_name = iif(excluded.user_version, excluded.full_name, full_name),
            user_version = iif(excluded.user_version, excluded.user_version, user_version),
            user_hash = iif(excluded.user_version, excluded.user_hash, user_hash),
            record_version = ifnull(excluded.record_version, record_version),
            record_hash = ifnull(excluded.record_hash, record_hash),
            oomnitza_id = excluded.oomnitza_id,
            oomnitza_suspended = excluded.oomnitza_suspended",
    );
    sql.build().execute(connection).await?;
    Ok(())
}

async fn insert_changes(
    connection: &mut SqliteConnection,
    key: RunKey,
    placed: &[Placed],
) -> Result<(), sqlx::Error> {
    let mut change: i64 = sqlx::query_scalar("SELECT ifnull(max(change), 0) FROM changes")
        .fetch_one(&mut *connection)
        .await?;
    let changes: Vec<(i64, PersonRow, &Change)> = placed
        .iter()
        .filter_map(|placed| match &placed.line.verdict {
            Verdict::Change(planned) => {
                change += 1;
                Some((change, placed.person?, planned.as_ref()))
            }
            _ => None,
        })
        .collect();
    for rows in changes.chunks(ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO changes (change, run, person, action, state, key_field, oomnitza_id) ",
        );
        sql.push_values(rows, |mut row, (change, person, planned)| {
            row.push_bind(change).push_bind(key.run).push_bind(person);
            row.push_bind(planned.action.as_str()).push("'planned'");
            row.push_bind(planned.key_field.clone())
                .push_bind(planned.oomnitza_id.clone());
        });
        sql.build().execute(&mut *connection).await?;
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO change_values (change, key_value, before, after) ",
        );
        sql.push_values(rows, |mut row, (change, _, planned)| {
            row.push_bind(change).push_bind(planned.key_value.clone());
            row.push_bind(planned.before.clone())
                .push_bind(planned.after.clone());
        });
        sql.build().execute(&mut *connection).await?;
    }
    Ok(())
}

async fn insert_errors(
    connection: &mut SqliteConnection,
    key: RunKey,
    placed: &[Placed],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let at = at.as_millisecond();
    let faults: Vec<(&Placed, &Fault)> = placed
        .iter()
        .filter_map(|placed| match &placed.line.verdict {
            Verdict::Fault(fault) => Some((placed, fault.as_ref())),
            _ => None,
        })
        .collect();
    for rows in faults.chunks(ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO errors (run, person, at, outcome, reason, field, message, hint, since, record_version) ",
        );
        sql.push_values(rows, |mut row, (placed, fault)| {
            row.push_bind(key.run)
                .push_bind(placed.person)
                .push_bind(at);
            row.push_bind(fault.severity.as_str())
                .push_bind(fault.reason);
            row.push_bind(fault.field.clone())
                .push_bind(fault.message.clone());
            row.push_bind(fault.hint.clone()).push_bind(at);
            if placed.line.has_record {
                row.push("(SELECT record_version FROM people WHERE person = ");
                row.push_bind_unseparated(placed.person)
                    .push_unseparated(")");
            } else {
                row.push("NULL");
            }
        });
        sql.build().execute(&mut *connection).await?;
    }
    Ok(())
}
