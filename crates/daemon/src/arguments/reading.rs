//! The options of the commands that read back what happened.

use clap::Args;

use super::Format;

#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// Only runs of this integration.
    pub(crate) integration: Option<String>,
    /// Only runs in this state, such as `failed`.
    #[arg(long, value_parser = STATES, hide_possible_values = true)]
    pub(crate) state: Option<String>,
    /// At most as many.
    #[arg(long, default_value_t = 30)]
    pub(crate) limit: u32,
    /// Print, as YAML and without secrets, the configuration that this run was made under.
    #[arg(
        long,
        value_name = "RUN_ID",
        conflicts_with_all = ["integration", "state", "limit", "json", "csv"]
    )]
    pub(crate) configuration: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Errors {
    /// The run; without one, what is still so after the latest run of each integration.
    pub(crate) run_id: Option<String>,
    /// Only errors of this integration.
    #[arg(long)]
    pub(crate) integration: Option<String>,
    /// Only errors for this reason, such as `not_in_oomnitza`.
    #[arg(long, value_parser = REASONS, hide_possible_values = true)]
    pub(crate) reason: Option<String>,
    /// Only `skipped`, or only `failed`.
    #[arg(long, value_parser = ["skipped", "failed"], hide_possible_values = true)]
    pub(crate) outcome: Option<String>,
    /// At most as many.
    #[arg(long)]
    pub(crate) limit: Option<u32>,
    /// Print the groups as JSON or CSV, with `--json` or `--csv`, in place of a row for each user.
    #[arg(long, conflicts_with = "rows")]
    pub(crate) groups: bool,
    /// Print a row for each user, in place of the groups.
    #[arg(long)]
    pub(crate) rows: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct People {
    /// Only users of this integration.
    #[arg(long)]
    pub(crate) integration: Option<String>,
    /// A condition in SQL over the columns of the view `v_people`.
    #[arg(long = "where", value_name = "SQL")]
    pub(crate) condition: Option<String>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The user's e-mail address, or its id in the console.
    #[arg(value_name = "EMAIL|ID")]
    pub(crate) who: String,
    /// The run that is explained; without one, the latest that saw the user.
    #[arg(long, value_name = "RUN_ID")]
    pub(crate) run: Option<String>,
    /// Only as this integration has the user.
    #[arg(long)]
    pub(crate) integration: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Slots {
    /// Only slots of this integration.
    pub(crate) integration: Option<String>,
    /// Only slots in this state.
    #[arg(long, value_parser = ["ran", "late", "skipped", "missed", "paused"])]
    pub(crate) state: Option<String>,
    /// At most as many.
    #[arg(long, default_value_t = 30)]
    pub(crate) limit: u32,
    /// The next so many due times instead, and when each starts.
    #[arg(long, value_name = "N", conflicts_with_all = ["state", "limit"])]
    pub(crate) next: Option<u32>,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Notices {
    /// Only notices of this integration.
    pub(crate) integration: Option<String>,
    /// Those that have ended too.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// The states of a run, as `v_runs` has them.
const STATES: [&str; 10] = [
    "planned",
    "running",
    "parked",
    "completed",
    "completed_with_errors",
    "failed",
    "interrupted",
    "canceled",
    "discarded",
    "overtaken",
];

/// Why a user was skipped or has failed, as `v_errors` has it.
const REASONS: [&str; 12] = [
    "not_in_oomnitza",
    "already_in_oomnitza",
    "out_of_scope",
    "no_sync_key",
    "duplicate_in_source",
    "ambiguous_in_oomnitza",
    "mapping",
    "unknown_value",
    "rejected",
    "unreachable",
    "conflict",
    "not_attempted",
];
