//! Recoveries that die: what closes a dead run is cut off itself, once and again.

use std::collections::BTreeSet;
use std::sync::Mutex;

use tests::INTEGRATION;

use super::aftermath::{Outcome, demand_recovery};
use super::dice::some_at_a_time;
use super::{BOTH, company, until};

const USERS: u32 = 30;
const RUN: [&str; 2] = ["run", INTEGRATION];

/// Where the first run dies, so that there is something to be closed.
const FIRST: [&str; 9] = [
    "plan_chunk_stored",
    "plan_settled",
    "changes_marked",
    "write_answered:5",
    "batch_sent:2",
    "uploaded",
    "portion_finalized",
    "run_log_read",
    "outcomes_published",
];

/// Where those die that close it, one after another.
const THEN: [[&str; 3]; 3] = [
    [
        "left_portion_finalized",
        "left_changes_settled",
        "left_run_closed",
    ],
    [
        "left_changes_settled",
        "left_changes_settled",
        "outcomes_published",
    ],
    ["outcomes_published", "left_run_closed", "run_recorded"],
];

#[test]
fn recoveries_that_die_one_after_another_are_made_up_by_the_next() {
    let undisturbed = Outcome::undisturbed(USERS);
    let mut cases = Vec::new();
    for (place, delivery) in BOTH.into_iter().enumerate() {
        for (number, first) in FIRST.into_iter().enumerate() {
            // All of them come together with what either delivery leaves.
            for then in [number, number + 1] {
                cases.push((place, delivery, first, THEN[then % THEN.len()]));
            }
        }
    }
    let died = Mutex::new(BTreeSet::new());
    some_at_a_time(cases, |(place, delivery, first, then)| {
        let company = company(delivery, USERS);
        if until(&company, &RUN, first).code.is_some() {
            // This delivery does not come by.
            return;
        }
        let mut case = format!("{delivery:?} {first}");
        for point in then {
            if until(&company, &RUN, point).code.is_none() {
                case = format!("{case}, {point}");
                died.lock().expect("nobody panics with it").insert(point);
            }
        }
        demand_recovery(&company, &undisturbed[place], &case);
    });
    let died = died.into_inner().expect("nobody panics with it");
    let never = THEN.as_flattened().iter();
    let never: Vec<&&str> = never.filter(|point| !died.contains(*point)).collect();
    assert_eq!(never, [&""; 0], "no recovery came by");
}
