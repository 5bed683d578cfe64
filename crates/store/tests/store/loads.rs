//! What is watched of the loads: the latest, the latest that came to its end, the latest miss.

use jiff::Timestamp;
use store::{Loads, NewSlot, SlotState, State};

use crate::support::{Bed, INTEGRATION, at, bed, create, seen};

async fn loads(bed: &Bed) -> Loads {
    let mut loads = bed.store.loads().await.unwrap();
    assert_eq!(loads.len(), 1);
    loads.pop().unwrap()
}

/// The state of the latest load, and when one ended well.
async fn latest(bed: &Bed) -> (Option<State>, Option<Timestamp>) {
    let loads = loads(bed).await;
    (loads.last.map(|load| load.state), loads.succeeded_at)
}

#[tokio::test]
async fn only_loads_of_everybody_that_are_over_count() {
    let bed = bed().await;
    let key = bed.store.integration(INTEGRATION).await.unwrap().key;
    assert_eq!(latest(&bed).await, (None, None));
    bed.store
        .begin_ledger(key, at(1), "at 02:00")
        .await
        .unwrap();
    assert_eq!(loads(&bed).await.counts_from, Some(at(1)));
    for (integration, until) in [(Some(INTEGRATION), 5), (None, 4)] {
        let (store, anna) = (&bed.store, "anna (uid 1000)");
        assert!(
            store
                .pause(integration, "audit", anna, at(2))
                .await
                .unwrap()
        );
        assert!(store.resume(integration, anna, at(until)).await.unwrap());
        assert_eq!(loads(&bed).await.counts_from, Some(at(5)));
    }

    bed.run(&[seen("1", create())], 10).await;
    let (state, first) = latest(&bed).await;
    assert_eq!(state, Some(State::Completed));
    assert!(first >= Some(at(10)), "{first:?}");
    for (dry_run, partial) in [(true, false), (false, true)] {
        let drive = bed.begin(dry_run, partial, 20).await;
        bed.end(&drive, State::Failed, 21).await;
    }
    let plan = bed.begin(false, false, 30).await;
    bed.end(&plan, State::Planned, 31).await;
    let going_on = bed.begin(false, false, 40).await;
    assert_eq!(latest(&bed).await, (Some(State::Completed), first));
    bed.end(&going_on, State::Failed, 41).await;
    assert_eq!(latest(&bed).await, (Some(State::Failed), first));

    let with_failures = bed.begin(false, false, 50).await;
    bed.end(&with_failures, State::CompletedWithErrors, 51)
        .await;
    let load = loads(&bed).await;
    let last = load.last.unwrap();
    assert_eq!(last.state, State::CompletedWithErrors);
    assert_eq!((last.started_at, last.finished_at), (at(50), at(51)));
    assert_eq!(load.succeeded_at, Some(at(51)));
}

#[tokio::test]
async fn a_miss_is_of_the_instant_at_which_it_was_noticed() {
    let bed = bed().await;
    let integration = bed.store.integration(INTEGRATION).await.unwrap().key;
    let due = |minutes| NewSlot {
        integration,
        due_at: at(minutes),
    };
    for (noticed, due_at, state) in [
        (100, 10, SlotState::Missed),
        (200, 20, SlotState::Missed),
        (300, 30, SlotState::Skipped),
    ] {
        let noticed = at(noticed);
        let open = bed.store.notice_slots(&[due(due_at)], noticed).await;
        let slot = open.unwrap()[0].slot;
        bed.store.settle_slot(slot, state, None).await.unwrap();
    }
    assert_eq!(loads(&bed).await.missed_at, Some(at(200)));
}

#[tokio::test]
async fn no_question_of_the_watchers_walks_through_the_history() {
    let bed = bed().await;
    let text = include_str!("../../src/loads.rs");
    let query = text
        .split('"')
        .find(|part| part.starts_with("SELECT i.name"))
        .unwrap();
    let plan = bed.rows(&format!("EXPLAIN QUERY PLAN {query}")).await;
    let plan = format!("{plan:?}");
    for index in ["runs_loads ", "runs_loads_done ", "slots_missed "] {
        assert!(plan.contains(&format!("INDEX {index}")), "{index}: {plan}");
    }
}
