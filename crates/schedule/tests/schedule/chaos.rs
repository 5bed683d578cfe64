//! Whatever happens, in whatever order.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::date;
use proptest::prelude::*;
use proptest::sample::select;
use schedule::{Exclusion, Overlap, Retry, Schedule};

use crate::given::{HOUR, MINUTE, at, cron, every, instant, schedule};
use crate::world::World;

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Pass(u64),
    Sleep(i64),
    SetBack(i64),
    Kill,
    Start,
    Pause,
    Resume,
    Edit(usize, Schedule),
    RunsLast(u64),
    RunsFail,
    RunsSucceed,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (1_u64..400).prop_map(Event::Pass),
        2 => (1_i64..3_000).prop_map(Event::Sleep),
        1 => (1_i64..3_000).prop_map(Event::SetBack),
        2 => Just(Event::Kill),
        3 => Just(Event::Start),
        1 => Just(Event::Pause),
        2 => Just(Event::Resume),
        1 => (0_usize..2, a_schedule()).prop_map(|(number, to)| Event::Edit(number, to)),
        1 => (1_u64..300).prop_map(Event::RunsLast),
        1 => Just(Event::RunsFail),
        1 => Just(Event::RunsSucceed),
    ]
}

fn a_schedule() -> impl Strategy<Value = Schedule> {
    let timing = select(vec![
        at(&["02:00"]),
        at(&["01:30", "14:00", "14:10"]),
        cron("*/20 1-4 * * *"),
        cron("0 */3 * * mon"),
        every(35 * MINUTE),
        every(6 * HOUR),
    ]);
    let zone = select(vec!["UTC", "Europe/Dublin", "Australia/Lord_Howe"]);
    let overlap = select(vec![Overlap::Skip, Overlap::Queue]);
    let retry = (1_u32..4, 1_u64..60).prop_map(|(times, minutes)| Retry {
        times,
        after: Duration::from_mins(minutes),
    });
    let catch_up = select(vec![0_u64, 30, 720]);
    let jitter = select(vec![0_u64, 7, 90]);
    let exclude = select(vec![vec![], vec![date(2026, 10, 25)]]);
    let parts = (
        timing,
        zone,
        overlap,
        proptest::option::of(retry),
        catch_up,
        jitter,
        exclude,
    );
    parts.prop_map(
        |(timing, zone, overlap, retry, catch_up, jitter, exclude)| Schedule {
            overlap,
            retry,
            catch_up: Duration::from_mins(catch_up),
            jitter: Duration::from_mins(jitter),
            exclude: exclude
                .into_iter()
                .map(|day| Exclusion {
                    from: day,
                    to: day,
                    note: None,
                })
                .collect(),
            ..schedule(timing, zone)
        },
    )
}

fn happen(world: &mut World, event: Event) {
    match event {
        Event::Pass(minutes) => world.pass(Duration::from_mins(minutes)),
        Event::Sleep(minutes) => world.jump(SignedDuration::from_mins(minutes)),
        Event::SetBack(minutes) => world.jump(SignedDuration::from_mins(-minutes)),
        Event::Kill => world.kill(),
        Event::Start if !world.is_up() => world.start(),
        Event::Start => {}
        Event::Pause => world.paused = Some("paused"),
        Event::Resume => world.paused = None,
        Event::Edit(number, schedule) => world.edit(number, schedule),
        Event::RunsLast(minutes) => world.runs_last = Duration::from_mins(minutes),
        Event::RunsFail => world.runs_succeed = false,
        Event::RunsSucceed => world.runs_succeed = true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// What must hold always is checked by the world at each turn.
    #[test]
    fn every_due_time_gets_exactly_one_fate(
        schedules in proptest::collection::vec(a_schedule(), 2),
        events in proptest::collection::vec(event(), 1..40),
    ) {
        let mut world = World::new(schedules, instant("2026-10-24T12:00:00Z"));
        let mut latest = world.now;
        for event in events {
            happen(&mut world, event);
            latest = latest.max(world.now);
        }
        // Then peace: the daemon is there, runs are short and good, and the clock catches up.
        world.paused = None;
        world.runs_succeed = true;
        world.runs_last = MINUTE;
        if !world.is_up() {
            world.start();
        }
        let peace = latest.duration_since(world.now) + SignedDuration::from_hours(12);
        world.pass(peace.unsigned_abs());
        for integration in &world.integrations {
            for (due_at, row) in &integration.ledger {
                // What is due just now may wait for its jitter, or run.
                let is_new = world.now.duration_since(*due_at) < SignedDuration::from_mins(120);
                prop_assert!(row.settled || is_new, "{due_at} is left open: {row:?}");
            }
        }
    }
}
