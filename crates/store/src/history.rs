//! Made-up history: what a year of daily runs leaves, for benchmarks of what has to be quick with it; and real runs that
//! are made older.
//!
//! The daemon's `bench` has it too: SQL is known here alone.

use jiff::{SignedDuration, Timestamp};
use sqlx::Connection;
use uuid::Uuid;

use crate::error::Error;
use crate::open::Store;

/// The JSON of a user is about this long; a record about half of it.
const USER_BYTES: i64 = 1300;

/// ?1 is the integration, ?2 how many people, ?3 the first instant, ?4 the length of a user.
const PEOPLE: &[&str] = &[
    "INSERT INTO people (integration, source_id, email, full_name, user_version, user_hash, record_version, record_hash,
        oomnitza_id, oomnitza_suspended, outcome, first_seen_at, seen_at, present)
     WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2)
     SELECT ?1, 1000000000000000000 + n * 7919, 'user.' || n || '@acme.com', 'User ' || n,
        n + (SELECT ifnull(max(user_version), 0) FROM user_versions), randomblob(16),
        n + (SELECT ifnull(max(record_version), 0) FROM record_versions), randomblob(16),
        n, 0, 'unchanged', ?3, ?3, 1
     FROM n WHERE ?2 > 0",
    "INSERT INTO user_versions (user_version, person, run, user)
     SELECT user_version, person, 0, json_object('id', source_id, 'email', email, 'rest', hex(zeroblob(?4 / 2)))
     FROM people WHERE integration = ?1",
    "INSERT INTO record_versions (record_version, person, run, record)
     SELECT record_version, person, 0, json_object('email', email, 'rest', hex(zeroblob(?4 / 4)))
     FROM people WHERE integration = ?1",
];

/// ?1 is the integration, ?2 the run, ?3 how many are skipped, ?4 the instant.
const ERRORS: &str = "INSERT INTO errors (run, person, at, outcome, reason, message, hint, record_version)
     SELECT ?2, person, ?4, 'skipped', 'not_in_oomnitza',
        'nobody in Oomnitza has the value of any sync key of this user', 'preference: create_and_update', record_version
     FROM people WHERE integration = ?1 ORDER BY person LIMIT ?3";

/// Changes are kept for so long by default: those of older runs are gone.
const DAYS_OF_CHANGES: u32 = 90;

/// What a run changed: one of a hundred people who were not skipped. ?1 is the integration, ?2 the run.
const CHANGES: &[&str] = &[
    "INSERT INTO changes (run, person, action, state, key_field, oomnitza_id)
     SELECT ?2, person, 'update', 'done', 'email', oomnitza_id
     FROM people p WHERE integration = ?1 AND (person + ?2) % 100 = 0
        AND NOT EXISTS (SELECT 1 FROM errors e WHERE e.run = ?2 AND e.person = p.person)",
    "INSERT INTO change_values (change, key_value, before, after)
     SELECT c.change, json_quote(p.email), json_object('POSITION', 'Analyst'), json_object('POSITION', 'Engineer')
     FROM changes c JOIN people p USING (person) WHERE c.run = ?2",
    "UPDATE runs SET updated = (SELECT count(*) FROM changes WHERE run = ?2),
        unchanged = unchanged - (SELECT count(*) FROM changes WHERE run = ?2)
     WHERE run = ?2",
];

/// What the last run leaves open; parameters as for the errors, and ?5 the number of runs, ?6 the first instant.
const OPEN: &[&str] = &[
    "INSERT INTO open_errors (person, integration, error, reason, since, runs)
     SELECT person, ?1, error, reason, ?6, ?5 FROM errors WHERE run = ?2",
    "UPDATE people SET outcome = e.outcome, reason = e.reason FROM errors e
     WHERE e.run = ?2 AND e.person = people.person",
    "UPDATE integrations SET population = 'history', last_read_at = ?4 WHERE integration = ?1",
];

impl Store {
    /// Fills an integration that is new with daily runs, the last of them at `until`: each saw all people, and had its
    /// share of the errors, at most one a person; those of the last 90 days changed somebody.
    ///
    /// # Errors
    /// The database refused; among other reasons because there are people of the integration already.
    pub async fn fill_with_history(
        &self,
        integration: &str,
        runs: u32,
        errors: u32,
        people: u32,
        until: Timestamp,
    ) -> Result<(), Error> {
        let failed = self.failed("make up history");
        let integration = self.integration(integration).await?.key;
        let day = |run: u32| {
            until - SignedDuration::from_hours(24) * i32::try_from(runs - run).unwrap_or(i32::MAX)
        };
        let first = day(1.min(runs)).as_millisecond();
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        for statement in PEOPLE {
            sqlx::query(*statement)
                .bind(integration)
                .bind(people)
                .bind(first)
                .bind(USER_BYTES)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)?;
        for run in 1..=runs {
            let at = day(run).as_millisecond();
            // So that the shares add up whatever the numbers are.
            let share = |run: u32| u64::from(errors) * u64::from(run) / u64::from(runs);
            let skipped = i64::try_from(share(run) - share(run - 1))
                .unwrap_or(i64::MAX)
                .min(i64::from(people));
            let mut transaction = writer
                .begin_with("BEGIN IMMEDIATE")
                .await
                .map_err(&failed)?;
            let row: i64 = sqlx::query_scalar(
                "INSERT INTO runs (run_id, integration, trigger, state, dry_run, partial, started_at, read_at, planned_at,
                    finished_at, seen, unchanged, skipped, config_hash)
                 VALUES (?1, ?2, 'schedule', 'completed', 0, 0, ?3, ?3, ?3, ?3 + 60000, ?4, ?4 - ?5, ?5, '0123456789ab')
                 RETURNING run",
            )
            .bind(Uuid::now_v7().to_string())
            .bind(integration)
            .bind(at)
            .bind(people)
            .bind(skipped)
            .fetch_one(&mut *transaction)
            .await
            .map_err(&failed)?;
            sqlx::query(ERRORS)
                .bind(integration)
                .bind(row)
                .bind(skipped)
                .bind(at)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
            if runs - run < DAYS_OF_CHANGES {
                for statement in CHANGES {
                    sqlx::query(*statement)
                        .bind(integration)
                        .bind(row)
                        .execute(&mut *transaction)
                        .await
                        .map_err(&failed)?;
                }
            }
            sqlx::query(
                "INSERT INTO slots (integration, due_at, noticed_at, state, settled, run, tries)
                 VALUES (?1, ?2, ?2, 'ran', 1, ?3, 1)",
            )
            .bind(integration)
            .bind(at)
            .bind(row)
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
            sqlx::query(
                "UPDATE runs SET slot = (SELECT slot FROM slots WHERE run = ?1) WHERE run = ?1",
            )
            .bind(row)
            .execute(&mut *transaction)
            .await
            .map_err(&failed)?;
            if run == runs {
                for statement in OPEN {
                    sqlx::query(*statement)
                        .bind(integration)
                        .bind(row)
                        .bind(skipped)
                        .bind(at)
                        .bind(runs)
                        .bind(first)
                        .execute(&mut *transaction)
                        .await
                        .map_err(&failed)?;
                }
            }
            transaction.commit().await.map_err(&failed)?;
        }
        Ok(())
    }
}

/// Moves what was loaded now into the past; ?1 is the length of a day.
const SPREAD: &[&str] = &[
    "UPDATE errors SET at = at - ((SELECT max(run) FROM runs) - run) * ?1",
    "UPDATE people SET first_seen_at = first_seen_at - ((SELECT max(run) - min(run) FROM runs) * ?1)",
    "UPDATE open_errors SET since = since - runs * ?1",
    "UPDATE absences SET at = at - ((SELECT max(run) FROM runs) - run) * ?1,
        gone_at = gone_at - ((SELECT max(run) FROM runs) - gone_run) * ?1,
        back_at = back_at - ((SELECT max(run) FROM runs) - back_run) * ?1",
    "UPDATE runs SET started_at = started_at - back, read_at = read_at - back, planned_at = planned_at - back,
        finished_at = finished_at - back
     FROM (SELECT run AS it, ((SELECT max(run) FROM runs) - run) * ?1 AS back FROM runs) WHERE run = it",
];

impl Store {
    /// Makes it as if there had been a day between each run and the next, up to the latest.
    ///
    /// # Errors
    /// The database refused.
    pub async fn spread_over_days(&self) -> Result<(), Error> {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        let failed = self.failed("make up history");
        let mut writer = self.writer().await;
        let mut transaction = writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(&failed)?;
        for statement in SPREAD {
            sqlx::query(*statement)
                .bind(DAY)
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }
}
