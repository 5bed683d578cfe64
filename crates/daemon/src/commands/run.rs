//! `run`, `plan` and `apply`.

use std::path::Path;
use std::sync::Arc;

use load::{Intent, Loader, Publisher, Report, Request};
use serde_json::json;
use store::Store;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::arguments::{Apply, Plan, Run};
use crate::config::Config;
use crate::exit::{self, Exit};
use crate::logging::{self, Logging};
use crate::progress::Show;
use crate::{app, output};

pub(crate) async fn run(path: &Path, command: &Run) -> anyhow::Result<Exit> {
    let cancel = stopped_by_signals()?;
    let config = app::configuration(path)?;
    app::integration(&config, &command.integration)?;
    let (store, _logging) = prepare(&config).await?;
    let report = load(&config, &command.integration, &store, &cancel, |loader| {
        let intent = if command.dry {
            Intent::DryRun
        } else {
            Intent::Deliver(loader.writer())
        };
        Request {
            intent,
            only: command.only.clone(),
            trigger: "manual",
        }
    })
    .await?;
    close(store).await?;
    output::summary(&report, command.json)?;
    if let Some(file) = &command.figures {
        crate::commands::figures::write(file, &report)?;
    }
    Ok(exit::of_report(&report))
}

pub(crate) async fn plan(path: &Path, command: &Plan) -> anyhow::Result<Exit> {
    let cancel = stopped_by_signals()?;
    let config = app::configuration(path)?;
    app::integration(&config, &command.integration)?;
    let (store, _logging) = prepare(&config).await?;
    let report = load(&config, &command.integration, &store, &cancel, |_| {
        Request {
            intent: Intent::Plan,
            only: None,
            trigger: "manual",
        }
    })
    .await?;
    close(store).await?;
    show_plan(&config, &report, command).await?;
    Ok(exit::of_report(&report))
}

/// How many changes people are shown; all of them are in the database, and in JSON and CSV.
const SHOWN: usize = 20;

async fn show_plan(config: &Config, report: &Report, command: &Plan) -> anyhow::Result<()> {
    let store = app::read_store(config).await?;
    let sql = "SELECT email, source_id, oomnitza_id, action, before, after FROM v_changes WHERE run_id = ?";
    let mut changes = store
        .select(sql.to_owned(), std::slice::from_ref(&report.run_id))
        .await?;
    if command.format.json {
        let answer =
            json!({"summary": output::summary_json(report), "changes": output::objects(&changes)});
        println!("{}", serde_json::to_string_pretty(&answer)?);
    } else if command.format.csv {
        output::print(&changes, command.format, &[], &config.timezone)?;
    } else {
        output::summary(report, false)?;
        let all = changes.rows.len();
        changes.rows.truncate(SHOWN);
        let columns = ["email", "action", "before", "after"];
        if all > 0 {
            output::print(&changes, command.format, &columns, &config.timezone)?;
        }
        if all > SHOWN {
            println!("and {} more; `--csv` and `--json` show all", all - SHOWN);
        }
        if report.error.is_none() {
            println!(
                "`rollcall apply {}` carries out exactly this plan",
                report.run_id
            );
        }
    }
    Ok(())
}

pub(crate) async fn apply(path: &Path, command: &Apply) -> anyhow::Result<Exit> {
    let cancel = stopped_by_signals()?;
    let config = app::configuration(path)?;
    let planned = app::read_store(&config).await?.run(&command.run_id).await?;
    let Some(planned) = planned else {
        let run_id = command.run_id.clone();
        return Err(load::Error::UnknownRun { run_id }.into());
    };
    let (store, _logging) = prepare(&config).await?;
    let report = with_loader(
        &config,
        &planned.integration,
        &store,
        &cancel,
        async |loader| loader.apply(&command.run_id, loader.writer()).await,
    )
    .await?;
    close(store).await?;
    output::summary(&report, command.json)?;
    Ok(exit::of_report(&report))
}

/// Opens what every run needs: the database and the log.
pub(crate) async fn prepare(config: &Config) -> anyhow::Result<(Arc<Store>, Logging)> {
    let store = app::open_store(config).await?;
    let logging = logging::begin(config)?;
    Ok((store, logging))
}

/// Closes the database, so that what is in its log is in its file.
pub(crate) async fn close(store: Arc<Store>) -> anyhow::Result<()> {
    if let Some(store) = Arc::into_inner(store) {
        store.close().await?;
    }
    Ok(())
}

/// Makes one run with progress; signals stop it.
pub(crate) async fn load(
    config: &Config,
    integration: &str,
    store: &Arc<Store>,
    cancel: &CancellationToken,
    request: impl FnOnce(&Loader) -> Request,
) -> anyhow::Result<Report> {
    with_loader(config, integration, store, cancel, async |loader| {
        loader.run(&request(loader)).await
    })
    .await
}

async fn with_loader(
    config: &Config,
    integration: &str,
    store: &Arc<Store>,
    cancel: &CancellationToken,
    work: impl AsyncFnOnce(&Loader) -> Result<Report, load::Error>,
) -> anyhow::Result<Report> {
    let integration = app::integration(config, integration)?;
    let connections = app::connect(config, integration)?;
    let (publisher, progress) = Publisher::new();
    let loader = app::loader(
        config,
        integration,
        connections,
        Arc::clone(store),
        cancel.clone(),
        publisher,
    )?;
    let show = Show::begin(progress);
    let result = work(&loader).await;
    show.end().await;
    Ok(result?)
}

/// Makes what the first SIGINT or SIGTERM cancels, so that a run stops between pages and batches;
/// the second one ends the process.
pub(crate) fn stopped_by_signals() -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cancel = CancellationToken::new();
    let stopped = cancel.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stopped.is_cancelled() {
                // The next run closes this one.
                std::process::exit(6);
            }
            eprintln!("stopping; once more to stop at once");
            stopped.cancel();
        }
    });
    Ok(cancel)
}
