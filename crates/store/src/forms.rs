//! Values that Oomnitza shows in another form than they were sent in.

use std::collections::HashMap;

use sqlx::{Connection, QueryBuilder, Sqlite};

use crate::error::Error;
use crate::json::json;
use crate::open::Store;

/// What was sent, and what Oomnitza showed after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// `user_id` of the person.
    pub oomnitza_id: String,
    /// The Oomnitza field.
    pub field: String,
    /// What was sent, JSON.
    pub sent: String,
    /// What was shown after it, JSON; `""` (nothing at all) for the empty value.
    pub shown: String,
}

/// The forms of some people, for looking up.
#[derive(Debug, Default)]
pub struct Forms(HashMap<(String, String), (String, String)>);

impl Forms {
    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says what was sent to a field and what was shown after it, if that differed.
    pub fn get(&self, oomnitza_id: &str, field: &str) -> Option<(&str, &str)> {
        self.0
            .get(&(oomnitza_id.to_owned(), field.to_owned()))
            .map(|(sent, shown)| (sent.as_str(), shown.as_str()))
    }
}

impl Store {
    /// Counts the forms that are remembered for an integration, which mostly are none.
    ///
    /// # Errors
    /// The database refused.
    pub async fn count_forms(&self, integration: i64) -> Result<u64, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar("SELECT count(*) FROM forms WHERE integration = ?")
            .bind(integration)
            .fetch_one(&mut *reader)
            .await
            .map(crate::runs::count)
            .map_err(self.failed("count forms"))
    }

    /// Reads the forms of some people.
    ///
    /// # Errors
    /// The database refused.
    pub async fn forms(&self, integration: i64, oomnitza_ids: &[&str]) -> Result<Forms, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "SELECT oomnitza_id, field, sent, shown FROM forms
             WHERE integration = ? AND oomnitza_id IN (SELECT value FROM json_each(?))",
        )
        .bind(integration)
        .bind(json(oomnitza_ids))
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("read forms"))?;
        Ok(Forms(
            rows.into_iter()
                .map(|(oomnitza_id, field, sent, shown)| ((oomnitza_id, field), (sent, shown)))
                .collect(),
        ))
    }

    /// Remembers forms, over what was remembered of the same fields.
    ///
    /// # Errors
    /// The database refused.
    pub async fn remember_forms(&self, integration: i64, forms: &[Form]) -> Result<(), Error> {
        let failed = self.failed("remember forms");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        for rows in forms.chunks(1000) {
            let mut sql = QueryBuilder::<Sqlite>::new(
                "INSERT INTO forms (integration, oomnitza_id, field, sent, shown) ",
            );
            sql.push_values(rows, |mut row, form| {
                row.push_bind(integration)
                    .push_bind(form.oomnitza_id.clone());
                row.push_bind(form.field.clone());
                row.push_bind(form.sent.clone())
                    .push_bind(form.shown.clone());
            });
            sql.push(" ON CONFLICT DO UPDATE SET sent = excluded.sent, shown = excluded.shown");
            sql.build()
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }
}
