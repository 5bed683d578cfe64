//! Loads that die, and the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::aftermath::{Outcome, demand_recovery};
use super::dice::{Dice, Whole, random_cases, some_at_a_time};
use super::{BOTH, Records, company, points, until};
use crate::company::each;
use tests::Delivery;

const RUN: [&str; 2] = ["run", tests::INTEGRATION];

#[test]
fn a_run_that_dies_at_any_marked_point_is_made_up_by_the_next() {
    const USERS: u32 = 40;
    let undisturbed = BOTH.map(|delivery| Undisturbed::of(delivery, USERS).outcome);
    let points = points(&company(Delivery::Rest, 1));
    assert!(points.len() > 15, "{points:?}");
    let mut cases = Vec::new();
    for (place, delivery) in BOTH.into_iter().enumerate() {
        for point in &points {
            for time in [1, 2] {
                cases.push((place, delivery, format!("{point}:{time}")));
            }
        }
    }
    let died = Mutex::new(BTreeSet::new());
    some_at_a_time(cases, |(place, delivery, point)| {
        let company = company(delivery, USERS);
        let ended = until(&company, &RUN, &point);
        if ended.code.is_none() {
            let name = point.split(':').next().unwrap_or_default().to_owned();
            died.lock().expect("nobody panics with it").insert(name);
        }
        let case = format!("{delivery:?} {point}");
        demand_recovery(&company, &undisturbed[place], &case);
    });
    let died = died.into_inner().expect("nobody panics with it");
    let never: Vec<&String> = points
        .iter()
        .filter(|point| !died.contains(*point) && !is_elsewhere(point))
        .collect();
    assert_eq!(never, [""; 0], "no run came by");
}

#[test]
fn a_released_plan_that_dies_on_its_way_is_made_up_by_the_next_run() {
    const USERS: u32 = 40;
    let undisturbed = Undisturbed::of(Delivery::Rest, USERS).outcome;
    each(
        ["plan_resumed", "changes_marked", "write_answered:9"],
        |point| {
            let company = company(Delivery::Rest, USERS);
            let _ = company.rollcall.plan().with_code(0);
            let run_id = company.rollcall.latest_run_id();
            let ended = until(&company, &["apply", &run_id], point);
            assert_eq!(ended.code, None, "{point}");
            demand_recovery(&company, &undisturbed, point);
        },
    );
}

/// Whether no plain load comes by a point: it is one of a recovery, of a plan that is applied, of SaaS users, or of
/// `forget`.
fn is_elsewhere(point: &str) -> bool {
    let of_saas_users = ["application_", "place_", "places_", "deactivations_"];
    point.starts_with("left_")
        || ["plan_resumed", "forgotten"].contains(&point)
        || of_saas_users.iter().any(|name| point.starts_with(name))
}

/// A load in which nothing goes wrong.
struct Undisturbed {
    outcome: Outcome,
    whole: Whole,
}

impl Undisturbed {
    fn of(delivery: Delivery, users: u32) -> Self {
        let company = company(delivery, users);
        let whole = Whole::of(&company, || drop(company.load()));
        Self {
            outcome: Outcome::of(&company),
            whole,
        }
    }
}

/// Where in a load the first kill of each case came, in quarters of the calls of an undisturbed one.
type Spread = Mutex<BTreeMap<(&'static str, usize), u64>>;

/// A random case: the same for the same seed.
fn random(seed: u64, spread: &Spread) {
    let mut dice = Dice::new(seed);
    let delivery = dice.of(&BOTH);
    let users = 5 + u32::try_from(dice.below(55)).expect("few users");
    let undisturbed = Undisturbed::of(delivery, users);
    let company = company(delivery, users);
    dice.order_faults(&company, Records::People);
    for time in 0..=dice.below(3) {
        let instant = dice.instant(&undisturbed.whole).count(&company);
        let mut going = company.rollcall.start_run();
        going.wait_until_over_or(instant);
        dice.pause();
        let is_cut_off = going.kill().code.is_none();
        if is_cut_off && time == 0 {
            let name = match delivery {
                Delivery::Rest => "rest",
                Delivery::Bulk | Delivery::BulkByName => "bulk",
            };
            // With faults there are more calls than usual.
            let quarter = (company.calls() * 4 / undisturbed.whole.calls).min(3);
            let mut spread = spread.lock().expect("nobody panics with it");
            *spread.entry((name, quarter)).or_default() += 1;
        }
    }
    demand_recovery(&company, &undisturbed.outcome, &format!("seed {seed}"));
}

#[test]
fn a_run_that_dies_at_a_random_instant_is_made_up_by_the_next() {
    let spread = Spread::default();
    let tried = random_cases(40, |seed| random(seed, &spread));
    let spread = spread.into_inner().expect("nobody panics with it");
    println!("kills by delivery and quarter of the load: {spread:?}");
    // Of so many, some come in either half of a load.
    let halves: BTreeSet<_> = spread
        .keys()
        .map(|(delivery, quarter)| (delivery, quarter / 2))
        .collect();
    assert!(tried < 40 || halves.len() == 4, "{spread:?}");
}
