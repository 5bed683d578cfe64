//! The rows of the scratch files: what a run holds of a user, and of a person in Oomnitza.

use mapping::{Mapping, Record};
use serde::{Deserialize, Serialize};
use store::{ContentHash, Fault, Severity};
use xxhash_rust::xxh3::Xxh3;

use crate::reason::Reason;

/// A user of the console, mapped.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UserRow<'a> {
    /// The row in the store, of a user seen before.
    pub(crate) person: Option<i64>,
    /// Whether the complete read before had the user.
    pub(crate) present: bool,
    /// The match that the store has.
    pub(crate) known_match: Option<&'a str>,
    /// Whether the store has that match as suspended.
    pub(crate) known_suspended: Option<bool>,
    /// The id in the console; empty where it sent something without one.
    pub(crate) source_id: &'a str,
    pub(crate) email: Option<&'a str>,
    pub(crate) full_name: Option<&'a str>,
    /// The JSON, where the store does not have it yet.
    pub(crate) user: Option<&'a str>,
    pub(crate) user_hash: ContentHash,
    /// Whether the store has the same record already.
    pub(crate) record_known: bool,
    pub(crate) record_hash: ContentHash,
    /// The values of the record, in the order of the mapping; none where there is no record.
    #[serde(borrow)]
    pub(crate) record: Vec<&'a str>,
    /// The roles of the `SaaS` user, a JSON list of texts; empty where they stay as they are, or there is none.
    pub(crate) saas_roles: &'a str,
    /// What was decided before anybody was matched.
    #[serde(borrow)]
    pub(crate) state: UserState<'a>,
}

/// What is known of a user before it is matched.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum UserState<'a> {
    /// It competes for a person.
    Mapped,
    /// `where` is false.
    OutOfScope,
    /// None of the sync keys has a value.
    NoSyncKey,
    /// No record could be made of it.
    Unmapped {
        #[serde(borrow)]
        fault: FaultRow<'a>,
    },
}

/// A fault, as a row holds it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FaultRow<'a> {
    unknown_value: bool,
    field: Option<&'a str>,
    message: &'a str,
    cause: Option<&'a str>,
    value: Option<&'a str>,
    hint: Option<&'a str>,
}

impl<'a> FaultRow<'a> {
    pub(crate) fn of(fault: &'a Fault) -> Self {
        Self {
            unknown_value: fault.reason == Reason::UnknownValue.code(),
            field: fault.field.as_deref(),
            message: &fault.message,
            cause: fault.cause.as_deref(),
            value: fault.value.as_deref(),
            hint: fault.hint.as_deref(),
        }
    }

    pub(crate) fn fault(&self) -> Fault {
        let reason = if self.unknown_value {
            Reason::UnknownValue
        } else {
            Reason::Mapping
        };
        Fault {
            severity: Severity::Failed,
            reason: reason.code(),
            field: self.field.map(str::to_owned),
            message: self.message.to_owned(),
            cause: self.cause.map(str::to_owned),
            value: self.value.map(str::to_owned),
            hint: self.hint.map(str::to_owned),
        }
    }
}

/// A person in Oomnitza, with the values of the mapped fields.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TargetRow<'a> {
    /// `user_id`.
    pub(crate) id: &'a str,
    pub(crate) suspended: Option<bool>,
    /// A hash of what it has, to see later whether somebody has changed it.
    pub(crate) standing: u64,
    /// Raw JSON of each mapped field, in the order of the mapping; `""` for the empty value.
    #[serde(borrow)]
    pub(crate) values: Vec<&'a str>,
}

/// Puts the values of a row back together.
pub(crate) fn record_of(values: &[&str]) -> Record {
    let mut record = Record::default();
    for value in values {
        record.push_raw(value);
    }
    record
}

/// Gives the hash by which a record is known again: fields of the load's own instant are left out.
pub(crate) fn record_hash(mapping: &Mapping, record: &Record) -> ContentHash {
    let mut hash = Xxh3::new();
    for (field, value) in mapping.fields().iter().zip(record.iter()) {
        if !field.uses_sync_time() {
            hash.update(field.name().as_bytes());
            hash.update(&[0]);
            hash.update(value.as_bytes());
            hash.update(&[0]);
        }
    }
    hash.digest128().to_le_bytes()
}
