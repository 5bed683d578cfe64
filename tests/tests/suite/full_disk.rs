//! A disk that is full at some moment of a load; then there is room again, and everything is as if nothing had happened.
//!
//! A limit on the size of files stands in for the disk: a file of the load grows up to it and no further.
//! `ROLLCALL_CASES=100` tries so many limits for each delivery, twice: over all, and near to what suffices.

use std::sync::Mutex;
use std::{env, fs};

use simulator::{Effect, Fault, System};
use tests::{Delivery, INTEGRATION};

use crate::company::Company;
use crate::kills::aftermath::{Outcome, demand_recovery};
use crate::kills::dice::some_at_a_time;
use crate::kills::{BOTH, company};

/// Limits that are tried for each delivery when nobody asks for more.
const CASES: u64 = 5;

/// Users enough that the scratch files need more than what is noted of a load that begins.
const USERS: u32 = 80;

/// How loads ended whose disk was full.
#[derive(Debug, Default)]
struct Seen {
    /// Before anything was written to Oomnitza, while reading.
    reading: u32,
    /// Before anything was written to Oomnitza, with the plan on its way into the database.
    planning: u32,
    /// After something was written to Oomnitza.
    delivering: u32,
    /// Well, for it sufficed.
    done: u32,
}

/// A company with an installation whose database is there, and nobody was read yet.
fn beginner(delivery: Delivery) -> Company {
    let company = company(delivery, USERS);
    let refused = Fault::new(System::SentinelOne, "GET /users", Effect::Status(401));
    company.control.order(refused.times(1));
    let _ = company.rollcall.run().with_code(1);
    company.control.clear_faults();
    company.control.clear_requests();
    company
}

/// The most that a file of a load needs, in bytes: that is the log of the database, which is cut when the load ends.
fn enough(delivery: Delivery) -> u64 {
    let company = beginner(delivery);
    let log = company.rollcall.state_dir().join("rollcall.db-wal");
    let mut most = 0;
    let mut going = company.rollcall.start_run();
    going.wait_until_over_or(|| {
        let size = fs::metadata(&log).map_or(0, |log| log.len());
        most = most.max(size);
        false
    });
    let _ = going.end().with_code(0);
    most
}

/// Limits in KiB up to what suffices; half of them near to it, for there Oomnitza is written.
fn limits(enough: u64) -> Vec<u32> {
    let cases = env::var("ROLLCALL_CASES").ok();
    let cases = cases.and_then(|text| text.parse().ok()).unwrap_or(CASES);
    let wide = (1..=cases).map(|case| enough * case / (cases + 1));
    let near = (1..=cases).map(|case| enough - enough * case / cases / 4);
    let kib = |bytes| u32::try_from(bytes / 1024).expect("a log is far below 4 TB");
    wide.chain(near).map(kib).collect()
}

/// Makes a load under a limit, and notes how it ended.
fn run_on_a_small_disk(company: &Company, kib: u32, case: &str, seen: &Mutex<Seen>) {
    let run = ["run", INTEGRATION];
    let ended = company.rollcall.command_with_file_limit(&run, kib);
    // It is never the death of the process, nor without a word.
    let code = ended.code;
    assert!(matches!(code, Some(0 | 1 | 3 | 6)), "{case}: {ended:?}");
    assert_ne!(ended.talk(), "", "{case}");
    let was_written = !company.control.writes().is_empty();
    let was_planned = ended.talk().contains(" plan");
    let mut seen = seen.lock().expect("nobody panics with it");
    *match (code, was_written, was_planned) {
        (Some(0), ..) => &mut seen.done,
        (_, true, _) => &mut seen.delivering,
        (_, _, true) => &mut seen.planning,
        _ => &mut seen.reading,
    } += 1;
}

#[test]
fn a_run_whose_disk_is_full_at_some_moment_is_made_up_by_the_next() {
    let undisturbed = Outcome::undisturbed(USERS);
    let mut cases = Vec::new();
    for (place, delivery) in BOTH.into_iter().enumerate() {
        let limits = limits(enough(delivery)).into_iter();
        cases.extend(limits.map(|kib| (place, delivery, kib)));
    }
    let seen = Mutex::new(Seen::default());
    some_at_a_time(cases, |(place, delivery, kib)| {
        let case = format!("{delivery:?}, files of at most {kib} KiB");
        let company = beginner(delivery);
        run_on_a_small_disk(&company, kib, &case, &seen);
        demand_recovery(&company, &undisturbed[place], &case);
    });
    let seen = seen.into_inner().expect("nobody panics with it");
    println!("{seen:?}");
    let all = [seen.reading, seen.planning, seen.delivering];
    assert!(all.iter().all(|times| *times > 0), "{seen:?}");
}
