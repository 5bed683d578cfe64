//! When the tokens of both systems end, as the systems said when they were last asked; never the tokens themselves.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

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
    /// The id of the user of the console that it belongs to, where that is known.
    pub owner_id: Option<String>,
    /// The name and address of that user.
    pub owner: Option<String>,
}

impl Store {
    /// Remembers when a token ends and whose it is, over what was remembered of it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn keep_token(&self, token: &Token) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query(
            "INSERT INTO tokens (credential, expires_at, read_at, owner_id, owner) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at, read_at = excluded.read_at,
                owner_id = excluded.owner_id, owner = excluded.owner",
        )
        .bind(&token.credential)
        .bind(token.expires_at.map(Timestamp::as_millisecond))
        .bind(token.read_at.as_millisecond())
        .bind(&token.owner_id)
        .bind(&token.owner)
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
        let rows = sqlx::query(
            "SELECT credential, expires_at, read_at, owner_id, owner FROM tokens ORDER BY credential",
        )
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up when tokens end"))?;
        let tokens: Result<_, sqlx::Error> = rows.iter().map(token_of).collect();
        tokens.map_err(self.failed("look up when tokens end"))
    }
}

fn token_of(row: &SqliteRow) -> Result<Token, sqlx::Error> {
    Ok(Token {
        credential: row.try_get("credential")?,
        expires_at: row.try_get::<Option<i64>, _>("expires_at")?.map(instant),
        read_at: instant(row.try_get("read_at")?),
        owner_id: row.try_get("owner_id")?,
        owner: row.try_get("owner")?,
    })
}
