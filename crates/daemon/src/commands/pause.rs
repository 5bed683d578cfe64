//! `pause`, `resume` and `cancel`: what is asked of the daemon that runs, and done at once.

use std::path::Path;

use anyhow::anyhow;

use crate::arguments::{Cancel, Pause, Resume};
use crate::config;
use crate::control::{Client, Question};
use crate::exit::Exit;
use crate::output;

pub(crate) async fn pause(path: &Path, command: &Pause) -> anyhow::Result<Exit> {
    let question = Question::Pause {
        integration: command.integration.clone(),
        reason: command.reason.clone(),
    };
    order(path, &question).await
}

pub(crate) async fn resume(path: &Path, command: &Resume) -> anyhow::Result<Exit> {
    let question = Question::Resume {
        integration: command.integration.clone(),
    };
    order(path, &question).await
}

pub(crate) async fn cancel(path: &Path, command: &Cancel) -> anyhow::Result<Exit> {
    let question = Question::Cancel {
        run_id: command.run_id.clone(),
    };
    order(path, &question).await
}

async fn order(path: &Path, question: &Question) -> anyhow::Result<Exit> {
    let sentence = daemon(path).await?.order(question).await?;
    output::talk!("{sentence}");
    Ok(Exit::Done)
}

/// Connects to the daemon, whatever is wrong with the configuration: that is when it is asked.
pub(super) async fn daemon(path: &Path) -> anyhow::Result<Client> {
    let state_dir = config::state_dir(path);
    Client::find(&state_dir).await?.ok_or_else(|| {
        anyhow!(
            "no daemon runs on `{}`; start it with `systemctl start rollcall`, or `rollcall serve`",
            state_dir.display()
        )
    })
}
