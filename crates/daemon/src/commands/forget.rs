//! `forget`: one person out of the history; by the daemon where one runs on the same state, else by this process.

use std::path::Path;

use super::run::close;
use crate::app;
use crate::arguments::Forget;
use crate::config;
use crate::control::Client;
use crate::exit::Exit;
use crate::forget::{self, Forgotten};
use crate::output;

pub(crate) async fn forget(path: &Path, command: &Forget) -> anyhow::Result<Exit> {
    let daemon = Client::find(&config::state_dir(path)).await?;
    let forgotten = match daemon {
        Some(daemon) => daemon.forget(command.email.clone()).await?,
        None => here(path, &command.email).await?,
    };
    print(&forgotten, command.json)?;
    Ok(Exit::Done)
}

async fn here(path: &Path, email: &str) -> anyhow::Result<Forgotten> {
    let config = app::configuration(path)?;
    // Where there is no database, there is nobody either.
    app::read_store(&config).await?;
    let store = app::open_store(&config).await?;
    let forgotten = forget::forget(&store, &config.state_dir, email).await;
    close(store).await?;
    forgotten
}

fn print(forgotten: &Forgotten, as_json: bool) -> anyhow::Result<()> {
    if !forgotten.log_is_rid {
        output::talk!(
            "somebody reads the database, so that its log, `rollcall.db-wal`, still holds what was there; \
             run `rollcall forget` for it again when they are through, or restart the daemon"
        );
    }
    if forgotten.people.is_empty() {
        output::talk!(
            "nobody on record has this address; the database, which still held what was there of somebody who was \
             forgotten before, is written anew"
        );
    }
    if as_json {
        output::json(&forgotten.people)?;
        return Ok(());
    }
    for gone in &forgotten.people {
        output::say!(
            "{}: user {} is forgotten, with {} changes and {} rows of the error log",
            gone.integration,
            gone.source_id,
            gone.changes,
            gone.errors
        )?;
    }
    output::talk!(
        "copies and backups of the database are not touched; whoever is still in the console comes back with the next load"
    );
    Ok(())
}
