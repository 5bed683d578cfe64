//! The ledger of an integration: from when on its due times are accounted for, and under which schedule.

use jiff::Timestamp;
use sqlx::Connection;

use crate::error::Error;
use crate::json::json;
use crate::open::Store;
use crate::runs::instant;

/// What is remembered of an integration's schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The row id of the integration, which other calls take.
    pub key: i64,
    /// The id of the integration in the YAML.
    pub name: String,
    /// Due times after it are accounted for; `None` if it was never served.
    pub from: Option<Timestamp>,
    /// The timing of the schedule that was last in force.
    pub timing: Option<String>,
}

impl Store {
    /// Finds the ledgers of integrations, or makes them, in the order of `names`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn ledgers(&self, names: &[String]) -> Result<Vec<Ledger>, Error> {
        let failed = self.failed("look up ledgers");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let list = json(names);
        sqlx::query(
            "INSERT INTO integrations (name) SELECT value FROM json_each(?) WHERE true
             ON CONFLICT (name) DO NOTHING",
        )
        .bind(&list)
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        let rows: Vec<(i64, String, Option<i64>, Option<String>)> = sqlx::query_as(
            "SELECT i.integration, i.name, i.ledger_from, i.timing
             FROM json_each(?) AS listed CROSS JOIN integrations i ON i.name = listed.value
             ORDER BY listed.key",
        )
        .bind(&list)
        .fetch_all(&mut *transaction)
        .await
        .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        Ok(rows
            .into_iter()
            .map(|(key, name, from, timing)| Ledger {
                key,
                name,
                from: from.map(instant),
                timing,
            })
            .collect())
    }

    /// Begins the ledger of an integration, or begins it anew under another timing: due times after `from` count.
    ///
    /// # Errors
    /// The database refused, or there is no such integration.
    pub async fn begin_ledger(&self, key: i64, from: Timestamp, timing: &str) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE integrations SET ledger_from = ?, timing = ? WHERE integration = ?",
        )
        .bind(from.as_millisecond())
        .bind(timing)
        .bind(key)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("begin a ledger"))?;
        self.one(done.rows_affected(), "begin a ledger")
    }
}
