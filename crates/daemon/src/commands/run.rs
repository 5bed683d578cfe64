//! `run` and `plan`: carried out by the daemon where one runs on the same state, else by this process.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use load::{Halt, Publisher, Report};
use serde_json::json;
use store::{Notice, Store};
use uuid::Uuid;

use crate::app::{self, Meters};
use crate::arguments::{Plan, Run};
use crate::config::{Config, Integration};
use crate::control::{Client, Order, Work};
use crate::exit::{self, Exit};
use crate::logging::{self, Audience, Logging};
use crate::notify::{self, Notifier};
use crate::output;
use crate::progress::Show;
use crate::serve::carry_out_work;
use crate::signals::Signals;
use crate::watch::{self, Skews};

pub(crate) async fn run(path: &Path, command: &Run) -> anyhow::Result<Exit> {
    let mut signals = Signals::mind()?;
    let config = app::configuration(path)?;
    let integration = app::integration(&config, &command.integration)?;
    // What the process used is asked of this one.
    let daemon = match command.figures {
        None => Client::find(&config.state_dir).await?,
        Some(_) => None,
    };
    let only = command.only.clone();
    let work = if command.dry {
        Work::DryRun { only }
    } else {
        Work::Load { only }
    };
    let report = if let Some(daemon) = daemon {
        daemon
            .carry_out(order(integration, work), &mut signals)
            .await?
    } else {
        here(&config, &integration.id, work, signals).await?
    };
    output::summary(&report, command.json)?;
    if let Some(file) = &command.figures {
        crate::commands::figures::write(file, &report)?;
    }
    Ok(exit::of_report(&report))
}

pub(crate) async fn plan(path: &Path, command: &Plan) -> anyhow::Result<Exit> {
    let mut signals = Signals::mind()?;
    let config = app::configuration(path)?;
    let integration = app::integration(&config, &command.integration)?;
    let report = if let Some(daemon) = Client::find(&config.state_dir).await? {
        let order = order(integration, Work::Plan);
        daemon.carry_out(order, &mut signals).await?
    } else {
        here(&config, &integration.id, Work::Plan, signals).await?
    };
    show_plan(&config, &report, command)
        .await
        .with_context(|| format!("could not show the plan of run {}", report.run_id))?;
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
        output::json(&answer)?;
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
            output::say!("and {} more; `--csv` and `--json` show all", all - SHOWN)?;
        }
        if report.error.is_none() {
            output::say!(
                "`rollcall apply {}` carries out exactly this plan",
                report.run_id
            )?;
        }
    }
    Ok(())
}

/// What the daemon is asked for, with the configuration that it must have in force.
pub(super) fn order(integration: &Integration, work: Work) -> Order {
    Order {
        integration: integration.id.clone(),
        work,
        config_hash: integration.config_hash.clone(),
    }
}

/// Makes a run in this process, where there is no daemon to make it; signals stop it.
pub(super) async fn here(
    config: &Config,
    integration: &str,
    work: Work,
    signals: Signals,
) -> anyhow::Result<Report> {
    let (is_a_load, goes_on) = (work.is_a_load(), work.goes_on_with().is_some());
    let halt = signals.stopping();
    let (store, _logging) = prepare(config).await?;
    let notifier = Notifier::begin(config, &store).await;
    // Whether there is a plan to go on with, that shows.
    if is_a_load && !goes_on {
        notifier.run_started(integration, "");
    }
    let skews = Skews::default();
    let report = with_loader(config, integration, &store, &halt, &skews, work).await;
    let failing = notifier.failing();
    look(config, &store, &skews, &failing).await;
    if is_a_load {
        tell_of_the_end(&notifier, integration, &report);
    }
    notify::tell_once(&notifier, &store).await;
    if notifier.failing() != failing {
        // Somebody could be told who could not be before, or the other way round.
        look(config, &store, &skews, &notifier.failing()).await;
    }
    close(store).await?;
    report
}

/// Brings the notices up to date.
async fn look(config: &Config, store: &Store, skews: &Skews, failing: &[Notice]) {
    let (failing, now) = (failing.to_vec(), Timestamp::now());
    if let Err(error) = watch::look_once(config, store, skews, failing, now).await {
        tracing::error!(error = %load::chain(&error), "Could not bring the notices up to date");
    }
}

fn tell_of_the_end(notifier: &Notifier, integration: &str, report: &anyhow::Result<Report>) {
    match report {
        Ok(report) => notifier.run_ended(report),
        Err(error) => {
            let refusal = error.downcast_ref::<load::Error>();
            if !refusal.is_some_and(load::Error::is_refusal) {
                notifier.run_unmade(integration, "", &exit::sentence(error));
            }
        }
    }
}

/// Opens what every run needs: the database and the log.
pub(crate) async fn prepare(config: &Config) -> anyhow::Result<(Arc<Store>, Logging)> {
    let store = app::open_store(config).await?;
    let logging = logging::begin(config, Audience::Command)?;
    Ok((store, logging))
}

/// Closes the database, so that what is in its log is in its file.
pub(crate) async fn close(store: Arc<Store>) -> anyhow::Result<()> {
    if let Some(store) = Arc::into_inner(store) {
        store.close().await?;
    }
    Ok(())
}

/// Makes one run with progress, until it is stopped.
pub(crate) async fn with_loader(
    config: &Config,
    integration: &str,
    store: &Arc<Store>,
    halt: &Halt,
    skews: &Skews,
    work: Work,
) -> anyhow::Result<Report> {
    let integration = app::integration(config, integration)?;
    let connections = app::connect(config, integration, &Meters::default())?;
    let (publisher, progress) = Publisher::new();
    let loader = app::loader(
        config,
        integration,
        connections,
        Arc::clone(store),
        halt.clone(),
        publisher,
    )?;
    keep_configuration(store, integration).await?;
    let show = Show::begin(progress);
    let result = carry_out_work(&loader, work, "manual", None, Uuid::now_v7()).await;
    show.end().await;
    skews.keep(&loader);
    Ok(result?)
}

/// Keeps the text of the configuration, so that a run can show the one that it was made under.
async fn keep_configuration(store: &Store, integration: &Integration) -> anyhow::Result<()> {
    let text = integration.effective_yaml();
    let ledgers = store.ledgers(std::slice::from_ref(&integration.id)).await?;
    for ledger in ledgers {
        let hash = &integration.config_hash;
        store
            .keep_configuration(ledger.key, hash, &text, Timestamp::now())
            .await?;
    }
    Ok(())
}
