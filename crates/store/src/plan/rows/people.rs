//! The rows of people: new ones, and what is new of others.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use super::{ROWS, insert};
use crate::people::PersonRow;
use crate::plan::{ContentHash, Sighting, explanations};
use crate::runs::RunKey;

/// A row of `people`, or what is to be changed of one.
pub(super) struct Latest {
    pub(super) person: PersonRow,
    pub(super) source_id: String,
    pub(super) email: Option<String>,
    pub(super) full_name: Option<String>,
    pub(super) user: Option<(i64, ContentHash)>,
    pub(super) record: Option<(i64, ContentHash)>,
    pub(super) matched: Option<(Option<String>, Option<bool>)>,
    pub(super) sighting: Option<Sighting>,
}

/// Writes people who were never seen before.
pub(super) async fn insert_newcomers(
    connection: &mut SqliteConnection,
    key: RunKey,
    people: Vec<Latest>,
    complete: bool,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let at = at.as_millisecond();
    insert(
        connection,
        "INSERT INTO people (person, integration, source_id, email, full_name, user_version, user_hash,
            record_version, record_hash, oomnitza_id, oomnitza_suspended, sighting, sighting_hash, sighting_run,
            first_seen_at, seen_at, present) ",
        people,
        |mut row, one| {
            let (user_version, user_hash) = split(one.user);
            let (record_version, record_hash) = split(one.record);
            let (oomnitza_id, suspended) = one.matched.unwrap_or_default();
            row.push_bind(one.person).push_bind(key.integration);
            row.push_bind(one.source_id)
                .push_bind(one.email)
                .push_bind(one.full_name);
            row.push_bind(user_version).push_bind(user_hash);
            row.push_bind(record_version).push_bind(record_hash);
            row.push_bind(oomnitza_id).push_bind(suspended);
            let sighting = one.sighting.unwrap_or_default();
            let hash = sighting.hash.map(u64::cast_signed);
            row.push_bind(sighting.json).push_bind(hash);
            row.push_bind(hash.map(|_| key.run));
            row.push_bind(at).push_bind(at).push_bind(complete);
        },
    )
    .await
}

/// Changes what is new of people who were seen before.
pub(super) async fn update_known(
    connection: &mut SqliteConnection,
    key: RunKey,
    people: Vec<Latest>,
) -> Result<(), sqlx::Error> {
    let sighted = people.iter().filter(|one| one.sighting.is_some());
    let sighted: Vec<PersonRow> = sighted.map(|one| one.person).collect();
    explanations::keep_sightings(connection, key, &sighted).await?;
    let mut people = people.into_iter().peekable();
    while people.peek().is_some() {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "WITH n (person, email, full_name, user_version, user_hash, record_version, record_hash,
                matched, oomnitza_id, suspended, sighted, sighting, sighting_hash) AS (",
        );
        sql.push_values(people.by_ref().take(ROWS), |mut row, one| {
            let (user_version, user_hash) = split(one.user);
            let (record_version, record_hash) = split(one.record);
            row.push_bind(one.person)
                .push_bind(one.email)
                .push_bind(one.full_name);
            row.push_bind(user_version).push_bind(user_hash);
            row.push_bind(record_version).push_bind(record_hash);
            row.push_bind(one.matched.is_some());
            let (oomnitza_id, suspended) = one.matched.unwrap_or_default();
            row.push_bind(oomnitza_id).push_bind(suspended);
            row.push_bind(one.sighting.is_some());
            let sighting = one.sighting.unwrap_or_default();
            row.push_bind(sighting.json);
            row.push_bind(sighting.hash.map(u64::cast_signed));
        });
        sql.push(
            ") UPDATE people SET
                email = iif(n.user_version IS NULL, people.email, n.email),
                full_name = iif(n.user_version IS NULL, people.full_name, n.full_name),
                user_version = ifnull(n.user_version, people.user_version),
                user_hash = ifnull(n.user_hash, people.user_hash),
                record_version = ifnull(n.record_version, people.record_version),
                record_hash = ifnull(n.record_hash, people.record_hash),
                oomnitza_id = iif(n.matched, n.oomnitza_id, people.oomnitza_id),
                oomnitza_suspended = iif(n.matched, n.suspended, people.oomnitza_suspended),
                sighting = iif(n.sighted, n.sighting, people.sighting),
                sighting_hash = iif(n.sighted, n.sighting_hash, people.sighting_hash),
                sighting_run = iif(n.sighted, ",
        );
        sql.push_bind(key.run);
        sql.push(", people.sighting_run) FROM n WHERE people.person = n.person");
        sql.build().execute(&mut *connection).await?;
    }
    Ok(())
}

fn split(content: Option<(i64, ContentHash)>) -> (Option<i64>, Option<Vec<u8>>) {
    content
        .map(|(version, hash)| (version, hash.to_vec()))
        .unzip()
}
