//! `SaaS` users: whose places in an application are known, and what runs intend for them.
//!
//! What is here, and not Oomnitza's listing, says whom an integration assigned: nobody else is ever deactivated.

mod corrections;
mod intents;
mod settle;

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::json::json;
use crate::open::Store;
use crate::people::PersonRow;
use crate::runs::count;

pub use corrections::{Corrections, RememberedPlace};
pub use intents::{SaasAction, SaasChange, SaasPlan};
pub use settle::{Deactivated, Deactivation, SaasDone, SaasSettled, SaasSettlement, Shown};

/// What could not be done when the database refuses.
const LOOK_UP: &str = "look up SaaS users";

/// How far a place is from being active, or from not being so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It was to be asked for, and may be there.
    Assigning,
    /// It is there and active.
    Active,
    /// It was to be deactivated, and may be.
    Deactivating,
    /// It is deactivated.
    Inactive,
}

impl Activity {
    const ALL: [Self; 4] = [
        Self::Assigning,
        Self::Active,
        Self::Deactivating,
        Self::Inactive,
    ];

    /// The word that the database and its readers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Assigning => "assigning",
            Self::Active => "active",
            Self::Deactivating => "deactivating",
            Self::Inactive => "inactive",
        }
    }

    fn read(word: &str) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|activity| activity.as_str() == word)
            .ok_or_else(|| sqlx::Error::Decode(format!("`{word}` is no activity").into()))
    }
}

/// What is known of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPlace {
    /// Whether this integration assigned it.
    pub assigned: bool,
    /// Whether it is active.
    pub activity: Activity,
    /// Its own id, by which it is deactivated and activated, where a listing showed it.
    pub saas_user_id: Option<String>,
    /// The external id that was sent last.
    pub external_id: Option<String>,
    /// The roles that were sent last, a JSON list of texts.
    pub roles: Option<String>,
    /// What the listing showed after that; `None` while none was read since.
    pub shown: Option<Shown>,
}

/// A place that an integration assigned, of somebody who may be gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignedPlace {
    /// The row of the user.
    pub person: PersonRow,
    /// The user's id in the console.
    pub source_id: String,
    /// `user_id` of the Oomnitza person.
    pub oomnitza_id: String,
    /// Whether it is active.
    pub activity: Activity,
}

impl Store {
    /// Looks up what is known of the places of Oomnitza people in an application, by `user_id`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn known_places(
        &self,
        integration: i64,
        saas_id: &str,
        oomnitza_ids: &[&str],
    ) -> Result<HashMap<String, KnownPlace>, Error> {
        let failed = self.failed(LOOK_UP);
        let mut reader = self.reader().await;
        let rows = sqlx::query(
            "SELECT s.oomnitza_id, s.assigned, s.activity, s.saas_user_id, s.external_id, s.roles, s.listed, s.shown_external_id,
                    s.shown_roles
             FROM json_each(?) j CROSS JOIN saas_users s
               ON s.integration = ? AND s.saas_id = ? AND s.oomnitza_id = j.value",
        )
        .bind(json(oomnitza_ids))
        .bind(integration)
        .bind(saas_id)
        .fetch_all(&mut *reader)
        .await
        .map_err(&failed)?;
        rows.iter()
            .map(|row| place_of(row).map_err(&failed))
            .collect()
    }

    /// Counts the places in an application that an integration assigned and has not deactivated.
    ///
    /// # Errors
    /// The database refused.
    pub async fn assigned_places(&self, integration: i64, saas_id: &str) -> Result<u64, Error> {
        let mut reader = self.reader().await;
        sqlx::query_scalar(
            "SELECT count(*) FROM saas_users
             WHERE integration = ? AND saas_id = ? AND assigned = 1 AND activity <> 'inactive'",
        )
        .bind(integration)
        .bind(saas_id)
        .fetch_one(&mut *reader)
        .await
        .map(count)
        .map_err(self.failed(LOOK_UP))
    }

    /// Lists places that an integration assigned and whose users are gone, or are if they were not seen just now: those
    /// who were in the last read of the same `population`. At most `limit`, behind the `user_id` `after`.
    ///
    /// # Errors
    /// The database refused.
    pub async fn places_of_the_gone(
        &self,
        integration: i64,
        saas_id: &str,
        population: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<AssignedPlace>, Error> {
        let failed = self.failed(LOOK_UP);
        let mut reader = self.reader().await;
        let rows: Vec<(PersonRow, String, String, String)> = sqlx::query_as(
            "SELECT s.person, p.source_id, s.oomnitza_id, s.activity
             FROM saas_users s JOIN people p USING (person) JOIN integrations i ON i.integration = s.integration
             WHERE s.integration = ?1 AND s.saas_id = ?2 AND s.oomnitza_id > ?3 AND s.assigned = 1
               AND (p.gone_since IS NOT NULL OR iif(i.population = ?4, p.present,
                    EXISTS (SELECT 1 FROM members m WHERE m.person = s.person AND m.population = ?4)))
             ORDER BY s.oomnitza_id LIMIT ?5",
        )
        .bind(integration)
        .bind(saas_id)
        .bind(after)
        .bind(population)
        .bind(limit)
        .fetch_all(&mut *reader)
        .await
        .map_err(&failed)?;
        rows.into_iter()
            .map(|(person, source_id, oomnitza_id, activity)| {
                Ok(AssignedPlace {
                    person,
                    source_id,
                    oomnitza_id,
                    activity: Activity::read(&activity).map_err(&failed)?,
                })
            })
            .collect()
    }

    /// Lists who on record matches one of these Oomnitza people: `user_id`, and the row of the user.
    ///
    /// # Errors
    /// The database refused.
    pub async fn matched_to(
        &self,
        integration: i64,
        oomnitza_ids: &[&str],
    ) -> Result<Vec<(String, PersonRow)>, Error> {
        let mut reader = self.reader().await;
        sqlx::query_as(
            "SELECT oomnitza_id, person FROM people NOT INDEXED
             WHERE integration = ? AND oomnitza_id IN (SELECT value FROM json_each(?))",
        )
        .bind(integration)
        .bind(json(oomnitza_ids))
        .fetch_all(&mut *reader)
        .await
        .map_err(self.failed(LOOK_UP))
    }
}

fn place_of(row: &SqliteRow) -> Result<(String, KnownPlace), sqlx::Error> {
    let shown = match row.try_get::<Option<bool>, _>("listed")? {
        None => None,
        Some(false) => Some(Shown::Nothing),
        Some(true) => Some(Shown::Place {
            external_id: row
                .try_get::<Option<_>, _>("shown_external_id")?
                .unwrap_or_default(),
            roles: row
                .try_get::<Option<_>, _>("shown_roles")?
                .unwrap_or_default(),
        }),
    };
    let known = KnownPlace {
        assigned: row.try_get("assigned")?,
        activity: Activity::read(row.try_get("activity")?)?,
        saas_user_id: row.try_get("saas_user_id")?,
        external_id: row.try_get("external_id")?,
        roles: row.try_get("roles")?,
        shown,
    };
    Ok((row.try_get("oomnitza_id")?, known))
}
