//! Retention: history ends, in transactions that nobody notices.
//!
//! What is the latest of something stays however old it is: a person's state and open error, an integration's last run
//! and last completed one. So does what is still to be done: plans that wait, portions that are open.

mod walks;

use jiff::Timestamp;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Connection, Row, Sqlite};

use crate::error::Error;
use crate::json::json;
use crate::open::Store;
use walks::{FORGOTTEN_FORMS, WALKS, Walk};

/// What could not be done when the database refuses.
const PRUNE: &str = "remove history that is past its retention";

/// Until when history goes: what is older than these instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Runs by their end, with all that is theirs; slots, lives of the daemon, requests, ended pauses and notices.
    pub runs: Timestamp,
    /// Rows of the error log, unless they are still open.
    pub errors: Timestamp,
    /// Changes, by the end of their run; versions of users and records, and what their keys found, by the end of the run
    /// that superseded them; absences, by their end.
    pub changes: Timestamp,
    /// People, by when they were found gone, with all that is theirs.
    pub gone_people: Timestamp,
}

/// One pass over the tables: what goes, and how far it has come.
///
/// A pass that is dropped halfway leaves nothing half done; the next one finds what is left.
#[derive(Debug, Clone)]
pub struct Pruning {
    retention: Retention,
    walk: usize,
    after: i64,
}

impl Pruning {
    /// Begins a pass.
    pub fn new(retention: Retention) -> Self {
        Self {
            retention,
            walk: 0,
            after: 0,
        }
    }
}

/// What one step of a pass came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// How many rows went, without those that hang on them.
    pub rows: u64,
    /// Whether the pass goes on.
    pub more: bool,
}

impl Store {
    /// Takes the next step of a pass: removes at most `limit` rows (1 or more) in one transaction.
    ///
    /// With 1,000 rows a step, others wait for milliseconds only.
    /// The pass is over when a step says that there is no more; between any two steps it may end as well.
    ///
    /// # Errors
    /// The database refused; nothing of the step is then gone.
    pub async fn prune(&self, pruning: &mut Pruning, limit: u32) -> Result<Pruned, Error> {
        let limit = limit.max(1);
        while let Some(walk) = WALKS.get(pruning.walk) {
            let Some(upto) = self.window(walk, pruning.after).await? else {
                pruning.walk += 1;
                pruning.after = 0;
                continue;
            };
            let rows = self.prune_window(walk, pruning, upto, limit).await?;
            if rows < u64::from(limit) {
                pruning.after = upto;
            }
            return Ok(Pruned { rows, more: true });
        }
        let rows = self.prune_forms(limit).await?;
        Ok(Pruned {
            rows,
            more: rows == u64::from(limit),
        })
    }

    /// Finds the last row of the next part of a walk; `None` at its end.
    async fn window(&self, walk: &Walk, after: i64) -> Result<Option<i64>, Error> {
        let Walk {
            table, key, rows, ..
        } = walk;
        let sql = format!(
            "SELECT max(at) FROM (SELECT {key} AS at FROM {table} WHERE {key} > ? ORDER BY {key} LIMIT {rows})"
        );
        let mut reader = self.reader().await;
        sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(after)
            .fetch_one(&mut *reader)
            .await
            .map_err(self.failed(PRUNE))
    }

    async fn prune_window(
        &self,
        walk: &Walk,
        pruning: &Pruning,
        upto: i64,
        limit: u32,
    ) -> Result<u64, Error> {
        let failed = self.failed(PRUNE);
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let mut left = u64::from(limit);
        let any = match walk.any {
            Some(any) => bound(any, pruning, upto, left)
                .fetch_one(&mut *transaction)
                .await
                .and_then(|any| any.try_get(0))
                .map_err(&failed)?,
            None => true,
        };
        for delete in walk.deletes.iter().take_while(|_| any) {
            let done = bound(delete, pruning, upto, left)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
            left = left.saturating_sub(done.rows_affected());
            // What comes next counts on everything of this being gone.
            if left == 0 {
                break;
            }
        }
        transaction.commit().await.map_err(&failed)?;
        Ok(u64::from(limit) - left)
    }

    /// Removes forms of Oomnitza people whom nobody on record matches any more.
    async fn prune_forms(&self, limit: u32) -> Result<u64, Error> {
        let failed = self.failed(PRUNE);
        let found: Vec<(i64, String, String)> = {
            let mut reader = self.reader().await;
            sqlx::query_as(FORGOTTEN_FORMS)
                .bind(limit)
                .fetch_all(&mut *reader)
                .await
                .map_err(&failed)?
        };
        if found.is_empty() {
            return Ok(0);
        }
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "DELETE FROM forms WHERE (integration, oomnitza_id, field) IN
                (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))",
        )
        .bind(json(&found))
        .execute(&mut *writer)
        .await
        .map_err(&failed)?;
        Ok(done.rows_affected())
    }
}

/// A statement of a walk, with its parameters.
fn bound(
    sql: &'static str,
    pruning: &Pruning,
    upto: i64,
    left: u64,
) -> Query<'static, Sqlite, SqliteArguments> {
    let retention = &pruning.retention;
    sqlx::query(sql)
        .bind(pruning.after)
        .bind(upto)
        .bind(i64::try_from(left).unwrap_or(i64::MAX))
        .bind(retention.runs.as_millisecond())
        .bind(retention.errors.as_millisecond())
        .bind(retention.changes.as_millisecond())
        .bind(retention.gone_people.as_millisecond())
}
