//! What became of each change.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::error::Error;
use crate::faults::{Fault, FaultRow, insert_faults};
use crate::json::{json, list};
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::RunKey;

/// What became of a change.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The row.
    pub change: i64,
    /// The row of the user.
    pub person: PersonRow,
    /// What became of it.
    pub settlement: Settlement,
    /// The HTTP status of the answer; `None`: none came, or it was not of this change alone.
    pub status: Option<u16>,
}

/// What became of a change.
#[derive(Debug, Clone)]
pub enum Settlement {
    /// Oomnitza has it; of a create, with the `user_id` that it was given, where that is known.
    Done(Option<String>),
    /// Oomnitza does not have it, and why.
    Failed(Box<Fault>),
    /// It was not sent, and why.
    Withdrawn(Box<Fault>),
}

impl Store {
    /// Stores what became of changes, and an error for each that is not done, in one transaction.
    ///
    /// # Errors
    /// The database refused; among its rules is that a user fails once in a run.
    pub async fn settle(
        &self,
        key: RunKey,
        settled: &[Settled],
        at: Timestamp,
    ) -> Result<(), Error> {
        let doing = "store outcomes";
        let failed = self.failed(doing);
        // Mostly one: done, with the same answer.
        let mut alike: BTreeMap<(&str, Option<u16>), Vec<i64>> = BTreeMap::new();
        let (mut named, mut faults) = (Vec::new(), Vec::new());
        for one in settled {
            let (state, fault) = match &one.settlement {
                Settlement::Done(id) => {
                    named.extend(id.as_ref().map(|id| (one.change, id)));
                    ("done", None)
                }
                Settlement::Failed(fault) => ("failed", Some(fault)),
                Settlement::Withdrawn(fault) => ("withdrawn", Some(fault)),
            };
            alike
                .entry((state, one.status))
                .or_default()
                .push(one.change);
            faults.extend(fault.map(|fault| FaultRow {
                person: Some(one.person),
                with_record: true,
                fault: fault.as_ref().clone(),
            }));
        }
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        for ((state, status), changes) in alike {
            let written = sqlx::query(
                "UPDATE changes SET state = ?, status = ? WHERE change IN (SELECT value FROM json_each(?))",
            )
            .bind(state)
            .bind(status)
            .bind(list(&changes))
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
            self.all(written.rows_affected(), changes.len(), doing)?;
        }
        if !named.is_empty() {
            sqlx::query(
                "UPDATE changes SET oomnitza_id = j.value ->> 1
                 FROM json_each(?) j WHERE change = j.value ->> 0",
            )
            .bind(json(&named))
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        }
        insert_faults(&mut transaction, key, faults, at)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Puts on record that Oomnitza has every change of a run that was sent.
    ///
    /// # Errors
    /// The database refused.
    pub async fn settle_sent(&self, key: RunKey) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query("UPDATE changes SET state = 'done' WHERE run = ? AND state = 'sent'")
            .bind(key.run)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("store outcomes"))?;
        Ok(())
    }

    /// Withdraws every change of a run that is still planned, with the same error for each person, and another one for
    /// each of whom only the `SaaS` user is left.
    ///
    /// # Errors
    /// The database refused.
    pub async fn withdraw_rest(
        &self,
        key: RunKey,
        fault: &Fault,
        of_saas: &Fault,
        at: Timestamp,
    ) -> Result<(), Error> {
        let failed = self.failed("withdraw the rest of a plan");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        withdraw(
            &mut transaction,
            "FROM changes c JOIN people p USING (person) WHERE c.run = ? AND c.state = 'planned'",
            key,
            fault,
            at,
        )
        .await
        .map_err(&failed)?;
        sqlx::query("UPDATE changes SET state = 'withdrawn' WHERE run = ? AND state = 'planned'")
            .bind(key.run)
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        // Who is loaded but for the SaaS user is not loaded; who has an error already has one.
        withdraw(
            &mut transaction,
            "FROM saas_changes c JOIN people p USING (person)
             WHERE c.run = ? AND c.state = 'planned' AND c.action = 'update'
               AND NOT EXISTS (SELECT 1 FROM errors e WHERE e.run = c.run AND e.person = c.person)",
            key,
            of_saas,
            at,
        )
        .await
        .map_err(&failed)?;
        sqlx::query(
            "UPDATE saas_changes SET state = 'withdrawn', error = ? WHERE run = ? AND state = 'planned'",
        )
        .bind(&of_saas.message)
        .bind(key.run)
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }
}

/// Writes the same error for everybody of a selection, whose rows are `c` and `p`.
async fn withdraw(
    connection: &mut SqliteConnection,
    selection: &'static str,
    key: RunKey,
    fault: &Fault,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = format!(
        "INSERT INTO errors (run, person, at, outcome, reason, field, message, hint, cause, value, record_version)
         SELECT c.run, c.person, ?, ?, ?, ?, ?, ?, ?, ?, p.record_version {selection}"
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(at.as_millisecond())
        .bind(fault.severity.as_str())
        .bind(fault.reason)
        .bind(fault.field.clone())
        .bind(fault.message.clone())
        .bind(fault.hint.clone())
        .bind(fault.cause.clone())
        .bind(fault.value.clone())
        .bind(key.run)
        .execute(connection)
        .await?;
    Ok(())
}
