//! One run of an integration: read both sides, map, match, plan, deliver, and say what became of every user.
//!
//! This is where a decision about a user is made.
//! It knows nothing of YAML, of schedules or of a command line: what a run needs is in [`Loader`].
//!
//! **Invariant:** nothing is written before the whole plan is in the store.
//! **Invariant:** a dry run cannot write, for [`Intent::DryRun`] holds no [`oomnitza::Writer`].
//! **Invariant:** every user that was seen has exactly one outcome.
//! **Invariant:** a portion that was opened is finalized, by this run or by a later one.

mod request;
mod run;
mod halt;

mod settings;
mod report;
mod progress;
mod error;
mod reason;

mod lock;
mod memory;
mod insist;
mod point;
mod recover;

mod read;
mod rows;
mod scratch;

mod matching;
mod decide;
mod sighting;
mod guards;
mod plan;
mod undo;
mod saas;

mod deliver;
mod explain;

pub use error::{Error, chain};
pub use explain::{
    At, ComparedAs, Conditions, Event, Evidence, Explanation, FieldExplained, InputExplained,
    KeyExplained, Looked, MatchExplained, OutcomeExplained, Raw, RequestExplained, Rule,
    RunExplained, SaasUserExplained, ScopeExplained, UserExplained, ValueChange, Why,
};
pub use guards::{Guards, Limit, sentence};
pub use halt::{Cause, Halt};
pub use lock::Lock;
pub use memory::{give_back, share_one_heap};
#[cfg(feature = "points")]
pub use point::arm;
pub use point::{Point, reach};
pub use progress::{Phase, Progress, Publisher};
pub use reason::Reason;
pub use report::Report;
pub use request::{Address, Again, Intent, Request, Slot, Whom};
pub use run::{Loader, Replay, Undo, discard};
pub use settings::{Bulk, Delivery, Integration, Missing, Preference, Saas};
pub use store::{Counts, Decision, GuardHit, SlotState, State};
pub use undo::Made;
