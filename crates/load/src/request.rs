//! What is asked of a run.

use std::collections::HashSet;

use oomnitza::Writer;
use store::{Kind, SlotState};
use uuid::Uuid;

use crate::settings::Preference;

/// What is asked of a run.
#[derive(Debug, Clone)]
pub struct Request {
    /// What becomes of the plan.
    pub intent: Intent,
    /// Whom it loads.
    pub whom: Whom,
    /// What started it: `manual`, `schedule`.
    pub trigger: &'static str,
    /// The id that it gets, a UUIDv7; without one it takes a new one.
    pub run_id: Option<Uuid>,
    /// The due time that it is made for, where a schedule started it.
    pub slot: Option<Slot>,
}

impl Request {
    /// What the run is on record as.
    pub(crate) fn kind(&self) -> Kind {
        match self.whom {
            Whom::Again(_) => Kind::Replay,
            Whom::Everybody | Whom::Address(_) => Kind::Load,
        }
    }
}

/// Whom a run loads; everybody is read all the same, as who goes before whom cannot be seen otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// All users.
    Everybody,
    /// The users with this e-mail address.
    Address(String),
    /// Those whom an earlier run skipped or failed.
    Again(Again),
}

/// The users whom an earlier run skipped or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The id of that run.
    pub run_id: String,
    /// Their ids in the console.
    pub source_ids: HashSet<String>,
    /// What may be written, if not what the integration says.
    pub preference: Option<Preference>,
}

impl Whom {
    /// Whether some users are left out.
    pub(crate) fn is_partial(&self) -> bool {
        !matches!(self, Self::Everybody)
    }

    pub(crate) fn again(&self) -> Option<&Again> {
        match self {
            Self::Again(again) => Some(again),
            Self::Everybody | Self::Address(_) => None,
        }
    }

    /// Gives what says of a user, by its id and its address, whether it is among them.
    pub(crate) fn among(&self) -> Box<dyn Fn(&str, Option<&str>) -> bool + Send + Sync + '_> {
        match self {
            Self::Everybody => Box::new(|_, _| true),
            Self::Address(address) => {
                let is_chosen = chosen(address);
                Box::new(move |_, email| is_chosen(email))
            }
            Self::Again(again) => Box::new(|source_id, _| again.source_ids.contains(source_id)),
        }
    }
}

/// Gives what says of an address whether it is this one, however either is spelt.
pub fn chosen(address: &str) -> impl Fn(Option<&str>) -> bool + Send + Sync + use<> {
    let wanted = mapping::fold(address);
    move |email| email.map(mapping::fold).as_ref() == Some(&wanted)
}

/// The due time that a run is made for, and what becomes of it when the run is on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The row id of the slot.
    pub slot: i64,
    /// Its state from then on: ran, or late.
    pub state: SlotState,
    /// Why, for a person; without one, the note that the slot has stays.
    pub note: Option<String>,
}

/// What becomes of the plan of a run.
#[derive(Debug, Clone)]
pub enum Intent {
    /// It is shown and never delivered.
    DryRun,
    /// It waits to be applied.
    Plan,
    /// It is delivered; the only intent that holds what writes.
    Deliver(Writer),
}

impl Intent {
    pub(crate) fn writer(&self) -> Option<&Writer> {
        match self {
            Self::DryRun | Self::Plan => None,
            Self::Deliver(writer) => Some(writer),
        }
    }
}
