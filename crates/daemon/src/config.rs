//! The configuration: one YAML file, read once, checked whole.
//!
//! The file is read into a tree that knows its places (`document`), its structure is checked
//! against the JSON Schema (`structure`), what is sound of it is read into the types that the
//! schema was made from (`written`), and those are checked and turned into a [`Config`] (`check`
//! and its neighbours). Every step goes on after a fault, so that all faults come at once.
//!
//! Nothing here reads a secret or asks a network: whatever is said here can be said offline.
//!
//! **Invariant:** a [`Config`] cannot be wrong in what can be known offline; whoever has one need
//! not check again.

mod fault;

// From text to what was written.
mod document;
mod structure;
mod written;

// From what was written to what is known to be right.
mod check;
mod credentials;
mod definition;
mod delivery;
mod guards;
mod integration;
mod metrics;
mod notify;
mod retention;
mod saas;
mod schedule;

// What is on record of one.
pub(crate) mod kept;

// What a running service asks of it.
mod changes;
mod state_dir;
mod timezones;

// What the checks stand on.
mod duration;
mod hash;
mod nearest;
mod spot;
mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use schemars::generate::SchemaSettings;
use url::Url;

pub use ::schedule::{Exclusion, Overlap, Retry, Schedule, Timing};
pub use credentials::{Credential, HeaderTemplate, InvalidHeaderTemplate, SecretSource};
pub use delivery::{Bulk, Delivery};
pub use fault::{Fault, Place};
pub use integration::{Integration, Preference, Source, Target};
pub use metrics::Metrics;
pub(crate) use nearest::{either, nearest};
pub use notify::{Channel, Format, Moment, Notify, Occasion, Ping, PingUrl, Way};
pub use retention::Retention;
pub use saas::Saas;
pub use state_dir::state_dir;
pub use timezones::timezones;

use fault::Report;
use spot::Spot;

/// A configuration without faults.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is odd in it, in the order of the file; it can be used all the same.
    pub warnings: Vec<Fault>,
}

/// A configuration that was checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The zone of the times that people are shown.
    pub timezone: TimeZone,
    /// The folder of the database, locks and logs; it need not be there yet.
    pub state_dir: PathBuf,
    /// How many loads may run at the same time: 1 to 64.
    pub max_concurrent_runs: usize,
    /// How both systems are reached.
    pub http: Http,
    /// What is written to the log.
    pub log: Log,
    /// How long the history is kept.
    pub retention: Retention,
    /// Where figures for Prometheus are served.
    pub metrics: Metrics,
    /// Who is told of what.
    pub notify: Notify,
    /// The credentials by their names; those that integrations name are there.
    pub credentials: BTreeMap<String, Credential>,
    /// The integrations in the order of their ids: at least one.
    pub integrations: Vec<Integration>,
}

/// How both systems are reached.
#[derive(Clone, Debug)]
pub struct Http {
    /// The proxy; `None`: the one that the environment names, if any.
    pub proxy: Option<Url>,
    /// PEM files of certificate authorities that are trusted besides the system's.
    pub ca_files: Vec<PathBuf>,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long a whole request may take.
    pub timeout: Duration,
}

/// What is written to the log.
#[derive(Clone, Debug)]
pub struct Log {
    /// Directives as `tracing_subscriber::EnvFilter` reads them.
    pub level: String,
    /// How many daily log files are kept: at least one.
    pub keep_files: usize,
}

impl Config {
    /// Returns the integration of an id.
    pub fn integration(&self, id: &str) -> Option<&Integration> {
        self.integrations
            .iter()
            .find(|integration| integration.id == id)
    }

    /// Returns a hash of what decides about all runs: 12 hexadecimal digits, made of the hashes of the integrations.
    pub fn hash(&self) -> String {
        hash::overall_hash(&self.integrations)
    }
}

/// Reads and checks a file.
///
/// # Errors
///
/// Returns all faults, in the order of the file; a file that cannot be read is one, at its start.
pub fn load(path: &Path) -> Result<Loaded, Vec<Fault>> {
    let name = path.display().to_string();
    let fault = |place, message| {
        Err(vec![Fault {
            file: name.clone(),
            place,
            message,
        }])
    };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let message = format!(
                "the file cannot be read ({error}); \
                 write the path of the configuration behind `--config`"
            );
            return fault(Place::START, message);
        }
    };
    match String::from_utf8(bytes) {
        Ok(text) => parse(&text, path),
        Err(error) => {
            let sound = error.utf8_error().valid_up_to();
            let place = end_of(&String::from_utf8_lossy(&error.as_bytes()[..sound]));
            fault(
                place,
                "the file is not UTF-8 from here on; save it as UTF-8".to_owned(),
            )
        }
    }
}

/// Checks a text as if it had been read from the file `path`: relative paths in it start there.
///
/// # Errors
///
/// Returns all faults, in the order of the text.
pub fn parse(text: &str, path: &Path) -> Result<Loaded, Vec<Fault>> {
    let mut report = Report::default();
    let config = read(text, path.parent().unwrap_or(Path::new("")), &mut report);
    let (faults, warnings) = report.finish(&path.display().to_string());
    match config {
        Some(config) if faults.is_empty() => Ok(Loaded { config, warnings }),
        _ => {
            debug_assert!(
                !faults.is_empty(),
                "a configuration is refused with the reason why"
            );
            Err(faults)
        }
    }
}

fn read(text: &str, folder: &Path, report: &mut Report) -> Option<Config> {
    let mut root = document::read(text.trim_start_matches('\u{feff}'), report)?;
    let sound = structure::check(&mut root, &schema(), report)?;
    match serde_yaml::from_value::<written::Config>(sound) {
        Ok(written) => check::check(&written, folder, Spot::root(&root), report),
        Err(error) => {
            report.fault(
                root.place,
                format!("the file cannot be read ({error}); see the schema"),
            );
            None
        }
    }
}

/// Returns the JSON Schema (draft 2020-12) of the file; `config/rollcall.schema.json` is a copy.
pub fn schema() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<written::Config>()
        .to_value()
}

/// The place behind a text.
fn end_of(text: &str) -> Place {
    let line = text.split('\n').count();
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { line, column }
}
