//! The driver on a clock that the tests set: with the real ledger, and loads that end when the test says so.

mod world;

use std::sync::atomic::Ordering;

use load::State;

use self::world::{World, at, integration};
use crate::control::{Desk as _, Order, Peer, Work};
use crate::exit::Exit;

fn anna() -> Peer {
    Peer {
        uid: 1000,
        user: Some("anna".to_owned()),
        pid: Some(7),
    }
}

#[tokio::test]
async fn a_due_time_runs_once_and_is_on_record() {
    let mut world = World::new("2026-11-23T01:59:50Z", "{ at: '02:00' }").await;
    world.start().await;
    assert_eq!(world.going_on().await, 0);
    world.set("2026-11-23T02:00:00Z").await;
    world.complete("a").await;
    world.run_to("2026-11-23T02:30:00Z").await;
    assert_eq!(world.going_on().await, 0);
    assert_eq!(world.ledger().await, ["2026-11-23T02:00 ran"]);
    let due = world
        .texts("SELECT trigger || ' ' || due_at FROM v_runs")
        .await;
    assert_eq!(due, ["schedule 2026-11-23T02:00:00.000Z"]);
}

#[tokio::test]
async fn jitter_delays_the_start_and_not_the_due_time() {
    let mut world = World::new("2026-11-23T01:59:50Z", "{ at: '02:00', jitter: 10m }").await;
    world.start().await;
    world.set("2026-11-23T02:00:00Z").await;
    let status = world.handle().status().await.unwrap();
    let next = status.integrations[0].next.unwrap();
    assert_eq!(next.due_at, at("2026-11-23T02:00:00Z"));
    assert!(next.start_at > at("2026-11-23T02:00:00Z"), "{next:?}");
    assert_eq!(world.going_on().await, 0);
    assert!(world.ledger().await.is_empty(), "nothing became of it yet");
    // A death in between loses nothing.
    world.kill().await;
    world.start().await;
    world.set_to(next.start_at).await;
    world.complete("a").await;
    assert_eq!(world.ledger().await, ["2026-11-23T02:00 ran"]);
}

#[tokio::test]
async fn what_was_missed_is_made_up_once_within_the_window() {
    let schedule = "{ every: 6h, catch_up: 12h }";
    let mut world = World::new("2026-11-22T23:00:00Z", schedule).await;
    world.start().await;
    world.stop().await;
    world.clock.set(at("2026-11-23T13:00:00Z"));
    world.start().await;
    world.complete("a").await;
    let down = "the daemon was down from 2026-11-22T23:00:00Z to 2026-11-23T13:00:00Z";
    assert_eq!(
        world.ledger().await,
        [
            format!("2026-11-23T00:00 missed: {down}; older than catch_up (12h)"),
            format!(
                "2026-11-23T06:00 missed: {down}; made up with the slot of 2026-11-23T12:00:00Z"
            ),
            format!("2026-11-23T12:00 late: {down}"),
        ]
    );
    // Another start makes nothing of it anew.
    world.stop().await;
    world.start().await;
    assert_eq!(world.going_on().await, 0);
    assert_eq!(world.ledger().await.len(), 3);
}

#[tokio::test]
async fn outside_the_window_nothing_is_made_up() {
    let mut world = World::new("2026-11-22T23:00:00Z", "{ at: '02:00', catch_up: 1h }").await;
    world.start().await;
    world.kill().await;
    world.clock.set(at("2026-11-23T03:00:01Z"));
    world.start().await;
    assert_eq!(world.going_on().await, 0);
    let ledger = world.ledger().await;
    assert_eq!(ledger.len(), 1);
    assert!(
        ledger[0].starts_with("2026-11-23T02:00 missed"),
        "{ledger:?}"
    );
}

#[tokio::test]
async fn a_run_that_was_cut_off_is_made_up() {
    for killed in [true, false] {
        let mut world = World::new("2026-11-23T01:59:50Z", "{ at: '02:00' }").await;
        world.start().await;
        world.set("2026-11-23T02:00:00Z").await;
        let cut_off = world.load("a").await;
        world.run_to("2026-11-23T02:01:00Z").await;
        if killed {
            world.kill().await;
        } else {
            world.stop().await;
        }
        world.clock.set(at("2026-11-23T02:10:00Z"));
        world.start().await;
        if killed {
            // What the dead process left is closed first.
            let recovery = world.load("a").await;
            assert!(recovery.recovery);
            drop(cut_off);
            continue;
        }
        assert!(!world.load("a").await.recovery);
        let ledger = world.ledger().await;
        assert_eq!(ledger.len(), 1, "{ledger:?}");
        assert!(ledger[0].starts_with("2026-11-23T02:00 late"), "{ledger:?}");
        assert_eq!(world.texts("SELECT count(*) FROM v_runs").await, ["2"]);
    }
}

#[tokio::test]
async fn a_killed_run_is_closed_and_then_made_up() {
    let mut world = World::new("2026-11-23T01:59:50Z", "{ at: '02:00' }").await;
    world.start().await;
    world.set("2026-11-23T02:00:00Z").await;
    let _ = world.load("a").await;
    world.kill().await;
    world.clock.set(at("2026-11-23T02:10:00Z"));
    world.start().await;
    // The stand-in for a recovery closes nothing, which is the real one's affair.
    world.complete("a").await;
    world.complete("a").await;
    let ledger = world.ledger().await;
    assert_eq!(ledger.len(), 1, "{ledger:?}");
    assert!(ledger[0].starts_with("2026-11-23T02:00 late"), "{ledger:?}");
    assert_eq!(world.going_on().await, 0);
}

#[tokio::test]
async fn a_failed_run_is_tried_again_in_its_slot_and_the_delays_grow() {
    let schedule = "{ at: '02:00', retry: { times: 2, after: 15m } }";
    let mut world = World::new("2026-11-23T01:59:50Z", schedule).await;
    world.start().await;
    world.set("2026-11-23T02:00:00Z").await;
    world.end("a", State::Failed).await;
    world.run_to("2026-11-23T02:14:59Z").await;
    assert_eq!(world.going_on().await, 0);
    assert_eq!(
        world.ledger().await,
        ["2026-11-23T02:00 ran: try 1 failed; the next is at 2026-11-23T02:15:00Z"]
    );
    // A restart in between changes nothing.
    world.stop().await;
    world.start().await;
    world.set("2026-11-23T02:15:00Z").await;
    world.end("a", State::Failed).await;
    world.run_to("2026-11-23T02:44:59Z").await;
    assert_eq!(world.going_on().await, 0);
    world.set("2026-11-23T02:45:00Z").await;
    world.end("a", State::Failed).await;
    world.run_to("2026-11-23T05:00:00Z").await;
    assert_eq!(world.going_on().await, 0);
    assert_eq!(
        world.ledger().await,
        ["2026-11-23T02:00 ran: all 3 tries failed"]
    );
    assert_eq!(
        world
            .texts("SELECT count(*) FROM v_runs WHERE state = 'failed'")
            .await,
        ["3"]
    );
}

#[tokio::test]
async fn a_run_that_cannot_even_begin_is_on_record_as_failed() {
    let schedule = "{ at: '02:00', retry: { times: 1, after: 1m } }";
    let mut world = World::new("2026-11-23T01:59:50Z", schedule).await;
    world.start().await;
    world.secretless.store(true, Ordering::Relaxed);
    world.set("2026-11-23T02:00:00Z").await;
    let runs = "SELECT state || ': ' || error || ', slot ' || due_at FROM v_runs";
    while world.texts(runs).await.is_empty() {
        world.settle_down().await;
    }
    assert_eq!(
        world.texts(runs).await,
        ["failed: there is no secret, slot 2026-11-23T02:00:00.000Z"]
    );
    world.secretless.store(false, Ordering::Relaxed);
    world.run_to("2026-11-23T02:01:00Z").await;
    world.complete("a").await;
    assert_eq!(
        world.ledger().await,
        ["2026-11-23T02:00 ran: it took 2 tries"]
    );
}

#[tokio::test]
async fn a_run_that_is_longer_than_its_interval_skips_or_queues_the_next() {
    for (overlap, note) in [("skip", "overlap: run "), ("queue", "")] {
        let schedule = format!("{{ every: 1h, overlap: {overlap} }}");
        let mut world = World::new("2026-11-23T00:59:50Z", &schedule).await;
        world.start().await;
        world.run_to("2026-11-23T02:30:00Z").await;
        world.wait_for_loads(1).await;
        world.complete("a").await;
        if overlap == "queue" {
            // The one that waited.
            world.wait_for_loads(1).await;
            world.complete("a").await;
        }
        assert_eq!(world.going_on().await, 0);
        let ledger = world.ledger().await;
        assert_eq!(ledger.len(), 2, "{ledger:?}");
        assert_eq!(ledger[0], "2026-11-23T01:00 ran");
        let second = if overlap == "skip" {
            "skipped: "
        } else {
            "ran"
        };
        let expected = format!("2026-11-23T02:00 {second}{note}");
        assert!(ledger[1].starts_with(&expected), "{ledger:?}");
    }
}

#[tokio::test]
async fn a_thousand_due_at_once_run_side_by_side_as_far_as_allowed() {
    const MANY: usize = 1_000;
    let integrations: String = (0..MANY)
        .map(|number| integration(&format!("i{number:04}"), "{ at: '02:00' }"))
        .collect();
    let mut world = World::with("2026-11-23T01:59:50Z", &integrations).await;
    world.write(&integrations, "max_concurrent_runs: 7");
    world.start().await;
    world.set("2026-11-23T02:00:00Z").await;
    let mut ended = 0;
    while ended < MANY {
        let going_on = world.going_on().await;
        assert!(going_on <= 7, "{going_on} go on at once");
        let ids = world.ids();
        for id in ids {
            world.end_unseen(&id).await;
            ended += 1;
        }
        tokio::task::yield_now().await;
    }
    while world
        .texts("SELECT count(*) FROM v_runs WHERE state = 'running'")
        .await
        != ["0"]
    {
        world.settle_down().await;
    }
    let sql = "SELECT state || ' ' || count(*) || ' ' || count(DISTINCT integration) FROM v_slots GROUP BY state";
    assert_eq!(world.texts(sql).await, ["ran 1000 1000"]);
    assert_eq!(world.texts("SELECT count(*) FROM v_runs").await, ["1000"]);
}

#[tokio::test]
async fn sleep_is_told_and_made_up() {
    let mut world = World::new("2026-11-23T01:00:00Z", "{ at: '02:00' }").await;
    world.start().await;
    world.set("2026-11-23T07:30:00Z").await;
    world.complete("a").await;
    let note = "asleep from 2026-11-23T01:00:00Z to 2026-11-23T07:30:00Z";
    let ledger = world.ledger().await;
    assert!(
        ledger[0].starts_with("2026-11-23T02:00 late: "),
        "{ledger:?}"
    );
    assert!(ledger[0].contains(note), "{ledger:?}");
}

#[tokio::test]
async fn a_clock_that_is_set_back_a_year_repeats_nothing_and_says_so() {
    let mut world = World::new("2026-11-23T01:59:50Z", "{ at: '02:00' }").await;
    world.start().await;
    world.set("2026-11-23T02:00:00Z").await;
    world.complete("a").await;
    world.set("2025-11-23T02:00:30Z").await;
    let status = world.handle().status().await.unwrap();
    assert_eq!(status.health.len(), 1, "{:?}", status.health);
    assert!(
        status.health[0].contains("set back from 2026-11-23T02:00:00Z to 2025-11-23T02:00:30Z"),
        "{:?}",
        status.health
    );
    assert!(
        status.health[0].contains("timedatectl"),
        "{:?}",
        status.health
    );
    // The schedule goes on where the clock is now.
    world.run_to("2025-11-24T02:00:00Z").await;
    world.complete("a").await;
    // Back in the present, the slot that was done is not done again.
    world.set("2026-11-23T02:00:10Z").await;
    let ledger = world.ledger().await;
    let of_today: Vec<_> = ledger
        .iter()
        .filter(|line| line.starts_with("2026-11-23"))
        .collect();
    assert_eq!(of_today, ["2026-11-23T02:00 ran"]);
    let runs = world
        .texts("SELECT count(*) FROM v_runs WHERE due_at LIKE '2026-11-23%'")
        .await;
    assert_eq!(runs, ["1"]);
    let status = world.handle().status().await.unwrap();
    assert!(status.health.is_empty(), "{:?}", status.health);
}

#[tokio::test]
async fn due_times_that_a_wrong_clock_missed_come_again() {
    let mut world = World::new("2026-11-23T01:00:00Z", "{ at: '02:00', catch_up: 12h }").await;
    world.start().await;
    // Somebody sets the clock a week ahead, and then right.
    world.set("2026-11-29T03:00:00Z").await;
    world.complete("a").await;
    assert_eq!(world.ledger().await.len(), 7);
    world.set("2026-11-23T01:10:00Z").await;
    world.run_to("2026-11-23T02:00:00Z").await;
    world.complete("a").await;
    let ledger = world.ledger().await;
    assert_eq!(ledger[0], "2026-11-23T02:00 ran", "{ledger:?}");
    // A restart under the right clock does not think that it was down until next week.
    world.stop().await;
    world.run_down_to("2026-11-24T01:59:00Z");
    world.start().await;
    world.run_to("2026-11-24T02:00:00Z").await;
    world.complete("a").await;
    let ledger = world.ledger().await;
    assert_eq!(ledger[1], "2026-11-24T02:00 ran", "{ledger:?}");
}

#[tokio::test]
async fn pauses_are_on_record_and_the_one_of_the_yaml_stands_above() {
    let mut world = World::new("2026-11-23T01:59:50Z", "{ at: '02:00' }").await;
    world.start().await;
    let handle = world.handle();
    handle
        .pause(None, "merger".to_owned(), &anna())
        .await
        .unwrap();
    world.run_to("2026-11-23T03:00:00Z").await;
    assert_eq!(world.going_on().await, 0);
    assert_eq!(
        world.ledger().await,
        ["2026-11-23T02:00 paused: paused by anna (uid 1000) since 2026-11-23T01:59:50Z: merger"]
    );
    // It outlives the daemon.
    world.stop().await;
    world.run_down_to("2026-11-24T03:00:00Z");
    world.start().await;
    assert_eq!(world.going_on().await, 0);
    let refused = world
        .handle()
        .resume(Some("a".to_owned()), &anna())
        .await
        .unwrap_err();
    assert!(
        refused.sentence.contains("all integrations are paused"),
        "{refused}"
    );
    world.handle().resume(None, &anna()).await.unwrap();
    world.run_to("2026-11-25T02:00:00Z").await;
    world.complete("a").await;
    assert!(world.ledger().await[2].ends_with(" ran"));

    world.write(
        &integration("a", "{ at: '02:00', paused: stocktaking }"),
        "",
    );
    world.handle().tell(super::Event::Reload).await;
    let refused = world
        .handle()
        .resume(Some("a".to_owned()), &anna())
        .await
        .unwrap_err();
    assert_eq!(refused.exit, Exit::Usage);
    assert!(
        refused.sentence.contains("stands above `resume`"),
        "{refused}"
    );
    let requests = world
        .texts("SELECT command || ' ' || user FROM v_requests ORDER BY at")
        .await;
    assert_eq!(
        requests,
        ["pause anna", "resume anna", "resume anna", "resume anna"]
    );
}

#[tokio::test]
async fn editing_a_schedule_repeats_nothing_and_loses_nothing() {
    let mut world = World::new("2026-11-23T01:59:50Z", "{ at: '02:00' }").await;
    world.start().await;
    world.set("2026-11-23T02:00:00Z").await;
    world.complete("a").await;
    world.run_to("2026-11-23T02:10:00Z").await;
    for (schedule, expected) in [
        ("{ at: '01:00' }", "2026-11-24T01:00:00Z"),
        ("{ at: '02:05' }", "2026-11-24T02:05:00Z"),
        ("{ at: '02:30' }", "2026-11-23T02:30:00Z"),
    ] {
        world.write(&integration("a", schedule), "");
        world.handle().tell(super::Event::Reload).await;
        world.settle_down().await;
        assert_eq!(world.going_on().await, 0);
        let status = world.handle().status().await.unwrap();
        assert_eq!(status.integrations[0].next.unwrap().due_at, at(expected));
    }
    world.run_to("2026-11-23T02:30:00Z").await;
    world.complete("a").await;
    assert_eq!(
        world.ledger().await,
        ["2026-11-23T02:00 ran", "2026-11-23T02:30 ran"]
    );
}

#[tokio::test]
async fn a_text_with_faults_changes_nothing_and_is_told() {
    let mut world = World::new("2026-11-23T01:59:50Z", "{ at: '02:00' }").await;
    world.start().await;
    world.write(&integration("a", "{ at: '25:00' }"), "");
    world.handle().tell(super::Event::Reload).await;
    let status = world.handle().status().await.unwrap();
    assert_eq!(status.config.faults.len(), 1, "{:?}", status.config);
    assert!(status.config.faults[0].contains("25:00"));
    world.set("2026-11-23T02:00:00Z").await;
    world.complete("a").await;
    world.write(&integration("a", "{ at: '03:00' }"), "");
    world.handle().tell(super::Event::Reload).await;
    let status = world.handle().status().await.unwrap();
    assert!(status.config.faults.is_empty(), "{:?}", status.config);
}

#[tokio::test]
async fn integrations_come_and_go_with_the_configuration() {
    let schedule = "{ at: '02:00', jitter: 1h }";
    let both = integration("a", schedule) + &integration("b", "{ at: '02:00' }");
    let mut world = World::with("2026-11-23T01:59:50Z", &both).await;
    world.start().await;
    world.set("2026-11-23T02:00:00Z").await;
    // `b` goes on, `a` still waits for its jitter.
    world.write(&integration("c", "{ at: '02:00' }"), "");
    world.handle().tell(super::Event::Reload).await;
    world.settle_down().await;
    let status = world.handle().status().await.unwrap();
    let ids: Vec<_> = status
        .integrations
        .iter()
        .map(|one| one.id.as_str())
        .collect();
    assert_eq!(ids, ["c"]);
    world.wait_for_loads(1).await;
    world.end_unseen("b").await;
    world.run_to("2026-11-23T03:30:00Z").await;
    assert_eq!(world.going_on().await, 0);
    assert_eq!(
        world.ledger().await,
        [
            "2026-11-23T02:00 skipped: the integration was taken out of the configuration",
            "2026-11-23T02:00 ran",
        ]
    );
}

#[tokio::test]
async fn a_run_by_hand_holds_the_schedule_and_can_be_canceled() {
    let mut world = World::new("2026-11-23T01:59:50Z", "{ at: '02:00' }").await;
    world.start().await;
    let order = Order {
        integration: "a".to_owned(),
        work: Work::Load { only: None },
        config_hash: String::new(),
    };
    let started = world.handle().start(order.clone(), &anna()).await.unwrap();
    let busy = world.handle().start(order, &anna()).await.unwrap_err();
    assert_eq!(busy.exit, Exit::Busy);
    world.set("2026-11-23T02:00:00Z").await;
    let status = world.handle().status().await.unwrap();
    let run_id = status.integrations[0]
        .running
        .as_ref()
        .unwrap()
        .run_id
        .clone();
    assert_eq!(
        world.ledger().await,
        [format!(
            "2026-11-23T02:00 skipped: overlap: run {run_id} was going on"
        )]
    );
    world
        .handle()
        .cancel(run_id.clone(), &anna())
        .await
        .unwrap();
    let report = started.report.await.unwrap().unwrap();
    assert_eq!(report.state, State::Canceled);
    let unknown = world.handle().cancel(run_id, &anna()).await.unwrap_err();
    assert_eq!(unknown.exit, Exit::Usage);
}

#[tokio::test]
async fn what_waits_for_its_turn_outlives_the_daemon() {
    let both = integration("a", "{ at: '02:00' }") + &integration("b", "{ at: '02:00' }");
    let mut world = World::with("2026-11-23T01:59:50Z", &both).await;
    world.write(&both, "max_concurrent_runs: 1");
    world.start().await;
    world.set("2026-11-23T02:00:00Z").await;
    world.wait_for_loads(1).await;
    let status = world.handle().status().await.unwrap();
    assert!(status.integrations[1].waiting.is_some(), "{status:?}");
    world.stop().await;
    world.run_down_to("2026-11-23T02:10:00Z");
    world.start().await;
    // Neither is lost: the one was cut off, the other had not begun.
    world.end("a", State::Completed).await;
    world.end("b", State::Completed).await;
    let ledger = world.ledger().await;
    assert!(
        ledger
            .iter()
            .all(|line| line.starts_with("2026-11-23T02:00 late")),
        "{ledger:?}"
    );
    assert_eq!(ledger.len(), 2);
}

#[tokio::test]
async fn what_waits_for_its_turn_can_be_canceled() {
    let both = integration("a", "{ at: '02:00' }") + &integration("b", "{ at: '02:00' }");
    let mut world = World::with("2026-11-23T01:59:50Z", &both).await;
    world.write(&both, "max_concurrent_runs: 1");
    world.start().await;
    world.set("2026-11-23T02:00:00Z").await;
    world.wait_for_loads(1).await;
    let status = world.handle().status().await.unwrap();
    let waiting = status.integrations[1].waiting.as_deref().unwrap();
    let run_id = waiting.split(' ').nth(1).unwrap().to_owned();
    let answer = world.handle().cancel(run_id, &anna()).await.unwrap();
    assert!(answer.contains("had not begun yet"), "{answer}");
    world.complete("a").await;
    assert_eq!(world.going_on().await, 0);
    assert_eq!(
        world.ledger().await,
        [
            "2026-11-23T02:00 ran",
            "2026-11-23T02:00 skipped: canceled by anna (uid 1000)",
        ]
    );
    assert_eq!(world.texts("SELECT count(*) FROM v_runs").await, ["1"]);
}
