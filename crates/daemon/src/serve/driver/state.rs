//! What the driver knows of an integration.

use std::collections::HashMap;

use jiff::Timestamp;
use load::{Halt, Progress, Report};
use schedule::Timetable;
use store::SlotState;
use tokio::sync::{oneshot, watch};

use crate::control::Refusal;
use crate::serve::running::Task;

/// An integration that is served.
pub(super) struct Served {
    /// Its row.
    pub(super) key: i64,
    /// What becomes of its due times.
    pub(super) timetable: Timetable,
    /// The slots of due times that are not settled yet.
    pub(super) slots: HashMap<Timestamp, Slot>,
    /// What goes on, or waits for its turn.
    pub(super) active: Option<Active>,
    /// When there is something to decide next; `None`: never.
    pub(super) wake: Option<Timestamp>,
    /// Something has changed since it was last decided about.
    pub(super) dirty: bool,
    /// It is no part of the configuration any more, and goes with the end of its run.
    pub(super) removed: bool,
}

/// A slot that is not settled yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Its row.
    pub(super) key: i64,
    /// How many runs it had.
    pub(super) tries: u32,
    /// What it shows of itself.
    pub(super) state: SlotState,
    /// Whether a run of it failed, so that another one tries again; one that was cut off is none.
    pub(super) failed: bool,
}

/// A run that goes on, or waits for its turn.
pub(super) struct Active {
    /// Its id.
    pub(super) run_id: String,
    /// What it does.
    pub(super) task: Task,
    /// What started it: `manual`, `schedule`.
    pub(super) trigger: &'static str,
    /// The due time that it is for.
    pub(super) due_at: Option<Timestamp>,
    /// When it was launched, or began to wait.
    pub(super) since: Timestamp,
    /// Whether it is more than waiting.
    pub(super) launched: bool,
    /// What stops it.
    pub(super) halt: Halt,
    /// How far it is.
    pub(super) progress: watch::Receiver<Progress>,
    /// Who waits for its report.
    pub(super) report: Option<oneshot::Sender<Result<Report, Refusal>>>,
}
