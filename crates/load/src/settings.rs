//! What a load is told: the parts of an integration that matter to it, already checked.

use std::sync::Arc;

use mapping::Mapping;
use oomnitza::{Connector, FieldId};
use sentinelone::UserFilter;
use xxhash_rust::xxh3::xxh3_64;

use crate::guards::Guards;

/// An integration, as a load sees it.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Its id in the YAML.
    pub id: String,
    /// The hash of its effective configuration.
    pub config_hash: String,
    /// The console's URL without a trailing slash, which templates see as `customer_domain_url`.
    pub console_url: String,
    /// Which part of the console is read.
    pub filter: UserFilter,
    /// What is made of a user.
    pub mapping: Arc<Mapping>,
    /// What may be written.
    pub preference: Preference,
    /// How it is written.
    pub delivery: Delivery,
    /// The fields, by their names, that hold what a person may do.
    pub role_fields: Vec<String>,
    /// What a plan must keep to be carried out unseen.
    pub guards: Guards,
    /// The application to which the people are assigned; `None`: they are people alone.
    pub saas: Option<Saas>,
}

impl Integration {
    /// Gives a hash of what settles who can be seen at all: with another one, nobody is gone.
    pub(crate) fn population(&self) -> String {
        let parts = format!(
            "{}\n{:?}\n{:?}",
            self.console_url, self.filter.site_ids, self.filter.account_ids
        );
        format!("{:016x}", xxh3_64(parts.as_bytes()))
    }
}

/// An application in Oomnitza, and what its users are to be.
#[derive(Debug, Clone)]
pub struct Saas {
    /// Its name in Oomnitza.
    pub name: String,
    /// Whether it is made where it is not there.
    pub create: bool,
    /// The roles of a user: a mapping of one field.
    pub roles: Arc<Mapping>,
    /// What becomes of users who are gone.
    pub missing: Missing,
}

/// What becomes of `SaaS` users who are gone from a complete read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// They stay as they are.
    Keep,
    /// Those whom the integration assigned are deactivated.
    Deactivate,
}

/// What a load may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// People who are in Oomnitza are updated.
    UpdateOnly,
    /// People who are not in Oomnitza are made, the others updated.
    CreateAndUpdate,
    /// People who are not in Oomnitza are made.
    CreateOnly,
}

/// How a load writes.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// Person by person, answered at once.
    Rest,
    /// In batches, applied later.
    Bulk(Bulk),
}

/// What bulk delivery needs besides.
#[derive(Debug, Clone)]
pub struct Bulk {
    /// The integration's number or name in Oomnitza.
    pub connector: Connector,
    /// Records in a batch, 1 to 100.
    pub batch: usize,
    /// Oomnitza's id of each mapped field, in the order of the mapping.
    pub field_ids: Vec<FieldId>,
}
