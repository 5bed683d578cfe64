//! Kills: at each of the points that the code marks and at random instants, with faults on top; then what is cut off
//! is gone on with as an operator would, and everything is as if nothing had happened.
//!
//! `ROLLCALL_CASES=1000` tries so many random cases of each kind, `ROLLCALL_SEED=N` one of each again.

pub(crate) mod aftermath;
mod between;
mod dead;
pub(crate) mod dice;
mod loads;
mod places;
mod recoveries;
mod serving;
mod waiting;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use tests::{Config, Delivery, Ended};

use crate::company::Company;
use crate::saas;

pub(crate) const BOTH: [Delivery; 2] = [Delivery::Rest, Delivery::Bulk];

pub(crate) fn company(delivery: Delivery, users: u32) -> Company {
    Company::with(users, 0.5, |config| {
        Records::People.set(delivery, config);
        // What is usual is in force: a load that was cut off is gone on with.
        config.guards.clear();
    })
}

/// What is loaded of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Records {
    People,
    PeopleAndPlaces,
}

impl Records {
    const ALL: [Self; 2] = [Self::People, Self::PeopleAndPlaces];

    /// Has this loaded, by a delivery, in batches of a few.
    fn set(self, delivery: Delivery, config: &mut Config) {
        match self {
            Self::People => config.delivery = delivery,
            Self::PeopleAndPlaces => saas::with_saas(delivery)(config),
        }
        config.batch = 7;
    }

    /// The writes that it takes.
    fn writes(self) -> &'static [&'static str] {
        const WRITES: [&str; 8] = [
            "POST /api/v3/users",
            "PATCH /api/v3/users/*",
            "POST /api/v3/bulk",
            "POST /api/v3/saas",
            "POST /api/v3/saas/*/users",
            "POST /api/v3/saas/*/users/*",
            "PATCH /api/v3/saas/*/roles/users",
            "PATCH /api/v3/saas_users/*",
        ];
        match self {
            Self::People => &WRITES[..3],
            Self::PeopleAndPlaces => &WRITES,
        }
    }
}

/// All points, as the binary names them.
fn points(company: &Company) -> Vec<String> {
    let ended = company.rollcall.command(&["points"]).with_code(0);
    ended.stdout.lines().map(str::to_owned).collect()
}

/// The points that a process comes by, which is carried out with a change to its command.
fn passed(company: &Company, carry_out: impl FnOnce(&dyn Fn(&mut Command))) -> BTreeSet<String> {
    let log = company.rollcall.folder().join("points");
    carry_out(&|command| {
        command.env("ROLLCALL_POINTS_TO", &log);
    });
    let names = fs::read_to_string(log).expect("it came by some");
    names.lines().map(str::to_owned).collect()
}

/// Carries out a command that dies at a point, if it comes by.
fn until(company: &Company, command: &[&str], point: &str) -> Ended {
    let going = company.rollcall.start_with(command, |command| {
        command.env("ROLLCALL_KILL_AT", point);
    });
    going.end()
}

/// Asks until nothing else goes on with the integration, such as a daemon that closes what died before it.
fn when_free(ask: impl Fn() -> Ended) -> Ended {
    const LONGEST: Duration = Duration::from_mins(1);
    let began = Instant::now();
    loop {
        let ended = ask();
        if ended.code != Some(5) || began.elapsed() > LONGEST {
            return ended;
        }
    }
}
