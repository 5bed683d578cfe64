//! Days in the life of a daemon.

use std::time::Duration;

use jiff::SignedDuration;
use schedule::{Overlap, Retry, Schedule};

use crate::given::{HOUR, MINUTE, at, cron, every, instant, schedule};
use crate::world::State::{self, Late, Missed, Ran, Skipped, Waiting};
use crate::world::World;

fn world(schedule: Schedule) -> World {
    World::new(vec![schedule], instant("2026-11-23T00:30:00Z"))
}

fn states(world: &World) -> Vec<State> {
    world.integrations[0].states()
}

#[test]
fn a_thousand_integrations_due_at_once_all_run() {
    let schedule = Schedule {
        jitter: 10 * MINUTE,
        ..schedule(at(&["02:00"]), "UTC")
    };
    let mut world = World::new(vec![schedule; 1_000], instant("2026-11-23T01:30:00Z"));
    world.permits = 10;
    world.pass(3 * HOUR);
    for integration in &world.integrations {
        assert_eq!(integration.states(), [Ran]);
        assert!(
            integration
                .ledger
                .values()
                .all(|row| row.settled && row.tries == 1)
        );
    }
}

#[test]
fn a_year_with_both_changes_has_one_run_each_day() {
    let schedule = schedule(cron("30 1 * * *"), "Europe/Dublin");
    let mut world = World::new(vec![schedule], instant("2026-01-01T00:00:00Z"));
    for _ in 0..365 {
        world.pass(24 * HOUR);
    }
    assert_eq!(states(&world), [Ran; 365]);
}

#[test]
fn a_machine_that_slept_makes_up_once() {
    let mut world = world(schedule(every(HOUR), "UTC"));
    world.pass(HOUR);
    world.jump(SignedDuration::from_hours(3));
    world.pass(HOUR);
    assert_eq!(states(&world), [Ran, Missed, Missed, Late, Ran]);
    let note = "the daemon was asleep from 2026-11-23T01:21:00Z to 2026-11-23T04:30:00Z";
    let ledger = &world.integrations[0].ledger;
    let late = &ledger[&instant("2026-11-23T04:00:00Z")];
    assert_eq!(late.note.as_deref(), Some(note));
}

#[test]
fn a_clock_that_is_set_forward_loses_no_due_time() {
    let mut world = world(schedule(at(&["02:00"]), "UTC"));
    world.jump(SignedDuration::from_hours(24 * 2 + 5));
    world.pass(24 * HOUR);
    assert_eq!(states(&world), [Missed, Missed, Late, Ran]);
}

#[test]
fn a_clock_that_is_set_back_a_year_runs_nothing_twice() {
    let mut world = world(schedule(at(&["02:00"]), "UTC"));
    world.pass(48 * HOUR);
    assert_eq!(states(&world), [Ran; 2]);
    world.jump(SignedDuration::from_hours(-24 * 365));
    world.pass(24 * HOUR);
    assert_eq!(states(&world), [Ran; 3]);
    // Through the two days that it knows: what ran then does not run again.
    world.jump(SignedDuration::from_hours(24 * 363));
    world.pass(72 * HOUR);
    let ledger = &world.integrations[0].ledger;
    assert!(ledger.values().all(|row| row.settled && row.tries <= 1));
    let since = instant("2026-11-23T00:00:00Z");
    let later = ledger.range(since..).map(|(_, row)| row.state);
    assert!(later.eq([Ran; 4]));
}

#[test]
fn a_restart_inside_the_window_makes_up_and_outside_it_does_not() {
    for (hours, last) in [(11, Late), (13, Missed)] {
        let mut world = world(schedule(at(&["02:00"]), "UTC"));
        world.kill();
        world.pass(HOUR + hours * HOUR);
        world.start();
        world.pass(HOUR);
        assert_eq!(states(&world), [last], "after {hours} hours");
    }
}

#[test]
fn a_run_that_was_killed_is_made_up() {
    let mut world = world(schedule(at(&["02:00"]), "UTC"));
    world.runs_last = 30 * MINUTE;
    world.pass(100 * MINUTE);
    assert_eq!(states(&world), [Ran]);
    world.kill();
    world.pass(HOUR);
    world.start();
    assert_eq!(states(&world), [Late]);
    world.pass(HOUR);
    let row = &world.integrations[0].ledger[&instant("2026-11-23T02:00:00Z")];
    assert!(row.settled);
    assert_eq!(row.tries, 2);
}

#[test]
fn a_run_longer_than_its_interval_is_never_joined_by_another() {
    let mut skips = world(schedule(every(HOUR), "UTC"));
    skips.runs_last = Duration::from_mins(150);
    skips.pass(6 * HOUR);
    assert_eq!(
        states(&skips),
        [Ran, Skipped, Skipped, Ran, Skipped, Skipped]
    );
    let mut queues = world(Schedule {
        overlap: Overlap::Queue,
        ..schedule(every(HOUR), "UTC")
    });
    queues.runs_last = Duration::from_mins(150);
    queues.pass(6 * HOUR);
    // The second waits for the first until 03:30, the fourth for the second until 06:00.
    assert_eq!(states(&queues), [Ran, Ran, Skipped, Ran, Skipped, Waiting]);
}

#[test]
fn all_tries_are_of_one_slot() {
    let mut world = world(Schedule {
        retry: Some(Retry {
            times: 3,
            after: 15 * MINUTE,
        }),
        ..schedule(at(&["02:00"]), "UTC")
    });
    world.runs_succeed = false;
    world.pass(20 * HOUR);
    assert_eq!(states(&world), [Ran]);
    let row = &world.integrations[0].ledger[&instant("2026-11-23T02:00:00Z")];
    assert!(row.settled);
    assert_eq!(row.tries, 4);
}
