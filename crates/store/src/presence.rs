//! Presence: who was in the last complete read, and who is gone.

mod absences;
mod members;

use jiff::Timestamp;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::json::list;
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::{RunKey, count};

/// What could not be done when the database refuses.
const RECORD: &str = "record who is present";

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
        self.seen += u64::from(!self.has(person));
        self.bits[word] |= 1 << bit;
        self.arrived |= !was_present;
    }

    /// Lists who was seen.
    pub fn people(&self) -> Vec<PersonRow> {
        let persons = (0_i64..).zip(&self.bits).flat_map(|(word, bits)| {
            (0..64)
                .filter(move |bit| bits & (1 << bit) != 0)
                .map(move |bit| word * 64 + bit)
        });
        persons.collect()
    }

    /// Whether a person was seen.
    pub fn has(&self, person: PersonRow) -> bool {
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
    /// Records who is present after a complete read, and who of the same population is gone: whoever was in the read of
    /// it before, whatever other populations were read in between.
    ///
    /// # Errors
    /// The database refused; nothing of it is then on record.
    pub async fn settle_presence(
        &self,
        key: RunKey,
        population: &str,
        presence: &Presence,
        at: Timestamp,
    ) -> Result<(), Error> {
        let failed = self.failed(RECORD);
        let integration = key.integration;
        let before: (Option<String>, Option<i64>, i64) = {
            let mut reader = self.reader().await;
            sqlx::query_as(
                "SELECT population, last_read_at,
                        (SELECT count(*) FROM people NOT INDEXED WHERE integration = ?1 AND present = 1)
                 FROM integrations WHERE integration = ?1",
            )
            .bind(integration)
            .fetch_one(&mut *reader)
            .await
            .map_err(&failed)?
        };
        let (old_population, last_read_at, present) = before;
        let nobody_moved = !presence.arrived && count(present) == presence.seen;
        let (arrived, left) = if nobody_moved {
            Default::default()
        } else {
            self.moved(integration, presence).await?
        };
        let departures = Departures {
            key,
            last_read_at,
            at,
        };
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let lacked = if old_population.as_deref() == Some(population) {
            None
        } else {
            let from = old_population.as_deref();
            let changing = members::change(&mut transaction, key, from, population, presence);
            Some(changing.await.map_err(&failed)?)
        };
        arrive(&mut transaction, key, &arrived, at)
            .await
            .map_err(&failed)?;
        departures
            .settle(&mut transaction, &left, lacked.as_deref())
            .await
            .map_err(&failed)?;
        let done = sqlx::query(
            "UPDATE integrations SET population = ?, last_read_at = ? WHERE integration = ?",
        )
        .bind(population)
        .bind(at.as_millisecond())
        .bind(integration)
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        self.one(done.rows_affected(), RECORD)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Counts who was in the last complete read of a population that other ones were read after.
    ///
    /// # Errors
    /// The database refused.
    pub async fn members(&self, integration: i64, population: &str) -> Result<u64, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT count(*) FROM members m JOIN people p USING (person) WHERE p.integration = ? AND m.population = ?",
        )
        .bind(integration)
        .bind(population)
        .fetch_one(&mut *reader)
        .await
        .map(count)
        .map_err(self.failed("look up who was present"))
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
            // In the order of rows: by the index on integrations each part would read and sort the whole.
            let rows: Vec<(PersonRow, bool)> = sqlx::query_as(
                "SELECT person, present FROM people NOT INDEXED WHERE integration = ? AND person > ?
                 ORDER BY person LIMIT 5000",
            )
            .bind(integration)
            .bind(after)
            .fetch_all(&mut *reader)
            .await
            .map_err(self.failed(RECORD))?;
            let Some((last, _)) = rows.last() else {
                return Ok((arrived, left));
            };
            after = *last;
            for (person, present) in rows {
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

/// Marks those as present who are in a read and were not in the one before.
async fn arrive(
    connection: &mut SqliteConnection,
    key: RunKey,
    arrived: &[PersonRow],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    for ids in arrived.chunks(5000) {
        sqlx::query(
            "UPDATE people SET present = 1, gone_since = NULL, seen_at = ?
             WHERE person IN (SELECT value FROM json_each(?))",
        )
        .bind(at.as_millisecond())
        .bind(list(ids))
        .execute(&mut *connection)
        .await?;
        absences::end(connection, key, ids, at).await?;
    }
    Ok(())
}

/// A read, and the one before it, for those who are not in it.
struct Departures {
    key: RunKey,
    last_read_at: Option<i64>,
    at: Timestamp,
}

impl Departures {
    /// Marks who left as absent, and as gone: all of them, unless the population is another; of that, whom it `lacked`.
    async fn settle(
        &self,
        connection: &mut SqliteConnection,
        left: &[PersonRow],
        lacked: Option<&[PersonRow]>,
    ) -> Result<(), sqlx::Error> {
        let at = self.at.as_millisecond();
        for ids in left.chunks(5000) {
            // Those who left were last seen in the read before this one.
            sqlx::query(
                "UPDATE people SET present = 0, seen_at = max(seen_at, ifnull(?, 0)), gone_since = ?
                 WHERE person IN (SELECT value FROM json_each(?))",
            )
            .bind(self.last_read_at)
            .bind(lacked.is_none().then_some(at))
            .bind(list(ids))
            .execute(&mut *connection)
            .await?;
        }
        for ids in lacked.unwrap_or_default().chunks(5000) {
            sqlx::query(
                "UPDATE people SET gone_since = ?
                 WHERE gone_since IS NULL AND person IN (SELECT value FROM json_each(?))",
            )
            .bind(at)
            .bind(list(ids))
            .execute(&mut *connection)
            .await?;
            absences::go(connection, self.key, ids, self.at).await?;
        }
        for ids in left.chunks(5000) {
            absences::begin(connection, self.key, ids, self.at).await?;
        }
        Ok(())
    }
}
