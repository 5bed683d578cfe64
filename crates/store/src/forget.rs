//! Forgetting: a person out of the history, and out of every byte of the file.

mod redact;
mod sought;

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::error::Error;
use crate::json::list;
use crate::link::{Access, connect};
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::count;
use crate::state::State;

use self::sought::Address;

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

/// Gives an address as it compares: what is equal to it, in whatever letters, gives the same.
pub type Fold = fn(&str) -> String;

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
    pub async fn needed_by(
        &self,
        people: &[Somebody],
        fold: Fold,
    ) -> Result<Option<(String, State)>, Error> {
        let failed = self.failed("look for plans that wait");
        let rows: Vec<PersonRow> = people.iter().map(|one| one.person).collect();
        let emails = people.iter().filter_map(|one| one.email.as_deref());
        let addresses: Vec<Address> = emails.map(|email| Address::new(email, fold)).collect();
        let mut reader = self.reader().await;
        let waiting: Vec<(i64, String, String, bool)> = sqlx::query_as(
            "WITH p AS (SELECT person, integration FROM people WHERE person IN (SELECT value FROM json_each(?1)))
             SELECT r.run, r.run_id, r.state,
                r.state = 'running' AND r.integration IN (SELECT integration FROM p)
                OR EXISTS (SELECT 1 FROM errors e WHERE e.run = r.run AND e.person IN (SELECT person FROM p))
                OR EXISTS (SELECT 1 FROM saas_changes s WHERE s.run = r.run AND s.person IN (SELECT person FROM p))
                OR EXISTS (SELECT 1 FROM changes c WHERE c.run = r.run AND c.person IN (SELECT person FROM p))
             FROM runs r WHERE r.state IN ('planned', 'parked', 'running') ORDER BY r.run",
        )
        .bind(list(&rows))
        .fetch_all(&mut *reader)
        .await
        .map_err(&failed)?;
        for (run, run_id, state, has_them) in waiting {
            let writes = has_them
                || writes(&mut reader, run, &addresses)
                    .await
                    .map_err(&failed)?;
            if writes {
                let state = State::read(&state).map_err(&failed)?;
                return Ok(Some((run_id, state)));
            }
        }
        Ok(None)
    }

    /// Removes somebody from the history: all that is theirs, their names wherever they stand in a text, and their
    /// address, in any letter case, where it is a value of somebody else's.
    ///
    /// Of a change of somebody else's the field goes that had it: to be put back by nobody.
    /// No plan that waits may have it, see [`needed_by`](Self::needed_by).
    /// What was theirs is overwritten, and not just free; [`rewrite`](Self::rewrite) sees to what was freed before.
    ///
    /// # Errors
    /// The database refused; nothing is then gone.
    pub async fn forget(&self, somebody: &Somebody, fold: Fold) -> Result<Forgotten, Error> {
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
        sqlx::query(
            "INSERT INTO rewrites (rewrite, forgotten) VALUES (1, 1) ON CONFLICT DO UPDATE SET forgotten = forgotten + 1",
        )
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        for name in sought::names(somebody) {
            redact::name(&mut transaction, name)
                .await
                .map_err(&failed)?;
        }
        if let Some(email) = &somebody.email {
            let address = Address::new(email, fold);
            redact::address(&mut transaction, &address)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)?;
        secure_delete(&mut writer, "OFF").await.map_err(&failed)?;
        Ok(Forgotten {
            changes: count(changes),
            errors: count(errors),
        })
    }

    /// Says whether somebody was forgotten of whom something may be left in the file: see [`rewrite`](Self::rewrite).
    ///
    /// # Errors
    /// The database refused.
    pub async fn awaits_rewrite(&self) -> Result<bool, Error> {
        let mut reader = self.reader().await;
        forgotten(&mut reader)
            .await
            .map(|forgotten| forgotten.is_some())
            .map_err(self.failed("look for what is left of a person"))
    }

    /// Writes the whole file anew, so that nothing of what was removed before is left in it; says whether the
    /// write-ahead log is rid of it too, which a reader that does not end holds up. Until it is, the file awaits this.
    ///
    /// It needs free room of twice the file's size; whoever writes meanwhile waits.
    ///
    /// # Errors
    /// The database refused, or the disk has no room.
    pub async fn rewrite(&self) -> Result<bool, Error> {
        let failed = self.failed("write the database anew");
        let rewriting = async {
            // Who writes in this process waits for as long as it takes; others may have less patience.
            let mut writer = self.writer().await;
            let forgotten = forgotten(&mut writer).await?;
            let mut connection = connect(self.path(), Access::Write, PATIENCE).await?;
            sqlx::query("VACUUM").execute(&mut connection).await?;
            connection.close().await?;
            Ok(forgotten)
        };
        let forgotten: Option<i64> = rewriting.await.map_err(&failed)?;
        // What the log still holds goes into the file.
        let is_rid = self.checkpoint_within(A_LITTLE).await?;
        if is_rid {
            // Unless somebody else was forgotten meanwhile.
            sqlx::query("DELETE FROM rewrites WHERE forgotten IS ?")
                .bind(forgotten)
                .execute(&mut *self.writer().await)
                .await
                .map_err(&failed)?;
        }
        Ok(is_rid)
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

/// Whether the plan of a run writes an address as a value.
async fn writes(
    reader: &mut SqliteConnection,
    run: i64,
    addresses: &[Address],
) -> Result<bool, sqlx::Error> {
    const ROWS: i64 = 2000;
    for sql in [
        "SELECT c.change, json_array(v.before, v.after, v.left_alone, v.key_value) FROM changes c
         JOIN change_values v USING (change) WHERE c.run = ? AND c.change > ? ORDER BY c.change LIMIT ?",
        "SELECT saas_change, json_array(before, after) FROM saas_changes
         WHERE run = ? AND saas_change > ? ORDER BY saas_change LIMIT ?",
    ] {
        let mut after = 0;
        loop {
            let rows: Vec<(i64, String)> = sqlx::query_as(sql)
                .bind(run)
                .bind(after)
                .bind(ROWS)
                .fetch_all(&mut *reader)
                .await?;
            let Some((last, _)) = rows.last() else { break };
            after = *last;
            let texts = rows
                .iter()
                .filter_map(|(_, texts)| serde_json::from_str::<Vec<Option<String>>>(texts).ok());
            let mut values = texts.flatten().flatten();
            if values.any(|json| addresses.iter().any(|address| address.is_in(&json))) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// How many were forgotten since the file was written anew; `None`: nobody was.
async fn forgotten(connection: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT forgotten FROM rewrites")
        .fetch_optional(connection)
        .await
}
