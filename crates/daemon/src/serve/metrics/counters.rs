//! What is counted while the process lives.
//!
//! The history in the database is no place to count from: it is pruned, and a counter that goes down
//! is taken for one that began anew.
//! So counters begin at zero with the process, as Prometheus expects, and each series that can be
//! known beforehand is there from the start: the first of its kind is seen as an increase.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use load::{Reason, Report, State};
use store::SlotState;

use super::exposition::{Exposition, Metric};
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
    tallies: Arc<Mutex<Tallies>>,
    meters: Meters,
}

#[derive(Default)]
struct Tallies {
    /// By integration and state.
    runs: Tally<2>,
    /// By integration, outcome and reason.
    outcomes: Tally<3>,
    /// By integration and state.
    slots: Tally<2>,
}

/// Numbers by the values of so many labels.
type Tally<const LABELS: usize> = BTreeMap<[String; LABELS], u64>;

impl Counters {
    pub(crate) fn new(meters: Meters) -> Self {
        Self {
            tallies: Arc::default(),
            meters,
        }
    }

    /// What counts the calls to both systems.
    pub(super) fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Shows an integration with nothing counted yet.
    pub(crate) fn begin(&self, integration: &str) {
        let mut tallies = self.lock();
        for state in STATES {
            add(&mut tallies.runs, [integration, state.as_str()], 0);
        }
        for outcome in WRITTEN {
            add(&mut tallies.outcomes, [integration, outcome, ""], 0);
        }
        for reason in Reason::ALL {
            let labels = [integration, reason.outcome(), reason.code()];
            add(&mut tallies.outcomes, labels, 0);
        }
        for state in SLOTS {
            add(&mut tallies.slots, [integration, state.as_str()], 0);
        }
    }

    /// Counts a run that has ended.
    pub(crate) fn count_run(&self, report: &Report) {
        let integration = report.integration.as_str();
        let mut tallies = self.lock();
        add(&mut tallies.runs, [integration, report.state.as_str()], 1);
        if report.intents {
            return;
        }
        let counts = &report.counts;
        let numbers = [counts.created, counts.updated, counts.unchanged];
        for (outcome, number) in WRITTEN.into_iter().zip(numbers) {
            add(&mut tallies.outcomes, [integration, outcome, ""], number);
        }
        for (outcome, reason, number) in &report.reasons {
            let labels = [integration, outcome, reason];
            add(&mut tallies.outcomes, labels, *number);
        }
    }

    /// Counts a run that could not even begin.
    pub(crate) fn count_unbegun(&self, integration: &str) {
        let labels = [integration, State::Failed.as_str()];
        add(&mut self.lock().runs, labels, 1);
    }

    /// Counts a slot of which something final became.
    pub(crate) fn count_slot(&self, integration: &str, state: SlotState) {
        add(&mut self.lock().slots, [integration, state.as_str()], 1);
    }

    pub(super) fn write(&self, exposition: &mut Exposition) {
        let tallies = self.lock();
        write(
            exposition.counter(
                "rollcall_runs_total",
                "Runs that ended, by the state in which they did; no dry runs.",
            ),
            ["integration", "state"],
            &tallies.runs,
        );
        write(
            exposition.counter(
                "rollcall_outcomes_total",
                "Users of runs that wrote, by what became of them and why.",
            ),
            ["integration", "outcome", "reason"],
            &tallies.outcomes,
        );
        write(
            exposition.counter("rollcall_slots_total", "Due times by what became of them."),
            ["integration", "state"],
            &tallies.slots,
        );
    }

    fn lock(&self) -> MutexGuard<'_, Tallies> {
        // Nothing panics while the lock is held, and the numbers are right at any moment.
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add<const LABELS: usize>(tally: &mut Tally<LABELS>, values: [&str; LABELS], number: u64) {
    *tally.entry(values.map(str::to_owned)).or_default() += number;
}

fn write<const LABELS: usize>(
    mut metric: Metric<'_>,
    names: [&str; LABELS],
    tally: &Tally<LABELS>,
) {
    for (values, number) in tally {
        let labels = std::array::from_fn::<_, LABELS, _>(|at| (names[at], values[at].as_str()));
        metric.series(&labels, number);
    }
}
