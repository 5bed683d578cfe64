//! Daemons that die while a load is under way, one that is due or one that somebody asked for, and the next daemon.

use tests::{Database, Delivery, Going, HOUR, INTEGRATION, Minute};

use super::aftermath::{Outcome, demand_as_undisturbed};
use super::dice::{Dice, Whole, random_cases, some_at_a_time};
use super::{BOTH, Records, passed, when_free};
use crate::company::{Company, at};

const RUN: [&str; 2] = ["run", INTEGRATION];

/// Who starts the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// The schedule: two due times have passed, and the later one is made up.
    Due,
    /// Somebody with `rollcall run`.
    Asked,
}

fn company(records: Records, delivery: Delivery, users: u32, start: Start) -> Company {
    let company = Company::with(users, 0.5, |config| {
        records.set(delivery, config);
        if start == Start::Due {
            config.schedule = at(&[40, 30].map(|minutes| Minute::now().before(minutes)));
        }
    });
    company.was_served_ago(HOUR);
    company
}

/// What a daemon leaves that nothing happens to.
fn undisturbed(records: Records, delivery: Delivery, users: u32, start: Start) -> (Outcome, Whole) {
    let company = company(records, delivery, users, start);
    let whole = Whole::of(&company, || make_up(&company, start));
    (Outcome::of(&company), whole)
}

/// Serves to the end of the load.
fn make_up(company: &Company, start: Start) {
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    if start == Start::Asked {
        let _ = when_free(|| company.rollcall.run()).with_code(0);
    }
    serving.stop();
}

/// A daemon from its first instant on, and the command of whoever asks it for a load.
struct Cut {
    daemon: Going,
    asking: Option<Going>,
}

impl Cut {
    /// Starts both; the daemon may die at a point.
    fn begin(company: &Company, start: Start, point: Option<&str>) -> Self {
        let socket = company.rollcall.state_dir().join("rollcall.sock");
        // What a dead daemon left is no sign of this one.
        let _ = std::fs::remove_file(&socket);
        let mut daemon = company.rollcall.start_with(&["serve"], |command| {
            if let Some(point) = point {
                command.env("ROLLCALL_KILL_AT", point);
            }
        });
        let asking = (start == Start::Asked).then(|| {
            daemon.wait_until_over_or(|| socket.exists());
            company.rollcall.start(&RUN)
        });
        Self { daemon, asking }
    }

    /// Waits until the load is over or the daemon is dead, or until something holds, and a little more; then pulls
    /// the plug.
    ///
    /// Says whether a load was cut off.
    fn end(
        mut self,
        company: &Company,
        mut holds: impl FnMut() -> bool,
        a_little_more: impl FnOnce(),
    ) -> bool {
        let mut database = Database::open(&company.rollcall.database_path());
        let over = "SELECT (SELECT count(*) FROM v_runs WHERE state = 'completed') > 0
                    AND (SELECT count(*) FROM slots WHERE settled = 0) = 0";
        let asking = &mut self.asking;
        self.daemon.wait_until_over_or(|| {
            let is_over = match asking {
                // It may also have been refused, while what died before is closed.
                Some(asking) => asking.is_over(),
                None => database.value(over) == 1,
            };
            holds() || is_over
        });
        a_little_more();
        let died = self.daemon.kill().code.is_none();
        let running = "SELECT count(*) FROM v_runs WHERE state = 'running'";
        let cut_off = database.value(running) != 0;
        database.close();
        if let Some(asking) = self.asking {
            let _ = asking.kill();
        }
        died && cut_off
    }
}

/// Demands that another daemon makes up what was cut off, without and with somebody who asks again.
fn demand_made_up(company: &Company, start: Start, undisturbed: &Outcome, case: &str) {
    company.control.clear_faults();
    make_up(company, start);
    demand_as_undisturbed(company, undisturbed, case);
    let due = match start {
        Start::Due => vec!["missed", "late"],
        Start::Asked => Vec::new(),
    };
    assert_eq!(company.rollcall.slot_states(), due, "{case}");
    // Its run is the one that came to the end, and there is no other.
    let of_slots =
        "SELECT count(*) FROM v_slots s JOIN v_runs r USING (run_id) WHERE r.state = 'completed'";
    let by_schedule =
        "SELECT count(*) FROM v_runs WHERE trigger = 'schedule' AND state = 'completed'";
    let expected = usize::from(start == Start::Due);
    for count in [of_slots, by_schedule] {
        assert_eq!(company.rollcall.value(count), expected, "{case}: {count}");
    }
    let left = company
        .rollcall
        .query("SELECT * FROM v_runs WHERE state NOT IN ('completed', 'interrupted')");
    assert_eq!(left, [], "{case}");
    company.next_load_sends_nothing();
}

#[test]
fn a_daemon_that_dies_at_any_marked_point_of_a_due_load_is_made_up_by_the_next() {
    const USERS: u32 = 20;
    let undisturbed = BOTH.map(|delivery| {
        let company = company(Records::People, delivery, USERS, Start::Due);
        let passed = passed(&company, |change| {
            let mut serving = company.rollcall.serve_with(change);
            serving.wait_until_settled();
            serving.stop();
        });
        (passed, Outcome::of(&company))
    });
    let mut cases = Vec::new();
    for (delivery, (points, undisturbed)) in BOTH.into_iter().zip(&undisturbed) {
        for point in points {
            cases.push((delivery, point, undisturbed));
        }
    }
    assert!(cases.len() > 20, "{cases:?}");
    some_at_a_time(cases, |(delivery, point, undisturbed)| {
        let company = company(Records::People, delivery, USERS, Start::Due);
        let cut = Cut::begin(&company, Start::Due, Some(point));
        let case = format!("{delivery:?} {point}");
        let cut_off = cut.end(&company, || false, || {});
        // At the end of a run nothing is cut off, but its slot.
        assert!(cut_off || point == "run_ended", "{case}: it did not die");
        demand_made_up(&company, Start::Due, undisturbed, &case);
    });
}

/// A random case: the same for the same seed.
fn random(seed: u64) {
    let mut dice = Dice::new(seed);
    let (records, delivery) = (dice.of(&Records::ALL), dice.of(&BOTH));
    let start = dice.of(&[Start::Due, Start::Asked]);
    let users = 5 + u32::try_from(dice.below(35)).expect("few users");
    let (undisturbed, whole) = undisturbed(records, delivery, users, start);
    let company = company(records, delivery, users, start);
    dice.order_faults(&company, records);
    for _ in 0..=dice.below(3) {
        let instant = dice.instant(&whole).count(&company);
        let cut = Cut::begin(&company, start, None);
        let _ = cut.end(&company, instant, || dice.pause());
    }
    let case = format!("seed {seed}: {records:?} {delivery:?} {start:?}");
    demand_made_up(&company, start, &undisturbed, &case);
}

#[test]
fn a_daemon_that_dies_at_a_random_instant_is_made_up_by_the_next() {
    random_cases(8, random);
}
