//! Forgetting: a person out of the history, and out of every byte of the file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::value::RawValue;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::error::Error;
use crate::json::{json, list};
use crate::link::{Access, connect};
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::count;
use crate::state::State;

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
pub(crate) type SomebodyRow = (PersonRow, String, String, Option<String>, Option<String>);

impl From<SomebodyRow> for Somebody {
    fn from((person, integration, source_id, email, full_name): SomebodyRow) -> Self {
        Self {
            person,
            integration,
            source_id,
            email,
            full_name,
        }
    }
}

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

/// JSON of others in which somebody's address may be a value.
const DOCUMENTS: &[(&str, &str)] = &[("user_versions", "user"), ("record_versions", "record")];

/// What stands where somebody was named.
const NOBODY: &str = "…";

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
        Ok(rows.into_iter().map(Somebody::from).collect())
    }

    /// Finds a run that needs what is on record of these people: a plan that waits or is being carried out and has one
    /// of them in it, or an address of theirs as a value; a run of their integrations that was cut off.
    ///
    /// # Errors
    /// The database refused.
    pub async fn needed_by(&self, people: &[Somebody]) -> Result<Option<(String, State)>, Error> {
        let failed = self.failed("look for plans that wait");
        let rows: Vec<PersonRow> = people.iter().map(|one| one.person).collect();
        let addresses: Vec<String> = people.iter().flat_map(addresses).collect();
        let mut reader = self.reader().await;
        let found: Option<(String, String)> = sqlx::query_as(
            "WITH p AS (SELECT person, integration FROM people WHERE person IN (SELECT value FROM json_each(?1)))
             SELECT r.run_id, r.state FROM runs r WHERE r.state IN ('planned', 'parked', 'running') AND (
                r.state = 'running' AND r.integration IN (SELECT integration FROM p)
                OR EXISTS (SELECT 1 FROM errors e WHERE e.run = r.run AND e.person IN (SELECT person FROM p))
                OR EXISTS (SELECT 1 FROM saas_changes s WHERE s.run = r.run AND s.person IN (SELECT person FROM p))
                OR EXISTS (
                    SELECT 1 FROM changes c LEFT JOIN change_values v USING (change)
                    WHERE c.run = r.run AND (c.person IN (SELECT person FROM p)
                      OR EXISTS (SELECT 1 FROM json_each(?2) a WHERE instr(v.before, a.value) > 0
                                 OR instr(v.after, a.value) > 0 OR instr(v.left_alone, a.value) > 0))))
             ORDER BY r.run LIMIT 1",
        )
        .bind(list(&rows))
        .bind(json(&addresses))
        .fetch_optional(&mut *reader)
        .await
        .map_err(&failed)?;
        found
            .map(|(run_id, state)| Ok((run_id, State::read(&state)?)))
            .transpose()
            .map_err(&failed)
    }

    /// Removes somebody from the history: all that is theirs, their names wherever they stand in a text, and their
    /// address where it is a value of somebody else's.
    ///
    /// Of a change of somebody else's the field goes that had it: to be put back by nobody.
    /// No plan that waits may have it, see [`needed_by`](Self::needed_by).
    /// What was theirs is overwritten, and not just free; [`rewrite`](Self::rewrite) sees to what was freed before.
    ///
    /// # Errors
    /// The database refused; nothing is then gone.
    pub async fn forget(&self, somebody: &Somebody) -> Result<Forgotten, Error> {
        let failed = self.failed("forget a person");
        let mut writer = self.writer().await;
        secure_delete(&mut writer, "ON").await.map_err(&failed)?;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let person = somebody.person;
        let (changes, errors): (i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM changes WHERE person = ?1)
                    + (SELECT count(*) FROM saas_changes WHERE person = ?1), (SELECT count(*) FROM errors WHERE person = ?1)",
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
        rename(&mut transaction, somebody).await.map_err(&failed)?;
        for address in addresses(somebody) {
            redact(&mut transaction, &address).await.map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)?;
        secure_delete(&mut writer, "OFF").await.map_err(&failed)?;
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
            // Who writes in this process waits for as long as it takes; others may have less patience.
            let _writer = self.writer().await;
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

/// Sets whether what this connection removes is overwritten.
async fn secure_delete(writer: &mut SqliteConnection, on: &'static str) -> Result<(), sqlx::Error> {
    let sql = AssertSqlSafe(format!("PRAGMA secure_delete = {on}"));
    sqlx::query(sql).execute(writer).await?;
    Ok(())
}

/// Puts [`NOBODY`] for somebody's names in all texts.
async fn rename(writer: &mut SqliteConnection, somebody: &Somebody) -> Result<(), sqlx::Error> {
    for name in names(somebody) {
        for (table, columns) in TEXTS {
            for column in *columns {
                let found =
                    format!("SELECT DISTINCT {column} FROM {table} WHERE instr({column}, ?) > 0");
                let texts: Vec<String> = sqlx::query_scalar(AssertSqlSafe(found))
                    .bind(&name)
                    .fetch_all(&mut *writer)
                    .await?;
                let update = format!("UPDATE {table} SET {column} = ? WHERE {column} = ?");
                for text in texts {
                    sqlx::query(AssertSqlSafe(update.clone()))
                        .bind(unnamed(&text, &name))
                        .bind(&text)
                        .execute(&mut *writer)
                        .await?;
                }
            }
        }
    }
    Ok(())
}

/// A text with [`NOBODY`] for a name, unless that is a part of a longer one.
fn unnamed(text: &str, name: &str) -> String {
    let mut unnamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(name) {
        let (before, after) = (&rest[..begin], &rest[begin + name.len()..]);
        let goes_on = |letter: char| letter.is_alphanumeric() || "_-+%@".contains(letter);
        let mut following = after.chars();
        let ends = match following.next() {
            // The end of a sentence, and not a part of a domain.
            Some('.') => !following.next().is_some_and(char::is_alphanumeric),
            Some(letter) => !goes_on(letter),
            None => true,
        };
        let preceding = before.chars().next_back().or(unnamed.chars().next_back());
        let begins = !preceding.is_some_and(|letter| goes_on(letter) || letter == '.');
        unnamed.push_str(before);
        unnamed.push_str(if begins && ends { NOBODY } else { name });
        rest = after;
    }
    unnamed + rest
}

/// Takes an address, as JSON, out of what is kept of others, where it is a whole value.
///
/// A part of a value may be a part of another address, and stays.
async fn redact(writer: &mut SqliteConnection, address: &str) -> Result<(), sqlx::Error> {
    for (table, column) in DOCUMENTS {
        let sql = format!(
            "UPDATE {table} SET {column} = replace({column}, ?1, ?2) WHERE instr({column}, ?1) > 0"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(address)
            .bind(format!("\"{NOBODY}\""))
            .execute(&mut *writer)
            .await?;
    }
    sqlx::query("DELETE FROM forms WHERE sent = ?1 OR shown = ?1")
        .bind(address)
        .execute(&mut *writer)
        .await?;
    let changes: Vec<(i64, Option<String>, String, Option<String>)> = sqlx::query_as(
        "SELECT change, before, after, left_alone FROM change_values
         WHERE instr(before, ?1) > 0 OR instr(after, ?1) > 0 OR instr(left_alone, ?1) > 0",
    )
    .bind(address)
    .fetch_all(&mut *writer)
    .await?;
    for (change, before, after, left_alone) in changes {
        sqlx::query(
            "UPDATE change_values SET before = ?, after = ?, left_alone = ? WHERE change = ?",
        )
        .bind(before.map(|before| without(&before, address)))
        .bind(without(&after, address))
        .bind(left_alone.map(|left| without(&left, address)))
        .bind(change)
        .execute(&mut *writer)
        .await?;
    }
    Ok(())
}

/// A JSON object without the fields that have a value, as JSON, in them; of what is no object nothing is left.
fn without(object: &str, value: &str) -> String {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(object).unwrap_or_default();
    fields.retain(|_, raw| !raw.get().contains(value));
    serde_json::to_string(&fields).unwrap_or_else(|_| "{}".to_owned())
}

/// Somebody's address in two spellings, as JSON.
fn addresses(somebody: &Somebody) -> Vec<String> {
    let email = somebody.email.iter();
    let mut spellings: Vec<String> = email
        .flat_map(|email| [email.clone(), email.to_lowercase()])
        .map(|email| serde_json::Value::from(email).to_string())
        .collect();
    spellings.dedup();
    spellings
}

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

#[cfg(test)]
mod tests {
    use super::unnamed;

    #[test]
    fn a_name_goes_and_a_longer_one_stays() {
        for (text, without) in [
            ("ann@acme.com is not there", "… is not there"),
            ("it is ann@acme.com.", "it is …."),
            ("<ann@acme.com>, `ann@acme.com`", "<…>, `…`"),
            ("ann@acme.comann@acme.com", "ann@acme.comann@acme.com"),
            ("joann@acme.com", "joann@acme.com"),
            ("jo.ann@acme.com", "jo.ann@acme.com"),
            ("jo-ann@acme.com", "jo-ann@acme.com"),
            ("ann@acme.com.au", "ann@acme.com.au"),
            ("ann@acme.company", "ann@acme.company"),
            ("éann@acme.com and ann@acme.com", "éann@acme.com and …"),
        ] {
            assert_eq!(unnamed(text, "ann@acme.com"), without);
        }
        assert_eq!(unnamed("user 4711, 47110", "4711"), "user …, 47110");
    }
}
