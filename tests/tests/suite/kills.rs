//! Kills: at each of the points that the code marks and at random instants, with faults on top; then once more, and
//! everything is as if nothing had happened.
//!
//! `ROLLCALL_CASES=1000` tries so many random cases, `ROLLCALL_SEED=N` one of them again.

use std::env;
use std::time::Duration;

use simulator::{Effect, Fault, System};
use tests::{Delivery, Ended};

use crate::company::{Company, each};

/// Random cases that are tried when nobody asks for more.
const CASES: u64 = 40;

pub(crate) const BOTH: [Delivery; 2] = [Delivery::Rest, Delivery::Bulk];

pub(crate) fn company(delivery: Delivery, users: u32) -> Company {
    Company::with(users, 0.5, |config| {
        config.delivery = delivery;
        config.batch = 7;
        // What is usual is in force: a load that was cut off is gone on with.
        config.guards.clear();
    })
}

/// All points, as the binary names them.
fn points(company: &Company) -> Vec<String> {
    let ended = company.rollcall.command(&["points"]).with_code(0);
    ended.stdout.lines().map(str::to_owned).collect()
}

/// Makes a load that dies at a point, if it comes by.
fn run_until(company: &Company, point: &str) -> Ended {
    let run = ["run", tests::INTEGRATION];
    let going = company.rollcall.start_with(&run, |command| {
        command.env("ROLLCALL_KILL_AT", point);
    });
    going.end()
}

/// What is compared: Oomnitza, record by record, and what is told of people.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    oomnitza: std::collections::BTreeMap<String, serde_json::Value>,
    people: Vec<serde_json::Map<String, serde_json::Value>>,
    open: Vec<serde_json::Map<String, serde_json::Value>>,
}

impl Outcome {
    pub(crate) fn of(company: &Company) -> Self {
        let latest = "SELECT source_id, last_reason, gone_since FROM v_people ORDER BY source_id";
        let open = "SELECT source_id, reason FROM v_open_errors ORDER BY source_id";
        Self {
            oomnitza: company.people(),
            people: company.rollcall.query(latest),
            open: company.rollcall.query(open),
        }
    }

    /// What a load leaves in which nothing goes wrong.
    pub(crate) fn undisturbed(delivery: Delivery, users: u32) -> Self {
        let company = company(delivery, users);
        company.load();
        Self::of(&company)
    }
}

/// Demands that the next load leaves everything as an undisturbed one would have.
pub(crate) fn demand_recovery(company: &Company, undisturbed: &Outcome, case: &str) {
    company.control.clear_faults();
    let ended = company.rollcall.run();
    assert_eq!(ended.code, Some(0), "{case}: {}", ended.talk());
    assert_eq!(&Outcome::of(company), undisturbed, "{case}");
    company.sums_hold();
    // Who dies between a finalize and noting it finalizes once more: nobody can know better.
    let twice = |rule: &String| rule.ends_with("the portion is finalized already");
    let mut violations = company.control.violations();
    violations.retain(|rule| !twice(rule));
    assert_eq!(violations, [""; 0], "{case}");
    for portion in company.control.portions() {
        assert!(portion.finalized > 0, "{case}: {portion:?}");
    }
    let twice = "SELECT r.run_id, e.source_id FROM v_errors e JOIN v_runs r USING (run_id)
                 GROUP BY 1, 2 HAVING count(*) > 1";
    assert_eq!(company.rollcall.query(twice), [], "{case}");
    assert_eq!(
        company.rollcall.value("PRAGMA integrity_check"),
        "ok",
        "{case}"
    );
    assert_eq!(
        company.rollcall.query("PRAGMA foreign_key_check"),
        [],
        "{case}"
    );
    company.next_load_sends_nothing();
}

#[test]
fn a_run_that_dies_at_any_marked_point_is_made_up_by_the_next() {
    const USERS: u32 = 40;
    let undisturbed = BOTH.map(|delivery| Outcome::undisturbed(delivery, USERS));
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
    let died = std::sync::Mutex::new(std::collections::BTreeSet::new());
    some_at_a_time(cases, |(place, delivery, point)| {
        let company = company(delivery, USERS);
        let ended = run_until(&company, &point);
        if ended.code.is_none() {
            let name = point.split(':').next().unwrap_or_default().to_owned();
            died.lock().expect("nobody panics with it").insert(name);
        }
        demand_recovery(
            &company,
            &undisturbed[place],
            &format!("{delivery:?} {point}"),
        );
    });
    // Those of a recovery, and of a plan that is applied, are reached by no plain run.
    let died = died.into_inner().expect("nobody panics with it");
    let never: Vec<&String> = points
        .iter()
        .filter(|point| {
            !died.contains(*point) && !point.starts_with("left_") && *point != "plan_resumed"
        })
        .collect();
    assert_eq!(never, [""; 0], "no run came by");
}

#[test]
fn a_released_plan_that_dies_on_its_way_is_made_up_by_the_next_run() {
    const USERS: u32 = 40;
    let undisturbed = Outcome::undisturbed(Delivery::Rest, USERS);
    each(
        ["plan_resumed", "changes_marked", "write_answered:9"],
        |point| {
            let company = company(Delivery::Rest, USERS);
            let _ = company.rollcall.plan().with_code(0);
            let run_id = company.rollcall.latest_run_id();
            let going = company.rollcall.start_with(&["apply", &run_id], |command| {
                command.env("ROLLCALL_KILL_AT", point);
            });
            assert_eq!(going.end().code, None, "{point}");
            demand_recovery(&company, &undisturbed, point);
        },
    );
}

/// Numbers that are the same for the same seed: `SplitMix64`.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// A number from 0 to below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end as u64).expect("it is below a usize")
    }
}

/// Checks cases, some at a time.
pub(crate) fn some_at_a_time<C: Send>(cases: Vec<C>, check: impl Fn(C) + Sync) {
    const AT_A_TIME: usize = 8;
    let mut cases = cases.into_iter().peekable();
    while cases.peek().is_some() {
        each(cases.by_ref().take(AT_A_TIME), &check);
    }
}

/// A random case: the same for the same seed.
fn random(seed: u64) {
    let mut dice = Dice(seed);
    let delivery = BOTH[dice.below(2)];
    let users = 5 + u32::try_from(dice.below(55)).expect("few users");
    let undisturbed = Outcome::undisturbed(delivery, users);
    let company = company(delivery, users);
    for _ in 0..dice.below(3) {
        let effect = match dice.below(5) {
            0 => Effect::Status(503),
            1 => Effect::Reset,
            2 => Effect::ResetAfterApplying,
            3 => Effect::BadGatewayAfterApplying,
            _ => Effect::EmptyAnswer,
        };
        let calls = [
            "POST /api/v3/users",
            "PATCH /api/v3/users/*",
            "POST /api/v3/bulk",
        ];
        let call = calls[dice.below(calls.len())];
        let times = 1 + u32::try_from(dice.below(3)).expect("a few");
        company
            .control
            .order(Fault::new(System::Oomnitza, call, effect).times(times));
    }
    for _ in 0..=dice.below(3) {
        let calls = company.control.requests().len() + 1 + dice.below(users as usize + 20);
        let pause = Duration::from_micros(dice.below(3000) as u64);
        let mut going = company.rollcall.start_run();
        going.wait_until_over_or(|| company.control.requests().len() >= calls);
        #[expect(
            clippy::disallowed_methods,
            reason = "any instant will do, and the same for the same seed"
        )]
        std::thread::sleep(pause);
        let _ = going.kill();
    }
    demand_recovery(&company, &undisturbed, &format!("seed {seed}"));
}

#[test]
fn a_run_that_dies_at_a_random_instant_is_made_up_by_the_next() {
    let number = |name: &str| {
        env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let seeds: Vec<u64> = match number("ROLLCALL_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("ROLLCALL_CASES").unwrap_or(CASES)).collect(),
    };
    some_at_a_time(seeds, |seed| {
        println!("ROLLCALL_SEED={seed} makes this case again");
        random(seed);
    });
}
