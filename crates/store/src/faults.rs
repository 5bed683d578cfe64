//! The error log: why users were not loaded.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use crate::people::PersonRow;
use crate::runs::RunKey;

/// How many rows an INSERT takes: with 10 columns far below SQLite's 32,766 parameters.
const ROWS: usize = 500;

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
    /// The same in words that are the same for all users whom it concerns; none: the message is.
    pub cause: Option<String>,
    /// The value that a `table` lacks.
    pub value: Option<String>,
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

/// A fault, whose it is, and whether the person's latest record belongs to it.
pub(crate) struct FaultRow {
    pub(crate) person: Option<PersonRow>,
    pub(crate) with_record: bool,
    pub(crate) fault: Fault,
}

/// Writes rows of the error log.
pub(crate) async fn insert_faults(
    connection: &mut SqliteConnection,
    key: RunKey,
    rows: Vec<FaultRow>,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "WITH n (person, with_record, outcome, reason, field, message, hint, cause, value) AS (",
        );
        sql.push_values(rows.by_ref().take(ROWS), |mut row, one| {
            row.push_bind(one.person).push_bind(one.with_record);
            row.push_bind(one.fault.severity.as_str())
                .push_bind(one.fault.reason);
            row.push_bind(one.fault.field)
                .push_bind(one.fault.message)
                .push_bind(one.fault.hint);
            row.push_bind(one.fault.cause).push_bind(one.fault.value);
        });
        sql.push(
            ") INSERT INTO errors (run, person, at, outcome, reason, field, message, hint, cause, value, record_version)
             SELECT ",
        );
        sql.push_bind(key.run).push(", n.person, ");
        sql.push_bind(at.as_millisecond()).push(
            ", n.outcome, n.reason, n.field, n.message, n.hint, n.cause, n.value, iif(n.with_record, p.record_version, NULL)
             FROM n LEFT JOIN people p USING (person)",
        );
        sql.build().execute(&mut *connection).await?;
    }
    Ok(())
}
