//! The configurations that runs were made under, kept once for each hash.

use jiff::Timestamp;

use crate::error::Error;
use crate::open::Store;

impl Store {
    /// Keeps the effective configuration of an integration, in force since `at`, unless its hash is known.
    ///
    /// The text is without secrets; the caller sees to that.
    ///
    /// # Errors
    /// The database refused.
    pub async fn keep_configuration(
        &self,
        integration: i64,
        hash: &str,
        text: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query(
            "INSERT INTO configurations (integration, config_hash, since, text) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(integration)
        .bind(hash)
        .bind(at.as_millisecond())
        .bind(text)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("keep a configuration"))?;
        Ok(())
    }

    /// Reads the configuration that a run was made under, if it was kept.
    ///
    /// # Errors
    /// The database refused.
    pub async fn configuration_of_run(&self, run_id: &str) -> Result<Option<String>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT c.text FROM runs r JOIN configurations c USING (integration, config_hash) WHERE r.run_id = ?",
        )
        .bind(run_id)
        .fetch_optional(&mut *reader)
        .await
        .map_err(self.failed("look up the configuration of a run"))
    }
}
