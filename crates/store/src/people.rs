//! People: the latest of each user, and who is present.

use jiff::Timestamp;
use sqlx::Row;

use crate::error::Error;
use crate::open::Store;
use crate::plan::ContentHash;
use crate::runs::RunKey;

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
    /// Whether the user was in the last complete read.
    pub present: bool,
}

/// Who was seen in a complete read: a set of row ids, one bit each.
#[derive(Debug, Default)]
pub struct Presence {
    bits: Vec<u64>,
    /// Whether somebody is new or back, so that rows must be written.
    arrived: bool,
    seen: u64,
}

impl Presence {
    /// Notes that a person was seen.
    pub fn see(&mut self, person: PersonRow, was_present: bool) {
        let (word, bit) = Self::place(person);
        if word >= self.bits.len() {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << bit;
        self.seen += 1;
        self.arrived |= !was_present;
    }

    /// Lists who was seen.
    pub fn people(&self) -> Vec<PersonRow> {
        let persons = (0_i64..).zip(&self.bits).flat_map(|(word, bits)| {
            (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| word * 64 + bit)
        });
        persons.collect()
    }

    fn has(&self, person: PersonRow) -> bool {
        let (word, bit) = Self::place(person);
        self.bits
            .get(word)
            .is_some_and(|bits| bits & (1 << bit) != 0)
    }

    fn place(person: PersonRow) -> (usize, u32) {
        let index = usize::try_from(person).unwrap_or_default();
        (index / 64, u32::try_from(index % 64).unwrap_or_default())
    }
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
        let ids = serde_json::to_string(source_ids).unwrap_or_default();
        let mut reader = self.reader().await;
        let rows = sqlx::query(
            "SELECT j.key, p.person, p.user_hash, p.record_hash, p.oomnitza_id, p.oomnitza_suspended, p.present
             FROM json_each(?) j JOIN people p ON p.integration = ? AND p.source_id = j.value",
        )
        .bind(ids)
        .bind(integration)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up people"))?;
        let mut known = vec![None; source_ids.len()];
        for row in rows {
            let place = usize::try_from(row.get::<i64, _>(0)).unwrap_or(usize::MAX);
            if let Some(slot) = known.get_mut(place) {
                *slot = Some(Known {
                    person: row.get(1),
                    user_hash: hash(row.get(2)),
                    record_hash: row.get::<Option<&[u8]>, _>(3).map(hash),
                    oomnitza_id: row.get(4),
                    suspended: row.get(5),
                    present: row.get(6),
                });
            }
        }
        Ok(known)
    }

    /// Records who is present after a complete read, and who of the same population is gone.
    ///
    /// # Errors
    /// The database refused.
    pub async fn settle_presence(
        &self,
        key: RunKey,
        population: &str,
        presence: &Presence,
        at: Timestamp,
    ) -> Result<(), Error> {
        let failed = self.failed("record who is present");
        let integration = key.integration;
        let before: (Option<String>, Option<i64>, i64) = {
            let mut reader = self.reader().await;
            sqlx::query_as(
                "SELECT population, last_read_at,
                        (SELECT count(*) FROM people p WHERE p.integration = i.integration AND p.present = 1)
                 FROM integrations i WHERE integration = ?",
            )
            .bind(integration)
            .fetch_one(&mut *reader)
            .await
            .map_err(&failed)?
        };
        let (old_population, last_read_at, present) = before;
        let same = old_population.as_deref() == Some(population);
        let nobody_moved = !presence.arrived && crate::runs::count(present) == presence.seen;
        if !nobody_moved {
            let (arrived, left) = self.moved(integration, presence).await?;
            let mut writer = self.writer().await;
            for ids in arrived.chunks(5000) {
                sqlx::query(
                    "UPDATE people SET present = 1, gone_since = NULL, seen_at = ?
                     WHERE person IN (SELECT value FROM json_each(?))",
                )
                .bind(at.as_millisecond())
                .bind(list(ids))
                .execute(&mut *writer)
                .await
                .map_err(&failed)?;
            }
            for ids in left.chunks(5000) {
                // Those who left were last seen in the read before this one.
                sqlx::query(
                    "UPDATE people SET present = 0, seen_at = max(seen_at, ifnull(?, 0)), gone_since = ?
                     WHERE person IN (SELECT value FROM json_each(?))",
                )
                .bind(last_read_at)
                .bind(same.then_some(at.as_millisecond()))
                .bind(list(ids))
                .execute(&mut *writer)
                .await
                .map_err(&failed)?;
            }
        }
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE integrations SET population = ?, last_read_at = ? WHERE integration = ?",
        )
        .bind(population)
        .bind(at.as_millisecond())
        .bind(integration)
        .execute(&mut *writer)
        .await
        .map_err(&failed)?;
        self.one(done.rows_affected(), "record who is present")
    }

    /// Lists who is seen but not marked present, and who is marked present but was not seen.
    async fn moved(
        &self,
        integration: i64,
        presence: &Presence,
    ) -> Result<(Vec<PersonRow>, Vec<PersonRow>), Error> {
        let mut reader = self.reader().await;
        let (mut arrived, mut left) = (Vec::new(), Vec::new());
        let mut after: PersonRow = 0;
        loop {
            let rows = sqlx::query(
                "SELECT person, present FROM people WHERE integration = ? AND person > ?
                 ORDER BY person LIMIT 5000",
            )
            .bind(integration)
            .bind(after)
            .fetch_all(&mut *reader)
            .await
            .map_err(self.failed("record who is present"))?;
            let Some(last) = rows.last() else {
                return Ok((arrived, left));
            };
            after = last.get(0);
            for row in &rows {
                let (person, present): (PersonRow, bool) = (row.get(0), row.get(1));
                match (presence.has(person), present) {
                    (true, false) => arrived.push(person),
                    (false, true) => left.push(person),
                    _ => {}
                }
            }
        }
    }

    /// Marks people as seen by a partial read, which says nothing of anybody else.
    ///
    /// # Errors
    /// The database refused.
    pub async fn touch(&self, people: &[PersonRow], at: Timestamp) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query(
            "UPDATE people SET seen_at = ? WHERE person IN (SELECT value FROM json_each(?))",
        )
        .bind(at.as_millisecond())
        .bind(list(people))
        .execute(&mut *writer)
        .await
        .map_err(self.failed("record who was seen"))?;
        Ok(())
    }
}

/// A JSON list of row ids, for `json_each`.
pub(crate) fn list(ids: &[i64]) -> String {
    serde_json::to_string(ids).unwrap_or_default()
}

fn hash(bytes: &[u8]) -> ContentHash {
    bytes.try_into().unwrap_or_default()
}
