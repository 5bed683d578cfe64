//! Delivering a plan: what is next, and what was sent.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, Sqlite};

use crate::error::Error;
use crate::json::list;
use crate::open::Store;
use crate::people::PersonRow;
use crate::plan::Action;
use crate::runs::{RunKey, count};

/// Changes that can go into one bulk batch: the same action by the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they do.
    pub action: Action,
    /// The sync key that they go by.
    pub key_field: String,
    /// How many are planned.
    pub count: u64,
}

/// A change of a plan, as delivery reads it.
#[derive(Debug, Clone)]
pub struct PlannedChange {
    /// The row.
    pub change: i64,
    /// The row of the user.
    pub person: PersonRow,
    /// What it does.
    pub action: Action,
    /// The sync key that it goes by.
    pub key_field: String,
    /// The value of that key as Oomnitza has it, or will; JSON.
    pub key_value: String,
    /// The match, of an update.
    pub oomnitza_id: Option<String>,
    /// What Oomnitza had in the fields that change, a JSON object; `None` of a create.
    pub before: Option<String>,
    /// What is sent, a JSON object.
    pub after: String,
    /// A hash of what Oomnitza had of the match when the change was planned, of an update.
    pub standing: Option<u64>,
}

/// A change that was made, and whose it is.
#[derive(Debug, Clone)]
pub struct WrittenChange {
    /// The change.
    pub change: PlannedChange,
    /// The user's id in the console.
    pub source_id: String,
    /// The user's address, as it is now.
    pub email: Option<String>,
    /// The user's name, as it is now.
    pub full_name: Option<String>,
}

impl Store {
    /// Lists the groups of a run's changes that are still to be delivered; updates come first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn groups(&self, key: RunKey) -> Result<Vec<Group>, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT action, key_field, count(*) FROM changes WHERE run = ? AND state = 'planned'
             GROUP BY action, key_field ORDER BY action DESC, key_field",
        )
        .bind(key.run)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("read a plan"))?;
        Ok(rows
            .into_iter()
            .map(|(word, key_field, number)| Group {
                action: action(&word),
                key_field,
                count: count(number),
            })
            .collect())
    }

    /// Reads the next changes of a group, at most `limit`, behind the row `after`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn next_changes(
        &self,
        key: RunKey,
        group: &Group,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PlannedChange>, Error> {
        self.changes_where(
            "c.run = ? AND c.change > ? AND c.state = 'planned' AND c.action = ? AND c.key_field = ?
             ORDER BY c.change LIMIT ?",
            |query| {
                query
                    .bind(key.run)
                    .bind(after)
                    .bind(group.action.as_str())
                    .bind(group.key_field.clone())
                    .bind(limit)
            },
        )
        .await
    }

    /// Reads the changes of a run that were sent and whose answer is not known, at most `limit`, behind the row `after`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn sent_changes(
        &self,
        key: RunKey,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PlannedChange>, Error> {
        self.changes_where(
            "c.run = ? AND c.change > ? AND c.state = 'sent' ORDER BY c.change LIMIT ?",
            |query| query.bind(key.run).bind(after).bind(limit),
        )
        .await
    }

    /// Reads the creates of bulk loads that carried an application and failed for `reason`, of users who are not
    /// loaded since, at most `limit`, behind the row `after`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn carried_creates_failed_for(
        &self,
        integration: i64,
        reason: &'static str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PlannedChange>, Error> {
        self.changes_where(
            "c.change IN (
                 SELECT f.change FROM open_errors o JOIN errors e ON e.error = o.error JOIN runs r ON r.run = e.run
                 JOIN changes f ON f.person = e.person AND f.run = e.run
                 JOIN saas_changes s ON s.person = e.person AND s.run = e.run
                 WHERE o.integration = ? AND o.reason = ? AND r.portion IS NOT NULL AND f.action = 'create'
                   AND f.state = 'failed' AND s.after ->> '$.assigned')
             AND c.change > ? ORDER BY c.change LIMIT ?",
            |query| query.bind(integration).bind(reason).bind(after).bind(limit),
        )
        .await
    }

    /// Reads what a run changes of some people.
    ///
    /// # Errors
    /// The database refused.
    pub async fn changes_of(
        &self,
        key: RunKey,
        people: &[PersonRow],
    ) -> Result<Vec<PlannedChange>, Error> {
        self.changes_where(
            "c.run = ? AND c.person IN (SELECT value FROM json_each(?))",
            |query| query.bind(key.run).bind(list(people)),
        )
        .await
    }

    async fn changes_where<'q>(
        &self,
        condition: &'static str,
        bind: impl FnOnce(Query<'q, Sqlite, SqliteArguments>) -> Query<'q, Sqlite, SqliteArguments>,
    ) -> Result<Vec<PlannedChange>, Error> {
        let sql = format!(
            "SELECT c.change, c.person, c.action, c.key_field, v.key_value, c.oomnitza_id, v.before, v.after, c.standing
             FROM changes c JOIN change_values v USING (change) WHERE {condition}"
        );
        let mut reader = self.reader().await;
        let failed = self.failed("read a plan");
        let rows = bind(sqlx::query(sqlx::AssertSqlSafe(sql)))
            .fetch_all(&mut *reader)
            .await
            .map_err(&failed)?;
        rows.iter()
            .map(|row| planned_change(row).map_err(&failed))
            .collect()
    }

    /// Reads what a run wrote, at most `limit`, behind the row `after`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn written(
        &self,
        key: RunKey,
        after: i64,
        limit: u32,
    ) -> Result<Vec<WrittenChange>, Error> {
        let failed = self.failed("read what a run wrote");
        let mut reader = self.reader().await;
        let rows = sqlx::query(
            "SELECT c.change, c.person, c.action, c.key_field, v.key_value, c.oomnitza_id, v.before, v.after,
                    c.standing, p.source_id, p.email, p.full_name
             FROM changes c JOIN change_values v USING (change) JOIN people p USING (person)
             WHERE c.run = ? AND c.change > ? AND c.state = 'done' AND c.action IN ('create', 'update')
             ORDER BY c.change LIMIT ?",
        )
        .bind(key.run)
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *reader)
        .await
        .map_err(&failed)?;
        let written = |row: &SqliteRow| {
            Ok(WrittenChange {
                change: planned_change(row)?,
                source_id: row.try_get(9)?,
                email: row.try_get(10)?,
                full_name: row.try_get(11)?,
            })
        };
        rows.iter()
            .map(|row| written(row).map_err(&failed))
            .collect()
    }

    /// Marks changes as sent, which is done before they are: after a crash they are the ones to look up.
    ///
    /// # Errors
    /// The database refused.
    pub async fn mark_sent(&self, changes: &[i64]) -> Result<(), Error> {
        let doing = "mark changes as sent";
        let mut writer = self.writer().await;
        let written = sqlx::query(
            "UPDATE changes SET state = 'sent' WHERE change IN (SELECT value FROM json_each(?))",
        )
        .bind(list(changes))
        .execute(&mut *writer)
        .await
        .map_err(self.failed(doing))?;
        self.all(written.rows_affected(), changes.len(), doing)
    }
}

pub(crate) fn planned_change(row: &SqliteRow) -> Result<PlannedChange, sqlx::Error> {
    Ok(PlannedChange {
        change: row.try_get(0)?,
        person: row.try_get(1)?,
        action: action(row.try_get(2)?),
        key_field: row.try_get(3)?,
        key_value: row.try_get(4)?,
        oomnitza_id: row.try_get(5)?,
        before: row.try_get(6)?,
        after: row.try_get(7)?,
        standing: row.try_get::<Option<i64>, _>(8)?.map(i64::cast_unsigned),
    })
}

fn action(word: &str) -> Action {
    if word == "create" {
        Action::Create
    } else {
        Action::Update
    }
}
