//! Who is present, who is gone, and what does not make anybody gone.

use proptest::prelude::*;
use store::Presence;
use store::Verdict::Unchanged;

use crate::support::{Bed, POPULATION, Seen, at, bed, seen};

const GONE: &str = "SELECT source_id, last_seen_at, gone_since FROM v_people ORDER BY source_id";

fn users(ids: &[&'static str]) -> Vec<Seen> {
    ids.iter().map(|id| seen(id, Unchanged)).collect()
}

async fn run_of_population(bed: &Bed, population: &str, ids: &[&'static str], minutes: i64) {
    let mut drive = bed.begin(false, false, minutes).await;
    bed.plan(&mut drive, &users(ids), true, minutes).await;
    bed.store
        .settle_presence(drive.key, population, &drive.summary.presence, at(minutes))
        .await
        .unwrap();
}

#[tokio::test]
async fn who_a_complete_read_lacks_is_gone_and_was_seen_in_the_one_before() {
    let bed = bed().await;
    bed.run(&users(&["1", "2"]), 0).await;
    bed.run(&users(&["1", "2"]), 10).await;
    bed.run(&users(&["1"]), 20).await;
    let gone = [
        "1|2026-11-23T00:20:00.000Z|",
        "2|2026-11-23T00:10:00.000Z|2026-11-23T00:20:00.000Z",
    ];
    assert_eq!(bed.lines(GONE).await, gone);
    // Later reads do not move the instant.
    run_of_population(&bed, POPULATION, &["1"], 20).await;
    assert_eq!(bed.lines(GONE).await, gone);
}

#[tokio::test]
async fn who_is_back_is_not_gone() {
    let bed = bed().await;
    bed.run(&users(&["1", "2"]), 0).await;
    bed.run(&users(&["1"]), 10).await;
    bed.run(&users(&["1", "2"]), 20).await;
    assert_eq!(
        bed.lines(GONE).await,
        ["1|2026-11-23T00:20:00.000Z|", "2|2026-11-23T00:20:00.000Z|"]
    );
    assert_eq!(bed.lines("SELECT source_id FROM v_access").await, [""; 0]);
}

#[tokio::test]
async fn as_many_but_others_is_noticed() {
    let bed = bed().await;
    bed.run(&users(&["1", "2"]), 0).await;
    bed.run(&users(&["1"]), 10).await;
    bed.run(&users(&["2"]), 20).await;
    bed.run(&users(&["3"]), 30).await;
    assert_eq!(
        bed.lines("SELECT source_id, gone_since FROM v_people ORDER BY source_id")
            .await,
        [
            "1|2026-11-23T00:20:00.000Z",
            "2|2026-11-23T00:30:00.000Z",
            "3|"
        ]
    );
}

#[tokio::test]
async fn in_a_new_population_nobody_is_gone() {
    let bed = bed().await;
    run_of_population(&bed, "sites 1 and 2", &["1", "2"], 0).await;
    run_of_population(&bed, "site 1", &["1"], 10).await;
    let seen = ["1|2026-11-23T00:10:00.000Z|", "2|2026-11-23T00:00:00.000Z|"];
    assert_eq!(bed.lines(GONE).await, seen);
    // Nor later: the user was never in this population.
    run_of_population(&bed, "site 1", &["1"], 10).await;
    assert_eq!(bed.lines(GONE).await, seen);
    let integration = bed.store.integration("sentinelone-users").await.unwrap();
    assert_eq!(integration.population.as_deref(), Some("site 1"));
    assert_eq!(integration.last_read_at, Some(at(10)));
    assert_eq!(integration.present, 1);
}

#[tokio::test]
async fn who_left_while_another_population_was_read_is_gone_when_its_own_is_read_again() {
    let bed = bed().await;
    let wide = async |ids: &[&'static str], minutes| {
        run_of_population(&bed, "all sites", ids, minutes).await;
    };
    let narrow = async |ids: &[&'static str], minutes| {
        run_of_population(&bed, "site 1", ids, minutes).await;
    };
    wide(&["1", "2", "3", "4", "5"], 0).await;
    // 6 is new, and of this site alone; 2, 3 and 4 are not of it.
    narrow(&["1", "5", "6"], 10).await;
    narrow(&["1", "5", "6"], 20).await;
    // Another one in between changes nothing.
    run_of_population(&bed, "site 2", &["3"], 30).await;
    narrow(&["1", "5", "6"], 40).await;
    // 2 left while it could not be seen, 5 in the end, 1 before the last read of its own site.
    narrow(&["5", "6"], 50).await;
    wide(&["3", "4"], 55).await;
    let gone = |minutes: i64| format!("2026-11-23T00:{minutes}:00.000Z");
    let expected = [
        format!("1|{}", gone(50)),
        format!("2|{}", gone(55)),
        "3|".to_owned(),
        "4|".to_owned(),
        format!("5|{}", gone(55)),
        // It never was in this population.
        "6|".to_owned(),
    ];
    let gone_since = "SELECT source_id, gone_since FROM v_people ORDER BY source_id";
    assert_eq!(bed.lines(gone_since).await, expected);
    // Nor do later reads move that.
    wide(&["3", "4"], 57).await;
    assert_eq!(bed.lines(gone_since).await, expected);
    // It was in that one.
    narrow(&["5"], 58).await;
    assert_eq!(
        bed.lines("SELECT source_id FROM v_people WHERE gone_since IS NOT NULL ORDER BY 1")
            .await,
        ["1", "2", "6"]
    );
    assert_eq!(
        bed.lines("SELECT population, person FROM members ORDER BY 1, 2")
            .await,
        ["all sites|3", "all sites|4", "site 2|3"]
    );
    let integration = bed.store.integration("sentinelone-users").await.unwrap();
    let members = bed.store.members(integration.key, "all sites");
    assert_eq!(members.await.unwrap(), 2);
}

#[tokio::test]
async fn when_who_left_unseen_was_found_gone_is_told() {
    let bed = bed().await;
    run_of_population(&bed, "all sites", &["1", "2"], 0).await;
    run_of_population(&bed, "site 1", &["1"], 10).await;
    run_of_population(&bed, "all sites", &[], 20).await;
    let told = async |person| {
        let absences = bed.store.history(person).await.unwrap().absences;
        assert_eq!(absences.len(), 1);
        let gone = absences[0].gone.as_ref();
        (absences[0].run.run, gone.map(|(run, at)| (run.run, *at)))
    };
    assert_eq!(told(1).await, (3, Some((3, at(20)))));
    assert_eq!(told(2).await, (2, Some((3, at(20)))));
    run_of_population(&bed, "all sites", &["2"], 30).await;
    let absences = bed.store.history(2).await.unwrap().absences;
    assert!(absences[0].gone.is_some() && absences[0].back.is_some());
}

#[tokio::test]
async fn whom_a_run_brought_that_died_before_it_said_who_is_there_is_of_no_population() {
    let bed = bed().await;
    let settle = async |drive: &crate::support::Drive, population, minutes| {
        let (store, presence) = (&bed.store, &drive.summary.presence);
        let counts = &drive.summary.counts;
        let now = at(minutes);
        bed.complete(drive.key, counts, Some(population), &[], now)
            .await;
        store
            .settle_presence(drive.key, population, presence, now)
            .await
            .unwrap();
    };
    let mut first = bed.begin(false, false, 0).await;
    bed.plan(&mut first, &users(&["1"]), true, 0).await;
    settle(&first, "site 1", 0).await;
    let mut dead = bed.begin(false, false, 10).await;
    bed.plan(&mut dead, &users(&["2"]), true, 10).await;
    let mut next = bed.begin(false, false, 20).await;
    bed.plan(&mut next, &users(&["2", "3"]), true, 20).await;
    settle(&next, "site 2", 20).await;
    assert_eq!(
        bed.lines("SELECT person, population FROM members").await,
        ["1|site 1"]
    );
}

#[tokio::test]
async fn a_partial_run_makes_nobody_gone_nor_back() {
    let bed = bed().await;
    bed.run(&users(&["1", "2", "3"]), 0).await;
    bed.run(&users(&["1", "2"]), 10).await;
    bed.run_only(&users(&["1", "3", "4"]), 20).await;
    assert_eq!(
        bed.lines(GONE).await,
        [
            "1|2026-11-23T00:20:00.000Z|",
            "2|2026-11-23T00:10:00.000Z|",
            "3|2026-11-23T00:20:00.000Z|2026-11-23T00:10:00.000Z",
            "4|2026-11-23T00:20:00.000Z|",
        ]
    );
    // Only the complete read after it says who is there.
    bed.run(&users(&["1", "2", "4"]), 30).await;
    assert_eq!(
        bed.store
            .integration("sentinelone-users")
            .await
            .unwrap()
            .present,
        3
    );
    assert_eq!(
        bed.lines("SELECT source_id FROM v_people WHERE gone_since IS NOT NULL")
            .await,
        ["3"]
    );
}

#[tokio::test]
async fn an_empty_complete_read_makes_all_gone() {
    let bed = bed().await;
    bed.run(&users(&["1", "2"]), 0).await;
    bed.run(&[], 10).await;
    assert_eq!(
        bed.lines("SELECT count(*), count(gone_since) FROM v_people")
            .await,
        ["2|2"]
    );
}

#[tokio::test]
async fn presence_is_kept_of_more_people_than_one_statement_takes() {
    let bed = bed().await;
    let mut drive = bed.begin(false, false, 0).await;
    let lines = |from: usize, to: usize| {
        (from..to)
            .map(|i| {
                let mut line = crate::support::line(&seen("x", Unchanged), None);
                line.source_id = format!("{i}");
                line
            })
            .collect()
    };
    let summary = &mut drive.summary;
    bed.store
        .add_to_plan(drive.key, lines(0, 6000), true, at(0), summary)
        .await
        .unwrap();
    bed.store
        .add_to_plan(drive.key, lines(6000, 12_000), true, at(0), summary)
        .await
        .unwrap();
    bed.store
        .settle_presence(drive.key, POPULATION, &drive.summary.presence, at(0))
        .await
        .unwrap();
    assert_eq!(
        bed.store
            .integration("sentinelone-users")
            .await
            .unwrap()
            .present,
        12_000
    );
    let later = bed.begin(false, false, 1).await;
    let mut odd = Presence::default();
    for person in (1..=12_000).filter(|person| person % 2 == 1) {
        odd.see(person, true);
    }
    bed.store
        .settle_presence(later.key, POPULATION, &odd, at(1))
        .await
        .unwrap();
    assert_eq!(
        bed.lines("SELECT sum(present), sum(gone_since IS NOT NULL), sum(person % 2 = 0 AND present) FROM people").await,
        ["6000|6000|0"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever complete reads follow each other: present is who was in the last, gone is everybody else ever seen.
    #[test]
    fn everybody_ever_seen_is_present_or_gone(reads in prop::collection::vec(prop::collection::btree_set(0..9_usize, 0..9), 1..6)) {
        const IDS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (present, gone) = runtime.block_on(async {
            let bed = bed().await;
            for (minutes, read) in reads.iter().enumerate() {
                let ids: Vec<&'static str> = read.iter().map(|i| IDS[*i]).collect();
                bed.run(&users(&ids), i64::try_from(minutes).unwrap()).await;
            }
            (
                bed.lines("SELECT source_id FROM v_people WHERE gone_since IS NULL ORDER BY 1").await,
                bed.lines("SELECT source_id FROM v_people WHERE gone_since IS NOT NULL ORDER BY 1").await,
            )
        });
        let last = reads.last().unwrap();
        let expect: Vec<&str> = last.iter().map(|i| IDS[*i]).collect();
        prop_assert_eq!(present, expect);
        let ever: std::collections::BTreeSet<usize> = reads.iter().flatten().copied().collect();
        let expect: Vec<&str> = ever.difference(last).map(|i| IDS[*i]).collect();
        prop_assert_eq!(gone, expect);
    }
}
