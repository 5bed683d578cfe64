//! Everything that Rollcall remembers, in one SQLite file: runs, people, plans, errors, notices, the ledger of due times.
//!
//! This crate is the only one that knows SQL.
//! It never asks for the time: instants are arguments.
//! It decides nothing about a user: what it stores was decided in `load`.
//! The promised views are in `migrations/`; operators and other programs read those, not the tables.
//!
//! **Invariant:** a run that has ended counts exactly as many users as it saw; a CHECK of the table holds it.
//! **Invariant:** a due time has one slot, which is settled once; a UNIQUE of the table holds the first half.

mod error;
mod link;
mod migrate;
mod open;

mod people;
mod portions;
mod presence;
mod runs;
mod state;
mod unfinished;

mod configurations;
mod latest;
mod ledger;
mod loads;
mod pauses;
mod requests;
mod services;
mod slots;
mod tokens;
mod watch;

mod changes;
mod decisions;
mod errors;
mod faults;
mod guards;
mod outcomes;
mod plan;
mod saas;
mod settle;

mod forms;
mod json;
mod notices;
mod outbox;
mod query;
mod roles;

mod explain;

mod backup;
mod examine;
mod forget;
#[cfg(feature = "history")]
mod history;
mod retention;
mod upkeep;

pub use changes::{Group, PlannedChange, WrittenChange};
pub use decisions::Decision;
pub use error::{Cause, Error};
pub use examine::{Examination, examine};
pub use explain::{
    Absence, History, KnownRun, Lifetime, Past, PastChange, PastFault, PastOutcome, PastPlace,
    RunOnRecord, RunRef, Version, Written,
};
pub use faults::{Fault, Severity};
pub use forget::{Fold, Forgotten, Somebody};
pub use forms::{Form, Forms};
pub use guards::{Furthest, GuardHit};
pub use latest::LastRun;
pub use ledger::Ledger;
pub use loads::{Load, Loads};
pub use notices::{Notice, NoticeRow, Reconciled};
pub use open::Store;
pub use outbox::{Message, NoticeEvent};
pub use pauses::Pause;
pub use people::{Known, PersonRow};
pub use plan::{
    Action, Change, CompletePlan, Content, ContentHash, Line, PlanSummary, Sighting, Verdict,
};
pub use presence::Presence;
pub use query::{Cell, Rows};
pub use requests::PeerRequest;
pub use retention::{Pruned, Pruning, Retention};
pub use runs::{Counts, Integration, Kind, NewRun, NewRunSlot, Run, RunKey};
pub use saas::{
    Activity, AssignedPlace, Corrections, Deactivated, Deactivation, KnownPlace, RememberedPlace,
    SaasAction, SaasChange, SaasDone, SaasPlan, SaasSettled, SaasSettlement, Shown,
};
pub use services::Service;
pub use settle::{Settled, Settlement};
pub use slots::{NewSlot, OpenSlot, SlotState};
pub use state::State;
pub use tokens::Token;
pub use unfinished::Unfinished;
pub use watch::{Learned, Missed, NewValue, PastRun};
