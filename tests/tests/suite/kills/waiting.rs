//! Releases, replays and undos that die, with and without a daemon, and the documented way to go on:
//! the next load, which is held back again if what is left is over a guard; the same replay; the same undo.

use tests::{Delivery, Ended};

use super::aftermath::{Outcome, demand_as_undisturbed};
use super::dice::{Dice, Whole, random_cases, some_at_a_time};
use super::{BOTH, Records, passed, until, when_free};
use crate::company::Company;

/// What is done with an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Release,
    Replay,
    Undo,
}

const ALL: [What; 3] = [What::Release, What::Replay, What::Undo];

/// A company with a run that something is to be done with.
struct Prepared {
    company: Company,
    what: What,
    run_id: String,
}

impl Prepared {
    fn new(what: What, records: Records, delivery: Delivery, users: u32) -> Self {
        let company = Company::with(users, 0.5, |config| {
            records.set(delivery, config);
            match what {
                What::Release => {
                    config.guards = "{ create: 3, update: 100%, at_least: 1 }".to_owned();
                }
                What::Replay => config.preference = "update_only",
                What::Undo => {}
            }
        });
        if what == What::Release {
            // A first load would be free of the guard.
            let _ = company.rollcall.run_dry();
            company.rollcall.was_loaded_once();
        }
        let code = if what == What::Release { 4 } else { 0 };
        let _ = company.rollcall.run().with_code(code);
        let run_id = company.rollcall.latest_run_id();
        Self {
            company,
            what,
            run_id,
        }
    }

    /// The command, of this run or of another one.
    fn command<'a>(&self, run_id: &'a str) -> Vec<&'a str> {
        match self.what {
            What::Release => vec!["release", run_id, "--reason", "all is well"],
            What::Replay => vec!["replay", run_id, "--preference", "create_and_update"],
            What::Undo => vec!["undo", run_id, "--created", "suspend"],
        }
    }

    fn carry_out(&self, run_id: &str) -> Ended {
        let command = self.command(run_id);
        when_free(|| self.company.rollcall.command(&command))
    }

    /// Goes on as an operator does whose command was cut off.
    fn go_on(&self, case: &str) {
        let company = &self.company;
        company.control.clear_faults();
        if self.what != What::Release {
            let ended = self.carry_out(&self.run_id);
            assert_eq!(ended.code, Some(0), "{case}: {}", ended.talk());
            return;
        }
        let again = self.carry_out(&self.run_id);
        match again.code {
            // It had not begun.
            Some(0) => {}
            Some(2) => {
                let ended = company.rollcall.run();
                if ended.code == Some(4) {
                    let ended = self.carry_out(&company.rollcall.latest_run_id());
                    assert_eq!(ended.code, Some(0), "{case}: {}", ended.talk());
                } else {
                    assert_eq!(ended.code, Some(0), "{case}: {}", ended.talk());
                }
            }
            _ => panic!("{case}: {}", again.talk()),
        }
    }

    /// Demands that after going on everything is as if nothing had been cut off.
    fn demand_recovery(&self, undisturbed: &Outcome, case: &str) {
        self.go_on(case);
        let company = &self.company;
        demand_as_undisturbed(company, undisturbed, case);
        if self.what == What::Undo {
            // A load would write it all again.
            company.control.clear_requests();
            let _ = self.carry_out(&self.run_id).with_code(0);
            assert_eq!(company.control.writes(), [], "{case}");
        } else {
            company.next_load_sends_nothing();
        }
    }
}

/// What is left where nothing goes wrong, and what that takes.
fn undisturbed(what: What, records: Records, delivery: Delivery, users: u32) -> (Outcome, Whole) {
    let prepared = Prepared::new(what, records, delivery, users);
    let whole = Whole::of(&prepared.company, || {
        let _ = prepared.carry_out(&prepared.run_id).with_code(0);
    });
    (Outcome::of(&prepared.company), whole)
}

#[test]
fn releases_replays_and_undos_that_die_at_any_marked_point_can_be_gone_on_with() {
    const USERS: u32 = 24;
    let kinds = [
        (What::Release, Delivery::Rest),
        (What::Release, Delivery::Bulk),
        (What::Replay, Delivery::Rest),
        (What::Replay, Delivery::Bulk),
        // It writes person by person, whatever the delivery.
        (What::Undo, Delivery::Bulk),
    ];
    let undisturbed = kinds.map(|(what, delivery)| {
        let prepared = Prepared::new(what, Records::People, delivery, USERS);
        let (company, command) = (&prepared.company, prepared.command(&prepared.run_id));
        let passed = passed(company, |change| {
            let _ = company
                .rollcall
                .start_with(&command, change)
                .end()
                .with_code(0);
        });
        (passed, Outcome::of(company))
    });
    let mut cases = Vec::new();
    for ((what, delivery), (points, undisturbed)) in kinds.into_iter().zip(&undisturbed) {
        assert!(points.len() > 5, "{what:?} {delivery:?}: {points:?}");
        for point in points {
            cases.push((what, delivery, point, undisturbed));
        }
    }
    some_at_a_time(cases, |(what, delivery, point, undisturbed)| {
        let prepared = Prepared::new(what, Records::People, delivery, USERS);
        let command = prepared.command(&prepared.run_id);
        let case = format!("{what:?} {delivery:?} {point}");
        let ended = until(&prepared.company, &command, point);
        assert_eq!(ended.code, None, "{case}: it did not die");
        prepared.demand_recovery(undisturbed, &case);
    });
}

/// A random case: the same for the same seed.
fn random(seed: u64) {
    let mut dice = Dice::new(seed);
    let (what, records) = (dice.of(&ALL), dice.of(&Records::ALL));
    let delivery = dice.of(&BOTH);
    let with_daemon = dice.of(&[true, false]);
    let users = 16 + u32::try_from(dice.below(32)).expect("few users");
    let (undisturbed, whole) = undisturbed(what, records, delivery, users);
    let prepared = Prepared::new(what, records, delivery, users);
    let company = &prepared.company;
    dice.order_faults(company, records);
    for _ in 0..=dice.below(2) {
        let serving = with_daemon.then(|| company.rollcall.serve());
        let instant = dice.instant(&whole).count(company);
        let mut going = company.rollcall.start(&prepared.command(&prepared.run_id));
        going.wait_until_over_or(instant);
        dice.pause();
        if let Some(serving) = serving {
            serving.kill();
        }
        let _ = going.kill();
    }
    let serving = with_daemon.then(|| company.rollcall.serve());
    let case = format!("seed {seed}: {what:?} {records:?} {delivery:?}, daemon: {with_daemon}");
    prepared.demand_recovery(&undisturbed, &case);
    if let Some(serving) = serving {
        serving.stop();
    }
}

#[test]
fn releases_replays_and_undos_that_die_at_a_random_instant_can_be_gone_on_with() {
    random_cases(8, random);
}
