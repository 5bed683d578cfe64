//! What is counted while the process lives.
//!
//! The history in the database is no place to count from: it is pruned, and a counter that goes down
//! is taken for one that began anew.
//! So counters begin at zero with the process, as Prometheus expects, and each series that can be
//! known beforehand is there from the start: the first of its kind is seen as an increase.

use load::{Reason, Report, State};
use prometheus::{IntCounterVec, Opts, Registry};
use store::SlotState;

use crate::app::Meters;

/// The states in which a run ends.
const STATES: [State; 7] = [
    State::Completed,
    State::CompletedWithErrors,
    State::Failed,
    State::Parked,
    State::Planned,
    State::Interrupted,
    State::Canceled,
];
/// What becomes of a slot.
const SLOTS: [SlotState; 5] = [
    SlotState::Ran,
    SlotState::Late,
    SlotState::Skipped,
    SlotState::Missed,
    SlotState::Paused,
];
/// Outcomes that have no reason.
const WRITTEN: [&str; 3] = ["created", "updated", "unchanged"];

/// What is counted while the process lives; clones count together.
#[derive(Clone)]
pub(crate) struct Counters {
    pub(super) registry: Registry,
    runs: IntCounterVec,
    outcomes: IntCounterVec,
    slots: IntCounterVec,
    meters: Meters,
}

impl Counters {
    pub(crate) fn new(meters: Meters) -> Self {
        let registry = Registry::new();
        let vec = |name: &str, help: &str, labels: &[&str]| {
            let vec = IntCounterVec::new(Opts::new(name, help), labels)
                .expect("names and labels are constants that Prometheus allows");
            registry
                .register(Box::new(vec.clone()))
                .expect("no two have the same name");
            vec
        };
        Self {
            runs: vec(
                "rollcall_runs_total",
                "Runs that ended, by the state in which they did; no dry runs.",
                &["integration", "state"],
            ),
            outcomes: vec(
                "rollcall_outcomes_total",
                "Users of runs that wrote, by what became of them and why.",
                &["integration", "outcome", "reason"],
            ),
            slots: vec(
                "rollcall_slots_total",
                "Due times by what became of them.",
                &["integration", "state"],
            ),
            registry,
            meters,
        }
    }

    /// What counts the calls to both systems.
    pub(super) fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Shows an integration with nothing counted yet.
    pub(crate) fn begin(&self, integration: &str) {
        for state in STATES {
            let _ = self.run(integration, state);
        }
        for outcome in WRITTEN {
            let _ = self.outcome(integration, outcome, "");
        }
        for reason in Reason::ALL {
            let _ = self.outcome(integration, reason.outcome(), reason.code());
        }
        for state in SLOTS {
            let _ = self.slot(integration, state);
        }
    }

    /// Counts a run that has ended.
    pub(crate) fn count_run(&self, report: &Report) {
        let integration = &report.integration;
        self.run(integration, report.state).inc();
        if report.intents {
            return;
        }
        let counts = &report.counts;
        let numbers = [counts.created, counts.updated, counts.unchanged];
        for (outcome, number) in WRITTEN.into_iter().zip(numbers) {
            self.outcome(integration, outcome, "").inc_by(number);
        }
        for (outcome, reason, number) in &report.reasons {
            self.outcome(integration, outcome, reason).inc_by(*number);
        }
    }

    /// Counts a run that could not even begin.
    pub(crate) fn count_unbegun(&self, integration: &str) {
        self.run(integration, State::Failed).inc();
    }

    /// Counts a slot of which something final became.
    pub(crate) fn count_slot(&self, integration: &str, state: SlotState) {
        self.slot(integration, state).inc();
    }

    fn run(&self, integration: &str, state: State) -> prometheus::IntCounter {
        self.runs.with_label_values(&[integration, state.as_str()])
    }

    fn outcome(&self, integration: &str, outcome: &str, reason: &str) -> prometheus::IntCounter {
        self.outcomes
            .with_label_values(&[integration, outcome, reason])
    }

    fn slot(&self, integration: &str, state: SlotState) -> prometheus::IntCounter {
        self.slots.with_label_values(&[integration, state.as_str()])
    }
}
