//! What a shrinking source is measured by: the sizes of earlier reads.

use store::{Counts, Decision, GuardHit, RunKey, State};

use crate::support::{Bed, POPULATION, at, bed};

/// Puts a run on record that read so many users of a population, and ended.
async fn read(bed: &Bed, population: &str, users: u64, state: State) -> RunKey {
    read_by(bed, false, population, users, &[], state).await
}

async fn read_by(
    bed: &Bed,
    dry_run: bool,
    population: &str,
    users: u64,
    hits: &[GuardHit],
    state: State,
) -> RunKey {
    let key = bed.begin(dry_run, false, 0).await.key;
    let counts = Counts {
        seen: users,
        skipped: users,
        ..Counts::default()
    };
    bed.complete(key, &counts, Some(population), hits, at(0))
        .await;
    end(bed, key, state).await;
    key
}

async fn end(bed: &Bed, key: RunKey, state: State) {
    let counts = bed.store.intents(key).await.unwrap().unwrap();
    bed.store
        .end_run(key, state, &counts, None, at(0))
        .await
        .unwrap();
}

async fn sizes(bed: &Bed, population: &str) -> Vec<u64> {
    let integration = bed.begin(true, false, 0).await.key.integration;
    bed.store
        .read_sizes(integration, population, 7)
        .await
        .unwrap()
}

fn shrunk() -> GuardHit {
    GuardHit {
        guard: "source_shrink".to_owned(),
        found: 50,
        allowed: 20,
        base: Some(100),
        message: "it shrank".to_owned(),
        examples: Vec::new(),
    }
}

#[tokio::test]
async fn reads_that_were_judged_and_passed_count_whatever_became_of_their_runs() {
    let bed = bed().await;
    let states = [
        State::Completed,
        State::CompletedWithErrors,
        State::Failed,
        State::Interrupted,
        State::Canceled,
        State::Planned,
    ];
    for (users, state) in (100..).zip(states) {
        read(&bed, POPULATION, users, state).await;
    }
    read(&bed, "another", 1, State::Completed).await;
    assert_eq!(
        sizes(&bed, POPULATION).await,
        [105, 104, 103, 102, 101, 100]
    );
}

#[tokio::test]
async fn what_is_over_a_guard_or_dry_does_not_count() {
    let bed = bed().await;
    read(&bed, POPULATION, 100, State::Completed).await;
    let hits = [shrunk()];
    for state in [State::Parked, State::Interrupted, State::Failed] {
        read_by(&bed, false, POPULATION, 50, &hits, state).await;
    }
    read_by(&bed, true, POPULATION, 50, &hits, State::Completed).await;
    read_by(&bed, true, POPULATION, 90, &[], State::Completed).await;
    assert_eq!(sizes(&bed, POPULATION).await, [100]);
}

#[tokio::test]
async fn a_release_says_what_is_usual_for_its_own_population() {
    let bed = bed().await;
    for population in [POPULATION, "another"] {
        read(&bed, population, 100, State::Completed).await;
    }
    let parked = read_by(&bed, false, "another", 50, &[shrunk()], State::Parked).await;
    let decision = Decision {
        by: "alice".to_owned(),
        reason: Some("it moved".to_owned()),
        at: at(0),
    };
    let released = bed.store.take_up(parked, State::Parked, &decision);
    released.await.unwrap();
    end(&bed, parked, State::Completed).await;
    assert_eq!(sizes(&bed, "another").await, [50]);
    assert_eq!(sizes(&bed, POPULATION).await, [100]);
}
