//! What was asked of the daemon through its socket, and by whom.

use jiff::Timestamp;

use crate::error::Error;
use crate::open::Store;

/// Something that a peer asked of the daemon, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRequest<'a> {
    /// When it was asked.
    pub at: Timestamp,
    /// The uid of the peer, as the kernel says.
    pub uid: u32,
    /// The name of that user, if it has one.
    pub user: Option<&'a str>,
    /// The process of the peer, if the kernel says.
    pub pid: Option<i32>,
    /// What was asked for: `run`, `plan`, `apply`, `pause`, `resume`, `cancel`.
    pub command: &'a str,
    /// The integration, or the run.
    pub subject: Option<&'a str>,
    /// A reason, or options.
    pub detail: Option<&'a str>,
    /// What came of it, or why it was refused.
    pub answer: &'a str,
}

impl Store {
    /// Puts a request on record, which `v_requests` shows.
    ///
    /// # Errors
    /// The database refused.
    pub async fn record_request(&self, request: &PeerRequest<'_>) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query(
            "INSERT INTO requests (at, uid, user, pid, command, subject, detail, answer)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(request.at.as_millisecond())
        .bind(request.uid)
        .bind(request.user)
        .bind(request.pid)
        .bind(request.command)
        .bind(request.subject)
        .bind(request.detail)
        .bind(request.answer)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("put a request on record"))?;
        Ok(())
    }
}
