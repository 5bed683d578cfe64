//! What a listing says against what is remembered of places.

use sqlx::Connection;

use super::{Activity, LOOK_UP};
use crate::error::Error;
use crate::json::json;
use crate::open::Store;

/// What is remembered of a place, for a listing to be compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RememberedPlace {
    /// `user_id` of the Oomnitza person.
    pub oomnitza_id: String,
    /// Its own id, where a listing showed it.
    pub saas_user_id: Option<String>,
    /// Whether it is active.
    pub activity: Activity,
    /// Whether a listing was read since it was last written: else another id may be of the same place, assigned anew.
    pub is_read: bool,
}

/// What a listing corrects, by `user_id` of the people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corrections {
    /// Whose places are others than those that are remembered: nothing is known of these.
    pub others: Vec<String>,
    /// Whose places are active, by whomever.
    pub active: Vec<String>,
    /// By what ids their places go, of which none was known.
    pub ids: Vec<(String, String)>,
}

impl Corrections {
    /// Whether there is nothing to correct.
    pub fn is_empty(&self) -> bool {
        self.others.is_empty() && self.active.is_empty() && self.ids.is_empty()
    }
}

impl Store {
    /// Lists what is remembered of the places in an application: at most `limit`, behind the `user_id` `after`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn remembered_places(
        &self,
        integration: i64,
        saas_id: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<RememberedPlace>, Error> {
        let failed = self.failed(LOOK_UP);
        let mut reader = self.reader().await;
        let rows: Vec<(String, Option<String>, String, bool)> = sqlx::query_as(
            "SELECT oomnitza_id, saas_user_id, activity, listed IS NOT NULL FROM saas_users
             WHERE integration = ? AND saas_id = ? AND oomnitza_id > ? ORDER BY oomnitza_id LIMIT ?",
        )
        .bind(integration)
        .bind(saas_id)
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *reader)
        .await
        .map_err(&failed)?;
        rows.into_iter()
            .map(|(oomnitza_id, saas_user_id, activity, is_read)| {
                Ok(RememberedPlace {
                    oomnitza_id,
                    saas_user_id,
                    activity: Activity::read(&activity).map_err(&failed)?,
                    is_read,
                })
            })
            .collect()
    }

    /// Corrects what is remembered of the places in an application.
    ///
    /// # Errors
    /// The database refused.
    pub async fn correct_places(
        &self,
        integration: i64,
        saas_id: &str,
        corrections: &Corrections,
    ) -> Result<(), Error> {
        let Corrections {
            others,
            active,
            ids,
        } = corrections;
        let statements = [
            (
                "UPDATE saas_users SET saas_user_id = j.value ->> 1 FROM json_each(?) j
                 WHERE integration = ? AND saas_id = ? AND oomnitza_id = j.value ->> 0",
                json(ids),
            ),
            (
                "UPDATE saas_users SET activity = 'active' FROM json_each(?) j
                 WHERE integration = ? AND saas_id = ? AND oomnitza_id = j.value",
                json(active),
            ),
            (
                "DELETE FROM saas_users WHERE oomnitza_id IN (SELECT value FROM json_each(?))
                 AND integration = ? AND saas_id = ?",
                json(others),
            ),
        ];
        let failed = self.failed("correct what is remembered of SaaS users");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        for (statement, rows) in statements {
            sqlx::query(statement)
                .bind(rows)
                .bind(integration)
                .bind(saas_id)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }
}
