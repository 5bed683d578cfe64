//! The latest load of each integration, and what else is watched of it.
//!
//! A load reads everybody and writes, or was to: dry runs, runs of single users and plans are none.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::open::Store;
use crate::runs::{count, instant};
use crate::state::State;

/// How the loads of an integration are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loads {
    /// The id of the integration in the YAML.
    pub integration: String,
    /// Since when its due times count: under this schedule, and since the last pause by hand was over; `None`: it was
    /// never served.
    pub counts_from: Option<Timestamp>,
    /// The latest load that is over, or parked; one that goes on is left out.
    pub last: Option<Load>,
    /// When the latest load ended that came to its end, users who failed included.
    pub succeeded_at: Option<Timestamp>,
    /// When it was noticed last that a due time was missed.
    pub missed_at: Option<Timestamp>,
}

/// A load that is over, or parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The id of its run.
    pub run_id: String,
    /// Its state.
    pub state: State,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, or its plan was made.
    pub finished_at: Timestamp,
    /// Users who failed.
    pub failed: u64,
}

impl Store {
    /// Tells how the loads of all integrations are that there ever were, by name.
    ///
    /// # Errors
    /// The database refused.
    pub async fn loads(&self) -> Result<Vec<Loads>, Error> {
        let mut reader = self.reader().await;
        // The conditions are those of the indexes, letter by letter: SQLite compares them so.
        let rows = sqlx::query(
            "SELECT i.name, r.run_id, r.state, r.started_at,
                    coalesce(r.finished_at, r.started_at) AS finished_at, r.failed,
                    max(i.ledger_from, ifnull((SELECT max(until) FROM pauses p
                                               WHERE p.integration IS NULL OR p.integration = i.integration),
                                              i.ledger_from)) AS counts_from,
                    (SELECT finished_at FROM runs s
                     WHERE s.integration = i.integration AND s.dry_run = 0 AND s.partial = 0
                       AND s.state IN ('completed', 'completed_with_errors')
                     ORDER BY s.run DESC LIMIT 1) AS succeeded_at,
                    (SELECT max(noticed_at) FROM slots m
                     WHERE m.integration = i.integration AND m.state = 'missed') AS missed_at
             FROM integrations i
             LEFT JOIN runs r ON r.run = (
                 SELECT run FROM runs l
                 WHERE l.integration = i.integration AND l.dry_run = 0 AND l.partial = 0
                   AND l.state IN ('parked', 'completed', 'completed_with_errors', 'failed', 'interrupted', 'canceled')
                 ORDER BY l.run DESC LIMIT 1)
             ORDER BY i.name",
        )
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up the latest loads"))?;
        rows.iter()
            .map(loads_of)
            .collect::<Result<_, _>>()
            .map_err(self.failed("look up the latest loads"))
    }
}

fn loads_of(row: &SqliteRow) -> Result<Loads, sqlx::Error> {
    let maybe = |name| row.try_get::<Option<i64>, _>(name);
    let run_id: Option<String> = row.try_get("run_id")?;
    let last = match run_id {
        Some(run_id) => Some(Load {
            run_id,
            state: State::read(row.try_get("state")?)?,
            started_at: instant(row.try_get("started_at")?),
            finished_at: instant(row.try_get("finished_at")?),
            failed: count(row.try_get("failed")?),
        }),
        None => None,
    };
    Ok(Loads {
        integration: row.try_get("name")?,
        counts_from: maybe("counts_from")?.map(instant),
        last,
        succeeded_at: maybe("succeeded_at")?.map(instant),
        missed_at: maybe("missed_at")?.map(instant),
    })
}
