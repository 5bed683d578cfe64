//! Forgetting: a person out of the history, and out of every byte of the file.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection};

use crate::error::Error;
use crate::json::list;
use crate::link::{Access, connect};
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::count;

/// Somebody on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Somebody {
    /// The row.
    pub person: PersonRow,
    /// The id of the integration in the YAML.
    pub integration: String,
    /// The id in the console.
    pub source_id: String,
    /// The address as the console has it.
    pub email: Option<String>,
    /// The name as the console has it.
    pub full_name: Option<String>,
}

/// What went of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// Changes, with the values before and after.
    pub changes: u64,
    /// Rows of the error log.
    pub errors: u64,
}

/// A row as it is read: the columns of [`Somebody`] in their order.
type SomebodyRow = (PersonRow, String, String, Option<String>, Option<String>);

/// Texts in which somebody may be named.
const TEXTS: &[(&str, &[&str])] = &[
    ("runs", &["error", "outline", "decision_reason"]),
    ("errors", &["message", "cause", "value", "hint"]),
    ("people", &["sighting"]),
    ("sightings", &["seen"]),
    ("notices", &["subject", "message", "hint", "details"]),
    ("slots", &["note"]),
    ("pauses", &["reason"]),
    ("requests", &["detail", "answer"]),
    ("tokens", &["owner_id", "owner"]),
];

impl Store {
    /// Lists everybody on record who has an address.
    ///
    /// # Errors
    /// The database refused.
    pub async fn everybody(&self) -> Result<Vec<Somebody>, Error> {
        let mut reader = self.reader().await;
        let rows: Vec<SomebodyRow> = sqlx::query_as(
            "SELECT p.person, i.name, p.source_id, p.email, p.full_name
             FROM people p JOIN integrations i USING (integration) WHERE p.email IS NOT NULL
             ORDER BY i.name, p.source_id",
        )
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for a person"))?;
        Ok(rows
            .into_iter()
            .map(
                |(person, integration, source_id, email, full_name)| Somebody {
                    person,
                    integration,
                    source_id,
                    email,
                    full_name,
                },
            )
            .collect())
    }

    /// Lists the runs whose plans wait and change one of these people, by their ids.
    ///
    /// # Errors
    /// The database refused.
    pub async fn waiting_for(&self, people: &[PersonRow]) -> Result<Vec<String>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT DISTINCT r.run_id FROM runs r JOIN changes c USING (run)
             WHERE r.state IN ('planned', 'parked') AND c.person IN (SELECT value FROM json_each(?))
             ORDER BY r.run_id",
        )
        .bind(list(people))
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look for plans that wait"))
    }

    /// Removes somebody from the history: all that is theirs, and their names wherever they stand in a text.
    ///
    /// What was theirs is overwritten, and not just free; [`rewrite`](Self::rewrite) sees to what was freed before.
    ///
    /// # Errors
    /// The database refused; nothing is then gone.
    pub async fn forget(&self, somebody: &Somebody) -> Result<Forgotten, Error> {
        let failed = self.failed("forget a person");
        let mut writer = self.writer().await;
        sqlx::query("PRAGMA secure_delete = ON")
            .execute(&mut *writer)
            .await
            .map_err(&failed)?;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let person = somebody.person;
        let (changes, errors): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM changes WHERE person = ?1), (SELECT count(*) FROM errors WHERE person = ?1)",
        )
        .bind(person)
        .fetch_one(&mut *transaction)
        .await
        .map_err(&failed)?;
        for statement in [
            // Before the match is gone that leads to them.
            "DELETE FROM forms WHERE (integration, oomnitza_id) IN (
                SELECT integration, oomnitza_id FROM people WHERE person = ?1 AND oomnitza_id IS NOT NULL)
             AND NOT EXISTS (SELECT 1 FROM people o WHERE o.person <> ?1 AND o.integration = forms.integration
                             AND o.oomnitza_id = forms.oomnitza_id)",
            // All else hangs on the person.
            "DELETE FROM people WHERE person = ?1",
        ] {
            sqlx::query(statement)
                .bind(person)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        for name in names(somebody) {
            for (table, columns) in TEXTS {
                for column in *columns {
                    let sql = format!(
                        "UPDATE {table} SET {column} = replace({column}, ?1, '…') WHERE instr({column}, ?1) > 0"
                    );
                    sqlx::query(AssertSqlSafe(sql))
                        .bind(&name)
                        .execute(&mut *transaction)
                        .await
                        .map_err(&failed)?;
                }
            }
        }
        transaction.commit().await.map_err(&failed)?;
        Ok(Forgotten {
            changes: count(changes),
            errors: count(errors),
        })
    }

    /// Writes the whole file anew, so that nothing of what was removed before is left in it; says whether the
    /// write-ahead log is rid of it too, which a reader that does not end holds up.
    ///
    /// It needs free room of twice the file's size; whoever writes meanwhile waits.
    ///
    /// # Errors
    /// The database refused, or the disk has no room.
    pub async fn rewrite(&self) -> Result<bool, Error> {
        let failed = self.failed("write the database anew");
        let rewriting = async {
            let mut connection = connect(self.path(), Access::Write, PATIENCE).await?;
            sqlx::query("VACUUM").execute(&mut connection).await?;
            connection.close().await
        };
        rewriting.await.map_err(&failed)?;
        // What the log still holds goes into the file.
        self.checkpoint_within(A_LITTLE).await
    }
}

/// How long who writes is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long who reads is waited for: it may be for good.
const A_LITTLE: Duration = Duration::from_secs(2);

/// By what somebody is known in a text: the address in two spellings, a whole name, the id in the console.
fn names(somebody: &Somebody) -> Vec<String> {
    /// Shorter ones are parts of words.
    const SHORTEST: usize = 5;
    let mut names: Vec<String> = somebody
        .email
        .iter()
        .flat_map(|email| [email.clone(), email.to_lowercase()])
        .chain(somebody.full_name.clone())
        .chain([somebody.source_id.clone()])
        .filter(|name| name.chars().count() >= SHORTEST)
        .collect();
    names.dedup();
    names
}
