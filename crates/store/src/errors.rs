//! The error log of a run, summed up; and who was in a run.

use crate::error::Error;
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::{RunKey, count};

impl Store {
    /// Counts a run's errors by outcome and reason, the most frequent first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn reasons(&self, key: RunKey) -> Result<Vec<(String, String, u64)>, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT outcome, reason, count(*) FROM errors WHERE run = ?
             GROUP BY outcome, reason ORDER BY 3 DESC, reason",
        )
        .bind(key.run)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("count errors"))?;
        Ok(rows
            .into_iter()
            .map(|(outcome, reason, number)| (outcome, reason, count(number)))
            .collect())
    }

    /// Lists the ids, in the console, of the users whom a run skipped or failed.
    ///
    /// # Errors
    /// The database refused.
    pub async fn not_loaded(&self, key: RunKey) -> Result<Vec<String>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT p.source_id FROM errors e JOIN people p USING (person) WHERE e.run = ?",
        )
        .bind(key.run)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up whom a run did not load"))
    }

    /// Lists the people for whom a run planned something, or of whom it said why not.
    ///
    /// # Errors
    /// The database refused.
    pub async fn touched(&self, key: RunKey) -> Result<Vec<PersonRow>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT person FROM changes WHERE run = ?1
             UNION SELECT person FROM saas_changes WHERE run = ?1 AND action = 'update'
             UNION SELECT person FROM errors WHERE run = ?1 AND person IS NOT NULL",
        )
        .bind(key.run)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up who was in a run"))
    }
}
