//! The error log of a run, summed up; and who was in a run.

use sqlx::Row;

use crate::error::Error;
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::{Counts, RunKey, count};

impl Store {
    /// Counts a run's errors by outcome and reason, the most frequent first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn reasons(&self, key: RunKey) -> Result<Vec<(String, String, u64)>, Error> {
        let mut reader = self.reader().await;
        let rows = sqlx::query(
            "SELECT outcome, reason, count(*) FROM errors WHERE run = ?
             GROUP BY outcome, reason ORDER BY 3 DESC, reason",
        )
        .bind(key.run)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("count errors"))?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1), count(row.get(2)))).collect())
    }

    /// Says whether the plan of a run is complete.
    ///
    /// # Errors
    /// The database refused.
    pub async fn is_planned(&self, key: RunKey) -> Result<bool, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar("SELECT planned_at IS NOT NULL FROM runs WHERE run = ?")
            .bind(key.run)
            .fetch_one(&mut *reader)
            .await
            .map_err(self.failed("look up a plan"))
    }

    /// Reads the counts that a run's plan was completed with.
    ///
    /// # Errors
    /// The database refused.
    pub async fn intents(&self, key: RunKey) -> Result<Counts, Error> {
        let mut reader = self.reader().await;
        let row = sqlx::query(
            "SELECT seen, created, updated, unchanged, skipped, failed FROM runs WHERE run = ?",
        )
        .bind(key.run)
        .fetch_one(&mut *reader)
        .await
        .map_err(self.failed("look up a plan"))?;
        Ok(Counts {
            seen: count(row.get(0)),
            created: count(row.get(1)),
            updated: count(row.get(2)),
            unchanged: count(row.get(3)),
            skipped: count(row.get(4)),
            failed: count(row.get(5)),
        })
    }

    /// Lists the people for whom a run planned something, or of whom it said why not.
    ///
    /// # Errors
    /// The database refused.
    pub async fn touched(&self, key: RunKey) -> Result<Vec<PersonRow>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT person FROM changes WHERE run = ?1
             UNION SELECT person FROM errors WHERE run = ?1 AND person IS NOT NULL",
        )
        .bind(key.run)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up who was in a run"))
    }
}
