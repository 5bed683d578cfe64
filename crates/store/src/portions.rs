//! Portions of bulk loads: remembered before they are opened, until one finalize has succeeded.

use uuid::Uuid;

use crate::error::{Cause, Error};
use crate::open::Store;
use crate::runs::RunKey;

impl Store {
    /// Remembers the portion that a run is about to open.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_portion(&self, key: RunKey, portion: Uuid) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query("UPDATE runs SET portion = ?, portion_open = 1 WHERE run = ?")
            .bind(portion.to_string())
            .bind(key.run)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("remember a portion"))?;
        self.one(done.rows_affected(), "remember a portion")
    }

    /// Remembers that the portion of a run was finalized.
    ///
    /// # Errors
    /// The database refused.
    pub async fn portion_finalized(&self, run: i64) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query("UPDATE runs SET portion_open = 0 WHERE run = ?")
            .bind(run)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("remember that a portion was finalized"))?;
        self.one(
            done.rows_affected(),
            "remember that a portion was finalized",
        )
    }

    /// Lists the portions of an integration that no finalize has succeeded on, each with the row id of its run.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_portions(&self, integration: i64) -> Result<Vec<(i64, Uuid)>, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT run, portion FROM runs WHERE integration = ? AND portion_open = 1 ORDER BY run",
        )
        .bind(integration)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for open portions"))?;
        rows.into_iter()
            .map(|(run, portion)| match Uuid::parse_str(&portion) {
                Ok(portion) => Ok((run, portion)),
                Err(_) => Err(Error::because(
                    self.path(),
                    "look for open portions",
                    Cause::Damaged,
                )),
            })
            .collect()
    }
}
