//! People: the latest of each user, and who is present.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::json::json;
use crate::open::Store;
use crate::plan::ContentHash;

/// The row id of a person.
pub type PersonRow = i64;

/// What is on record of a user who was seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The row.
    pub person: PersonRow,
    /// The hash of the JSON that was kept last.
    pub user_hash: ContentHash,
    /// The hash of the record that was kept last.
    pub record_hash: Option<ContentHash>,
    /// The match that was kept last.
    pub oomnitza_id: Option<String>,
    /// Whether Oomnitza showed the match as suspended.
    pub suspended: Option<bool>,
    /// The hash of the sighting that was kept last; `None`: nobody was found.
    pub sighting: Option<u64>,
    /// Whether the user was in the last complete read.
    pub present: bool,
}

impl Store {
    /// Looks up what is on record of a page of users; the answer is in the order of `source_ids`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn known(
        &self,
        integration: i64,
        source_ids: &[&str],
    ) -> Result<Vec<Option<Known>>, Error> {
        let failed = self.failed("look up people");
        let mut reader = self.reader().await;
        // CROSS keeps the order: for each id a look into the index, not for each person a look into the list.
        let rows = sqlx::query(
            "SELECT j.key, p.person, p.user_hash, p.record_hash, p.oomnitza_id, p.oomnitza_suspended, p.present,
                    p.sighting_hash
             FROM json_each(?) j CROSS JOIN people p ON p.integration = ? AND p.source_id = j.value",
        )
        .bind(json(source_ids))
        .bind(integration)
        .fetch_all(&mut *reader)
        .await
        .map_err(&failed)?;
        let mut known = vec![None; source_ids.len()];
        for row in rows {
            let (place, found) = known_of(&row).map_err(&failed)?;
            if let Some(slot) = known.get_mut(place) {
                *slot = Some(found);
            }
        }
        Ok(known)
    }
}

fn known_of(row: &SqliteRow) -> Result<(usize, Known), sqlx::Error> {
    let known = Known {
        person: row.try_get(1)?,
        user_hash: hash(row.try_get(2)?)?,
        record_hash: row.try_get::<Option<_>, _>(3)?.map(hash).transpose()?,
        oomnitza_id: row.try_get(4)?,
        suspended: row.try_get(5)?,
        present: row.try_get(6)?,
        sighting: row.try_get::<Option<i64>, _>(7)?.map(i64::cast_unsigned),
    };
    Ok((row.try_get::<u32, _>(0)? as usize, known))
}

fn hash(bytes: &[u8]) -> Result<ContentHash, sqlx::Error> {
    ContentHash::try_from(bytes).map_err(|error| sqlx::Error::Decode(error.into()))
}
