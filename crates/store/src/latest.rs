//! The latest run of each integration, for those who ask how things are.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::open::Store;
use crate::runs::{Counts, count_columns, counts_of, instant};
use crate::state::State;

/// The latest run of an integration that is over, or waits for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRun {
    /// The id of its integration in the YAML.
    pub integration: String,
    /// Its id.
    pub run_id: String,
    /// Its state.
    pub state: State,
    /// What started it: `manual`, `schedule`.
    pub trigger: String,
    /// Whether its plan is never delivered.
    pub dry_run: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, or its plan was made.
    pub finished_at: Timestamp,
    /// Its counts.
    pub counts: Counts,
    /// Why it could not go on.
    pub error: Option<String>,
}

impl Store {
    /// Lists the latest run of each integration that had one, by name; one that goes on is left out.
    ///
    /// # Errors
    /// The database refused.
    pub async fn last_runs(&self) -> Result<Vec<LastRun>, Error> {
        let mut reader = self.reader().await;
        // The index answers for the latest of each; the runs before it are not looked at.
        let rows = sqlx::query(concat!(
            "SELECT i.name, r.run_id, r.state, r.trigger, r.dry_run, r.started_at, r.finished_at, r.error, ",
            count_columns!(),
            " FROM integrations i
             JOIN runs r ON r.run = (SELECT run FROM runs WHERE integration = i.integration AND state <> 'running'
                                     ORDER BY run DESC LIMIT 1)
             ORDER BY i.name"
        ))
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up the latest runs"))?;
        rows.iter()
            .map(last_run_of)
            .collect::<Result<_, _>>()
            .map_err(self.failed("look up the latest runs"))
    }
}

fn last_run_of(row: &SqliteRow) -> Result<LastRun, sqlx::Error> {
    Ok(LastRun {
        integration: row.try_get("name")?,
        run_id: row.try_get("run_id")?,
        state: State::read(row.try_get("state")?)?,
        trigger: row.try_get("trigger")?,
        dry_run: row.try_get("dry_run")?,
        started_at: instant(row.try_get("started_at")?),
        finished_at: instant(row.try_get("finished_at")?),
        counts: counts_of(row)?,
        error: row.try_get("error")?,
    })
}
