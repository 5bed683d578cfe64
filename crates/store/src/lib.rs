//! Everything that Rollcall remembers, in one SQLite file: runs, people, plans, errors, notices.
//!
//! This crate is the only one that knows SQL.
//! It never asks for the time: instants are arguments.
//! It decides nothing about a user: what it stores was decided in `load`.
//! The promised views are in `migrations/`; operators and other programs read those, not the tables.
//!
//! **Invariant:** a run that has ended counts exactly as many users as it saw; a CHECK of the table holds it.

mod error;
mod migrate;
mod open;

mod people;
mod portions;
mod presence;
mod runs;
mod state;

mod changes;
mod errors;
mod faults;
mod outcomes;
mod plan;
mod settle;

mod forms;
mod json;
mod notices;
mod query;
mod roles;

pub use changes::{Group, PlannedChange};
pub use error::{Cause, Error};
pub use faults::{Fault, Severity};
pub use forms::{Form, Forms};
pub use notices::Notice;
pub use open::Store;
pub use people::{Known, PersonRow};
pub use plan::{Action, Change, Content, ContentHash, Line, PlanSummary, Verdict};
pub use presence::Presence;
pub use query::{Cell, Rows};
pub use runs::{Counts, Integration, NewRun, Run, RunKey, Unfinished};
pub use settle::{Settled, Settlement};
pub use state::State;
