//! The history of a user: what changed in which run.

use std::collections::HashSet;

use jiff::Timestamp;
use mapping::Subject;
use store::{Absence, History, Lifetime, PastFault, PastOutcome, RunRef, State, Version, Written};

use super::model::{Event, Raw, ValueChange};

/// Events with the rows of their runs, by which they are in order.
type Ordered = Vec<(i64, Event)>;

/// Lists what became of a user, the oldest first.
pub(super) fn events(history: &History, lifetime: &Lifetime) -> Vec<Event> {
    let mut events = Ordered::new();
    users(&history.users, lifetime, &mut events);
    versions(&history.records, "record_changed", &mut events);
    writes(&history.changes, &mut events);
    faults(&history.faults, &mut events);
    absences(&history.absences, &mut events);
    // What came first of a run stays first.
    events.sort_by_key(|(run, _)| *run);
    events.into_iter().map(|(_, event)| event).collect()
}

/// How the console had the user: first seen, and made another from run to run.
fn users(users: &[Version], lifetime: &Lifetime, events: &mut Ordered) {
    let Some(oldest) = users.first() else {
        return;
    };
    let known = oldest.since.known.as_ref();
    let is_first = known.is_some_and(|run| run.started_at <= lifetime.first_seen_at);
    let unknown = RunRef {
        run: 0,
        known: None,
    };
    let mut first = event(
        "first_seen",
        if is_first { &oldest.since } else { &unknown },
    );
    first.at = Some(lifetime.first_seen_at.into());
    events.push((if is_first { oldest.since.run } else { 0 }, first));
    if !is_first && known.is_some() {
        let mut changed = event("user_changed", &oldest.since);
        changed.message = Some("what it was before is not kept any more".to_owned());
        events.push((oldest.since.run, changed));
    }
    versions(users, "user_changed", events);
}

fn event(name: &'static str, run: &RunRef) -> Event {
    let known = run.known.as_ref();
    Event {
        event: name,
        run_id: known.map(|run| run.run_id.clone()),
        at: known.map(|run| run.started_at.into()),
        kind: known.map(|run| run.kind.as_str()),
        state: known.map(|run| run.state.as_str().to_owned()),
        changes: Vec::new(),
        reason: None,
        message: None,
        runs: None,
        until_run_id: None,
        resolved_at: None,
    }
}

/// What the console, or the mapping, made another from run to run.
fn versions(versions: &[Version], name: &'static str, events: &mut Ordered) {
    for pair in versions.windows(2) {
        let [before, after] = pair else {
            continue;
        };
        let mut event = event(name, &after.since);
        event.changes = differences(&before.json, &after.json);
        // Otherwise only the spelling is another.
        if !event.changes.is_empty() {
            events.push((after.since.run, event));
        }
    }
}

fn writes(changes: &[PastOutcome<Written>], events: &mut Ordered) {
    for PastOutcome { run, what } in changes {
        let name = match (what.state.as_str(), what.action.as_str()) {
            ("done", "create") => "created",
            ("done", "saas") => "saas_updated",
            ("done", "deactivate") => "deactivated",
            ("done", _) => "updated",
            _ => "not_written",
        };
        let mut event = event(name, run);
        event.state = Some(what.state.clone());
        event.changes = differences(what.before.as_deref().unwrap_or("{}"), &what.after);
        events.push((run.run, event));
    }
}

/// Runs in a row that did not load the user for the same reason are one event.
fn faults(faults: &[PastOutcome<PastFault>], events: &mut Ordered) {
    let counts = |fault: &&PastOutcome<PastFault>| {
        fault.run.known.as_ref().is_some_and(|run| {
            let waits = matches!(
                run.state,
                State::Planned | State::Parked | State::Discarded | State::Overtaken
            );
            !run.dry_run && !waits
        })
    };
    let mut last: Option<(&PastFault, usize)> = None;
    for fault in faults.iter().filter(counts) {
        let PastOutcome { run, what } = fault;
        let began = run.known.as_ref().map(|run| run.started_at);
        if let Some((before, place)) = last
            && (&before.outcome, &before.reason) == (&what.outcome, &what.reason)
            && before
                .resolved_at
                .is_none_or(|resolved| began.is_some_and(|began| resolved > began))
        {
            let event: &mut Event = &mut events[place].1;
            event.runs = event.runs.map(|runs| runs + 1);
            event.until_run_id = run.known.as_ref().map(|run| run.run_id.clone());
            event.resolved_at = what.resolved_at.map(Into::into);
            last = Some((what, place));
            continue;
        }
        let name = if what.outcome == "skipped" {
            "skipped"
        } else {
            "failed"
        };
        let mut event = event(name, run);
        event.reason = Some(what.reason.clone());
        event.message = Some(what.message.clone());
        event.runs = Some(1);
        event.resolved_at = what.resolved_at.map(Into::into);
        last = Some((what, events.len()));
        events.push((run.run, event));
    }
}

fn absences(absences: &[Absence], events: &mut Ordered) {
    let mut tell = |name, run: &RunRef, at: Timestamp| {
        let mut event = event(name, run);
        event.at = Some(at.into());
        events.push((run.run, event));
    };
    for absence in absences {
        let at_once = absence
            .gone
            .as_ref()
            .is_some_and(|(run, _)| *run == absence.run);
        if !at_once {
            tell("absent", &absence.run, absence.at);
        }
        if let Some((run, at)) = &absence.gone {
            tell("gone", run, *at);
        }
        if let Some((run, at)) = &absence.back {
            tell("back", run, *at);
        }
    }
}

/// What differs between two JSON objects, with the names of members; lists are compared as a whole.
fn differences(old: &str, new: &str) -> Vec<ValueChange> {
    let mut changes = Vec::new();
    differ("", old, new, &mut changes);
    changes
}

fn differ(name: &str, old: &str, new: &str, changes: &mut Vec<ValueChange>) {
    if is_same(old, new) {
        return;
    }
    let (Ok(before), Ok(after)) = (Subject::new(old), Subject::new(new)) else {
        changes.push(ValueChange {
            field: name.to_owned(),
            old: Raw::new(old),
            new: Raw::new(new),
        });
        return;
    };
    let known: HashSet<&str> = after.fields().map(|(field, _)| field).collect();
    let gone = before.fields().filter(|(field, _)| !known.contains(field));
    for (field, _) in after.fields().chain(gone) {
        let path = if name.is_empty() {
            field.to_owned()
        } else {
            format!("{name}.{field}")
        };
        differ(&path, before.raw(field), after.raw(field), changes);
    }
}

/// Whether two raw values say the same, whatever the order of their members.
fn is_same(old: &str, new: &str) -> bool {
    let value = |raw: &str| match raw {
        "" | "\"\"" => Some(serde_json::Value::Null),
        raw => serde_json::from_str(raw).ok(),
    };
    old == new || value(old).is_some_and(|old| value(new) == Some(old))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(old: &str, new: &str) -> Vec<String> {
        let changes = differences(old, new).into_iter();
        let shown = |raw: &Raw| raw.as_json().unwrap_or_default().to_owned();
        changes
            .map(|change| {
                format!(
                    "{}: {} -> {}",
                    change.field,
                    shown(&change.old),
                    shown(&change.new)
                )
            })
            .collect()
    }

    #[test]
    fn what_differs_is_named_down_to_its_member() {
        assert_eq!(
            changed(
                r#"{"a":1,"token":{"from":"x","to":"y"},"gone":true,"list":[1]}"#,
                r#"{"a":1,"token":{"from":"x","to":"z"},"new":"n","list":[1,2]}"#
            ),
            [
                r#"token.to: "y" -> "z""#,
                r#"new:  -> "n""#,
                "list: [1] -> [1,2]",
                "gone: true -> ",
            ]
        );
        assert_eq!(
            changed(r#"{"token":null}"#, r#"{"token":{"to":"y"}}"#),
            [r#"token:  -> {"to":"y"}"#]
        );
    }

    #[test]
    fn what_says_the_same_in_another_spelling_is_no_change() {
        assert_eq!(
            changed(r#"{"a":null,"b":""}"#, r#"{ "c" : null }"#),
            [""; 0]
        );
        assert_eq!(
            changed(r#"{"l":[{"a":1,"b":2}]}"#, r#"{"l":[{"b":2, "a":1}]}"#),
            [""; 0]
        );
    }
}
