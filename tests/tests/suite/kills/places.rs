//! Loads of SaaS users that die: places that are made, changed and deactivated, and the next load.

use serde_json::json;
use tests::{Delivery, INTEGRATION};

use super::aftermath::{Outcome, demand_recovery};
use super::dice::{Dice, Whole, random_cases, some_at_a_time};
use super::{BOTH, Records, passed, until};
use crate::company::Company;

const RUN: [&str; 2] = ["run", INTEGRATION];

/// Points before any place is planned or written, at which loads without places die as well.
const ELSEWHERE: [&str; 8] = [
    "run_recorded",
    "read",
    "plan_chunk_stored",
    "portion_recorded",
    "batch_sent",
    "uploaded",
    "finalize_recorded",
    "run_log_read",
];

/// What a load has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The application and all places are to be made.
    First,
    /// Some users are gone, of others the roles are changed.
    Second,
}

fn company(delivery: Delivery, users: u32, stage: Stage) -> Company {
    let company = Company::with(users, 0.5, |config| {
        Records::PeopleAndPlaces.set(delivery, config);
    });
    if stage == Stage::Second {
        company.load();
        let users = company.control.users();
        for (place, user) in users.iter().enumerate() {
            let id = user["id"].as_str().expect("an id");
            match place % 4 {
                0 => assert!(company.control.remove_user(id)),
                1 => {
                    let mut scopes = user["scopeRoles"].clone();
                    scopes[0]["roleName"] = json!("Auditor");
                    scopes[0]["roleId"] = json!("4711");
                    assert!(
                        company
                            .control
                            .edit_user(id, &json!({ "scopeRoles": scopes }))
                    );
                }
                _ => {}
            }
        }
    }
    company
}

#[test]
fn a_load_of_saas_users_that_dies_at_any_marked_point_is_made_up_by_the_next() {
    const USERS: u32 = 16;
    let kinds = BOTH.map(|delivery| [Stage::First, Stage::Second].map(|stage| (delivery, stage)));
    let kinds = kinds.as_flattened();
    let undisturbed: Vec<_> = kinds
        .iter()
        .map(|&(delivery, stage)| {
            let company = company(delivery, USERS, stage);
            let passed = passed(&company, |change| {
                let _ = company.rollcall.start_with(&RUN, change).end().with_code(0);
            });
            (passed, Outcome::of(&company))
        })
        .collect();
    let mut cases = Vec::new();
    for (&(delivery, stage), (points, undisturbed)) in kinds.iter().zip(&undisturbed) {
        let points = points
            .iter()
            .filter(|point| !ELSEWHERE.contains(&point.as_str()));
        cases.extend(points.map(|point| (delivery, stage, point, undisturbed)));
    }
    assert!(
        cases
            .iter()
            .any(|(.., point, _)| *point == "places_assigned")
    );
    assert!(
        cases
            .iter()
            .any(|(.., point, _)| *point == "places_deactivated")
    );
    some_at_a_time(cases, |(delivery, stage, point, undisturbed)| {
        let company = company(delivery, USERS, stage);
        let case = format!("{delivery:?} {stage:?} {point}");
        let ended = until(&company, &RUN, point);
        assert_eq!(ended.code, None, "{case}: it did not die");
        demand_recovery(&company, undisturbed, &case);
    });
}

/// A random case: the same for the same seed.
fn random(seed: u64) {
    let mut dice = Dice::new(seed);
    let delivery = dice.of(&BOTH);
    let stage = dice.of(&[Stage::First, Stage::Second]);
    let users = 8 + u32::try_from(dice.below(24)).expect("few users");
    let quiet = company(delivery, users, stage);
    let whole = Whole::of(&quiet, || drop(quiet.load()));
    let undisturbed = Outcome::of(&quiet);
    let company = company(delivery, users, stage);
    dice.order_faults(&company, Records::PeopleAndPlaces);
    for _ in 0..=dice.below(3) {
        let instant = dice.instant(&whole).count(&company);
        let mut going = company.rollcall.start_run();
        going.wait_until_over_or(instant);
        dice.pause();
        let _ = going.kill();
    }
    let case = format!("seed {seed}: {delivery:?} {stage:?}");
    demand_recovery(&company, &undisturbed, &case);
}

#[test]
fn a_load_of_saas_users_that_dies_at_a_random_instant_is_made_up_by_the_next() {
    random_cases(6, random);
}
