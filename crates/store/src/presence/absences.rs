//! Absences: from which read of everybody to which a user was not in them.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use crate::json::list;
use crate::people::PersonRow;
use crate::runs::RunKey;

/// Notes who is not in the read of a run any more; whether they are gone is on their rows already.
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    key: RunKey,
    people: &[PersonRow],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO absences (person, run, at, gone)
         SELECT p.person, ?, ?, p.gone_since IS NOT NULL
         FROM json_each(?) j CROSS JOIN people p ON p.person = j.value WHERE true
         ON CONFLICT DO NOTHING",
    )
    .bind(key.run)
    .bind(at.as_millisecond())
    .bind(list(people))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes who was absent and not gone, and is gone from the read of a run.
pub(super) async fn go(
    connection: &mut SqliteConnection,
    key: RunKey,
    people: &[PersonRow],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE absences SET gone_run = ?, gone_at = ?
         WHERE back_run IS NULL AND gone = 0 AND gone_run IS NULL AND person IN (SELECT value FROM json_each(?))",
    )
    .bind(key.run)
    .bind(at.as_millisecond())
    .bind(list(people))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes who is in the read of a run again.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    key: RunKey,
    people: &[PersonRow],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE absences SET back_run = ?, back_at = ?
         WHERE back_run IS NULL AND person IN (SELECT value FROM json_each(?))",
    )
    .bind(key.run)
    .bind(at.as_millisecond())
    .bind(list(people))
    .execute(connection)
    .await?;
    Ok(())
}
