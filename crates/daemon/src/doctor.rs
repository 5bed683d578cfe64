//! `doctor`: looks at what `check` cannot see, and says of each thing how it is and what to do.
//!
//! Each module looks at one kind of thing and returns findings; [`examine`] puts them into order.
//! Nothing is decided about a user, and nothing is remembered.
//!
//! **Invariant:** it only looks: no file is written, and nothing is changed in either system.
//! **Invariant:** it ends within half a minute, whatever the systems do.

mod finding;

// This machine.
mod configuration;
mod database;
mod places;
mod rates;
mod sandbox;

// Both systems.
mod applications;
mod expiry;
mod keys;
mod source;
mod systems;
mod target;
mod way;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

pub(crate) use self::finding::{Finding, State, exit_of};
pub(crate) use self::way::impatient;
use crate::config::{self, Config};
use crate::control::Incumbent;

/// What is not answered by then is a finding.
const BUDGET: Duration = Duration::from_secs(25);

/// What a daemon has in force.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    /// The file of the configuration.
    pub(crate) path: PathBuf,
    /// What was read of it.
    pub(crate) config: Arc<Config>,
    /// What was in force at the start: some of it stays until the end.
    pub(crate) at_start: Arc<Config>,
    /// When it was read.
    pub(crate) loaded_at: Timestamp,
    /// Which daemon it is.
    pub(crate) daemon: Incumbent,
}

/// Looks at everything from a process of its own, where no daemon can.
pub(crate) async fn by_itself(path: &Path) -> Vec<Finding> {
    let loaded = config::load(path);
    let mut found = configuration::of_file(path, &loaded);
    let config = loaded.ok().map(|loaded| Arc::new(loaded.config));
    examine(path, config, &mut found).await;
    found
}

/// Looks at everything as the daemon, for a client that goes by the file `theirs`.
///
/// What it asks of both systems stays out of the daemon's log, which would be written otherwise.
pub(crate) async fn by_the_daemon(in_force: InForce, theirs: &Path) -> Vec<Finding> {
    let loaded = config::load(&in_force.path);
    let mut found = configuration::of_daemon(&in_force, theirs);
    found.extend(configuration::of_file(&in_force.path, &loaded));
    found.extend(configuration::in_force(&in_force, &loaded));
    let config = Some(in_force.config);
    examine(&in_force.path, config, &mut found)
        .with_subscriber(Dispatch::none())
        .await;
    found
}

/// Looks at what there is to be seen of a configuration, or without one at what can be seen all the same.
async fn examine(path: &Path, config: Option<Arc<Config>>, found: &mut Vec<Finding>) {
    let deadline = Instant::now() + BUDGET;
    let state_dir = match &config {
        Some(config) => config.state_dir.clone(),
        None => config::state_dir(path),
    };
    found.extend(places::modes(path, config.as_deref(), &state_dir));
    found.push(places::disk(&state_dir));
    let (database, systems, sandbox) = tokio::join!(
        database::examine(&state_dir, deadline),
        systems::examine(config.clone(), deadline),
        sandbox::examine(),
    );
    found.push(database);
    found.extend(systems);
    found.extend(config.iter().flat_map(|config| rates::examine(config)));
    found.push(sandbox);
    found.push(Finding::ok(
        "timezones",
        format!("time zone data is {}", config::timezones()),
    ));
}
