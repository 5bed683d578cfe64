//! The outbox: what is still to be told, and to whom.
//!
//! A notice that begins or ends is first on record, and then routed: for each channel that wants it there is a message.
//! A message goes when it was told, so that it is told once, whatever dies in between; only one whose telling was cut
//! off just before that was written down is told again.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use crate::error::Error;
use crate::notices::{COLUMNS, NoticeRow, row_of};
use crate::open::Store;

/// What happened to a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeEvent {
    /// It began.
    Began,
    /// It is over.
    Ended,
}

/// A message that waits to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The row id.
    pub key: i64,
    /// Who is to be told.
    pub channel: String,
    /// Of what.
    pub event: NoticeEvent,
    /// The notice.
    pub notice: NoticeRow,
    /// How often it was tried.
    pub tries: u32,
    /// When it is to be tried.
    pub next_try_at: Timestamp,
}

impl Store {
    /// Puts what began and what is over since the last time into the outboxes of those who want it; says how many
    /// messages that made.
    ///
    /// `wants` is asked which channels want an event of a notice.
    ///
    /// # Errors
    /// The database refused; then nothing was routed.
    pub async fn route_notices(
        &self,
        wants: impl Fn(&NoticeRow, NoticeEvent) -> Vec<String> + Send,
        at: Timestamp,
    ) -> Result<usize, Error> {
        let failed = self.failed("route notices");
        let mut writer = self.writer().await;
        let sql = AssertSqlSafe(format!(
            "SELECT {COLUMNS}, n.routed FROM notices n LEFT JOIN integrations i USING (integration)
             WHERE n.routed = 0 OR (n.routed = 1 AND n.until IS NOT NULL) ORDER BY n.notice"
        ));
        let rows = sqlx::query(sql)
            .fetch_all(&mut *writer)
            .await
            .map_err(&failed)?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let mut messages = 0;
        for row in &rows {
            let notice = row_of(row).map_err(&failed)?;
            let routed: i64 = row.try_get("routed").map_err(&failed)?;
            let mut events = Vec::new();
            if routed == 0 {
                events.push(NoticeEvent::Began);
            }
            if notice.until.is_some() {
                events.push(NoticeEvent::Ended);
            }
            for event in events {
                for channel in wants(&notice, event) {
                    sqlx::query(
                        "INSERT INTO outbox (channel, notice, event, next_try_at) VALUES (?, ?, ?, ?)
                         ON CONFLICT DO NOTHING",
                    )
                    .bind(channel)
                    .bind(notice.key)
                    .bind(event.as_str())
                    .bind(at.as_millisecond())
                    .execute(&mut *transaction)
                    .await
                    .map_err(&failed)?;
                    messages += 1;
                }
            }
            sqlx::query("UPDATE notices SET routed = iif(until IS NULL, 1, 2) WHERE notice = ?")
                .bind(notice.key)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)?;
        Ok(messages)
    }

    /// Lists what is to be told to a channel, in order.
    ///
    /// # Errors
    /// The database refused.
    pub async fn outbox(&self, channel: &str) -> Result<Vec<Message>, Error> {
        let failed = self.failed("read the outbox");
        let mut reader = self.reader().await;
        let sql = AssertSqlSafe(format!(
            "SELECT {COLUMNS}, o.message AS key, o.event, o.tries, o.next_try_at
             FROM outbox o JOIN notices n USING (notice) LEFT JOIN integrations i USING (integration)
             WHERE o.channel = ? ORDER BY o.message"
        ));
        let rows = sqlx::query(sql)
            .bind(channel)
            .fetch_all(&mut *reader)
            .await
            .map_err(&failed)?;
        let message = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Message {
                key: row.try_get("key")?,
                channel: channel.to_owned(),
                event: NoticeEvent::read(row.try_get("event")?)?,
                notice: row_of(row)?,
                tries: row.try_get("tries")?,
                next_try_at: crate::runs::instant(row.try_get("next_try_at")?),
            })
        };
        rows.iter()
            .map(message)
            .collect::<Result<_, _>>()
            .map_err(&failed)
    }

    /// Takes a message out of the outbox: it was told, or is given up.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_message(&self, key: i64) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query("DELETE FROM outbox WHERE message = ?")
            .bind(key)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("take a message out of the outbox"))?;
        Ok(())
    }

    /// Puts a message off, after a try that failed.
    ///
    /// # Errors
    /// The database refused.
    pub async fn postpone_message(&self, key: i64, next_try_at: Timestamp) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query("UPDATE outbox SET tries = tries + 1, next_try_at = ? WHERE message = ?")
            .bind(next_try_at.as_millisecond())
            .bind(key)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("put a message off"))?;
        Ok(())
    }

    /// Empties the outboxes of all channels but these: the others are no part of the configuration any more.
    ///
    /// # Errors
    /// The database refused.
    pub async fn keep_outboxes(&self, channels: &[&str]) -> Result<u64, Error> {
        let mut writer = self.writer().await;
        let done =
            sqlx::query("DELETE FROM outbox WHERE channel NOT IN (SELECT value FROM json_each(?))")
                .bind(crate::json::json(channels))
                .execute(&mut *writer)
                .await
                .map_err(self.failed("empty outboxes"))?;
        Ok(done.rows_affected())
    }
}

impl NoticeEvent {
    /// The word that the database and those who are told use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Ended => "ended",
        }
    }

    fn read(word: &str) -> Result<Self, sqlx::Error> {
        match word {
            "began" => Ok(Self::Began),
            "ended" => Ok(Self::Ended),
            other => Err(sqlx::Error::Decode(
                format!("`{other}` is no event of a notice").into(),
            )),
        }
    }
}
