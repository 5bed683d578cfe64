//! `doctor`: carried out by the daemon where one runs on the same state, else by this process.

use std::path::Path;

use crate::arguments::Doctor;
use crate::config;
use crate::control::Client;
use crate::doctor::{self, Finding};
use crate::exit::{self, Exit};
use crate::output;

pub(crate) async fn doctor(path: &Path, command: &Doctor) -> anyhow::Result<Exit> {
    let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = match ask_daemon(path).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            let daemon = Finding::ok("daemon", "none runs, so this process looked at all of this");
            here(daemon, path).await
        }
        // A daemon that cannot be asked is a finding too, and no reason to look at nothing else.
        Err(error) => {
            let sentence = exit::sentence(&error);
            let hint = "see `journalctl -u rollcall`";
            let daemon = Finding::told("daemon", doctor::State::Fail, &sentence, hint);
            here(daemon, path).await
        }
    };
    if command.json {
        output::json(&found)?;
    } else {
        for finding in &found {
            output::say!("{finding}")?;
        }
    }
    Ok(doctor::exit_of(&found))
}

/// Looks in this process, after what is to be said of the daemon.
async fn here(daemon: Finding, path: &Path) -> Vec<Finding> {
    let mut found = vec![daemon];
    found.extend(doctor::by_itself(path).await);
    found
}

/// Lets the daemon look; `None`: none runs.
async fn ask_daemon(path: &Path) -> anyhow::Result<Option<Vec<Finding>>> {
    match Client::find(&config::state_dir(path)).await? {
        Some(daemon) => Ok(Some(daemon.doctor(path.to_owned()).await?)),
        None => Ok(None),
    }
}
