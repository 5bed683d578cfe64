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
    /// The user with this e-mail address, or with this id in the console.
    Address(Address),
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

    /// Whether a user is among them.
    pub(crate) fn has(&self, source_id: &str, email: Option<&str>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Address(address) => address.is(email) || address.as_written() == source_id,
            Self::Again(again) => again.source_ids.contains(source_id),
        }
    }
}

/// An e-mail address that is looked for, however it is spelt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    written: String,
    folded: String,
}

impl Address {
    /// Takes an address as it was written.
    pub fn new(written: &str) -> Self {
        Self {
            written: written.to_owned(),
            folded: mapping::fold(written),
        }
    }

    /// The address as it was written.
    pub(crate) fn as_written(&self) -> &str {
        &self.written
    }

    /// The address as it compares.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Whether this is the address of a user.
    pub fn is(&self, email: Option<&str>) -> bool {
        email.is_some_and(|email| mapping::fold(email) == self.folded)
    }
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
///
/// What is delivered is delivered by what writes, which is given with the intent:
///
/// ```
/// fn intend(writer: oomnitza::Writer) -> load::Intent {
///     load::Intent::Deliver(writer)
/// }
/// ```
///
/// A dry run and a plan have no room for it:
///
/// ```compile_fail
/// fn intend(writer: oomnitza::Writer) -> load::Intent {
///     load::Intent::DryRun(writer)
/// }
/// ```
///
/// ```compile_fail
/// fn intend(writer: oomnitza::Writer) -> load::Intent {
///     load::Intent::Plan(writer)
/// }
/// ```
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
