//! Data on stdout: a table for people, JSON or CSV for programs; and the summary of a run.

mod screen;

use std::io::{self, Write as _};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use load::{Report, State};
use serde::Serialize;
use serde_json::{Map, Value, json};
use store::{Cell, Rows};

pub(crate) use self::screen::{Screen, line_of_yaml, on_one_line, say, shown, talk};
use crate::arguments::Format;

/// Prints rows; people see `columns` alone, with times in their own zone.
pub(crate) fn print(
    rows: &Rows,
    format: Format,
    columns: &[&str],
    zone: &TimeZone,
) -> anyhow::Result<()> {
    if format.json {
        json(&objects(rows))?;
    } else if format.csv {
        let mut writer = csv::Writer::from_writer(io::stdout().lock());
        writer.write_record(&rows.columns)?;
        for row in &rows.rows {
            writer.write_record(row.iter().map(text))?;
        }
        writer.flush()?;
    } else {
        say!("{}", table(rows, columns, zone))?;
    }
    Ok(())
}

/// Prints JSON for programs.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, value)?;
    writeln!(stdout)?;
    Ok(())
}

/// Turns rows into JSON objects; what is JSON in the database is JSON here too.
pub(crate) fn objects(rows: &Rows) -> Vec<Value> {
    const DOCUMENTS: [&str; 4] = ["record", "before", "after", "examples"];
    rows.rows
        .iter()
        .map(|row| {
            let members = rows.columns.iter().zip(row).map(|(column, cell)| {
                let value = match cell {
                    Cell::Null => Value::Null,
                    Cell::Integer(number) => json!(number),
                    Cell::Real(number) => json!(number),
                    Cell::Text(text) if DOCUMENTS.contains(&column.as_str()) => {
                        serde_json::from_str(text).unwrap_or_else(|_| json!(text))
                    }
                    Cell::Text(text) => json!(text),
                };
                (column.clone(), value)
            });
            Value::Object(members.collect::<Map<_, _>>())
        })
        .collect()
}

fn table(rows: &Rows, columns: &[&str], zone: &TimeZone) -> Table {
    let shown: Vec<usize> = columns
        .iter()
        .filter_map(|column| rows.columns.iter().position(|name| name == column))
        .collect();
    let mut table = new_table();
    table.set_header(columns);
    for row in &rows.rows {
        table.add_row(shown.iter().map(|&index| {
            let text = in_zone(&text(&row[index]), zone);
            let cell = comfy_table::Cell::new(on_one_line(&text));
            match row[index] {
                Cell::Integer(_) | Cell::Real(_) => cell.set_alignment(CellAlignment::Right),
                _ => cell,
            }
        }));
    }
    table
}

pub(crate) fn new_table() -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
    }
}

/// Shows an instant of the database in a person's zone; everything else as it is.
fn in_zone(text: &str, zone: &TimeZone) -> String {
    let is_instant = text.len() == "2026-11-23T02:00:00.000Z".len() && text.ends_with('Z');
    match text.parse::<Timestamp>() {
        Ok(at) if is_instant => instant(at, zone),
        _ => text.to_owned(),
    }
}

/// Shows an instant in a person's zone.
pub(crate) fn instant(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}

/// Prints what a run came to.
pub(crate) fn summary(report: &Report, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return json(&summary_json(report));
    }
    let mut stdout = Screen::stdout();
    let counts = &report.counts;
    let intents = if report.intents {
        " (intents: nothing was written)"
    } else {
        ""
    };
    writeln!(
        stdout,
        "{} {} in {:.1} s, run {}{intents}",
        report.integration,
        report.state.as_str().replace('_', " "),
        report.duration.as_secs_f64(),
        report.run_id,
    )?;
    if let Some(error) = &report.error {
        writeln!(stdout, "{}", on_one_line(error))?;
    }
    let mut table = new_table();
    table.set_header(["outcome", "reason", "users"]);
    let mut row = |outcome: &str, reason: &str, users: u64| {
        let users = comfy_table::Cell::new(users).set_alignment(CellAlignment::Right);
        table.add_row([
            comfy_table::Cell::new(outcome),
            comfy_table::Cell::new(reason),
            users,
        ]);
    };
    row("created", "", counts.created);
    row("updated", "", counts.updated);
    row("unchanged", "", counts.unchanged);
    for (outcome, reason, users) in &report.reasons {
        row(outcome, reason, *users);
    }
    row("seen", "", counts.seen);
    if counts.deactivated > 0 {
        row("deactivated", "gone", counts.deactivated);
    }
    writeln!(stdout, "{table}")?;
    for hit in report.guards.iter().filter(|hit| !hit.examples.is_empty()) {
        let examples = hit.examples.join(", ");
        writeln!(stdout, "{}: {}", hit.guard, on_one_line(&examples))?;
    }
    if report.state == State::Parked {
        writeln!(
            stdout,
            "nothing was written; `rollcall release {0} --reason TEXT` carries out exactly this plan, \
             `rollcall discard {0}` drops it",
            report.run_id
        )?;
    } else if report.intents && !report.guards.is_empty() {
        writeln!(
            stdout,
            "a load would be parked: {}",
            load::sentence(&report.guards)
        )?;
    }
    Ok(())
}

pub(crate) fn summary_json(report: &Report) -> Value {
    let counts = &report.counts;
    let reasons: Vec<Value> = report
        .reasons
        .iter()
        .map(|(outcome, reason, users)| json!({"outcome": outcome, "reason": reason, "users": users}))
        .collect();
    json!({
        "run_id": report.run_id,
        "integration": report.integration,
        "state": report.state.as_str(),
        "intents": report.intents,
        "seen": counts.seen,
        "created": counts.created,
        "updated": counts.updated,
        "unchanged": counts.unchanged,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "deactivated": counts.deactivated,
        "reasons": reasons,
        "source_calls": report.source_calls,
        "target_calls": report.target_calls,
        "duration_ms": u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
        "error": report.error,
        "guards": report.guards,
    })
}
