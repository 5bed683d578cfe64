//! `notify --test`: a test to everybody who is told.

use std::path::Path;

use serde_json::{Value, json};

use crate::app;
use crate::arguments::Notify;
use crate::control::Client;
use crate::exit::{Exit, Usage};
use crate::notify::{Trial, try_all};
use crate::output;

pub(crate) async fn notify(path: &Path, command: &Notify) -> anyhow::Result<Exit> {
    let config = app::configuration(path)?;
    if config.notify.is_empty() {
        return Err(Usage(format!(
            "`{}` has no `notify`: nobody is told; docs/operations.md says what to write",
            path.display()
        ))
        .into());
    }
    // Systemd hands its credentials to the daemon alone, so it is the one to ask.
    let trials = match Client::find(&config.state_dir).await? {
        Some(daemon) => {
            let channels = config.notify.names().map(str::to_owned).collect();
            daemon.test_notify(channels).await?
        }
        None => try_all(&config).await,
    };
    print(&trials, command.json)?;
    Ok(if trials.iter().all(|trial| trial.error.is_none()) {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn print(trials: &[Trial], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let trials: Vec<Value> = trials
            .iter()
            .map(|trial| {
                let told = trial.error.is_none();
                json!({"channel": trial.channel, "told": told, "error": trial.error})
            })
            .collect();
        return output::json(&trials);
    }
    for trial in trials {
        match &trial.error {
            None => output::say!("{}: told", trial.channel)?,
            Some(error) => output::say!("{}: could not tell: {error}", trial.channel)?,
        }
    }
    Ok(())
}
