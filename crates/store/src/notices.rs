//! Notices: what an operator should know, with a beginning and an end.

use jiff::Timestamp;

use crate::error::Error;
use crate::open::Store;

/// Something an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice<'a> {
    /// The stable code: `unverified`, `another_form`, `empty_source`.
    pub kind: &'a str,
    /// What it is about, within its kind: a field; `""` for the integration itself.
    pub subject: &'a str,
    /// One sentence for a person.
    pub message: &'a str,
}

impl Store {
    /// Begins a notice of an integration, unless it stands already; says whether it began.
    ///
    /// # Errors
    /// The database refused.
    pub async fn begin_notice(
        &self,
        integration: i64,
        notice: &Notice<'_>,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "INSERT INTO notices (integration, kind, subject, message, since) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(integration)
        .bind(notice.kind)
        .bind(notice.subject)
        .bind(notice.message)
        .bind(at.as_millisecond())
        .execute(&mut *writer)
        .await
        .map_err(self.failed("begin a notice"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends the standing notices of a kind; says how many ended.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_notices(
        &self,
        integration: i64,
        kind: &str,
        at: Timestamp,
    ) -> Result<u64, Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE notices SET until = ? WHERE integration = ? AND kind = ? AND until IS NULL",
        )
        .bind(at.as_millisecond())
        .bind(integration)
        .bind(kind)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("end a notice"))?;
        Ok(done.rows_affected())
    }
}
