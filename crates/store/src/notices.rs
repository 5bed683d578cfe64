//! Notices: what an operator should know, with a beginning and an end.

use jiff::Timestamp;

use crate::error::Error;
use crate::open::Store;
use crate::runs::instant;

/// Something an operator should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice<'a> {
    /// The stable code: `unverified`, `another_form`, `empty_source`.
    pub kind: &'a str,
    /// What it is about, within its kind: a field, a credential; `""` for the integration or the installation itself.
    pub subject: &'a str,
    /// One sentence for a person.
    pub message: &'a str,
}

/// A notice that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingNotice {
    /// The stable code.
    pub kind: String,
    /// The id of its integration in the YAML; `None` if it is about the installation.
    pub integration: Option<String>,
    /// What it is about, within its kind.
    pub subject: String,
    /// One sentence for a person.
    pub message: String,
    /// Since when it stands.
    pub since: Timestamp,
}

impl Store {
    /// Begins a notice, unless it stands already; says whether it began.
    ///
    /// Without an integration it is about the installation itself.
    ///
    /// # Errors
    /// The database refused.
    pub async fn begin_notice(
        &self,
        integration: Option<i64>,
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

    /// Ends the standing notices of a kind, of one integration or of the installation; says how many ended.
    ///
    /// # Errors
    /// The database refused.
    pub async fn end_notices(
        &self,
        integration: Option<i64>,
        kind: &str,
        at: Timestamp,
    ) -> Result<u64, Error> {
        let mut writer = self.writer().await;
        // Written as the index is, which finds them.
        let done = sqlx::query(
            "UPDATE notices SET until = ?
             WHERE ifnull(integration, 0) = ifnull(?, 0) AND kind = ? AND until IS NULL",
        )
        .bind(at.as_millisecond())
        .bind(integration)
        .bind(kind)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("end a notice"))?;
        Ok(done.rows_affected())
    }

    /// Lists the notices that stand, the oldest first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn standing_notices(&self) -> Result<Vec<StandingNotice>, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<(String, Option<String>, String, String, i64)> = sqlx::query_as(
            "SELECT n.kind, i.name, n.subject, n.message, n.since
             FROM notices n LEFT JOIN integrations i USING (integration)
             WHERE n.until IS NULL ORDER BY n.since, n.notice",
        )
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for notices"))?;
        Ok(rows
            .into_iter()
            .map(
                |(kind, integration, subject, message, since)| StandingNotice {
                    kind,
                    integration,
                    subject,
                    message,
                    since: instant(since),
                },
            )
            .collect())
    }
}
