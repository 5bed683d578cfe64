//! The outcomes of a whole run: their counts, and what they mean for people and for earlier errors.

use jiff::Timestamp;
use sqlx::Connection;

use crate::error::Error;
use crate::json::list;
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::{Counts, RunKey, counts_of};

/// Counts outcomes; ?1 is the run.
///
/// Who was written as a person and not as a `SaaS` user failed, and is in the error log.
const OUTCOMES: &str = "SELECT seen, unchanged,
        (SELECT count(*) FROM changes c WHERE c.run = ?1 AND state = 'done' AND action = 'create')
      - (SELECT count(*) FROM saas_changes s JOIN changes c ON c.person = s.person AND c.run = s.run
         WHERE s.run = ?1 AND s.action = 'update' AND s.state <> 'done' AND c.state = 'done' AND c.action = 'create')
        AS created,
        (SELECT count(*) FROM changes c WHERE c.run = ?1 AND state = 'done' AND action = 'update')
      - (SELECT count(*) FROM saas_changes s JOIN changes c ON c.person = s.person AND c.run = s.run
         WHERE s.run = ?1 AND s.action = 'update' AND s.state <> 'done' AND c.state = 'done' AND c.action = 'update')
      + (SELECT count(*) FROM saas_changes s WHERE s.run = ?1 AND s.action = 'update' AND s.state = 'done'
         AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.person = s.person AND c.run = s.run)) AS updated,
        (SELECT count(*) FROM errors e WHERE e.run = ?1 AND outcome = 'skipped') AS skipped,
        (SELECT count(*) FROM errors e WHERE e.run = ?1 AND outcome = 'failed') AS failed,
        (SELECT count(*) FROM saas_changes s WHERE s.run = ?1 AND s.action = 'deactivate' AND s.state = 'done')
        AS deactivated
     FROM runs WHERE run = ?1";

/// What is left to publish, in order: ?1 is the run, ?2 its integration, ?3 the people of a partial run, ?4 the instant.
///
/// Each may be repeated without effect, for a run whose process ended between publishing and ending.
const PUBLISH: &[&str] = &[
    // What has no id cannot be followed from run to run: it is open in the latest complete run alone.
    "UPDATE errors SET resolved_at = ?4
     WHERE ?3 IS NULL AND run <> ?1 AND resolved_at IS NULL
       AND error IN (SELECT error FROM open_errors WHERE integration = ?2 AND person IS NULL)",
    "DELETE FROM open_errors WHERE ?3 IS NULL AND integration = ?2 AND person IS NULL",
    // An error with the reason of the one before continues it.
    "INSERT INTO open_errors (person, integration, error, reason, since, runs)
     SELECT person, ?2, error, reason, at, 1 FROM errors
     WHERE run = ?1 AND (person IS NOT NULL OR ?3 IS NULL)
     ON CONFLICT (person) DO UPDATE SET
        error = excluded.error, reason = excluded.reason,
        since = iif(reason = excluded.reason, since, excluded.since),
        runs = iif(reason = excluded.reason, runs + 1, 1)
     WHERE error <> excluded.error",
    "UPDATE people SET outcome = iif(c.action = 'create', 'created', 'updated'), reason = NULL,
            oomnitza_id = ifnull(c.oomnitza_id, people.oomnitza_id)
     FROM changes c WHERE c.run = ?1 AND c.person = people.person AND c.state = 'done'",
    "UPDATE people SET outcome = 'updated', reason = NULL
     FROM saas_changes s WHERE s.run = ?1 AND s.person = people.person AND s.state = 'done' AND s.action = 'update'
       AND NOT EXISTS (SELECT 1 FROM changes c WHERE c.person = s.person AND c.run = s.run)",
    // Who was written and has an error all the same was not loaded as a SaaS user.
    "UPDATE people SET outcome = e.outcome, reason = e.reason FROM errors e
     WHERE e.run = ?1 AND e.person = people.person
       AND (people.outcome IS NOT e.outcome OR people.reason IS NOT e.reason)",
    "UPDATE people SET outcome = 'unchanged', reason = NULL
     WHERE integration = ?2 AND outcome IS NOT 'unchanged'
       AND (?3 IS NULL AND present = 1 OR person IN (SELECT value FROM json_each(?3)))
       AND person NOT IN (SELECT person FROM changes WHERE run = ?1)
       AND person NOT IN (SELECT person FROM saas_changes WHERE run = ?1)
       AND person NOT IN (SELECT person FROM errors WHERE run = ?1 AND person IS NOT NULL)",
];

impl Store {
    /// Counts what became of the users of a delivered run; who is unchanged was counted when it was planned.
    ///
    /// # Errors
    /// The database refused.
    pub async fn outcomes(&self, key: RunKey) -> Result<Counts, Error> {
        let mut writer = self.writer().await;
        let row = sqlx::query(OUTCOMES)
            .bind(key.run)
            .fetch_one(&mut *writer)
            .await
            .map_err(self.failed("count outcomes"))?;
        counts_of(&row).map_err(self.failed("count outcomes"))
    }

    /// Brings people and earlier errors up to date with the outcomes of a run that was no dry run:
    /// each person's latest outcome, how often in a row an error stands, which errors are resolved.
    ///
    /// `partial` lists the people of a partial run; `None` means that everybody present was in it,
    /// so that [`settle_presence`](Self::settle_presence) comes before.
    /// Publishing a run twice is the same as once.
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
        // Who is loaded, gone or out of scope now has no errors from before.
        let resolved: Vec<PersonRow> = sqlx::query_scalar(
            "DELETE FROM open_errors WHERE person IN (
                SELECT o.person FROM open_errors o
                JOIN people p USING (person)
                LEFT JOIN errors e ON e.run = ?1 AND e.person = o.person
                WHERE o.integration = ?2 AND CASE
                    WHEN e.error IS NOT NULL THEN e.reason = 'out_of_scope' AND o.reason <> 'out_of_scope'
                    WHEN ?3 IS NULL THEN p.present = 1 OR p.gone_since IS NOT NULL
                    ELSE o.person IN (SELECT value FROM json_each(?3)) END)
             RETURNING person",
        )
        .bind(key.run)
        .bind(key.integration)
        .bind(among.clone())
        .fetch_all(&mut *transaction)
        .await
        .map_err(&failed)?;
        sqlx::query(
            "UPDATE errors SET resolved_at = ?
             WHERE run <> ? AND resolved_at IS NULL AND person IN (SELECT value FROM json_each(?))",
        )
        .bind(at.as_millisecond())
        .bind(key.run)
        .bind(list(&resolved))
        .execute(&mut *transaction)
        .await
        .map_err(&failed)?;
        for statement in PUBLISH {
            sqlx::query(*statement)
                .bind(key.run)
                .bind(key.integration)
                .bind(among.clone())
                .bind(at.as_millisecond())
                .execute(&mut *transaction)
                .await
                .map_err(&failed)?;
        }
        transaction.commit().await.map_err(&failed)
    }
}
