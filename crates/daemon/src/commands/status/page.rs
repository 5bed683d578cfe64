//! The status as people read it: what is wrong first, then one line for each integration.

use std::fmt::{self, Write as _};

use comfy_table::{Cell, CellAlignment};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use load::{Progress, State};

use crate::control::{IntegrationStatus, Status, TokenStatus};
use crate::{output, progress};

/// A token that ends within as many days is something that is wrong.
const SOON: i64 = 14;

/// Lays out the page, with times in a zone.
pub(super) fn page(status: &Status, zone: &TimeZone) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut page, status, zone);
    page
}

fn write(page: &mut String, status: &Status, zone: &TimeZone) -> fmt::Result {
    writeln!(
        page,
        "Rollcall {} serves {} since {} (process {})",
        status.version,
        status.config.path.display(),
        time(status.since, zone),
        status.pid
    )?;
    writeln!(
        page,
        "configuration {}, read {}; time zones: {}",
        status.config.hash,
        time(status.config.loaded_at, zone),
        status.timezones
    )?;
    if let Some(address) = status.metrics {
        writeln!(page, "metrics: http://{address}/metrics")?;
    }
    let wrong = wrong(status, zone);
    if !wrong.is_empty() {
        writeln!(page, "\nto look at:")?;
        for sentence in wrong {
            writeln!(page, "- {sentence}")?;
        }
    }
    writeln!(page, "\n{}", integrations(status, zone))?;
    for integration in &status.integrations {
        for sentence in details(integration, zone) {
            writeln!(
                page,
                "{}: {}",
                integration.id,
                output::on_one_line(&sentence)
            )?;
        }
    }
    if !status.tokens.is_empty() {
        writeln!(page, "\n{}", tokens(&status.tokens, zone))?;
    }
    Ok(())
}

/// Everything that somebody should do something about, the daemon's own troubles first.
fn wrong(status: &Status, zone: &TimeZone) -> Vec<String> {
    let mut wrong = status.health.clone();
    let config = &status.config;
    if !config.faults.is_empty() {
        let mut sentence = format!(
            "the configuration file was changed and is refused; what was read {} stays in force:",
            time(config.loaded_at, zone)
        );
        for fault in &config.faults {
            sentence.push_str("\n    ");
            sentence.push_str(fault);
        }
        wrong.push(sentence);
    }
    wrong.extend(config.restart.iter().cloned());
    for token in &status.tokens {
        let name = &token.credential;
        match token.days_left {
            Some(..0) => wrong.push(format!("the token of `{name}` has ended")),
            Some(0) => wrong.push(format!("the token of `{name}` ends within a day")),
            Some(1) => wrong.push(format!("the token of `{name}` ends in 1 day")),
            Some(days @ 2..=SOON) => {
                wrong.push(format!("the token of `{name}` ends in {days} days"));
            }
            Some(_) | None => {}
        }
    }
    for integration in &status.integrations {
        let Some(last) = &integration.last else {
            continue;
        };
        let id = &integration.id;
        match (last.state, &last.error) {
            (State::Completed | State::Planned, _) => {}
            (State::CompletedWithErrors, _) => wrong.push(format!(
                "{id}: users failed, {} of {}; see `rollcall errors {}`",
                last.counts.failed, last.counts.seen, last.run_id
            )),
            (state, Some(error)) => {
                wrong.push(format!("{id}: the last run {}: {error}", ended(state)));
            }
            (state, None) => wrong.push(format!("{id}: the last run {}", ended(state))),
        }
    }
    for notice in &status.notices {
        let whose = notice.integration.as_ref();
        let whose = whose.map(|id| format!("{id}: ")).unwrap_or_default();
        wrong.push(format!(
            "{whose}{} (since {})",
            notice.message,
            time(notice.since, zone)
        ));
    }
    wrong
}

fn ended(state: State) -> String {
    match state {
        State::Failed => "failed".to_owned(),
        state => format!("is {}", word(state)),
    }
}

fn integrations(status: &Status, zone: &TimeZone) -> comfy_table::Table {
    let mut table = output::new_table();
    table.set_header([
        "integration",
        "schedule",
        "now",
        "last run",
        "began",
        "seen",
        "failed",
        "due next",
    ]);
    for integration in &status.integrations {
        let last = integration.last.as_ref();
        let count = |count: Option<u64>| {
            let text = count.map(|count| count.to_string()).unwrap_or_default();
            Cell::new(text).set_alignment(CellAlignment::Right)
        };
        table.add_row([
            Cell::new(&integration.id),
            Cell::new(&integration.schedule),
            Cell::new(now(integration)),
            Cell::new(last.map_or_else(|| "none yet".to_owned(), |last| word(last.state))),
            Cell::new(last.map_or_else(String::new, |last| time(last.started_at, zone))),
            count(last.map(|last| last.counts.seen)),
            count(last.map(|last| last.counts.failed)),
            Cell::new(match integration.next {
                Some(next) => time(next.start_at, zone),
                // The pause is told beside it, and when it ends nobody knows.
                None if integration.paused.is_some() => String::new(),
                None => "never".to_owned(),
            }),
        ]);
    }
    table
}

/// What an integration does, in a word or two.
fn now(integration: &IntegrationStatus) -> String {
    match (
        &integration.running,
        &integration.waiting,
        &integration.paused,
    ) {
        (Some(running), _, _) => how_far(running.progress),
        (None, Some(_), _) => "waiting".to_owned(),
        (None, None, Some(_)) => "paused".to_owned(),
        (None, None, None) => "idle".to_owned(),
    }
}

fn how_far(progress: Progress) -> String {
    let phase = progress::word(progress.phase);
    match progress.total {
        Some(total) => format!("{phase} {}/{total}", progress.done),
        None => format!("{phase} {}", progress.done),
    }
}

/// What does not fit into the table.
fn details(integration: &IntegrationStatus, zone: &TimeZone) -> Vec<String> {
    let mut details = Vec::new();
    if let Some(running) = &integration.running {
        details.push(format!(
            "run {} goes on since {} ({})",
            running.run_id,
            time(running.since, zone),
            running.trigger
        ));
    }
    details.extend(integration.waiting.clone());
    details.extend(integration.paused.clone());
    details
}

fn tokens(tokens: &[TokenStatus], zone: &TimeZone) -> comfy_table::Table {
    let mut table = output::new_table();
    table.set_header(["token", "ends", "days left", "source"]);
    for token in tokens {
        let ends = token.expires_at.map(|at| time(at, zone));
        let days = token.days_left.map(|days| days.to_string());
        table.add_row([
            Cell::new(&token.credential),
            Cell::new(ends.unwrap_or_default()),
            Cell::new(days.unwrap_or_default()).set_alignment(CellAlignment::Right),
            Cell::new(&token.source),
        ]);
    }
    table
}

fn word(state: State) -> String {
    state.as_str().replace('_', " ")
}

fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}

#[cfg(test)]
mod tests;
