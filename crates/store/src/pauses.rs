//! Pauses made by hand; those of the YAML are not remembered, as the YAML is there to be read.

use jiff::Timestamp;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::open::Store;
use crate::runs::{instant, integration_row};

/// A pause that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// The id of its integration in the YAML; `None` for all of them.
    pub integration: Option<String>,
    /// Why, in the words of who asked for it.
    pub reason: String,
    /// Who asked for it.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

impl Store {
    /// Pauses an integration, or all of them; says whether that is new.
    ///
    /// A pause that stands ends, and one with the new reason takes its place.
    ///
    /// # Errors
    /// The database refused.
    pub async fn pause(
        &self,
        integration: Option<&str>,
        reason: &str,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let failed = self.failed("pause");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let integration = match integration {
            Some(name) => Some(
                integration_row(&mut transaction, name)
                    .await
                    .map_err(&failed)?,
            ),
            None => None,
        };
        let stood = end_pause(&mut transaction, integration, None, at)
            .await
            .map_err(&failed)?;
        sqlx::query("INSERT INTO pauses (integration, reason, by, since) VALUES (?, ?, ?, ?)")
            .bind(integration)
            .bind(reason)
            .bind(by)
            .bind(at.as_millisecond())
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        Ok(!stood)
    }

    /// Ends the pause of an integration, or the one of all of them; says whether there was one.
    ///
    /// These are two things: an integration that is paused by name stays so when all are resumed.
    ///
    /// # Errors
    /// The database refused.
    pub async fn resume(
        &self,
        integration: Option<&str>,
        by: &str,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let failed = self.failed("resume");
        let mut writer = self.writer().await;
        let integration = match integration {
            Some(name) => {
                let known: Option<i64> =
                    sqlx::query_scalar("SELECT integration FROM integrations WHERE name = ?")
                        .bind(name)
                        .fetch_optional(&mut *writer)
                        .await
                        .map_err(&failed)?;
                let Some(known) = known else { return Ok(false) };
                Some(known)
            }
            None => None,
        };
        end_pause(&mut writer, integration, Some(by), at)
            .await
            .map_err(&failed)
    }

    /// Lists the pauses that stand: the one of all integrations first, then by name.
    ///
    /// # Errors
    /// The database refused.
    pub async fn pauses(&self) -> Result<Vec<Pause>, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<(Option<String>, String, String, i64)> = sqlx::query_as(
            "SELECT i.name, p.reason, p.by, p.since
             FROM pauses p LEFT JOIN integrations i USING (integration)
             WHERE p.until IS NULL ORDER BY i.name",
        )
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for pauses"))?;
        Ok(rows
            .into_iter()
            .map(|(integration, reason, by, since)| Pause {
                integration,
                reason,
                by,
                since: instant(since),
            })
            .collect())
    }
}

/// Ends the pause that stands, if one does; says whether one did.
async fn end_pause(
    connection: &mut SqliteConnection,
    integration: Option<i64>,
    by: Option<&str>,
    at: Timestamp,
) -> Result<bool, sqlx::Error> {
    // Written as the index is, which finds it.
    let done = sqlx::query(
        "UPDATE pauses SET until = ?, resumed_by = ?
         WHERE ifnull(integration, 0) = ifnull(?, 0) AND until IS NULL",
    )
    .bind(at.as_millisecond())
    .bind(by)
    .bind(integration)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
