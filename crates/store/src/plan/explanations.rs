//! What a plan keeps for explanations alone: sightings that held before, who was absent, who was unchanged.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::rows::insert;
use crate::json::list;
use crate::people::PersonRow;
use crate::runs::RunKey;

/// Keeps the sightings that are about to be superseded.
pub(super) async fn keep_sightings(
    connection: &mut SqliteConnection,
    key: RunKey,
    sighted: &[PersonRow],
) -> Result<(), sqlx::Error> {
    if sighted.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO sightings (person, run, until_run, seen)
         SELECT p.person, p.sighting_run, ?, p.sighting
         FROM json_each(?) j CROSS JOIN people p ON p.person = j.value WHERE p.sighting_run IS NOT NULL",
    )
    .bind(key.run)
    .bind(list(sighted))
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes of those whom a run of some users brought that no run of everybody has had them yet.
pub(super) async fn insert_absences(
    connection: &mut SqliteConnection,
    key: RunKey,
    people: Vec<PersonRow>,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    insert(
        connection,
        "INSERT INTO absences (person, run, at, gone) ",
        people,
        |mut row, person| {
            row.push_bind(person).push_bind(key.run);
            row.push_bind(at.as_millisecond()).push("0");
        },
    )
    .await
}

/// Notes whom a run of some users found unchanged.
pub(super) async fn insert_bystanders(
    connection: &mut SqliteConnection,
    key: RunKey,
    people: Vec<PersonRow>,
) -> Result<(), sqlx::Error> {
    insert(
        connection,
        "INSERT INTO bystanders (run, person) ",
        people,
        |mut row, person| {
            row.push_bind(key.run).push_bind(person);
        },
    )
    .await
}
