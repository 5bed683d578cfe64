//! Plans that wait: who let one go on, and who dropped it.

use jiff::Timestamp;

use crate::error::Error;
use crate::open::Store;
use crate::runs::RunKey;
use crate::state::State;

/// Who decided about a plan that waited, when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The account.
    pub by: String,
    /// Their words; of an applied plan there need be none.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Takes up a run whose plan waits, to deliver it; `from` is the state that it must be in: planned or parked.
    ///
    /// # Errors
    /// The database refused, or the run is not in that state any more.
    pub async fn take_up(
        &self,
        key: RunKey,
        from: State,
        decision: &Decision,
    ) -> Result<(), Error> {
        let doing = "take up a plan";
        let word = match from {
            State::Parked => "released",
            _ => "applied",
        };
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE runs SET state = 'running', finished_at = NULL, error = NULL, outline = NULL,
                    decision = ?, decided_at = ?, decided_by = ?, decision_reason = ?
             WHERE run = ? AND state = ? AND state IN ('planned', 'parked') AND planned_at IS NOT NULL",
        )
        .bind(word)
        .bind(decision.at.as_millisecond())
        .bind(&decision.by)
        .bind(&decision.reason)
        .bind(key.run)
        .bind(from.as_str())
        .execute(&mut *writer)
        .await
        .map_err(self.failed(doing))?;
        self.one(done.rows_affected(), doing)
    }

    /// Drops a plan that waits; says whether it still did.
    ///
    /// # Errors
    /// The database refused.
    pub async fn discard(&self, key: RunKey, decision: &Decision) -> Result<bool, Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query(
            "UPDATE runs SET state = 'discarded', decision = 'discarded', decided_at = ?, decided_by = ?,
                    decision_reason = ?
             WHERE run = ? AND state IN ('planned', 'parked')",
        )
        .bind(decision.at.as_millisecond())
        .bind(&decision.by)
        .bind(&decision.reason)
        .bind(key.run)
        .execute(&mut *writer)
        .await
        .map_err(self.failed("drop a plan"))?;
        Ok(done.rows_affected() == 1)
    }
}
