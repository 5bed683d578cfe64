//! What is asked of a run.

use oomnitza::Writer;
use store::SlotState;
use uuid::Uuid;

/// What is asked of a run.
#[derive(Debug, Clone)]
pub struct Request {
    /// What becomes of the plan.
    pub intent: Intent,
    /// Only the users with this e-mail address.
    pub only: Option<String>,
    /// What started it: `manual`, `schedule`.
    pub trigger: &'static str,
    /// The id that it gets, a UUIDv7; without one it takes a new one.
    pub run_id: Option<Uuid>,
    /// The due time that it is made for, where a schedule started it.
    pub slot: Option<Slot>,
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
