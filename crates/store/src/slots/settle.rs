//! What becomes of an open slot: a run, another try, or its end.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::{ROWS, SlotState};
use crate::error::Error;
use crate::json::json;
use crate::open::Store;
use crate::runs::{NewRunSlot, RunKey};

/// A slot as it is to be settled, for `json_each`.
#[derive(Serialize)]
struct Fate<'a> {
    slot: i64,
    state: &'static str,
    note: &'a str,
}

impl Store {
    /// Settles an open slot: nothing more is to be done about it; says whether it was open.
    ///
    /// One that is settled stays as it is, so that this may be repeated until the database takes it.
    /// Without a note, the one that it has stays.
    /// A slot that was late stays late when it is settled as ran.
    ///
    /// # Errors
    /// The database refused; among its rules is that no slot is settled as waiting.
    pub async fn settle_slot(
        &self,
        slot: i64,
        state: SlotState,
        note: Option<&str>,
    ) -> Result<bool, Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE slots SET settled = 1, next_try_at = NULL, note = ifnull(?3, note),
                    state = iif(state = 'late' AND ?2 = 'ran', 'late', ?2)
             WHERE slot = ?1 AND settled = 0",
        )
        .bind(slot)
        .bind(state.as_str())
        .bind(note)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("settle a slot"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Settles open slots, each with its note, in one transaction; says how many were open.
    ///
    /// # Errors
    /// The database refused; then none is settled.
    pub async fn settle_slots(&self, slots: &[(i64, SlotState, String)]) -> Result<u64, Error> {
        let failed = self.failed("settle slots");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let mut settled = 0;
        for slots in slots.chunks(ROWS) {
            let fates: Vec<Fate<'_>> = slots
                .iter()
                .map(|(slot, state, note)| Fate {
                    slot: *slot,
                    state: state.as_str(),
                    note,
                })
                .collect();
            settled += settle_all(&mut transaction, &fates)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)?;
        Ok(settled)
    }

    /// Puts off an open slot until another try; says whether it was open.
    ///
    /// # Errors
    /// The database refused.
    pub async fn postpone_slot(
        &self,
        slot: i64,
        next_try_at: Timestamp,
        note: &str,
    ) -> Result<bool, Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE slots SET next_try_at = ?, note = ? WHERE slot = ? AND settled = 0",
        )
        .bind(next_try_at.as_millisecond())
        .bind(note)
        .bind(slot)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("put off a slot"))?;
        Ok(done.rows_affected() == 1)
    }
}

async fn settle_all(
    connection: &mut SqliteConnection,
    fates: &[Fate<'_>],
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE slots SET settled = 1, next_try_at = NULL, note = fate.note,
                state = iif(slots.state = 'late' AND fate.state = 'ran', 'late', fate.state)
         FROM (SELECT value ->> 'slot' AS slot, value ->> 'state' AS state, value ->> 'note' AS note
               FROM json_each(?)) AS fate
         WHERE slots.slot = fate.slot AND slots.settled = 0",
    )
    .bind(json(fates))
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Notes in an open slot that its run has begun; gives the number of rows that changed.
pub(crate) async fn begin(
    connection: &mut SqliteConnection,
    begun: &NewRunSlot<'_>,
    key: RunKey,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE slots SET run = ?2, tries = tries + 1, next_try_at = NULL, note = ifnull(?4, note),
                state = iif(state = 'late' AND ?3 = 'ran', 'late', ?3)
         WHERE slot = ?1 AND integration = ?5 AND settled = 0",
    )
    .bind(begun.slot)
    .bind(key.run)
    .bind(begun.state.as_str())
    .bind(begun.note)
    .bind(key.integration)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
