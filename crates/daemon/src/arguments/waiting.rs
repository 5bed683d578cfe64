//! The arguments of the commands that do something with a run that was made before.

use clap::Args;

use super::reason;
use crate::control::Wish;

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The id of the planned run.
    pub(crate) run_id: String,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// The id of the parked run.
    pub(crate) run_id: String,
    /// Why, for those who look later.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Discard {
    /// The id of the run.
    pub(crate) run_id: String,
    /// Why, for those who look later.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The id of the run.
    pub(crate) run_id: String,
    /// What may be written, if not what the configuration says.
    #[arg(long, value_name = "PREFERENCE")]
    pub(crate) preference: Option<Wish>,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Undo {
    /// The id of the run.
    pub(crate) run_id: String,
    /// Make the plan, show what it comes to, and write nothing.
    #[arg(long = "dry-run")]
    pub(crate) dry: bool,
    /// Only of the user with this e-mail address, or id in the console.
    #[arg(long, value_name = "EMAIL")]
    pub(crate) only: Option<String>,
    /// What becomes of people whom the run made.
    #[arg(long, value_name = "WHAT", default_value = "leave")]
    pub(crate) created: Created,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What becomes of people whom a run made that is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Created {
    /// They stay as they are.
    Leave,
    /// They are suspended.
    Suspend,
}
