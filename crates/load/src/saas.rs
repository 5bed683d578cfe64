//! `SaaS` users: who belongs to the application in Oomnitza, as its listing shows it, as it is remembered, and as it is
//! to be.

mod difference;
mod gone;
mod memory;
mod roles;

use std::collections::HashMap;

use oomnitza::{Reader, SaasId, SaasUser, SaasUserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::SaasDone;

use crate::error::Stop;
use crate::settings::Saas;

pub(crate) use difference::{Wanted, difference};
pub(crate) use gone::places_of_the_gone;
pub(crate) use memory::correct;
pub(crate) use roles::roles_of;

/// What the error log knows the place of a user by.
pub(crate) const FIELD: &str = "saas";

/// The application as Oomnitza shows it.
#[derive(Debug, Default)]
pub(crate) struct Application {
    /// Its id; `None` while it is yet to be made.
    pub(crate) id: Option<SaasId>,
    places: HashMap<String, Place>,
    /// Whether everybody is listed: else who is not may be there all the same.
    pub(crate) is_complete: bool,
}

/// A person's place in the application, as it is listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its own id, by which it is deactivated.
    pub(crate) id: Option<SaasUserId>,
    /// Empty for none.
    pub(crate) external_id: String,
    /// Any JSON; empty for none.
    pub(crate) roles: String,
    /// Whether it is active, where that is shown.
    pub(crate) active: Option<bool>,
}

impl Application {
    /// Reads the application and who belongs to it.
    pub(crate) async fn read(reader: &Reader, saas: &Saas) -> Result<Self, Stop> {
        match find(reader, saas).await? {
            Some(id) => Self::listed(reader, id).await,
            None => Ok(Self {
                is_complete: true,
                ..Self::default()
            }),
        }
    }

    /// Reads who belongs to an application.
    pub(crate) async fn listed(reader: &Reader, id: SaasId) -> Result<Self, Stop> {
        let listing = reader.saas_users(&id).await?;
        let mut places = HashMap::with_capacity(listing.users.len());
        for user in listing.users {
            let person = user.person.as_str().to_owned();
            places.entry(person).or_insert_with(|| Place::of(user));
        }
        Ok(Self {
            id: Some(id),
            places,
            is_complete: listing.complete,
        })
    }

    /// The place of an Oomnitza person.
    pub(crate) fn place(&self, oomnitza_id: &str) -> Option<&Place> {
        self.places.get(oomnitza_id)
    }
}

impl Place {
    fn of(user: SaasUser) -> Self {
        Self {
            id: user.id,
            external_id: user.external_id,
            roles: user.roles,
            active: user.active,
        }
    }
}

/// Finds the application; `None` where it is yet to be made.
pub(crate) async fn find(reader: &Reader, saas: &Saas) -> Result<Option<SaasId>, Stop> {
    let mut ids = reader.saas_named(&saas.name).await?;
    let name = saas.name.clone();
    match (ids.pop(), ids.len()) {
        (Some(id), 0) => Ok(Some(id)),
        (Some(_), more) => Err(Stop::SeveralApplications {
            name,
            found: more + 1,
        }),
        (None, _) if saas.create => Ok(None),
        (None, _) => Err(Stop::NoApplication { name }),
    }
}

/// What is to be there of a place, as the plan has it: what is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct After {
    /// The person is to be assigned.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) assigned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<Vec<String>>,
    /// The place is to be active, or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) active: Option<bool>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over what a member refers to"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl After {
    /// Reads what a plan has; what is none asks for nothing.
    pub(crate) fn parse(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).expect("texts and booleans can always be written as JSON")
    }

    /// What is remembered of a place that has become this.
    pub(crate) fn done(&self, oomnitza_id: &str) -> SaasDone {
        let roles = self.roles.as_ref();
        SaasDone {
            oomnitza_id: oomnitza_id.to_owned(),
            assigned: self.assigned,
            external_id: self.external_id.clone(),
            roles: roles.map(|roles| Value::from(roles.clone()).to_string()),
            active: self.active == Some(true),
        }
    }

    /// What a listing shows of what this names, a JSON object.
    pub(crate) fn shown(&self, place: Option<&Place>) -> String {
        let mut shown = Map::new();
        if self.assigned {
            shown.insert("assigned".to_owned(), place.is_some().into());
        }
        if self.external_id.is_some() {
            let id = place.map(|place| place.external_id.as_str());
            let id = id.filter(|id| !id.is_empty());
            shown.insert("external_id".to_owned(), id.into());
        }
        if self.roles.is_some() {
            let roles = place.map(|place| place.roles.as_str()).unwrap_or_default();
            let roles = serde_json::from_str(roles).unwrap_or(Value::Null);
            shown.insert("roles".to_owned(), roles);
        }
        if self.active.is_some() {
            let active = place.and_then(|place| place.active);
            shown.insert("active".to_owned(), active.into());
        }
        Value::Object(shown).to_string()
    }

    /// What of it a listing does not show.
    pub(crate) fn left(&self, place: Option<&Place>) -> Self {
        let Some(place) = place else {
            return self.clone();
        };
        let has_id = |id: &String| *id == place.external_id;
        let has_roles = |wanted: &Vec<String>| roles::same(wanted, &place.roles);
        Self {
            assigned: false,
            external_id: self.external_id.clone().filter(|id| !has_id(id)),
            roles: self.roles.clone().filter(|roles| !has_roles(roles)),
            active: self.active.filter(|active| place.active != Some(*active)),
        }
    }
}
