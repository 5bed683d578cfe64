//! The command line.

mod reading;
#[cfg(feature = "demo")]
mod standing_in;
#[cfg(all(test, feature = "demo"))]
mod tests;
mod waiting;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::reading::{Errors, Explain, Notices, People, Runs, Slots};
#[cfg(feature = "demo")]
pub(crate) use self::standing_in::{Bench, Demo, Lengths, Simulate, Wire};
pub(crate) use self::waiting::{Apply, Created, Discard, Release, Replay, Undo};

/// Loads the users of a SentinelOne console into Oomnitza, and answers for every one of them.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version, propagate_version = true)]
#[cfg_attr(
    feature = "demo",
    command(
        after_help = "Start with `rollcall demo`; then `rollcall check` your own configuration."
    )
)]
#[cfg_attr(
    not(feature = "demo"),
    command(
        after_help = "Start with `rollcall check`; then `rollcall plan` shows what a load would do."
    )
)]
pub(crate) struct Arguments {
    /// The configuration.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "ROLLCALL_CONFIG",
        default_value = "/etc/rollcall/rollcall.yaml"
    )]
    pub(crate) config: PathBuf,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs as the daemon: loads all integrations on their schedules, until it is stopped.
    #[command(after_help = "Example: rollcall serve --config ./rollcall.yaml\n\n\
        SIGHUP, and a change of the file, bring a new configuration into force.\n\
        The first SIGINT or SIGTERM stops it and its runs in order, the second at once.")]
    Serve,
    /// Makes one load, now, with progress and a summary.
    #[command(after_help = "Example: rollcall run sentinelone-users --dry-run\n\n\
        Exit codes: 0 done (skips included), 1 failed, 2 usage or configuration, 3 done but users failed,\n\
        4 parked and nothing written, 5 another run of the integration is going on, 6 interrupted or canceled.\n\n\
        Where the daemon runs, the daemon makes the load, and SIGINT stops it there; if this command is killed,\n\
        the load goes on, and `rollcall status` shows it.")]
    Run(Run),
    /// Makes a plan and shows it; nothing is written.
    #[command(after_help = "Example: rollcall plan sentinelone-users --csv > plan.csv")]
    Plan(Plan),
    /// Carries out exactly the plan that was made before.
    #[command(
        after_help = "Example: rollcall apply 019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33\n\n\
        A person whom somebody changed in Oomnitza since the plan is not written.\n\
        The exit codes are those of `run`."
    )]
    Apply(Apply),
    /// Lets a plan go on that a guard holds back: exactly that plan.
    #[command(
        after_help = "Example: rollcall release 019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33 --reason \"the merger, as announced\"\n\n\
        `rollcall runs --state parked` lists those that wait.\n\
        A person whom somebody changed in Oomnitza since the plan is not written.\n\
        The exit codes are those of `run`."
    )]
    Release(Release),
    /// Drops a plan that waits, planned or parked.
    #[command(
        after_help = "Example: rollcall discard 019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33 --reason \"half of the console is missing\""
    )]
    Discard(Discard),
    /// Loads again just the users whom a run skipped or failed, read anew.
    #[command(
        after_help = "Example: rollcall replay 019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33 --preference create_and_update\n\n\
        This is how those are uploaded, after a review, whom an update-only run skipped.\n\
        The exit codes are those of `run`."
    )]
    Replay(Replay),
    /// Writes back what a run replaced, where Oomnitza still has what that run wrote.
    #[command(
        after_help = "Example: rollcall undo 019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33 --dry-run\n\n\
        What somebody has changed since is left, and listed. People whom the run made are never deleted.\n\
        The next load writes the same again, unless the console, the mapping or the schedule is changed before.\n\
        The exit codes are those of `run`."
    )]
    Undo(Undo),
    /// Shows how the daemon is: what runs, what is due, what is wrong, how long the tokens work.
    #[command(after_help = "Example: rollcall status --json")]
    Status(Status),
    /// Makes the daemon start no scheduled loads of an integration, or of all; those that run go on.
    #[command(
        after_help = "Example: rollcall pause sentinelone-users --reason \"the console moves\"\n\n\
        The pause outlives restarts; each due time in it is on record as paused."
    )]
    Pause(Pause),
    /// Ends a pause that was made by `pause`; one in the configuration stands above it.
    #[command(after_help = "Example: rollcall resume sentinelone-users")]
    Resume(Resume),
    /// Makes the daemon stop a run, which ends as canceled.
    #[command(
        after_help = "Example: rollcall cancel 019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33\n\n\
        What it has written stays, and its slot is not made up."
    )]
    Cancel(Cancel),
    /// Lists runs, the latest first.
    #[command(after_help = "Example: rollcall runs sentinelone-users --limit 7")]
    Runs(Runs),
    /// Shows why users were not loaded, by cause, with what mends it: those of a run, or all that still stand.
    #[command(after_help = "Example: rollcall errors --reason unknown_value\n\n\
        `--csv` and `--json` print a row for each user, with `--groups` one for each cause; `--rows` shows users as a table.")]
    Errors(Errors),
    /// Lists the latest of each user of the console.
    #[command(
        after_help = "Example: rollcall people --where \"two_fa_enabled = 0 AND gone_since IS NULL\""
    )]
    People(People),
    /// Explains why a user is as it is: scope, match, each field's rule and value, request, answer and history.
    #[command(after_help = "Example: rollcall explain ann@acme.com\n\n\
        It contacts nobody: everything is from the database, for any run within `retention.changes`.\n\
        Exit code 2: nobody, or no one user alone, is meant, or the run cannot be explained.")]
    Explain(Explain),
    /// Lists what became of each due time, the latest first; or, with `--next`, those that come.
    #[command(after_help = "Example: rollcall slots sentinelone-users --next 10\n\n\
        `--next` looks at the configuration alone: a pause made by hand is shown by `status`.")]
    Slots(Slots),
    /// Lists what an operator should know, the latest first.
    #[command(after_help = "Example: rollcall notices --all")]
    Notices(Notices),
    /// Sends a test to everybody whom `notify` in the configuration names.
    #[command(after_help = "Example: rollcall notify --test\n\n\
        Exit codes: 0 all were told, 1 some were not, 2 the configuration names nobody.\n\n\
        Where the daemon runs, the daemon sends it, under the configuration that is in force.")]
    Notify(Notify),
    /// Checks the configuration, offline: every fault at once, with its place and what to write instead.
    #[command(after_help = "Example: rollcall check --config ./rollcall.yaml")]
    Check(Format),
    /// Looks at what `check` cannot see: both systems, tokens, clocks, files, the disk, the database, the service.
    #[command(after_help = "Example: rollcall doctor --json\n\n\
        Exit codes: 0 all is well, 1 something fails, 3 something is to be seen to, and nothing fails.\n\n\
        It writes nothing, and ends within half a minute. Where the daemon runs, the daemon looks: it alone is given\n\
        the systemd credentials.")]
    Doctor(Doctor),
    /// Prints the JSON Schema of the configuration, for editors.
    #[command(after_help = "Example: rollcall schema > rollcall.schema.json")]
    Schema,
    /// Shows the fields that both systems offer to a mapping: how often they are filled, and an example.
    #[command(after_help = "Example: rollcall fields sentinelone-users")]
    Fields(Fields),
    /// Writes a first configuration: asks for the two systems and where their tokens are, and tries them.
    #[command(after_help = "Example: rollcall init --config ./rollcall.yaml\n\n\
        Without a terminal everything comes from the options:\n  \
        rollcall init --sentinelone-url https://acme.sentinelone.net --sentinelone-secret systemd:sentinelone-token \\\n    \
        --oomnitza-url https://acme.oomnitza.com --oomnitza-secret file:/etc/rollcall/oomnitza.token\n\n\
        A secret itself is never asked for: only where it is, as systemd:NAME, file:PATH or env:NAME.")]
    Init(Init),
    /// Writes a consistent copy of the database to a new file, while the daemon runs.
    #[command(after_help = "Example: rollcall backup /var/backups/rollcall-$(date +%F).db")]
    Backup(Backup),
    /// Removes a person from the history: from people, changes and errors; counts stay.
    #[command(after_help = "Example: rollcall forget ann@acme.com\n\n\
        The whole database is written anew, so that nothing is left in the file: that needs free room of twice its size.\n\
        Where the daemon runs, the daemon does it.\n\
        Copies and backups are not touched. Who is still in the console comes back with the next load.")]
    Forget(Forget),
    /// Prints what completes commands in a shell.
    #[command(after_help = "Example: rollcall completions bash > /etc/bash_completion.d/rollcall")]
    Completions(Completions),
    /// Prints the man page, or writes it and those of all commands into a folder.
    #[command(after_help = "Example: rollcall man --folder /usr/local/share/man/man1")]
    Man(Man),
    /// Shows everything at once against built-in stand-ins for both systems, in some seconds.
    #[cfg(feature = "demo")]
    #[command(after_help = "Example: rollcall demo --folder ./rollcall-demo")]
    Demo(Demo),
    /// Measures whole loads against built-in stand-ins for both systems.
    #[cfg(feature = "demo")]
    #[command(
        after_help = "Example: rollcall bench --users 1000 --users 100000 --delivery bulk\n\n\
        With `--daemon` and `--history`: exit code 1 where a bound is missed."
    )]
    Bench(Bench),
    /// Prints the names of the points of a run at which `ROLLCALL_KILL_AT` kills the process; for tests.
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    Points,
    /// Serves the stand-ins until stdin ends; `bench` starts it.
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    Simulate(Simulate),
    /// Reads the same pages and posts the same batches, with nothing in between; `bench` starts it.
    #[cfg(feature = "demo")]
    #[command(hide = true)]
    Wire(Wire),
}

/// How data is printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Format {
    /// Print JSON.
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print comma-separated values.
    #[arg(long)]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The id of the integration in the configuration.
    pub(crate) integration: String,
    /// Make the plan, show what it comes to, and write nothing.
    #[arg(long = "dry-run")]
    pub(crate) dry: bool,
    /// Load just the user with this e-mail address, or with this id in the console.
    #[arg(long, value_name = "EMAIL", value_parser = somebody)]
    pub(crate) only: Option<String>,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write what the process used to this file.
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) figures: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The id of the integration in the configuration.
    pub(crate) integration: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// The id of the integration; without one, all of them.
    pub(crate) integration: Option<String>,
    /// Why, for those who look later.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// The id of the integration; without one, the pause of all of them ends.
    pub(crate) integration: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The id of the run.
    pub(crate) run_id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Notify {
    /// Send a test; nothing else can be asked for yet.
    #[arg(long, required = true)]
    pub(crate) test: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The address of the SentinelOne console.
    #[arg(long, value_name = "URL")]
    pub(crate) sentinelone_url: Option<String>,
    /// The console is on a host that is no *.sentinelone.net or *.sentinelone.com.
    #[arg(long)]
    pub(crate) custom_domain: bool,
    /// Where the token of the console is: `systemd:NAME`, `file:PATH` or `env:NAME`.
    #[arg(long, value_name = "WHERE")]
    pub(crate) sentinelone_secret: Option<String>,
    /// The address of the Oomnitza instance.
    #[arg(long, value_name = "URL")]
    pub(crate) oomnitza_url: Option<String>,
    /// Where the token of Oomnitza is: `systemd:NAME`, `file:PATH` or `env:NAME`.
    #[arg(long, value_name = "WHERE")]
    pub(crate) oomnitza_secret: Option<String>,
    /// The folder of the database, locks and logs [default: /var/lib/rollcall].
    #[arg(long, value_name = "FOLDER")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Contact nobody: no token is tried, and the mapping is the least that works.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Write over a configuration that is there.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to write; there must be none of its name yet.
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// The e-mail address.
    pub(crate) email: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The folder to write into; it is made if it is not there.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// The id of the integration in the configuration.
    pub(crate) integration: String,
    #[command(flatten)]
    pub(crate) format: Format,
}

/// A name of a user that says something.
fn somebody(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("it is empty; write the e-mail address of a user, or its id in the console"),
        text => Ok(text.to_owned()),
    }
}

/// A reason that says something.
fn reason(text: &str) -> Result<String, &'static str> {
    match text.trim() {
        "" => Err("it is empty; write why, for those who look later"),
        text => Ok(text.to_owned()),
    }
}
