//! Members: who was in the last complete read of each population that is not read any more.

use sqlx::sqlite::SqliteConnection;

use super::Presence;
use crate::people::PersonRow;
use crate::runs::RunKey;

/// Goes over from one population to another; lists who was in the last read of the new one, and is not now.
///
/// Of a population that was never read, that is nobody.
pub(super) async fn change(
    connection: &mut SqliteConnection,
    key: RunKey,
    from: Option<&str>,
    to: &str,
    presence: &Presence,
) -> Result<Vec<PersonRow>, sqlx::Error> {
    let mut lacked: Vec<PersonRow> = sqlx::query_scalar(
        "SELECT m.person FROM members m JOIN people p USING (person) WHERE p.integration = ? AND m.population = ?",
    )
    .bind(key.integration)
    .bind(to)
    .fetch_all(&mut *connection)
    .await?;
    lacked.retain(|person| !presence.has(*person));
    sqlx::query(
        "DELETE FROM members WHERE population = ? AND person IN (SELECT person FROM people WHERE integration = ?)",
    )
    .bind(to)
    .bind(key.integration)
    .execute(&mut *connection)
    .await?;
    if let Some(from) = from {
        keep(connection, key, from).await?;
    }
    Ok(lacked)
}

/// Keeps who is present, before that says who is in another population.
///
/// Whom this run brought, or one that died before it could say who is there, is present already and was not in it.
async fn keep(
    connection: &mut SqliteConnection,
    key: RunKey,
    population: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO members (person, population)
         SELECT p.person, ?3 FROM people p NOT INDEXED
         WHERE p.integration = ?1 AND p.present = 1
           AND p.first_seen_at < (SELECT started_at FROM runs WHERE run = ?2)
           AND p.first_seen_at <= ifnull(
               (SELECT max(planned_at) FROM runs WHERE integration = ?1 AND planned_at IS NOT NULL AND partial = 0
                   AND kind = 'load' AND population = ?3), p.first_seen_at)
         ORDER BY p.person ON CONFLICT DO NOTHING",
    )
    .bind(key.integration)
    .bind(key.run)
    .bind(population)
    .execute(connection)
    .await?;
    Ok(())
}
