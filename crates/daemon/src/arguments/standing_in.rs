//! What is shown and measured against the stand-ins.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the database and the configuration are left; a new folder by default.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// How many users; may be given several times.
    #[arg(long = "users", value_name = "N", default_values_t = [1_000, 100_000])]
    pub(crate) users: Vec<u32>,
    /// How they are delivered; both by default.
    #[arg(long, value_parser = ["bulk", "rest"])]
    pub(crate) delivery: Option<String>,
    /// Measure the daemon instead, in some ten minutes: its memory, how idle it is, when it is ready, how punctual it is.
    #[arg(long, conflicts_with = "delivery")]
    pub(crate) daemon: bool,
    /// Measure what a year of daily loads leaves instead: the size of the database, and how long `explain` takes with it.
    #[arg(long, conflicts_with_all = ["delivery", "daemon"])]
    pub(crate) history: bool,
    #[command(flatten)]
    pub(crate) lengths: Lengths,
    #[command(flatten)]
    pub(crate) year: Year,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How long and how often the daemon is measured.
#[derive(Debug, Args)]
pub(crate) struct Lengths {
    /// How long it is watched while there is nothing to do.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 600,
        requires = "daemon"
    )]
    pub(crate) idle: u64,
    /// How long after a load its memory is looked at.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        requires = "daemon"
    )]
    pub(crate) after_load: u64,
    /// How many due times are waited for; there is one each minute.
    #[arg(long, value_name = "N", default_value_t = 5, requires = "daemon")]
    pub(crate) due_times: u32,
    /// How often it is started, on a new database and on one with a year of history.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "daemon")]
    pub(crate) starts: u32,
    /// How many rows the error log of that year has.
    #[arg(
        long,
        value_name = "ROWS",
        default_value_t = 1_000_000,
        requires = "daemon"
    )]
    pub(crate) errors: u32,
}

/// How long and how large the year is.
#[derive(Debug, Args)]
pub(crate) struct Year {
    /// How many days it has.
    #[arg(long, value_name = "N", default_value_t = 365, requires = "history")]
    pub(crate) days: u32,
    /// How many users the console has.
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "history")]
    pub(crate) people: u32,
    /// How many of a hundred are not in Oomnitza, and so are skipped each day.
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 0.0,
        requires = "history"
    )]
    pub(crate) missing: f64,
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// How many users there are.
    pub(crate) users: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Wire {
    /// The base of the console's API.
    pub(crate) sentinelone: String,
    /// The base of the instance.
    pub(crate) oomnitza: String,
    /// Batches to post.
    pub(crate) batches: u32,
    /// Where to write what the process used.
    pub(crate) figures: PathBuf,
}
