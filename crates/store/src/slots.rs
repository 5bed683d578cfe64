//! Slots: the due times of schedules, and what becomes of each.
//!
//! A slot is put on record when its time comes, as waiting; all that follows are updates of that row.
//! So a process may end at any instant: what is not settled, the next one finds.
//!
//! **Invariant:** a due time has one row, and a row that is settled stays as it is.
//! The one exception is a row of a time that had not come: the clock was wrong when it was made.

mod settle;
mod state;

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};

use crate::error::Error;
use crate::json::json;
use crate::open::Store;
use crate::runs::instant;
use crate::state::State;

pub(crate) use settle::begin;
pub use state::SlotState;

/// How many slots a statement takes: some 40 bytes of JSON each.
pub(crate) const ROWS: usize = 5000;

/// A due time that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSlot {
    /// The row id of its integration.
    pub integration: i64,
    /// The due time, before jitter.
    pub due_at: Timestamp,
}

/// A slot of which something is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSlot {
    /// The row id, which other calls take.
    pub slot: i64,
    /// The row id of its integration.
    pub integration: i64,
    /// The due time, before jitter.
    pub due_at: Timestamp,
    /// Waiting, or `ran` or `late` when a run was begun.
    pub state: SlotState,
    /// How many runs it had.
    pub tries: u32,
    /// When it is tried again, if it is waiting for that.
    pub next_try_at: Option<Timestamp>,
    /// The id and state of its latest run.
    pub run: Option<(String, State)>,
}

impl Store {
    /// Puts due times that have come by `at` on record as waiting, and lists those of them that are open.
    ///
    /// A due time that has its row already keeps it, so that noticing twice is the same as once.
    /// But a row that was missed, skipped or paused at an instant later than `at` was made by a clock that was ahead,
    /// and is waiting again: its time comes only now.
    /// What was run under that clock stays run.
    ///
    /// # Errors
    /// The database refused; then nothing was noticed.
    pub async fn notice_slots(
        &self,
        due: &[NewSlot],
        at: Timestamp,
    ) -> Result<Vec<OpenSlot>, Error> {
        let failed = self.failed("notice due times");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let mut open = Vec::with_capacity(due.len());
        for rows in due.chunks(ROWS) {
            let rows: Vec<(i64, i64)> = rows
                .iter()
                .map(|slot| (slot.integration, slot.due_at.as_millisecond()))
                .collect();
            let rows = json(&rows);
            insert(&mut transaction, &rows, at).await.map_err(&failed)?;
            open.extend(among(&mut transaction, &rows).await.map_err(&failed)?);
        }
        transaction.commit().await.map_err(&failed)?;
        Ok(open)
    }

    /// Lists the slots of which something is still to be done, by integration and due time.
    ///
    /// # Errors
    /// The database refused.
    pub async fn open_slots(&self) -> Result<Vec<OpenSlot>, Error> {
        let mut reader = self.reader().await;
        sqlx::query(
            "SELECT s.slot, s.integration, s.due_at, s.state, s.tries, s.next_try_at, r.run_id, r.state AS run_state
             FROM slots s LEFT JOIN runs r ON r.run = s.run
             WHERE s.settled = 0 ORDER BY s.integration, s.due_at",
        )
        .fetch_all(&mut *reader)
        .await
        .and_then(|rows| open_slots_of(&rows))
        .map_err(self.failed("look for open slots"))
    }

    /// Lists the due times after `after` that an integration has run, on time or late, in order.
    ///
    /// Where the clock was set back, these are the times that come again and must not be run again.
    ///
    /// # Errors
    /// The database refused.
    pub async fn slots_done_after(
        &self,
        integration: i64,
        after: Timestamp,
    ) -> Result<Vec<Timestamp>, Error> {
        let mut reader = self.reader().await;
        let due: Vec<i64> = sqlx::query_scalar(
            "SELECT due_at FROM slots
             WHERE integration = ? AND due_at > ? AND state IN ('ran', 'late') ORDER BY due_at",
        )
        .bind(integration)
        .bind(after.as_millisecond())
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for slots that were run"))?;
        Ok(due.into_iter().map(instant).collect())
    }
}

/// Makes the rows that are not there, and opens those again that a wrong clock made; `rows` are pairs in JSON.
async fn insert(
    connection: &mut SqliteConnection,
    rows: &str,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO slots (integration, due_at, noticed_at, state, settled)
         SELECT value ->> 0, value ->> 1, ?2, 'waiting', 0 FROM json_each(?1) WHERE true
         ON CONFLICT (integration, due_at) DO UPDATE SET
            noticed_at = excluded.noticed_at, state = 'waiting', settled = 0,
            run = NULL, tries = 0, next_try_at = NULL, note = NULL
         WHERE state IN ('missed', 'skipped', 'paused') AND noticed_at > excluded.noticed_at",
    )
    .bind(rows)
    .bind(at.as_millisecond())
    .execute(connection)
    .await?;
    Ok(())
}

/// Lists those of the pairs that are open.
async fn among(
    connection: &mut SqliteConnection,
    rows: &str,
) -> Result<Vec<OpenSlot>, sqlx::Error> {
    sqlx::query(
        "SELECT s.slot, s.integration, s.due_at, s.state, s.tries, s.next_try_at, r.run_id, r.state AS run_state
         FROM json_each(?) AS due
         CROSS JOIN slots s ON s.integration = due.value ->> 0 AND s.due_at = due.value ->> 1
         LEFT JOIN runs r ON r.run = s.run
         WHERE s.settled = 0 ORDER BY s.integration, s.due_at",
    )
    .bind(rows)
    .fetch_all(connection)
    .await
    .and_then(|rows| open_slots_of(&rows))
}

fn open_slots_of(rows: &[SqliteRow]) -> Result<Vec<OpenSlot>, sqlx::Error> {
    rows.iter().map(open_slot_of).collect()
}

fn open_slot_of(row: &SqliteRow) -> Result<OpenSlot, sqlx::Error> {
    let run: Option<String> = row.try_get("run_id")?;
    let run = match run {
        Some(run_id) => Some((run_id, State::read(row.try_get("run_state")?)?)),
        None => None,
    };
    Ok(OpenSlot {
        slot: row.try_get("slot")?,
        integration: row.try_get("integration")?,
        due_at: instant(row.try_get("due_at")?),
        state: SlotState::read(row.try_get("state")?)?,
        tries: row.try_get("tries")?,
        next_try_at: row.try_get::<Option<i64>, _>("next_try_at")?.map(instant),
        run,
    })
}
