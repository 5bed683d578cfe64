//! The history: what changed in which run, the oldest first.

use load::{Event, ValueChange};

use super::{Page, shown};

/// More of them are in the JSON alone.
const MOST: usize = 40;
/// So many changes of an event are shown.
const CHANGES: usize = 12;

impl Page<'_> {
    pub(super) fn history(&mut self, events: &[Event]) {
        self.title("History");
        let left_out = events.len().saturating_sub(MOST);
        if left_out > 0 {
            self.line(1, format!("{left_out} earlier events: `--json` has them"));
        }
        for event in events.iter().skip(left_out) {
            let at = event
                .at
                .map_or_else(|| "before what is kept".to_owned(), |at| self.at(at));
            let run = event.run_id.as_ref().map(|run| format!(" (run {run})"));
            self.line(
                1,
                format!("{at}  {}{}", what(event), run.unwrap_or_default()),
            );
            if let Some(message) = &event.message {
                self.line(2, message);
            }
            if let Some(resolved) = event.resolved_at {
                self.line(2, format!("resolved {}", self.at(resolved)));
            }
            for change in event.changes.iter().take(CHANGES) {
                self.line(2, changed(change));
            }
            if let more @ 1.. = event.changes.len().saturating_sub(CHANGES) {
                self.line(2, format!("and {more} more"));
            }
        }
    }
}

fn what(event: &Event) -> String {
    let reason = event.reason.as_deref().unwrap_or_default();
    let runs = match event.runs {
        Some(runs @ 2..) => format!(", {runs} runs in a row"),
        _ => String::new(),
    };
    let undo = if event.kind == Some("undo") {
        " by an undo"
    } else {
        ""
    };
    match event.event {
        "first_seen" => "first seen".to_owned(),
        "user_changed" => "changed in the console".to_owned(),
        "record_changed" => "its record changed".to_owned(),
        "created" => format!("made in Oomnitza{undo}"),
        "updated" => format!("written to Oomnitza{undo}"),
        "saas_updated" => "its SaaS user written to Oomnitza".to_owned(),
        "deactivated" => "its SaaS user deactivated in Oomnitza".to_owned(),
        "not_written" => format!(
            "to be written to Oomnitza: {}",
            event.state.as_deref().unwrap_or_default()
        ),
        "skipped" | "failed" => format!("{}: {reason}{runs}", event.event),
        "gone" => "gone from the console".to_owned(),
        "absent" => "not in what was read of everybody".to_owned(),
        "back" => "in the console again".to_owned(),
        other => other.replace('_', " "),
    }
}

fn changed(change: &ValueChange) -> String {
    format!(
        "{}: {} -> {}",
        change.field,
        shown(&change.old),
        shown(&change.new)
    )
}
