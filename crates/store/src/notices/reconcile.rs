//! Notices compared with how things are: what is new begins, what is no more is over.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Sqlite};

use super::{COLUMNS, Notice, NoticeRow, Reconciled, row_of};
use crate::error::Error;
use crate::open::Store;

impl Store {
    /// Makes the standing notices of some kinds be exactly those given; says which began, and which are over.
    ///
    /// One that stands already stays as it is, its words included.
    /// One in another stage takes the place of the stage before, whose end is no news: it is not among those over.
    ///
    /// # Errors
    /// The database refused; then nothing has changed.
    pub async fn reconcile_notices(
        &self,
        kinds: &[&str],
        wanted: &[Notice],
        at: Timestamp,
    ) -> Result<Reconciled, Error> {
        let failed = self.failed("bring the notices up to date");
        let mut writer = self.writer().await;
        let mut standing = standing(&mut writer).await.map_err(&failed)?;
        standing.retain(|row| kinds.contains(&row.notice.kind.as_str()));
        let is_same = standing.len() == wanted.len()
            && wanted.iter().all(|wanted| {
                standing.iter().any(|row| {
                    about(&row.notice) == about(wanted) && row.notice.stage == wanted.stage
                })
            });
        if is_same {
            return Ok(Reconciled::default());
        }
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let done = reconcile(&mut transaction, standing, wanted, at)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        Ok(done)
    }
}

async fn reconcile(
    connection: &mut SqliteConnection,
    standing: Vec<NoticeRow>,
    wanted: &[Notice],
    at: Timestamp,
) -> Result<Reconciled, sqlx::Error> {
    let stages: HashMap<_, &str> = wanted
        .iter()
        .map(|notice| (about(notice), notice.stage.as_str()))
        .collect();
    let mut done = Reconciled::default();
    for mut row in standing {
        match stages.get(&about(&row.notice)) {
            Some(stage) if *stage == row.notice.stage => {}
            // Its place is taken: whoever was told of it hears of the next stage.
            Some(_) => end(connection, row.key, at, true).await?,
            None => {
                end(connection, row.key, at, false).await?;
                row.until = Some(at);
                done.ended.push(row);
            }
        }
    }
    for notice in wanted {
        let integration = match &notice.integration {
            Some(name) => Some(integration_of(connection, name).await?),
            None => None,
        };
        // One that stands is not inserted again.
        let inserted = insert(integration, notice, at)
            .execute(&mut *connection)
            .await?;
        if inserted.rows_affected() == 1 {
            done.began.push(NoticeRow {
                key: inserted.last_insert_rowid(),
                notice: notice.clone(),
                since: at,
                until: None,
            });
        }
    }
    Ok(done)
}

/// What makes two notices the same.
fn about(notice: &Notice) -> (Option<&str>, &str, &str) {
    (notice.integration.as_deref(), &notice.kind, &notice.subject)
}

/// Lists the notices that stand, the oldest first.
pub(super) async fn standing(
    connection: &mut SqliteConnection,
) -> Result<Vec<NoticeRow>, sqlx::Error> {
    let sql = AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM notices n LEFT JOIN integrations i USING (integration)
         WHERE n.until IS NULL ORDER BY n.since, n.notice"
    ));
    let rows = sqlx::query(sql).fetch_all(connection).await?;
    rows.iter().map(row_of).collect()
}

async fn integration_of(connection: &mut SqliteConnection, name: &str) -> Result<i64, sqlx::Error> {
    sqlx::query("INSERT INTO integrations (name) VALUES (?) ON CONFLICT DO NOTHING")
        .bind(name)
        .execute(&mut *connection)
        .await?;
    sqlx::query_scalar("SELECT integration FROM integrations WHERE name = ?")
        .bind(name)
        .fetch_one(connection)
        .await
}

async fn end(
    connection: &mut SqliteConnection,
    key: i64,
    at: Timestamp,
    silently: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE notices SET until = ?, routed = iif(?, 2, routed) WHERE notice = ?")
        .bind(at.as_millisecond())
        .bind(silently)
        .bind(key)
        .execute(&mut *connection)
        .await?;
    if silently {
        // What was not told yet is outdated.
        sqlx::query("DELETE FROM outbox WHERE notice = ?")
            .bind(key)
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// The statement that begins a notice, unless it stands.
pub(super) fn insert(
    integration: Option<i64>,
    notice: &Notice,
    at: Timestamp,
) -> Query<'_, Sqlite, SqliteArguments> {
    sqlx::query(
        "INSERT INTO notices (integration, kind, subject, stage, message, hint, details, since)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )
    .bind(integration)
    .bind(&notice.kind)
    .bind(&notice.subject)
    .bind(&notice.stage)
    .bind(&notice.message)
    .bind(&notice.hint)
    .bind(&notice.details)
    .bind(at.as_millisecond())
}
