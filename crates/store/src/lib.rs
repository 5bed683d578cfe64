//! Everything that Rollcall remembers, in one SQLite file: runs, people, plans, errors, notices.
//!
//! This crate is the only one that knows SQL.
//! It never asks for the time: instants are arguments.
//! It decides nothing about a user: what it stores was decided in `load`.
//! The promised views are in `migrations/`; operators and other programs read those, not the tables.
//!
//! **Invariant:** a run that has ended counts exactly as many users as it saw; a CHECK of the table holds it.

mod changes;
mod error;
mod errors;
mod forms;
mod notices;
mod open;
mod people;
mod plan;
mod query;
mod roles;
mod runs;

pub use changes::{Group, PlannedChange, Settled, Settlement};
pub use error::{Cause, Error};
pub use forms::{Form, Forms};
pub use notices::Notice;
pub use open::Store;
pub use people::{Known, PersonRow, Presence};
pub use plan::{Action, Change, Content, ContentHash, Fault, Line, PlanSummary, Severity, Verdict};
pub use query::{Cell, Rows};
pub use runs::{Counts, Integration, NewRun, Run, RunKey, State, Unfinished};
