//! Guards: which of them a plan is over, and what they are measured by.

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteConnection;

use crate::error::Error;
use crate::json::json;
use crate::open::Store;
use crate::runs::{RunKey, count, number};
use crate::state::State;

/// A guard that a plan is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardHit {
    /// Its name in the YAML; `first_run` and `empty_source`, which stand nowhere there, for what they say.
    pub guard: String,
    /// How many the plan has.
    pub found: u64,
    /// How many pass.
    pub allowed: u64,
    /// Of how many that is a share; `None`: it is a number.
    pub base: Option<u64>,
    /// For a person; names nobody.
    pub message: String,
    /// At most ten users whom it counted, by their ids in the console.
    pub examples: Vec<String>,
}

/// How far any load of an integration ever came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Furthest {
    /// None was delivered.
    Nowhere,
    /// One was, and did not come to its end.
    Begun,
    /// One came to its end.
    Completed,
}

impl Store {
    /// Reads which guards the plan of a run is over; the examples are addresses, or ids of users without one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn guard_hits(&self, key: RunKey) -> Result<Vec<GuardHit>, Error> {
        let failed = self.failed("look up what a guard found");
        let mut reader = self.reader().await;
        let rows: Vec<(String, i64, i64, Option<i64>, String, String)> = sqlx::query_as(
            "SELECT guard, found, allowed, base, message,
                    (SELECT json_group_array(ifnull(p.email, p.source_id))
                     FROM guard_examples x JOIN people p USING (person) WHERE x.run = g.run AND x.guard = g.guard)
             FROM guard_hits g WHERE run = ? ORDER BY guard",
        )
        .bind(key.run)
        .fetch_all(&mut *reader)
        .await
        .map_err(&failed)?;
        let hits = rows.into_iter();
        Ok(hits
            .map(
                |(guard, found, allowed, base, message, examples)| GuardHit {
                    guard,
                    found: count(found),
                    allowed: count(allowed),
                    base: base.map(count),
                    message,
                    examples: serde_json::from_str(&examples).unwrap_or_default(),
                },
            )
            .collect())
    }

    /// Reads how many users the latest complete reads of a population had, at most `limit`, the newest first.
    ///
    /// Dry runs do not count. A read that is over a guard counts from its release on, and whoever released one has said
    /// what is usual now: reads before it count no more.
    ///
    /// # Errors
    /// The database refused.
    pub async fn read_sizes(
        &self,
        integration: i64,
        population: &str,
        limit: u32,
    ) -> Result<Vec<u64>, Error> {
        let mut reader = self.reader().await;
        let sizes: Vec<i64> = sqlx::query_scalar(
            "SELECT seen FROM runs r
             WHERE integration = ?1 AND planned_at IS NOT NULL AND partial = 0 AND kind = 'load' AND population = ?2
               AND dry_run = 0
               AND state IN ('planned', 'completed', 'completed_with_errors', 'failed', 'interrupted', 'canceled')
               AND (decision IS 'released' OR NOT EXISTS (SELECT 1 FROM guard_hits g WHERE g.run = r.run))
               AND run >= ifnull((SELECT max(run) FROM runs WHERE integration = ?1 AND planned_at IS NOT NULL
                                  AND partial = 0 AND kind = 'load' AND population = ?2 AND decision = 'released'), 0)
             ORDER BY run DESC LIMIT ?3",
        )
        .bind(integration)
        .bind(population)
        .bind(limit)
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed("look up earlier reads"))?;
        Ok(sizes.into_iter().map(count).collect())
    }

    /// Says how far any load of everybody ever came for an integration.
    ///
    /// # Errors
    /// The database refused.
    pub async fn furthest_load(&self, integration: i64) -> Result<Furthest, Error> {
        let mut reader = self.reader().await;
        let loaded: i64 =
            sqlx::query_scalar("SELECT loaded FROM integrations WHERE integration = ?")
                .bind(integration)
                .fetch_one(&mut *reader)
                .await
                .map_err(self.failed("look up earlier loads"))?;
        Ok(match loaded {
            0 => Furthest::Nowhere,
            1 => Furthest::Begun,
            _ => Furthest::Completed,
        })
    }

    /// Reads what started the latest load of everybody that did not come to its end, and how it ended; `None`: each did.
    ///
    /// # Errors
    /// The database refused.
    pub async fn cut_off_load(&self, integration: i64) -> Result<Option<(String, State)>, Error> {
        let failed = self.failed("look up a load that was cut off");
        let mut reader = self.reader().await;
        let found: Option<(String, String)> = sqlx::query_as(
            "SELECT trigger, state FROM runs
             WHERE integration = ? AND planned_at IS NOT NULL AND partial = 0 AND kind = 'load' AND dry_run = 0
               AND state IN ('failed', 'interrupted', 'canceled')
             ORDER BY run DESC LIMIT 1",
        )
        .bind(integration)
        .fetch_optional(&mut *reader)
        .await
        .map_err(&failed)?;
        let found = found.map(|(trigger, state)| Ok((trigger, State::read(&state)?)));
        found.transpose().map_err(&failed)
    }

    /// Notes that a load of everybody has come so far; one that came further before stays.
    ///
    /// # Errors
    /// The database refused.
    pub async fn keep_furthest(&self, integration: i64, furthest: Furthest) -> Result<(), Error> {
        let loaded = match furthest {
            Furthest::Nowhere => 0,
            Furthest::Begun => 1,
            Furthest::Completed => 2,
        };
        let mut writer = self.writer().await;
        sqlx::query("UPDATE integrations SET loaded = ?1 WHERE integration = ?2 AND loaded < ?1")
            .bind(loaded)
            .bind(integration)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("note how far a load came"))?;
        Ok(())
    }
}

/// Puts on record which guards the plan of a run is over.
pub(crate) async fn keep_hits(
    connection: &mut SqliteConnection,
    key: RunKey,
    hits: &[GuardHit],
) -> Result<(), sqlx::Error> {
    for hit in hits {
        sqlx::query(
            "INSERT INTO guard_hits (run, guard, found, allowed, base, message) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(key.run)
        .bind(&hit.guard)
        .bind(number(hit.found))
        .bind(number(hit.allowed))
        .bind(hit.base.map(number))
        .bind(&hit.message)
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "INSERT INTO guard_examples (run, guard, person)
             SELECT ?, ?, p.person FROM json_each(?) j CROSS JOIN people p
             ON p.integration = ? AND p.source_id = j.value",
        )
        .bind(key.run)
        .bind(&hit.guard)
        .bind(json(&hit.examples))
        .bind(key.integration)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
