//! The store as `load` and the command line use it, over real files.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where; clippy knows only the functions marked as tests"
)]

mod daemon;
mod delivery;
mod explain;
mod forget;
mod groups;
mod guards;
mod loads;
mod opening;
mod outcomes;
mod places;
mod plan;
mod presence;
mod remembering;
mod retention;
mod slots;
mod states;
mod support;
mod upgrade;
mod upkeep;
mod views;
mod watch;
