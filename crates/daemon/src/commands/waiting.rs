//! `apply`, `release`, `discard`, `replay` and `undo`: what is done with a run that was made before.

use std::path::Path;

use jiff::Timestamp;
use load::{Decision, Report};
use nix::unistd::{Uid, User};
use store::Store;

use super::run::{close, here, order};
use crate::app::{self, NoDatabase};
use crate::arguments::{Apply, Created, Discard, Release, Replay, Undo};
use crate::config::{self, Config};
use crate::control::{Client, Order, Question, Work, account_of, discarded};
use crate::exit::{self, Exit, Usage};
use crate::output;
use crate::signals::Signals;

pub(crate) async fn apply(path: &Path, command: &Apply) -> anyhow::Result<Exit> {
    let work = Work::Apply {
        run_id: command.run_id.clone(),
        by: String::new(),
    };
    carry_out(path, work, command.json).await
}

pub(crate) async fn release(path: &Path, command: &Release) -> anyhow::Result<Exit> {
    let work = Work::Release {
        run_id: command.run_id.clone(),
        reason: command.reason.clone(),
        by: String::new(),
    };
    carry_out(path, work, command.json).await
}

pub(crate) async fn replay(path: &Path, command: &Replay) -> anyhow::Result<Exit> {
    let work = Work::Replay {
        run_id: command.run_id.clone(),
        preference: command.preference,
    };
    carry_out(path, work, command.json).await
}

pub(crate) async fn undo(path: &Path, command: &Undo) -> anyhow::Result<Exit> {
    let work = Work::Undo {
        run_id: command.run_id.clone(),
        only: command.only.clone(),
        suspend: command.created == Created::Suspend,
        dry: command.dry,
    };
    carry_out(path, work, command.json).await
}

pub(crate) async fn discard(path: &Path, command: &Discard) -> anyhow::Result<Exit> {
    let state_dir = config::state_dir(path);
    let sentence = if let Some(daemon) = Client::find(&state_dir).await? {
        let question = Question::Discard {
            run_id: command.run_id.clone(),
            reason: command.reason.clone(),
        };
        daemon.order(&question).await?
    } else {
        let config = app::configuration(path)?;
        read_store(&config).await?;
        let store = app::open_store(&config).await?;
        let decision = Decision {
            by: account(),
            reason: command.reason.clone(),
            at: Timestamp::now(),
        };
        let dropped = load::discard(&store, &command.run_id, &decision).await;
        close(store).await?;
        discarded(&dropped?.integration)
    };
    output::talk!("{sentence}");
    Ok(Exit::Done)
}

/// Lets the daemon do it where one runs on the same state, else does it here.
async fn carry_out(path: &Path, work: Work, json: bool) -> anyhow::Result<Exit> {
    let mut signals = Signals::mind()?;
    let config = app::configuration(path)?;
    let run_id = work.of_run().unwrap_or_default().to_owned();
    let takes_back = matches!(work, Work::Undo { .. });
    let daemon = Client::find(&config.state_dir).await?;
    let integration = integration_of(&config, &run_id).await;
    let report = if let Some(daemon) = daemon {
        let order = match integration {
            Ok(Some(integration)) => order(app::integration(&config, &integration)?, work),
            Ok(None) => return Err(load::Error::UnknownRun { run_id }.into()),
            // Whoever may use the socket need not be able to read the database: the daemon is.
            Err(_) => Order {
                integration: String::new(),
                work,
                config_hash: String::new(),
            },
        };
        daemon.carry_out(order, &mut signals).await?
    } else {
        let Some(integration) = integration? else {
            return Err(load::Error::UnknownRun { run_id }.into());
        };
        here(&config, &integration, work.asked_by(account()), signals).await?
    };
    output::summary(&report, json)?;
    if takes_back && !json {
        show_left_alone(&config, &report).await;
    }
    Ok(exit::of_report(&report))
}

/// Shows what an undo left, where the database can be read.
async fn show_left_alone(config: &Config, report: &Report) {
    let sql = "SELECT email, source_id, left_alone FROM v_changes WHERE run_id = ? AND left_alone IS NOT NULL";
    let Ok(store) = app::read_store(config).await else {
        return;
    };
    let rows = store
        .select(sql.to_owned(), std::slice::from_ref(&report.run_id))
        .await;
    let Ok(rows) = rows else {
        return;
    };
    if !rows.rows.is_empty() {
        // The run is done, whether or not this can be shown.
        let _ = output::say!("somebody has changed these fields since, so they are left:");
        let columns = ["email", "source_id", "left_alone"];
        let format = crate::arguments::Format {
            json: false,
            csv: false,
        };
        let _ = output::print(&rows, format, &columns, &config.timezone);
    }
}

/// Opens the database for reading: where there is none, there is no such run either.
async fn read_store(config: &Config) -> anyhow::Result<Store> {
    let store = app::read_store(config).await;
    store.map_err(|error| match error.downcast::<NoDatabase>() {
        Ok(error) => Usage(error.to_string()).into(),
        Err(error) => error,
    })
}

/// Looks up the integration of a run; `None`: there is no such run.
async fn integration_of(config: &Config, run_id: &str) -> anyhow::Result<Option<String>> {
    let run = read_store(config).await?.run(run_id).await?;
    Ok(run.map(|run| run.integration))
}

/// The account that this process runs under.
fn account() -> String {
    let uid = Uid::current();
    let user = User::from_uid(uid).ok().flatten();
    account_of(user.map(|user| user.name).as_deref(), uid.as_raw())
}
