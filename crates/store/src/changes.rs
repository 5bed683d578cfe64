//! Delivering a plan: what is next, what was sent, what became of it.

use jiff::Timestamp;
use sqlx::{Connection, QueryBuilder, Row, Sqlite};

use crate::error::Error;
use crate::open::Store;
use crate::people::{PersonRow, list};
use crate::plan::{Action, Fault};
use crate::runs::{Counts, RunKey, count};

/// Changes that can go into one bulk batch: the same action by the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they do.
    pub action: Action,
    /// The sync key that they go by.
    pub key_field: String,
    /// How many are planned.
    pub count: u64,
}

/// A change of a plan, as delivery reads it.
#[derive(Debug, Clone)]
pub struct PlannedChange {
    /// The row.
    pub change: i64,
    /// The row of the user.
    pub person: PersonRow,
    /// What it does.
    pub action: Action,
    /// The sync key that it goes by.
    pub key_field: String,
    /// The value of that key as Oomnitza has it, or will; JSON.
    pub key_value: String,
    /// The match, of an update.
    pub oomnitza_id: Option<String>,
    /// What Oomnitza had in the fields that change, a JSON object; `None` of a create.
    pub before: Option<String>,
    /// What is sent, a JSON object.
    pub after: String,
}

/// What became of a change.
#[derive(Debug, Clone)]
pub struct Settled {
    /// The row.
    pub change: i64,
    /// The row of the user.
    pub person: PersonRow,
    /// What became of it.
    pub settlement: Settlement,
}

/// What became of a change.
#[derive(Debug, Clone)]
pub enum Settlement {
    /// Oomnitza has it; of a create, with the `user_id` that it was given, where that is known.
    Done(Option<String>),
    /// Oomnitza does not have it, and why.
    Failed(Box<Fault>),
    /// It was not sent, and why.
    Withdrawn(Box<Fault>),
}

impl Store {
    /// Lists the groups of a run's changes that are still to be delivered; updates come first.
    ///
    /// # Errors
    /// The database refused.
    pub async fn groups(&self, key: RunKey) -> Result<Vec<Group>, Error> {
        let mut reader = self.reader().await;
        let rows = sqlx::query(
            "SELECT action, key_field, count(*) FROM changes WHERE run = ? AND state = 'planned'
             GROUP BY action, key_field ORDER BY action DESC, key_field",
        )
        .bind(key.run)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("read a plan"))?;
        Ok(rows
            .iter()
            .map(|row| Group {
                action: action(row.get(0)),
                key_field: row.get(1),
                count: count(row.get(2)),
            })
            .collect())
    }

    /// Reads the next changes of a group, at most `limit`, behind the row `after`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn next_changes(
        &self,
        key: RunKey,
        group: &Group,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PlannedChange>, Error> {
        self.changes_where(
            "c.run = ? AND c.change > ? AND c.state = 'planned' AND c.action = ? AND c.key_field = ?
             ORDER BY c.change LIMIT ?",
            |query| {
                query
                    .bind(key.run)
                    .bind(after)
                    .bind(group.action.as_str())
                    .bind(group.key_field.clone())
                    .bind(limit)
            },
        )
        .await
    }

    /// Reads the changes of a run that were sent, or done with the answer still to be verified; behind the row `after`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn sent_changes(
        &self,
        key: RunKey,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PlannedChange>, Error> {
        self.changes_where(
            "c.run = ? AND c.change > ? AND c.state = 'sent' ORDER BY c.change LIMIT ?",
            |query| query.bind(key.run).bind(after).bind(limit),
        )
        .await
    }

    async fn changes_where<'q>(
        &self,
        condition: &'static str,
        bind: impl FnOnce(
            sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>,
        ) -> sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>,
    ) -> Result<Vec<PlannedChange>, Error> {
        let sql = format!(
            "SELECT c.change, c.person, c.action, c.key_field, v.key_value, c.oomnitza_id, v.before, v.after
             FROM changes c JOIN change_values v USING (change) WHERE {condition}"
        );
        let mut reader = self.reader().await;
        let rows = bind(sqlx::query(sqlx::AssertSqlSafe(sql)))
            .fetch_all(&mut *reader)
            .await
            .map_err(self.failed("read a plan"))?;
        Ok(rows
            .into_iter()
            .map(|row| PlannedChange {
                change: row.get(0),
                person: row.get(1),
                action: action(row.get(2)),
                key_field: row.get(3),
                key_value: row.get(4),
                oomnitza_id: row.get(5),
                before: row.get(6),
                after: row.get(7),
            })
            .collect())
    }

    /// Marks changes as sent, which is done before they are: after a crash they are the ones to look up.
    ///
    /// # Errors
    /// The database refused.
    pub async fn mark_sent(&self, changes: &[i64]) -> Result<(), Error> {
        let mut writer = self.writer().await;
        sqlx::query(
            "UPDATE changes SET state = 'sent' WHERE change IN (SELECT value FROM json_each(?))",
        )
        .bind(list(changes))
        .execute(&mut *writer)
        .await
        .map_err(self.failed("mark changes as sent"))?;
        Ok(())
    }

    /// Stores what became of changes, and an error for each that is not done, in one transaction.
    ///
    /// # Errors
    /// The database refused.
    pub async fn settle(
        &self,
        key: RunKey,
        settled: &[Settled],
        at: Timestamp,
    ) -> Result<(), Error> {
        let failed = self.failed("store outcomes");
        let at = at.as_millisecond();
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let (mut plain, mut named, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for one in settled {
            match &one.settlement {
                Settlement::Done(None) => plain.push(one.change),
                Settlement::Done(Some(id)) => named.push((one.change, id)),
                Settlement::Failed(fault) => faults.push((one, "failed", fault)),
                Settlement::Withdrawn(fault) => faults.push((one, "withdrawn", fault)),
            }
        }
        if !plain.is_empty() {
            sqlx::query(
                "UPDATE changes SET state = 'done' WHERE change IN (SELECT value FROM json_each(?))",
            )
            .bind(list(&plain))
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        }
        if !named.is_empty() {
            sqlx::query(
                "UPDATE changes SET state = 'done', oomnitza_id = j.value ->> 1
                 FROM json_each(?) j WHERE change = j.value ->> 0",
            )
            .bind(serde_json::to_string(&named).unwrap_or_default())
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        }
        for rows in faults.chunks(400) {
            for state in ["failed", "withdrawn"] {
                let ids: Vec<i64> = rows
                    .iter()
                    .filter(|row| row.1 == state)
                    .map(|row| row.0.change)
                    .collect();
                sqlx::query(
                    "UPDATE changes SET state = ? WHERE change IN (SELECT value FROM json_each(?))",
                )
                .bind(state)
                .bind(list(&ids))
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
            }
            let mut sql = QueryBuilder::<Sqlite>::new(
                "INSERT INTO errors (run, person, at, outcome, reason, field, message, hint, since, record_version) ",
            );
            sql.push_values(rows, |mut row, (one, _, fault)| {
                row.push_bind(key.run).push_bind(one.person).push_bind(at);
                row.push_bind(fault.severity.as_str())
                    .push_bind(fault.reason);
                row.push_bind(fault.field.clone())
                    .push_bind(fault.message.clone());
                row.push_bind(fault.hint.clone()).push_bind(at);
                row.push("(SELECT record_version FROM people WHERE person = ");
                row.push_bind_unseparated(one.person).push_unseparated(")");
            });
            sql.build()
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }

    /// Withdraws every change of a run that is still planned, with the same error for each.
    ///
    /// # Errors
    /// The database refused.
    pub async fn withdraw_rest(
        &self,
        key: RunKey,
        fault: &Fault,
        at: Timestamp,
    ) -> Result<(), Error> {
        let failed = self.failed("withdraw the rest of a plan");
        let at = at.as_millisecond();
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        sqlx::query(
            "INSERT INTO errors (run, person, at, outcome, reason, field, message, hint, since, record_version)
             SELECT c.run, c.person, ?, ?, ?, ?, ?, ?, ?, p.record_version
             FROM changes c JOIN people p USING (person) WHERE c.run = ? AND c.state = 'planned'",
        )
        .bind(at)
        .bind(fault.severity.as_str())
        .bind(fault.reason)
        .bind(fault.field.clone())
        .bind(fault.message.clone())
        .bind(fault.hint.clone())
        .bind(at)
        .bind(key.run)
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        sqlx::query("UPDATE changes SET state = 'withdrawn' WHERE run = ? AND state = 'planned'")
            .bind(key.run)
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Counts what became of the users of a delivered run; who is unchanged was counted when it was planned.
    ///
    /// # Errors
    /// The database refused.
    pub async fn outcomes(&self, key: RunKey) -> Result<Counts, Error> {
        let mut writer = self.writer().await;
        let row = sqlx::query(
            "SELECT seen, unchanged,
                (SELECT count(*) FROM changes c WHERE c.run = r.run AND state = 'done' AND action = 'create'),
                (SELECT count(*) FROM changes c WHERE c.run = r.run AND state = 'done' AND action = 'update'),
                (SELECT count(*) FROM errors e WHERE e.run = r.run AND outcome = 'skipped'),
                (SELECT count(*) FROM errors e WHERE e.run = r.run AND outcome = 'failed')
             FROM runs r WHERE run = ?",
        )
        .bind(key.run)
        .fetch_one(&mut *writer)
        .await
        .map_err(self.failed("count outcomes"))?;
        Ok(Counts {
            seen: count(row.get(0)),
            unchanged: count(row.get(1)),
            created: count(row.get(2)),
            updated: count(row.get(3)),
            skipped: count(row.get(4)),
            failed: count(row.get(5)),
        })
    }

    /// Brings people and earlier errors up to date with the outcomes of a run that was no dry run:
    /// each person's latest outcome, how often in a row an error stands, which errors are resolved.
    ///
    /// `partial` lists the people of a partial run; `None` means that everybody present was in it.
    ///
    /// # Errors
    /// The database refused.
    pub async fn publish_outcomes(
        &self,
        key: RunKey,
        partial: Option<&[PersonRow]>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let failed = self.failed("publish outcomes");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let among = partial.map(list);
        for statement in [
            // An error that stands again continues the latest unresolved one of the same reason.
            "UPDATE errors SET since = o.since, runs = o.runs + 1
             FROM errors o
             WHERE errors.run = ?1 AND errors.person IS NOT NULL
               AND o.error = (SELECT l.error FROM errors l JOIN runs r USING (run)
                              WHERE l.person = errors.person AND l.run < ?1 AND l.resolved_at IS NULL
                                AND r.dry_run = 0 AND r.state NOT IN ('planned', 'parked', 'discarded', 'overtaken')
                              ORDER BY l.error DESC LIMIT 1)
               AND o.reason = errors.reason",
            // Who is loaded or out of scope now has no open errors from before.
            "UPDATE errors SET resolved_at = ?3
             WHERE resolved_at IS NULL AND run < ?1
               AND person IN (SELECT person FROM people WHERE integration = ?2
                              AND (?4 IS NULL AND present = 1 OR person IN (SELECT value FROM json_each(?4))))
               AND person NOT IN (SELECT person FROM errors WHERE run = ?1 AND person IS NOT NULL
                                  AND reason <> 'out_of_scope')",
            // Who is gone has none either.
            "UPDATE errors SET resolved_at = ?3
             WHERE resolved_at IS NULL AND run < ?1 AND ?4 IS NULL
               AND person IN (SELECT person FROM people WHERE integration = ?2 AND gone_since IS NOT NULL)",
            "UPDATE people SET outcome = e.outcome, reason = e.reason FROM errors e
             WHERE e.run = ?1 AND e.person = people.person
               AND (people.outcome IS NOT e.outcome OR people.reason IS NOT e.reason)",
            "UPDATE people SET outcome = iif(c.action = 'create', 'created', 'updated'), reason = NULL,
                    oomnitza_id = ifnull(c.oomnitza_id, people.oomnitza_id)
             FROM changes c WHERE c.run = ?1 AND c.person = people.person AND c.state = 'done'",
            "UPDATE people SET outcome = 'unchanged', reason = NULL
             WHERE integration = ?2 AND outcome IS NOT 'unchanged'
               AND (?4 IS NULL AND present = 1 OR person IN (SELECT value FROM json_each(?4)))
               AND person NOT IN (SELECT person FROM changes WHERE run = ?1)
               AND person NOT IN (SELECT person FROM errors WHERE run = ?1 AND person IS NOT NULL)",
        ] {
            sqlx::query(statement)
                .bind(key.run)
                .bind(key.integration)
                .bind(at.as_millisecond())
                .bind(among.clone())
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }
}

fn action(word: &str) -> Action {
    if word == "create" {
        Action::Create
    } else {
        Action::Update
    }
}
