//! Whether the loads are fine: of each integration the latest, and that there was one in time.

use std::time::Duration;

use load::State;
use serde::Serialize;

use super::view::View;
use crate::serve::driver::Surveyed;

/// A due time has so long for its run to begin before it counts as overdue.
const GRACE: Duration = Duration::from_mins(1);

/// Whether the loads are fine.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    /// Whether all are.
    pub(super) ready: bool,
    /// What is wrong with the daemon itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
    /// Each by itself, by their ids.
    integrations: Vec<One>,
}

#[derive(Debug, Serialize)]
struct One {
    integration: String,
    ready: bool,
    /// A stable word: the state of the latest load, or `paused`, `overdue`, `not_due_yet`, `unknown`.
    reason: &'static str,
    /// The same for a person, with what to do.
    message: String,
    /// The run that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
}

/// Says whether the loads are fine.
pub(super) fn of(view: &View) -> Readiness {
    let readable = view.unanswered == 0;
    let integrations: Vec<One> = view
        .survey
        .integrations
        .iter()
        .map(|integration| one(view, integration, readable))
        .collect();
    Readiness {
        ready: readable && integrations.iter().all(|one| one.ready),
        problem: (!readable).then_some("the database cannot be read; see `rollcall status`"),
        integrations,
    }
}

fn one(view: &View, integration: &Surveyed, readable: bool) -> One {
    let id = &integration.id;
    let last = view.loads.get(id).and_then(|loads| loads.last.as_ref());
    let (ready, reason, message) = match last.map(|load| load.state) {
        // Somebody took it out of the loads, and knows.
        _ if integration.paused => (
            true,
            "paused",
            "it is paused; see `rollcall status`".to_owned(),
        ),
        _ if !readable => (false, "unknown", "the database cannot be read".to_owned()),
        Some(state) if !matches!(state, State::Completed) => (false, state.as_str(), wrong(state)),
        _ if is_overdue(view, integration) => (
            false,
            "overdue",
            format!(
                "no load came to its end in time; see `rollcall slots {id}` and `rollcall runs`"
            ),
        ),
        Some(_) => (true, "completed", "the latest load completed".to_owned()),
        None => (
            true,
            "not_due_yet",
            "there was no load yet, and none is overdue".to_owned(),
        ),
    };
    One {
        integration: id.clone(),
        ready,
        reason,
        message,
        run_id: last.map(|load| load.run_id.clone()),
    }
}

fn wrong(state: State) -> String {
    let what = match state {
        State::Failed => "failed; `rollcall runs` says why",
        State::Parked => "is parked, and waits for somebody; see `rollcall status`",
        State::CompletedWithErrors => "has users who failed; `rollcall errors` names them",
        State::Interrupted => "was cut off; the next one does the rest",
        State::Canceled => "was canceled; the next one does the rest",
        _ => return format!("the latest load is {state}; see `rollcall runs`"),
    };
    format!("the latest load {what}")
}

/// Whether a load should have come to its end long ago, and none is going on.
///
/// The first due time is enough where there never was a load, else the second since the latest success.
fn is_overdue(view: &View, integration: &Surveyed) -> bool {
    let Some((first, second)) = view.due_since_success(integration) else {
        return false;
    };
    let loads = view.loads.get(&integration.id);
    let never = loads.is_none_or(|loads| loads.last.is_none());
    let due_at = if never { first } else { second };
    let late = integration.schedule.offset(&integration.id) + GRACE;
    let overdue_at = due_at.saturating_add(late).unwrap_or(due_at);
    view.now > overdue_at && !integration.running
}
