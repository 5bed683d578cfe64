//! `forget`: one person out of the history.

use std::path::Path;

use load::{Address, Lock};
use serde_json::json;
use store::Somebody;

use super::run::close;
use crate::app;
use crate::arguments::Forget;
use crate::exit::{Exit, Usage};

pub(crate) async fn forget(path: &Path, command: &Forget) -> anyhow::Result<Exit> {
    let config = app::configuration(path)?;
    // Where there is no database, there is nobody either.
    app::read_store(&config).await?;
    let store = app::open_store(&config).await?;
    let address = Address::new(&command.email);
    let mut people = store.everybody().await?;
    people.retain(|one| address.is(one.email.as_deref()));
    if people.is_empty() {
        return Err(Usage(format!(
            "nobody on record has the address `{}`; `rollcall people` lists who is",
            command.email
        ))
        .into());
    }
    // While they are locked, no run reads who is on record.
    let mut locks = Vec::new();
    let mut integrations: Vec<&str> = people.iter().map(|one| one.integration.as_str()).collect();
    integrations.dedup();
    for integration in integrations {
        locks.push(Lock::take(&config.state_dir, integration)?);
    }
    let rows: Vec<i64> = people.iter().map(|one| one.person).collect();
    if let Some(run_id) = store.waiting_for(&rows).await?.first() {
        return Err(Usage(format!(
            "the plan of run `{run_id}` waits and changes this person; carry it out, or drop it with \
             `rollcall discard {run_id}`"
        ))
        .into());
    }
    let mut gone = Vec::new();
    for somebody in &people {
        gone.push((somebody, store.forget(somebody).await?));
    }
    if !store.rewrite().await? {
        eprintln!(
            "somebody reads the database, so that its log, `rollcall.db-wal`, still holds what was there; \
             run `rollcall forget` for it again when they are through, or restart the daemon"
        );
    }
    drop(locks);
    print(&gone, command.json)?;
    close(store).await?;
    Ok(Exit::Done)
}

fn print(gone: &[(&Somebody, store::Forgotten)], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let rows: Vec<_> = gone
            .iter()
            .map(|(somebody, forgotten)| {
                json!({
                    "integration": somebody.integration,
                    "source_id": somebody.source_id,
                    "changes": forgotten.changes,
                    "errors": forgotten.errors,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    for (somebody, forgotten) in gone {
        println!(
            "{}: user {} is forgotten, with {} changes and {} rows of the error log",
            somebody.integration, somebody.source_id, forgotten.changes, forgotten.errors
        );
    }
    eprintln!(
        "copies and backups of the database are not touched; whoever is still in the console comes back with the next load"
    );
    Ok(())
}
