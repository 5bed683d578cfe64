//! Notices: what an operator should know, with a beginning and an end.

mod reconcile;

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::open::Store;
use crate::runs::instant;

/// Something an operator should know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notice {
    /// The id of its integration in the YAML; `None` if it is about the installation.
    pub integration: Option<String>,
    /// The stable code, such as `unverified`.
    pub kind: String,
    /// What it is about, within its kind: a field, a credential; `""` for the integration or the installation itself.
    pub subject: String,
    /// How far it has come; another stage of the same takes its place, and is told anew.
    pub stage: String,
    /// One sentence for a person, which names nobody.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// What names somebody.
    pub details: Option<String>,
}

/// A notice as it is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeRow {
    /// The row id.
    pub key: i64,
    /// What it says.
    pub notice: Notice,
    /// Since when it stands, or stood.
    pub since: Timestamp,
    /// When it ended; `None`: it stands.
    pub until: Option<Timestamp>,
}

/// What became of notices when they were compared with how things are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Those that began.
    pub began: Vec<NoticeRow>,
    /// Those that are over.
    pub ended: Vec<NoticeRow>,
}

pub(crate) const COLUMNS: &str = "n.notice, i.name AS integration, n.kind, n.subject, n.stage, n.message, \
                                  n.hint, n.details, n.since, n.until";

impl Notice {
    /// Makes a notice of the installation.
    pub fn new(kind: &str, subject: &str, message: impl Into<String>) -> Self {
        Self {
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// Says which integration it is about.
    #[must_use]
    pub fn of(mut self, integration: &str) -> Self {
        self.integration = Some(integration.to_owned());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says how far it has come.
    #[must_use]
    pub fn in_stage(mut self, stage: impl Into<String>) -> Self {
        self.stage = stage.into();
        self
    }
}

impl Store {
    /// Begins a notice of an integration's row, or of the installation, unless it stands already; says whether it began.
    ///
    /// # Errors
    /// The database refused.
    pub async fn begin_notice(
        &self,
        integration: Option<i64>,
        notice: &Notice,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let mut writer = self.writer().await;
        let done = reconcile::insert(integration, notice, at)
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
            "UPDATE notices SET until = ? WHERE ifnull(integration, 0) = ifnull(?, 0) AND kind = ? AND until IS NULL",
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
    pub async fn standing_notices(&self) -> Result<Vec<NoticeRow>, Error> {
        let mut reader = self.reader().await;
        reconcile::standing(&mut reader)
            .await
            .map_err(self.failed("look for notices"))
    }
}

pub(crate) fn row_of(row: &SqliteRow) -> Result<NoticeRow, sqlx::Error> {
    Ok(NoticeRow {
        key: row.try_get("notice")?,
        notice: Notice {
            integration: row.try_get("integration")?,
            kind: row.try_get("kind")?,
            subject: row.try_get("subject")?,
            stage: row.try_get("stage")?,
            message: row.try_get("message")?,
            hint: row.try_get("hint")?,
            details: row.try_get("details")?,
        },
        since: instant(row.try_get("since")?),
        until: row.try_get::<Option<i64>, _>("until")?.map(instant),
    })
}
