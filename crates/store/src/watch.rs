//! What is looked at after a run, to see whether it was like those before: runs, missed slots, values that are new.

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection as _, Row as _};

use crate::error::Error;
use crate::json::json;
use crate::open::Store;
use crate::runs::{Counts, count, count_columns, counts_of, instant};
use crate::state::State;

/// A run that read everybody, was no dry run, and is over or parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRun {
    /// Its id.
    pub run_id: String,
    /// Its state.
    pub state: State,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Its counts.
    pub counts: Counts,
    /// Why it could not go on.
    pub error: Option<String>,
    /// The same without the words of either system, which may name somebody.
    pub outline: Option<String>,
}

/// Due times that were missed since the latest one that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// How many.
    pub slots: u64,
    /// The first of them.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
    /// Why the last of them was missed.
    pub note: String,
}

/// A value that an integration never had before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewValue {
    /// `role`, `scope`, `source` or `two_fa_status`.
    pub field: String,
    /// The value.
    pub value: String,
}

/// What the latest complete read of an integration shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// Values that nobody had before that read, in order.
    pub new: Vec<NewValue>,
    /// Fields in which somebody once had a value and now nobody has, in order.
    pub gone: Vec<String>,
}

impl Store {
    /// Lists the latest runs of an integration that count as loads, the latest first.
    ///
    /// Dry runs and partial ones are left out, and so are those that go on, wait as a plan, or were cut off or canceled.
    ///
    /// # Errors
    /// The database refused.
    pub async fn past_runs(&self, integration: &str, limit: u32) -> Result<Vec<PastRun>, Error> {
        let mut reader = self.reader().await;
        let rows = sqlx::query(concat!(
            "SELECT r.run_id, r.state, r.started_at, r.finished_at, r.error, r.outline, ",
            count_columns!(),
            " FROM runs r JOIN integrations i USING (integration)
             WHERE i.name = ? AND r.dry_run = 0 AND r.partial = 0
               AND r.state IN ('completed', 'completed_with_errors', 'failed', 'parked')
             ORDER BY r.run DESC LIMIT ?"
        ))
        .bind(integration)
        .bind(limit)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up the latest loads"))?;
        rows.iter()
            .map(past_run_of)
            .collect::<Result<_, _>>()
            .map_err(self.failed("look up the latest loads"))
    }

    /// Says when an integration last completed a load, and since when its due times are accounted for.
    ///
    /// # Errors
    /// The database refused.
    pub async fn last_success(
        &self,
        integration: &str,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), Error> {
        let mut reader = self.reader().await;
        let row: Option<(Option<i64>, Option<i64>)> = sqlx::query_as(
            "SELECT (SELECT r.finished_at FROM runs r
                     WHERE r.integration = i.integration AND r.dry_run = 0 AND r.partial = 0
                       AND r.state IN ('completed', 'completed_with_errors') ORDER BY r.run DESC LIMIT 1),
                    i.ledger_from
             FROM integrations i WHERE i.name = ?",
        )
        .bind(integration)
        .fetch_optional(&mut *reader)
        .await
        .map_err(self.failed("look up the last success"))?;
        let (success, ledger_from) = row.unwrap_or_default();
        Ok((success.map(instant), ledger_from.map(instant)))
    }

    /// Says which due times of an integration were missed after the latest one that was run.
    ///
    /// # Errors
    /// The database refused.
    pub async fn missed_slots(&self, integration: &str) -> Result<Option<Missed>, Error> {
        let mut reader = self.reader().await;
        let row: (i64, Option<i64>, Option<i64>, Option<String>) = sqlx::query_as(
            "SELECT count(*), min(s.due_at), max(s.due_at), s.note
             FROM slots s JOIN integrations i USING (integration)
             WHERE i.name = ?1 AND s.state = 'missed' AND s.settled = 1
               AND s.due_at > ifnull((SELECT l.due_at FROM slots l
                                      WHERE l.integration = i.integration AND l.state IN ('ran', 'late')
                                      ORDER BY l.due_at DESC LIMIT 1), -9e18)",
        )
        .bind(integration)
        .fetch_one(&mut *reader)
        .await
        .map_err(self.failed("look for missed slots"))?;
        Ok(match row {
            (slots, Some(first), Some(last), note) => Some(Missed {
                slots: count(slots),
                first: instant(first),
                last: instant(last),
                note: note.unwrap_or_default(),
            }),
            _ => None,
        })
    }

    /// Lists the fields of which Oomnitza shows values in another form than they were sent in, in order.
    ///
    /// A form of a value that is no longer the record's does not count.
    ///
    /// # Errors
    /// The database refused.
    pub async fn fields_in_another_form(&self, integration: &str) -> Result<Vec<String>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT DISTINCT f.field FROM forms f
             JOIN integrations i USING (integration)
             JOIN people p ON p.integration = f.integration AND p.oomnitza_id = f.oomnitza_id
             JOIN record_versions v ON v.record_version = p.record_version
             WHERE i.name = ? AND p.gone_since IS NULL
               AND ifnull(nullif(v.record -> ('$.\"' || f.field || '\"'), 'null'), '') = f.sent ORDER BY 1",
        )
        .bind(integration)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for other forms"))
    }

    /// Compares the latest complete read of an integration with all before it, and remembers what it shows.
    ///
    /// `fields` are the fields of a user that the mapping reads.
    /// The first look at an integration finds nothing new: all is.
    /// Asking again before the next complete read gives the same answer.
    ///
    /// # Errors
    /// The database refused.
    pub async fn learn(&self, integration: &str, fields: &[&str]) -> Result<Learned, Error> {
        let failed = self.failed("compare a read with those before it");
        let mut writer = self.writer().await;
        // Without a complete read there is nothing to learn.
        let found: Option<(i64, Option<i64>, i64)> = sqlx::query_as(
            "SELECT i.integration, i.values_until, max(r.run)
             FROM integrations i JOIN runs r USING (integration)
             WHERE i.name = ? AND i.last_read_at IS NOT NULL AND r.planned_at IS NOT NULL AND r.partial = 0
             GROUP BY i.integration",
        )
        .bind(integration)
        .fetch_optional(&mut *writer)
        .await
        .map_err(&failed)?;
        let Some((integration, values_until, run)) = found else {
            return Ok(Learned::default());
        };
        let gone = fields_gone(&mut writer, integration, fields)
            .await
            .map_err(&failed)?;
        let newest: Option<i64> = sqlx::query_scalar("SELECT max(user_version) FROM user_versions")
            .fetch_one(&mut *writer)
            .await
            .map_err(&failed)?;
        if newest > values_until {
            let mut transaction = writer
                .begin_with("BEGIN IMMEDIATE")
                .await
                .map_err(&failed)?;
            let found_by = values_until.map(|_| run);
            learn_values(&mut transaction, integration, values_until, found_by)
                .await
                .map_err(&failed)?;
            sqlx::query("UPDATE integrations SET values_until = ? WHERE integration = ?")
                .bind(newest)
                .bind(integration)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
            transaction.commit().await.map_err(&failed)?;
        }
        let new: Vec<(String, String)> = sqlx::query_as(
            "SELECT field, value FROM known_values WHERE integration = ? AND run = ? ORDER BY field, value",
        )
        .bind(integration)
        .bind(run)
        .fetch_all(&mut *writer)
        .await
        .map_err(&failed)?;
        Ok(Learned {
            new: new
                .into_iter()
                .map(|(field, value)| NewValue { field, value })
                .collect(),
            gone,
        })
    }
}

fn past_run_of(row: &SqliteRow) -> Result<PastRun, sqlx::Error> {
    Ok(PastRun {
        run_id: row.try_get("run_id")?,
        state: State::read(row.try_get("state")?)?,
        started_at: instant(row.try_get("started_at")?),
        finished_at: instant(row.try_get("finished_at")?),
        counts: counts_of(row)?,
        error: row.try_get("error")?,
        outline: row.try_get("outline")?,
    })
}

/// Remembers the values of users whose JSON is newer than a version.
async fn learn_values(
    connection: &mut SqliteConnection,
    integration: i64,
    after: Option<i64>,
    run: Option<i64>,
) -> Result<(), sqlx::Error> {
    // Versions come in the order of their row ids: those that were looked at are not read again.
    sqlx::query(
        "WITH fresh AS MATERIALIZED (
             SELECT u.user FROM user_versions u JOIN people p ON p.user_version = u.user_version
             WHERE u.user_version > ?2 AND p.integration = ?1 AND p.gone_since IS NULL
         ),
         found (field, value) AS (
             SELECT 'scope', user ->> '$.scope' FROM fresh
             UNION SELECT 'source', user ->> '$.source' FROM fresh
             UNION SELECT 'two_fa_status', user ->> '$.twoFaStatus' FROM fresh
             UNION SELECT 'role', user ->> '$.lowestRole' FROM fresh
             UNION SELECT 'role', coalesce(n.name, nullif(s.value ->> '$.roleName', ''), s.value ->> '$.roleId')
                   FROM fresh
                   JOIN json_each(iif(json_type(user, '$.scopeRoles') = 'array', user -> '$.scopeRoles', '[]')) s
                        ON s.type = 'object'
                   LEFT JOIN roles n ON n.integration = ?1 AND n.role_id = s.value ->> '$.roleId'
         )
         INSERT INTO known_values (integration, field, value, run)
         SELECT ?1, field, value, ?3 FROM found WHERE ifnull(value, '') <> '' ON CONFLICT DO NOTHING",
    )
    .bind(integration)
    .bind(after.unwrap_or(0))
    .bind(run)
    .execute(connection)
    .await?;
    Ok(())
}

/// Finds the fields that were filled once and are empty for everybody now, and remembers those that are filled.
async fn fields_gone(
    connection: &mut SqliteConnection,
    integration: i64,
    fields: &[&str],
) -> Result<Vec<String>, sqlx::Error> {
    // The search for somebody who has a value mostly ends with the first user.
    let rows: Vec<(String, bool, bool)> = sqlx::query_as(
        "SELECT f.value,
                EXISTS (SELECT 1 FROM filled_fields k WHERE k.integration = ?1 AND k.field = f.value),
                EXISTS (SELECT 1 FROM people p JOIN user_versions u ON u.user_version = p.user_version
                        WHERE p.integration = ?1 AND p.present = 1
                          AND coalesce(u.user -> ('$.' || f.value), 'null') NOT IN ('null', '\"\"', '[]', '{}'))
         FROM json_each(?2) f ORDER BY f.value",
    )
    .bind(integration)
    .bind(json(fields))
    .fetch_all(&mut *connection)
    .await?;
    let fresh: Vec<&str> = rows
        .iter()
        .filter(|(_, known, filled)| *filled && !known)
        .map(|(field, ..)| field.as_str())
        .collect();
    if !fresh.is_empty() {
        sqlx::query(
            "INSERT INTO filled_fields (integration, field) SELECT ?, value FROM json_each(?) WHERE true
             ON CONFLICT DO NOTHING",
        )
        .bind(integration)
        .bind(json(&fresh))
        .execute(&mut *connection)
        .await?;
    }
    let present: i64 = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM people WHERE integration = ? AND present = 1)",
    )
    .bind(integration)
    .fetch_one(connection)
    .await?;
    // Where there is nobody, that is what is to be told.
    Ok(if present == 0 {
        Vec::new()
    } else {
        rows.into_iter()
            .filter(|(_, known, filled)| *known && !filled)
            .map(|(field, ..)| field)
            .collect()
    })
}
