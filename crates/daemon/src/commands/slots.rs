//! `slots`: what became of each due time, and which ones come.

use std::path::Path;

use jiff::Timestamp;
use store::{Cell, Rows};

use super::read::Query;
use crate::arguments::Slots;
use crate::config::{Config, Integration};
use crate::exit::Exit;
use crate::{app, output};

pub(crate) async fn slots(path: &Path, command: &Slots) -> anyhow::Result<Exit> {
    let config = app::configuration(path)?;
    if let Some(count) = command.next {
        return coming(&config, command, count);
    }
    let mut query = Query::on("v_slots");
    query.equal("integration", command.integration.as_ref());
    query.equal("state", command.state.as_ref());
    query.tail = format!(" ORDER BY due_at DESC, integration LIMIT {}", command.limit);
    let columns = ["due_at", "integration", "state", "note", "run_id"];
    query.print(&config, command.format, &columns).await
}

/// Prints the due times that come, as the configuration alone has them.
fn coming(config: &Config, command: &Slots, count: u32) -> anyhow::Result<Exit> {
    let one = match &command.integration {
        Some(id) => Some(app::integration(config, id)?),
        None => None,
    };
    let (integrations, zone) = match one {
        Some(integration) => (
            std::slice::from_ref(integration),
            &integration.schedule.timezone,
        ),
        None => (config.integrations.as_slice(), &config.timezone),
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let rows = due(integrations, Timestamp::now(), count);
    let columns = ["due_at", "start_at", "integration", "what"];
    output::print(&rows, command.format, &columns, zone)?;
    Ok(Exit::Done)
}

/// The next due times of some integrations together, in order.
fn due(integrations: &[Integration], now: Timestamp, count: usize) -> Rows {
    let mut coming: Vec<(Timestamp, &Integration)> = integrations
        .iter()
        .flat_map(|integration| {
            let schedule = &integration.schedule;
            let due = schedule.due_between(now, Timestamp::MAX);
            due.take(count).map(move |due_at| (due_at, integration))
        })
        .collect();
    coming
        .sort_by(|(one, of_one), (other, of_other)| (one, &of_one.id).cmp(&(other, &of_other.id)));
    coming.truncate(count);
    Rows {
        columns: ["integration", "due_at", "start_at", "what"]
            .map(str::to_owned)
            .to_vec(),
        rows: coming
            .into_iter()
            .map(|(due_at, integration)| row(due_at, integration))
            .collect(),
    }
}

fn row(due_at: Timestamp, integration: &Integration) -> Vec<Cell> {
    let schedule = &integration.schedule;
    let start_at = due_at
        .checked_add(schedule.offset(&integration.id))
        .unwrap_or(Timestamp::MAX);
    let what = match (&schedule.paused, schedule.excluded(due_at)) {
        (Some(reason), _) => format!("paused: {reason}"),
        (None, Some(days)) => format!("excluded: {days}"),
        (None, None) => "run".to_owned(),
    };
    let texts = [
        integration.id.clone(),
        in_utc(due_at),
        in_utc(start_at),
        what,
    ];
    texts.map(Cell::Text).to_vec()
}

/// An instant as the database writes it.
fn in_utc(instant: Timestamp) -> String {
    format!("{instant:.3}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    fn shipped() -> Config {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/rollcall.yaml");
        config::load(&file).unwrap().config
    }

    fn text(cell: &Cell) -> &str {
        match cell {
            Cell::Text(text) => text,
            other => panic!("{other:?}"),
        }
    }

    fn texts(rows: &Rows) -> Vec<Vec<&str>> {
        rows.rows
            .iter()
            .map(|row| row.iter().map(text).collect())
            .collect()
    }

    #[test]
    fn what_comes_has_its_due_time_its_start_and_what_becomes_of_it() {
        let config = shipped();
        let now = "2026-12-23T02:00:00Z".parse().unwrap();
        let rows = due(&config.integrations, now, 5);
        let rows = texts(&rows);
        let freeze = "excluded: 2026-12-24 to 2026-12-27, Christmas freeze";
        let expected = [
            ("2026-12-24T02:00:00.000Z", freeze),
            ("2026-12-25T02:00:00.000Z", freeze),
            ("2026-12-26T02:00:00.000Z", freeze),
            ("2026-12-27T02:00:00.000Z", freeze),
            ("2026-12-28T02:00:00.000Z", "run"),
        ];
        for (row, (due_at, what)) in rows.iter().zip(expected) {
            assert_eq!((row[1], row[3]), (due_at, what));
            let jitter: Timestamp = row[2].parse().unwrap();
            let jitter = jitter.duration_since(due_at.parse().unwrap());
            assert!((0..600).contains(&jitter.as_secs()), "{row:?}");
        }
        assert_eq!(rows.len(), expected.len());
    }

    #[test]
    fn several_integrations_come_together_in_order_and_no_more_than_asked_for() {
        let mut config = shipped();
        let mut other = config.integrations[0].clone();
        other.id = "a-second".to_owned();
        other.schedule.paused = Some("the merger".to_owned());
        config.integrations.push(other);
        let now = "2026-11-23T00:00:00Z".parse().unwrap();
        let rows = due(&config.integrations, now, 3);
        let told: Vec<(&str, &str, &str)> = texts(&rows)
            .iter()
            .map(|row| (row[1], row[0], row[3]))
            .collect();
        let (first, second) = ("2026-11-23T02:00:00.000Z", "2026-11-24T02:00:00.000Z");
        assert_eq!(
            told,
            [
                (first, "a-second", "paused: the merger"),
                (first, "sentinelone-users", "run"),
                (second, "a-second", "paused: the merger"),
            ]
        );
    }
}
