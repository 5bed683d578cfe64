//! The plan of a run, written in bulk: who was seen, what is intended, what went wrong so far.
//!
//! Lines come in chunks, and a chunk is one transaction: large enough to cost little a row,
//! small enough to keep other writers waiting for milliseconds only.

mod explanations;
mod rows;

use jiff::Timestamp;
use sqlx::Connection;

use crate::error::Error;
use crate::faults::Fault;
use crate::guards::{GuardHit, keep_hits};
use crate::open::Store;
use crate::people::PersonRow;
use crate::presence::Presence;
use crate::runs::{Counts, RunKey, count_columns, counts_of, number};
use crate::saas::SaasPlan;

/// XXH3-128 of a JSON text.
pub type ContentHash = [u8; 16];

/// A JSON text that is not on record yet, and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The text.
    pub json: String,
    /// Its hash: of a user over the text itself, of a record without the fields of the load's own instant.
    pub hash: ContentHash,
}

/// One user of a run, and what was decided about it.
#[derive(Debug, Clone)]
pub struct Line {
    /// The row, if the user was seen before.
    ///
    /// `None` with an empty `source_id` is something without an id, of which only the fault is kept.
    pub person: Option<PersonRow>,
    /// Whether it was in the complete read before.
    pub present: bool,
    /// The id in the console.
    pub source_id: String,
    /// The address as the console has it.
    pub email: Option<String>,
    /// The name as the console has it.
    pub full_name: Option<String>,
    /// The user's JSON, where it is new or changed; of a user not seen before it must be there.
    ///
    /// `email` and `full_name` are stored along with it.
    pub user: Option<Content>,
    /// The record, where it is new or changed.
    pub record: Option<Content>,
    /// Whether there is a record, new or old, that an error can show.
    pub has_record: bool,
    /// The match, where it is new or changed: `user_id`, and whether Oomnitza shows it as suspended.
    pub matched: Option<(Option<String>, Option<bool>)>,
    /// What the sync keys found, where that is new or changed.
    pub sighting: Option<Sighting>,
    /// What was decided.
    pub verdict: Verdict,
    /// What is intended for the `SaaS` user, of somebody who is loaded.
    pub saas: Option<SaasPlan>,
}

/// What the sync keys of a user found, and what Oomnitza had that no change keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    /// A JSON object; `None`: nobody was found.
    pub json: Option<String>,
    /// A hash of it.
    pub hash: Option<u64>,
}

/// What was decided about a user.
#[derive(Debug, Clone)]
pub enum Verdict {
    /// Oomnitza has everything already.
    Unchanged,
    /// One write is intended.
    Change(Box<Change>),
    /// Nothing is intended, and why.
    Fault(Box<Fault>),
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Makes a person.
    Create,
    /// Changes fields of a person.
    Update,
}

impl Action {
    /// The word that the database and its readers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
        }
    }
}

/// An intended write.
#[derive(Debug, Clone)]
pub struct Change {
    /// What it does.
    pub action: Action,
    /// The sync key that matched; of a create the first that has a value.
    pub key_field: String,
    /// The value of that key as Oomnitza has it, or will; JSON.
    pub key_value: String,
    /// The match, of an update.
    pub oomnitza_id: Option<String>,
    /// What Oomnitza had in the fields that change, a JSON object; `None` of a create.
    pub before: Option<String>,
    /// What is sent, a JSON object.
    pub after: String,
    /// A hash of what Oomnitza had of the match, of an update: with another one, somebody has changed it since.
    pub standing: Option<u64>,
    /// Of an undo: the fields that somebody changed since, with what is there now; a JSON object.
    pub left_alone: Option<String>,
}

/// What a whole plan came to.
#[derive(Debug, Default)]
pub struct PlanSummary {
    /// The counts, as intents.
    pub counts: Counts,
    /// Who was seen.
    pub presence: Presence,
}

/// A complete plan, as it goes on record.
#[derive(Debug, Clone, Copy)]
pub struct CompletePlan<'a> {
    /// The counts, as intents.
    pub counts: &'a Counts,
    /// How many of the users that were read are in scope.
    pub in_scope: u64,
    /// The hash of who could be seen, of a complete read.
    pub population: Option<&'a str>,
    /// The guards that it is over.
    pub hits: &'a [GuardHit],
    /// When both sides were read.
    pub read_at: Timestamp,
}

impl Store {
    /// Writes a chunk of a run's plan (1 to some thousand lines) in one transaction, and adds to its summary.
    ///
    /// `complete` says whether the run has read everybody, so that who is new is also present.
    ///
    /// # Errors
    /// The database refused; nothing of the chunk is then on record.
    pub async fn add_to_plan(
        &self,
        key: RunKey,
        lines: Vec<Line>,
        complete: bool,
        at: Timestamp,
        summary: &mut PlanSummary,
    ) -> Result<(), Error> {
        let failed = self.failed("store a plan");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let written = rows::write(&mut transaction, key, lines, complete, at)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)?;
        for (person, was_present) in written.seen {
            summary.presence.see(person, was_present);
        }
        summary.counts += written.counts;
        Ok(())
    }

    /// Puts on record that the plan of a run is complete, and what guards say of it: a run that dies thereafter has been
    /// judged.
    ///
    /// # Errors
    /// The database refused.
    pub async fn complete_plan(
        &self,
        key: RunKey,
        plan: &CompletePlan<'_>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let failed = self.failed("complete a plan");
        let counts = plan.counts;
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        let done = sqlx::query(
            "UPDATE runs SET seen = ?, created = ?, updated = ?, unchanged = ?, skipped = ?, failed = ?, deactivated = ?,
                    in_scope = ?, population = ?, read_at = ?, planned_at = ? WHERE run = ?",
        )
        .bind(number(counts.seen))
        .bind(number(counts.created))
        .bind(number(counts.updated))
        .bind(number(counts.unchanged))
        .bind(number(counts.skipped))
        .bind(number(counts.failed))
        .bind(number(counts.deactivated))
        .bind(number(plan.in_scope))
        .bind(plan.population)
        .bind(plan.read_at.as_millisecond())
        .bind(at.as_millisecond())
        .bind(key.run)
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        self.one(done.rows_affected(), "complete a plan")?;
        keep_hits(&mut transaction, key, plan.hits)
            .await
            .map_err(&failed)?;
        transaction.commit().await.map_err(&failed)
    }

    /// Reads the counts that a run's plan was completed with; `None` while the plan is not complete.
    ///
    /// # Errors
    /// The database refused.
    pub async fn intents(&self, key: RunKey) -> Result<Option<Counts>, Error> {
        let mut reader = self.reader().await;
        let row = sqlx::query(concat!(
            "SELECT ",
            count_columns!(),
            " FROM runs r WHERE r.run = ? AND r.planned_at IS NOT NULL"
        ))
        .bind(key.run)
        .fetch_optional(&mut *reader)
        .await
        .map_err(self.failed("look up a plan"))?;
        row.map(|row| counts_of(&row))
            .transpose()
            .map_err(self.failed("look up a plan"))
    }

    /// Takes back what a run wrote of a plan that was never complete.
    ///
    /// # Errors
    /// The database refused.
    pub async fn drop_plan(&self, key: RunKey) -> Result<(), Error> {
        let failed = self.failed("drop an incomplete plan");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        for statement in [
            "DELETE FROM changes WHERE run = ?",
            "DELETE FROM saas_changes WHERE run = ?",
            "DELETE FROM errors WHERE run = ?",
            "DELETE FROM bystanders WHERE run = ?",
            "INSERT INTO absences (person, run, at, gone)
             SELECT p.person, r.run, r.started_at, 0 FROM runs r JOIN people p USING (integration)
             WHERE r.run = ? AND p.present = 1 AND p.first_seen_at >= r.started_at",
            // Who is new was put down as present, counting on a complete read.
            "UPDATE people SET present = 0 FROM runs r
             WHERE r.run = ? AND people.integration = r.integration AND people.present = 1
               AND people.first_seen_at >= r.started_at",
        ] {
            sqlx::query(statement)
                .bind(key.run)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }
}
