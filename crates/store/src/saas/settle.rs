//! What became of the changes of `SaaS` users, and what is remembered of their places by that.

use jiff::Timestamp;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::Activity;
use crate::error::Error;
use crate::faults::{Fault, FaultRow, insert_faults};
use crate::json::json;
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::{RunKey, count};

/// What could not be done when the database refuses.
const STORE: &str = "store outcomes of SaaS users";

/// What became of a change of somebody who is loaded.
#[derive(Debug, Clone)]
pub struct SaasSettled {
    /// The row.
    pub change: i64,
    /// The row of the user.
    pub person: PersonRow,
    /// What became of it.
    pub settlement: SaasSettlement,
    /// The HTTP status of the answer; `None`: none came.
    pub status: Option<u16>,
}

/// What became of a change of somebody who is loaded.
#[derive(Debug, Clone)]
pub enum SaasSettlement {
    /// The place is as it is to be.
    Done(SaasDone),
    /// It is not, and why.
    Failed(Box<Fault>),
    /// There is none, as its assignment was refused, and why: whoever has it later got it from somebody else.
    Unassigned {
        /// `user_id` of the Oomnitza person.
        oomnitza_id: String,
        /// Why.
        fault: Box<Fault>,
    },
    /// It was not asked for, and why.
    Withdrawn(Box<Fault>),
}

/// What was made of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaasDone {
    /// `user_id` of the Oomnitza person.
    pub oomnitza_id: String,
    /// Whether this integration assigned it, now or earlier; a place that is known to be its own stays so.
    pub assigned: bool,
    /// The external id that was sent.
    pub external_id: Option<String>,
    /// The roles that were sent, a JSON list of texts.
    pub roles: Option<String>,
    /// Whether it is active for certain.
    pub active: bool,
}

/// What became of the deactivation of somebody who is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deactivated {
    /// The row.
    pub change: i64,
    /// `user_id` of the Oomnitza person.
    pub oomnitza_id: String,
    /// What became of it.
    pub outcome: Deactivation,
}

/// What became of a deactivation; what is not done says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deactivation {
    /// The place is deactivated.
    Done,
    /// Oomnitza did not deactivate it.
    Refused(String),
    /// No answer came: it may be deactivated.
    Unanswered(String),
    /// It was not asked for.
    Withdrawn(String),
}

/// What a listing showed of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Nothing at all.
    Nothing,
    /// The place.
    Place {
        /// The external id; empty for none.
        external_id: String,
        /// The roles as they came: any JSON, empty for none.
        roles: String,
    },
}

impl Store {
    /// Stores what became of changes of people who are loaded, an error for each that is not done, and what is
    /// remembered of their places, in one transaction.
    ///
    /// # Errors
    /// The database refused; among its rules is that a user fails once in a run.
    pub async fn settle_saas(
        &self,
        key: RunKey,
        saas_id: &str,
        settled: &[SaasSettled],
        at: Timestamp,
    ) -> Result<(), Error> {
        let failed = self.failed(STORE);
        let (mut rows, mut places, mut refused, mut faults) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for one in settled {
            let (state, oomnitza_id, fault) = match &one.settlement {
                SaasSettlement::Done(done) => {
                    places.push((one.person, done));
                    ("done", Some(&done.oomnitza_id), None)
                }
                SaasSettlement::Failed(fault) => ("failed", None, Some(fault)),
                SaasSettlement::Unassigned { oomnitza_id, fault } => {
                    refused.push(oomnitza_id.as_str());
                    ("failed", None, Some(fault))
                }
                SaasSettlement::Withdrawn(fault) => ("withdrawn", None, Some(fault)),
            };
            let error = fault.map(|fault| &fault.message);
            rows.push((one.change, state, one.status, oomnitza_id, error));
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
        let changed = sqlx::query(
            "UPDATE saas_changes SET state = j.value ->> 1, status = j.value ->> 2,
                    oomnitza_id = ifnull(j.value ->> 3, oomnitza_id), error = j.value ->> 4
             FROM json_each(?) j WHERE saas_change = j.value ->> 0",
        )
        .bind(json(&rows))
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        self.all(changed.rows_affected(), rows.len(), STORE)?;
        remember(&mut transaction, key, saas_id, &places)
            .await
            .map_err(&failed)?;
        forget_refused(&mut transaction, key, saas_id, &refused)
            .await
            .map_err(&failed)?;
        insert_faults(&mut transaction, key, faults, at)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Remembers that places are being deactivated, and by which ids, and marks their changes as sent, before they are.
    ///
    /// # Errors
    /// The database refused.
    pub async fn mark_deactivating(
        &self,
        key: RunKey,
        saas_id: &str,
        changes: &[(i64, &str)],
    ) -> Result<(), Error> {
        const STATEMENTS: [&str; 2] = [
            "UPDATE saas_changes SET state = 'sent' WHERE saas_change IN (SELECT value ->> 0 FROM json_each(?1))",
            "UPDATE saas_users SET activity = 'deactivating', saas_user_id = j.value ->> 1
             FROM json_each(?1) j JOIN saas_changes c ON c.saas_change = j.value ->> 0
             WHERE saas_users.integration = ?2 AND saas_users.saas_id = ?3 AND saas_users.oomnitza_id = c.oomnitza_id",
        ];
        self.together(STATEMENTS, &json(changes), key, saas_id)
            .await
    }

    /// Stores what became of deactivations, one by one, in one transaction.
    ///
    /// # Errors
    /// The database refused.
    pub async fn settle_deactivated(
        &self,
        key: RunKey,
        saas_id: &str,
        settled: &[Deactivated],
    ) -> Result<(), Error> {
        const STATEMENTS: [&str; 2] = [
            "UPDATE saas_changes SET state = j.value ->> 1, error = j.value ->> 2
             FROM json_each(?1) j WHERE saas_change = j.value ->> 0",
            "UPDATE saas_users SET activity = ifnull(j.value ->> 4, activity)
             FROM json_each(?1) j WHERE integration = ?2 AND saas_id = ?3 AND oomnitza_id = j.value ->> 3",
        ];
        let rows: Vec<_> = settled
            .iter()
            .map(|one| {
                let (state, error, activity) = match &one.outcome {
                    Deactivation::Done => ("done", None, Some(Activity::Inactive)),
                    Deactivation::Refused(why) => ("failed", Some(why), Some(Activity::Active)),
                    Deactivation::Unanswered(why) => ("failed", Some(why), None),
                    Deactivation::Withdrawn(why) => ("withdrawn", Some(why), None),
                };
                let activity = activity.map(Activity::as_str);
                (one.change, state, error, &one.oomnitza_id, activity)
            })
            .collect();
        self.together(STATEMENTS, &json(&rows), key, saas_id).await
    }

    /// Makes two statements in one transaction, see [`run_each`].
    async fn together(
        &self,
        statements: [&'static str; 2],
        rows: &str,
        key: RunKey,
        saas_id: &str,
    ) -> Result<(), Error> {
        let failed = self.failed(STORE);
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        run_each(&mut transaction, statements, rows, key, saas_id)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Whether a run wrote any `SaaS` user, as far as that is on record.
    ///
    /// # Errors
    /// The database refused.
    pub async fn wrote_places(&self, key: RunKey) -> Result<bool, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM saas_changes WHERE run = ? AND state = 'done')",
        )
        .bind(key.run)
        .fetch_one(&mut *reader)
        .await
        .map_err(self.failed(STORE))
    }

    /// Counts the deactivations of a run that were made, and those that failed, with what is said of the first of these.
    ///
    /// # Errors
    /// The database refused.
    pub async fn deactivations(&self, key: RunKey) -> Result<(u64, u64, Option<String>), Error> {
        let mut reader = self.reader().await;
        let (done, failed, first): (i64, i64, Option<String>) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'failed'),
                    min(error) FILTER (WHERE state = 'failed')
             FROM saas_changes WHERE run = ? AND action = 'deactivate'",
        )
        .bind(key.run)
        .fetch_one(&mut *reader)
        .await
        .map_err(self.failed(STORE))?;
        Ok((count(done), count(failed), first))
    }

    /// Lists the places of an application of which no listing was read since they were last written, by `user_id`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn unread_places(
        &self,
        integration: i64,
        saas_id: &str,
    ) -> Result<Vec<String>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT oomnitza_id FROM saas_users
             WHERE integration = ? AND saas_id = ? AND listed IS NULL AND activity <> 'assigning'",
        )
        .bind(integration)
        .bind(saas_id)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed(STORE))
    }

    /// Keeps what a listing showed of places, by `user_id`, and their own ids, where it showed them.
    ///
    /// # Errors
    /// The database refused.
    pub async fn keep_shown(
        &self,
        integration: i64,
        saas_id: &str,
        shown: &[(String, Shown, Option<String>)],
    ) -> Result<(), Error> {
        let failed = self.failed(STORE);
        let mut writer = self.writer().await;
        for chunk in shown.chunks(1000) {
            let rows: Vec<_> = chunk
                .iter()
                .map(|(id, shown, own_id)| match shown {
                    Shown::Nothing => (id, false, None, None, own_id),
                    Shown::Place { external_id, roles } => {
                        (id, true, Some(external_id), Some(roles), own_id)
                    }
                })
                .collect();
            sqlx::query(
                "UPDATE saas_users SET listed = j.value ->> 1, shown_external_id = j.value ->> 2,
                        shown_roles = j.value ->> 3, saas_user_id = ifnull(j.value ->> 4, saas_user_id)
                 FROM json_each(?) j WHERE integration = ? AND saas_id = ? AND oomnitza_id = j.value ->> 0",
            )
            .bind(json(&rows))
            .bind(integration)
            .bind(saas_id)
            .execute(&mut *writer)
            .await
            .map_err(&failed)?;
        }
        Ok(())
    }
}

/// Remembers what was made of places.
async fn remember(
    connection: &mut SqliteConnection,
    key: RunKey,
    saas_id: &str,
    places: &[(PersonRow, &SaasDone)],
) -> Result<(), sqlx::Error> {
    const STATEMENTS: [&str; 2] = [
        "INSERT INTO saas_users (integration, saas_id, oomnitza_id, person, assigned, activity, external_id, roles)
         SELECT ?2, ?3, value ->> 1, value ->> 0, value ->> 2, 'active', value ->> 3, value ->> 4
         FROM json_each(?1) WHERE true
         ON CONFLICT DO UPDATE SET person = excluded.person, assigned = max(assigned, excluded.assigned),
             activity = iif(activity = 'assigning', 'active', activity),
             external_id = ifnull(excluded.external_id, external_id), roles = ifnull(excluded.roles, roles),
             listed = NULL, shown_external_id = NULL, shown_roles = NULL",
        "UPDATE saas_users SET activity = 'active' FROM json_each(?1) j
         WHERE integration = ?2 AND saas_id = ?3 AND oomnitza_id = j.value ->> 1 AND j.value ->> 5",
    ];
    let rows: Vec<_> = places
        .iter()
        .map(|(person, done)| {
            let SaasDone {
                oomnitza_id,
                assigned,
                external_id,
                roles,
                active,
            } = done;
            (person, oomnitza_id, assigned, external_id, roles, active)
        })
        .collect();
    run_each(connection, STATEMENTS, &json(&rows), key, saas_id).await
}

/// Runs statements over rows: ?1 are these, as JSON, ?2 is the integration, ?3 the application.
async fn run_each(
    connection: &mut SqliteConnection,
    statements: [&'static str; 2],
    rows: &str,
    key: RunKey,
    saas_id: &str,
) -> Result<(), sqlx::Error> {
    for statement in statements {
        sqlx::query(statement)
            .bind(rows)
            .bind(key.integration)
            .bind(saas_id)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Forgets places that were asked for and refused: who has one later got it from somebody else.
async fn forget_refused(
    connection: &mut SqliteConnection,
    key: RunKey,
    saas_id: &str,
    oomnitza_ids: &[&str],
) -> Result<(), sqlx::Error> {
    if oomnitza_ids.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "DELETE FROM saas_users WHERE integration = ? AND saas_id = ? AND activity = 'assigning'
           AND oomnitza_id IN (SELECT value FROM json_each(?))",
    )
    .bind(key.integration)
    .bind(saas_id)
    .bind(json(oomnitza_ids))
    .execute(connection)
    .await?;
    Ok(())
}
