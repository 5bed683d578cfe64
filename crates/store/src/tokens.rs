//! When the tokens of both systems end, as the systems said when they were last asked; never the tokens themselves.

use jiff::Timestamp;

use crate::error::Error;
use crate::open::Store;
use crate::runs::instant;

/// What a system said of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The name of its credential in the YAML.
    pub credential: String,
    /// When it ends; `None` if it does not, or nobody says.
    pub expires_at: Option<Timestamp>,
    /// When that was asked.
    pub read_at: Timestamp,
}

impl Store {
    /// Remembers when a token ends, over what was remembered of it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn keep_token(
        &self,
        credential: &str,
        expires_at: Option<Timestamp>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query(
            "INSERT INTO tokens (credential, expires_at, read_at) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at, read_at = excluded.read_at",
        )
        .bind(credential)
        .bind(expires_at.map(Timestamp::as_millisecond))
        .bind(at.as_millisecond())
        .execute(&mut *writer)
        .await
        .map_err(self.failed("remember when a token ends"))?;
        Ok(())
    }

    /// Lists what is remembered of the tokens, by name.
    ///
    /// # Errors
    /// The database refused.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<(String, Option<i64>, i64)> = sqlx::query_as(
            "SELECT credential, expires_at, read_at FROM tokens ORDER BY credential",
        )
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up when tokens end"))?;
        Ok(rows
            .into_iter()
            .map(|(credential, expires_at, read_at)| Token {
                credential,
                expires_at: expires_at.map(instant),
                read_at: instant(read_at),
            })
            .collect())
    }
}
