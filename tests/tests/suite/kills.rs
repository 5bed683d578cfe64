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

use tests::{Delivery, Ended};

use crate::company::Company;

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
