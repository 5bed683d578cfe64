//! `runs`, `errors`, `people` and `notices`: the promised views, read back with filters.

mod groups;

use std::io::{self, Write as _};
use std::path::Path;

use store::Rows;

use crate::arguments::{Errors, Format, Notices, People, Runs};
use crate::config::Config;
use crate::exit::{Exit, Usage};
use crate::{app, output};

/// A SELECT that is put together from conditions.
pub(super) struct Query {
    view: &'static str,
    conditions: Vec<String>,
    parameters: Vec<String>,
    /// The integration that the rows are of.
    integration: Option<String>,
    /// The order, and how many rows at most.
    pub(super) tail: String,
}

impl Query {
    pub(super) fn on(view: &'static str) -> Self {
        Self {
            view,
            conditions: Vec::new(),
            parameters: Vec::new(),
            integration: None,
            tail: String::new(),
        }
    }

    pub(super) fn equal(&mut self, column: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.conditions.push(format!("{column} = ?"));
            self.parameters.push(value.clone());
            if column == "integration" {
                self.integration = Some(value.clone());
            }
        }
    }

    fn sql(&self) -> String {
        let conditions = match self.conditions.join(" AND ") {
            none if none.is_empty() => none,
            some => format!(" WHERE {some}"),
        };
        format!("SELECT * FROM {}{conditions}{}", self.view, self.tail)
    }

    /// Asks the database.
    async fn answer(&self, config: &Config) -> anyhow::Result<Rows> {
        let store = app::read_store(config).await?;
        let rows = store.select(self.sql(), &self.parameters).await?;
        // One that was taken out of the configuration may have rows all the same.
        if let (Some(id), true) = (&self.integration, rows.rows.is_empty()) {
            app::integration(config, id)?;
        }
        Ok(rows)
    }

    pub(super) async fn print(
        self,
        config: &Config,
        format: Format,
        columns: &[&str],
    ) -> anyhow::Result<Exit> {
        let rows = self.answer(config).await?;
        output::print(&rows, format, columns, &config.timezone)?;
        Ok(Exit::Done)
    }
}

pub(crate) async fn runs(path: &Path, command: &Runs) -> anyhow::Result<Exit> {
    let config = app::configuration(path)?;
    if let Some(run_id) = &command.configuration {
        return configuration(&config, run_id).await;
    }
    let mut query = Query::on("v_runs");
    query.equal("integration", command.integration.as_ref());
    query.equal("state", command.state.as_ref());
    // Ids of runs grow with time.
    query.tail = format!(" ORDER BY run_id DESC LIMIT {}", command.limit);
    let columns = [
        "started_at",
        "integration",
        "state",
        "seen",
        "created",
        "updated",
        "unchanged",
        "skipped",
        "failed",
        "duration_ms",
        "run_id",
    ];
    query.print(&config, command.format, &columns).await
}

/// Prints the configuration that a run was made under.
async fn configuration(config: &Config, run_id: &str) -> anyhow::Result<Exit> {
    let store = app::read_store(config).await?;
    if store.run(run_id).await?.is_none() {
        let run_id = run_id.to_owned();
        return Err(load::Error::UnknownRun { run_id }.into());
    }
    let Some(text) = store.configuration_of_run(run_id).await? else {
        anyhow::bail!(
            "the configuration of the run `{run_id}` is not on record: \
             the run was made before configurations were kept"
        );
    };
    // It is data: a file to be.
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

pub(crate) async fn notices(path: &Path, command: &Notices) -> anyhow::Result<Exit> {
    let config = app::configuration(path)?;
    let mut query = Query::on("v_notices");
    query.equal("integration", command.integration.as_ref());
    if !command.all {
        query.conditions.push("until IS NULL".to_owned());
    }
    query.tail = String::from(" ORDER BY since DESC, integration, kind, subject");
    let mut columns = vec!["since", "integration", "kind", "subject", "message", "hint"];
    if command.all {
        columns.insert(1, "until");
    }
    query.print(&config, command.format, &columns).await
}

pub(crate) async fn errors(path: &Path, command: &Errors) -> anyhow::Result<Exit> {
    let config = app::configuration(path)?;
    let groups = command.groups || !(command.rows || command.format.csv || command.format.json);
    let mut query = Query::on(match (groups, command.run_id.is_some()) {
        (false, true) => "v_errors",
        (false, false) => "v_open_errors",
        (true, true) => "v_error_groups",
        (true, false) => "v_open_error_groups",
    });
    if let Some(run_id) = &command.run_id {
        let store = app::read_store(&config).await?;
        if store.run(run_id).await?.is_none() {
            return Err(load::Error::UnknownRun {
                run_id: run_id.clone(),
            }
            .into());
        }
    }
    query.equal("run_id", command.run_id.as_ref());
    query.equal("integration", command.integration.as_ref());
    query.equal("reason", command.reason.as_ref());
    query.equal("outcome", command.outcome.as_ref());
    let limit = command.limit.map(|limit| format!(" LIMIT {limit}"));
    let order = if groups {
        "users DESC, integration, outcome, reason, cause"
    } else {
        "outcome, reason, email"
    };
    query.tail = format!(" ORDER BY {order}{}", limit.unwrap_or_default());
    if groups && !(command.format.csv || command.format.json) {
        let text = groups::text(&query.answer(&config).await?);
        write!(output::Screen::stdout(), "{text}")?;
        return Ok(Exit::Done);
    }
    let columns = [
        "outcome",
        "reason",
        "email",
        "source_id",
        "field",
        "message",
        "hint",
    ];
    query.print(&config, command.format, &columns).await
}

pub(crate) async fn people(path: &Path, command: &People) -> anyhow::Result<Exit> {
    let config = app::configuration(path)?;
    let mut query = Query::on("v_people");
    query.equal("integration", command.integration.as_ref());
    if let Some(condition) = &command.condition {
        query.conditions.push(format!("({condition})"));
    }
    query.tail = String::from(" ORDER BY integration, email");
    let columns = [
        "email",
        "full_name",
        "scope",
        "role",
        "two_fa_enabled",
        "last_login",
        "last_outcome",
        "last_reason",
        "gone_since",
    ];
    let printed = query.print(&config, command.format, &columns).await;
    match (&command.condition, printed) {
        (Some(condition), Err(error)) => Err(Usage(format!(
            "`--where \"{condition}\"` cannot be answered ({}); write a condition over the columns of v_people, \
             such as \"two_fa_enabled = 0\"",
            error.root_cause()
        ))
        .into()),
        (_, printed) => printed,
    }
}
