//! What dead processes left: runs on record as running, portions that are open.

use uuid::Uuid;

use crate::error::Error;
use crate::open::Store;
use crate::runs::RunKey;

/// A run of a process that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Its row.
    pub key: RunKey,
    /// Its id.
    pub run_id: String,
    /// Whether its plan was complete, so that delivery may have begun.
    pub planned: bool,
    /// Whether its plan was never to be delivered.
    pub dry_run: bool,
    /// Whether only some users were read.
    pub partial: bool,
    /// The portion that it finalized: Oomnitza may still be applying it.
    pub finalized: Option<Uuid>,
}

impl Store {
    /// Lists the runs of an integration that are on record as running: with its lock held, those of dead processes.
    ///
    /// # Errors
    /// The database refused.
    pub async fn unfinished(&self, integration: i64) -> Result<Vec<Unfinished>, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<(i64, String, bool, bool, bool, Option<String>)> = sqlx::query_as(
            "SELECT run, run_id, planned_at IS NOT NULL, dry_run, partial, iif(portion_open, NULL, portion)
             FROM runs WHERE integration = ? AND state = 'running' ORDER BY run",
        )
        .bind(integration)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for unfinished runs"))?;
        Ok(rows
            .into_iter()
            .map(
                |(run, run_id, planned, dry_run, partial, portion)| Unfinished {
                    key: RunKey { run, integration },
                    run_id,
                    planned,
                    dry_run,
                    partial,
                    finalized: portion.and_then(|portion| Uuid::parse_str(&portion).ok()),
                },
            )
            .collect())
    }

    /// Lists the integrations, by name, that have a run on record as running, or a portion that is open.
    ///
    /// # Errors
    /// The database refused.
    pub async fn unfinished_integrations(&self) -> Result<Vec<String>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT name FROM integrations WHERE integration IN (
                SELECT integration FROM runs WHERE state = 'running'
                UNION ALL SELECT integration FROM runs WHERE portion_open = 1)
             ORDER BY name",
        )
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for unfinished runs"))
    }
}
