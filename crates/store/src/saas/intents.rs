//! What a run intends for `SaaS` users: part of its plan.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Row};

use super::AssignedPlace;
use crate::error::Error;
use crate::json::{json, list};
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::{RunKey, count};

/// What could not be done when the database refuses.
const MARK: &str = "mark changes as sent";

/// What is intended for the `SaaS` user of somebody who is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaasPlan {
    /// `user_id` of the Oomnitza person; `None` of one who is yet to be made.
    pub oomnitza_id: Option<String>,
    /// What Oomnitza showed of what changes, a JSON object.
    pub before: String,
    /// What is to be there, a JSON object: `assigned`, `external_id`, `roles`, `active`.
    pub after: String,
}

/// What a change of a `SaaS` user does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaasAction {
    /// Makes the place of somebody who is loaded what it is to be.
    Update,
    /// Deactivates the place of somebody who is gone.
    Deactivate,
}

impl SaasAction {
    /// The word that the database and its readers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Deactivate => "deactivate",
        }
    }
}

/// A change of a `SaaS` user, as delivery reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaasChange {
    /// The row.
    pub change: i64,
    /// The row of the user.
    pub person: PersonRow,
    /// The user's id in the console.
    pub source_id: String,
    /// `user_id` of the Oomnitza person, where it is known.
    pub oomnitza_id: Option<String>,
    /// Whether it was sent already, by a bulk load that carried it.
    pub sent: bool,
    /// What Oomnitza showed of what changes, a JSON object.
    pub before: String,
    /// What is to be there, a JSON object.
    pub after: String,
}

/// A change with the person's id as the plan has it or, of one who was made, as the run learnt it.
const CHANGES: &str = "SELECT s.saas_change, s.person, p.source_id, ifnull(s.oomnitza_id, c.oomnitza_id), s.state = 'sent',
            s.before, s.after
     FROM saas_changes s JOIN people p USING (person) LEFT JOIN changes c ON c.person = s.person AND c.run = s.run";

impl Store {
    /// Adds to the plan of a run that places are deactivated.
    ///
    /// # Errors
    /// The database refused.
    pub async fn plan_deactivations(
        &self,
        key: RunKey,
        places: &[AssignedPlace],
    ) -> Result<(), Error> {
        let rows: Vec<(PersonRow, &str)> = places
            .iter()
            .map(|place| (place.person, place.oomnitza_id.as_str()))
            .collect();
        let mut writer = self.writer().await;
        sqlx::query(
            r#"INSERT INTO saas_changes (run, person, action, state, oomnitza_id, before, after)
               SELECT ?, value ->> 0, 'deactivate', 'planned', value ->> 1, '{"active":true}', '{"active":false}'
               FROM json_each(?)"#,
        )
        .bind(key.run)
        .bind(json(&rows))
        .execute(&mut *writer)
        .await
        .map_err(self.failed("store a plan"))?;
        Ok(())
    }

    /// Counts the changes of `SaaS` users that are to be delivered.
    ///
    /// # Errors
    /// The database refused.
    pub async fn saas_to_deliver(&self, key: RunKey) -> Result<u64, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT count(*) FROM saas_changes WHERE run = ? AND state IN ('planned', 'sent')",
        )
        .bind(key.run)
        .fetch_one(&mut *reader)
        .await
        .map(count)
        .map_err(self.failed("read a plan"))
    }

    /// Withdraws the changes of `SaaS` users whose people were not loaded, who have an error already.
    ///
    /// # Errors
    /// The database refused.
    pub async fn withdraw_saas_of_unloaded(&self, key: RunKey) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query(
            "UPDATE saas_changes SET state = 'withdrawn', error = 'the person was not loaded'
             WHERE run = ?1 AND action = 'update' AND state IN ('planned', 'sent')
               AND person IN (SELECT person FROM errors WHERE run = ?1)",
        )
        .bind(key.run)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("withdraw a part of a plan"))?;
        Ok(())
    }

    /// Reads the next changes of `SaaS` users that are to be delivered, at most `limit`, behind the row `after`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn next_saas_changes(
        &self,
        key: RunKey,
        action: SaasAction,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SaasChange>, Error> {
        let states = "('planned', 'sent')";
        self.saas_changes_in(states, key, action, after, limit)
            .await
    }

    /// Reads changes of `SaaS` users that were sent and whose answers are not known, at most `limit`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn sent_saas_changes(
        &self,
        key: RunKey,
        action: SaasAction,
        limit: u32,
    ) -> Result<Vec<SaasChange>, Error> {
        self.saas_changes_in("('sent')", key, action, 0, limit)
            .await
    }

    async fn saas_changes_in(
        &self,
        states: &'static str,
        key: RunKey,
        action: SaasAction,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SaasChange>, Error> {
        let failed = self.failed("read a plan");
        let sql = format!(
            "{CHANGES} WHERE s.run = ? AND s.saas_change > ? AND s.action = ? AND s.state IN {states}
             ORDER BY s.saas_change LIMIT ?"
        );
        let mut reader = self.reader().await;
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(key.run)
            .bind(after)
            .bind(action.as_str())
            .bind(limit)
            .fetch_all(&mut *reader)
            .await
            .map_err(&failed)?;
        rows.iter()
            .map(|row| saas_change(row).map_err(&failed))
            .collect()
    }

    /// Marks changes of `SaaS` users as sent, which is done before they are, and remembers which places are being
    /// assigned: after a crash they are this integration's, if they are there.
    ///
    /// # Errors
    /// The database refused.
    pub async fn mark_saas_sent(
        &self,
        key: RunKey,
        saas_id: &str,
        changes: &[i64],
        assigning: &[(PersonRow, String)],
    ) -> Result<(), Error> {
        let failed = self.failed(MARK);
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let marked = mark_sent(&mut transaction, changes)
            .await
            .map_err(&failed)?;
        self.all(marked, changes.len(), MARK)?;
        remember_assigning(&mut transaction, key.integration, saas_id, assigning)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Remembers as this integration's places that an earlier run assigned without learning so.
    ///
    /// # Errors
    /// The database refused.
    pub async fn claim_places(
        &self,
        integration: i64,
        saas_id: &str,
        places: &[(PersonRow, String)],
    ) -> Result<(), Error> {
        let mut writer = self.writer().await;
        remember_assigning(&mut writer, integration, saas_id, places)
            .await
            .map_err(self.failed(MARK))
    }

    /// Marks as sent what a bulk load carries of the assignment of people, along with their changes: a place that was
    /// not there when the plan was made is this integration's from then on.
    ///
    /// # Errors
    /// The database refused.
    pub async fn mark_saas_carried(
        &self,
        key: RunKey,
        saas_id: &str,
        changes: &[i64],
    ) -> Result<(), Error> {
        let failed = self.failed(MARK);
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let carried: Vec<(i64, PersonRow, Option<String>)> = sqlx::query_as(
            "SELECT s.saas_change, s.person, s.oomnitza_id
             FROM saas_changes s JOIN changes c ON c.run = s.run AND c.person = s.person
             WHERE c.change IN (SELECT value FROM json_each(?)) AND s.action = 'update' AND s.after ->> '$.assigned'",
        )
        .bind(list(changes))
        .fetch_all(&mut *transaction)
        .await
        .map_err(&failed)?;
        let rows: Vec<i64> = carried.iter().map(|(change, ..)| *change).collect();
        mark_sent(&mut transaction, &rows).await.map_err(&failed)?;
        let assigning: Vec<(PersonRow, String)> = carried
            .into_iter()
            .filter_map(|(_, person, id)| Some((person, id?)))
            .collect();
        remember_assigning(&mut transaction, key.integration, saas_id, &assigning)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }
}

fn saas_change(row: &SqliteRow) -> Result<SaasChange, sqlx::Error> {
    Ok(SaasChange {
        change: row.try_get(0)?,
        person: row.try_get(1)?,
        source_id: row.try_get(2)?,
        oomnitza_id: row.try_get(3)?,
        sent: row.try_get(4)?,
        before: row.try_get(5)?,
        after: row.try_get(6)?,
    })
}

/// Marks changes as sent; says how many there are.
async fn mark_sent(connection: &mut SqliteConnection, changes: &[i64]) -> Result<u64, sqlx::Error> {
    let marked = sqlx::query(
        "UPDATE saas_changes SET state = 'sent' WHERE saas_change IN (SELECT value FROM json_each(?))",
    )
    .bind(list(changes))
    .execute(connection)
    .await?;
    Ok(marked.rows_affected())
}

/// Remembers which places are being assigned; one that is deactivated stays so until it is activated, and of what was
/// there no listing says any more what is.
async fn remember_assigning(
    connection: &mut SqliteConnection,
    integration: i64,
    saas_id: &str,
    assigning: &[(PersonRow, String)],
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO saas_users (integration, saas_id, oomnitza_id, person, assigned, activity)
         SELECT ?, ?, value ->> 1, value ->> 0, 1, 'assigning' FROM json_each(?) WHERE true
         ON CONFLICT DO UPDATE SET person = excluded.person, assigned = 1,
             activity = iif(activity = 'active', 'assigning', activity), listed = NULL",
    )
    .bind(integration)
    .bind(saas_id)
    .bind(json(assigning))
    .execute(connection)
    .await?;
    Ok(())
}
