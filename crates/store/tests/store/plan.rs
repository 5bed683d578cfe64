//! Writing a plan: what is put on record of each user, and what is not put there twice.

use store::Verdict::Unchanged;
use store::{Action, Cause, Counts, PlanSummary, State};

use crate::support::{at, bed, create, fail, hash, line, seen, skip, update};

#[tokio::test]
async fn a_plan_counts_each_verdict_as_an_intent() {
    let bed = bed().await;
    let mut drive = bed.begin(true, false, 0).await;
    let users = [
        seen("1", create()),
        seen("2", update("77")),
        seen("3", Unchanged),
        seen("4", skip("out_of_scope")),
        seen("5", fail("mapping")),
        seen("6", fail("unknown_value")),
    ];
    bed.plan(&mut drive, &users, true, 0).await;
    let counts = drive.summary.counts;
    assert_eq!(
        counts,
        Counts {
            deactivated: 0,
            seen: 6,
            created: 1,
            updated: 1,
            unchanged: 1,
            skipped: 1,
            failed: 2
        }
    );
    assert!(counts.add_up());
    bed.store
        .end_run(drive.key, State::Completed, &counts, None, at(1))
        .await
        .unwrap();
    let run = bed
        .store
        .run(&drive.run_id.to_string())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (run.counts, run.state, run.dry_run),
        (counts, State::Completed, true)
    );
    assert_eq!((run.started_at, run.read_at), (at(0), Some(at(0))));
}

#[tokio::test]
async fn an_unchanged_user_writes_no_row() {
    let bed = bed().await;
    let users = [seen("1", Unchanged), seen("2", Unchanged)];
    bed.run(&users, 0).await;
    let before = bed.lines("SELECT * FROM people").await;
    bed.run(&users, 60).await;
    assert_eq!(bed.lines("SELECT * FROM people").await, before);
    for (table, rows) in [
        ("user_versions", 2),
        ("record_versions", 2),
        ("changes", 0),
        ("errors", 0),
    ] {
        assert_eq!(bed.count(table).await, rows, "{table}");
    }
    assert_eq!(
        bed.lines("SELECT DISTINCT first_seen_at, last_seen_at FROM v_people")
            .await,
        ["2026-11-23T00:00:00.000Z|2026-11-23T01:00:00.000Z"]
    );
}

#[tokio::test]
async fn a_changed_user_has_a_second_version_and_keeps_the_first() {
    let bed = bed().await;
    let mut user = seen("1", Unchanged);
    user.matched = Some("77");
    bed.run(std::slice::from_ref(&user), 0).await;
    user.user = r#"{"scope":"account"}"#.to_owned();
    bed.run(&[user], 1).await;
    assert_eq!(
        bed.lines("SELECT run, user FROM user_versions ORDER BY user_version")
            .await,
        [
            r#"1|{"id":"1","email":"1@acme.com","scope":"site"}"#,
            r#"2|{"scope":"account"}"#
        ]
    );
    assert_eq!(bed.count("record_versions").await, 1);
    // The match and the record did not change with it.
    assert_eq!(
        bed.lines("SELECT scope, oomnitza_id, oomnitza_suspended, record FROM v_people")
            .await,
        [r#"account|77|0|{"email":"1@acme.com"}"#]
    );
}

#[tokio::test]
async fn a_changed_match_alone_leaves_the_user_as_it_was() {
    let bed = bed().await;
    let mut user = seen("1", Unchanged);
    user.matched = Some("77");
    bed.run(std::slice::from_ref(&user), 0).await;
    user.matched = None;
    bed.run(&[user], 1).await;
    assert_eq!(bed.count("user_versions").await, 1);
    assert_eq!(
        bed.lines("SELECT source_id, email, full_name, scope, oomnitza_id, oomnitza_suspended FROM v_people").await,
        ["1|1@acme.com|Ada Lovelace|site||"]
    );
}

#[tokio::test]
async fn a_changed_record_has_a_second_version() {
    let bed = bed().await;
    let mut user = seen("1", Unchanged);
    bed.run(std::slice::from_ref(&user), 0).await;
    user.record = Some(r#"{"email":"changed@acme.com"}"#.to_owned());
    bed.run(&[user], 1).await;
    assert_eq!(bed.count("user_versions").await, 1);
    assert_eq!(bed.count("record_versions").await, 2);
    assert_eq!(
        bed.lines("SELECT record FROM v_people").await,
        [r#"{"email":"changed@acme.com"}"#]
    );
}

#[tokio::test]
async fn known_answers_in_the_order_of_the_question() {
    let bed = bed().await;
    let mut two = seen("2", Unchanged);
    two.matched = Some("77");
    bed.run(&[seen("1", Unchanged), two.clone()], 0).await;
    let drive = bed.begin(false, false, 1).await;
    let known = bed.known(&drive, &["2", "none", "1"]).await;
    assert!(known[1].is_none());
    let two_known = known[0].as_ref().unwrap();
    assert_eq!(two_known.user_hash, hash(&two.user));
    assert_eq!(
        two_known.record_hash,
        Some(hash(two.record.as_ref().unwrap()))
    );
    assert_eq!(two_known.oomnitza_id.as_deref(), Some("77"));
    assert_eq!(
        (two_known.suspended, two_known.present),
        (Some(false), true)
    );
    assert_eq!(known[2].as_ref().unwrap().oomnitza_id, None);
}

#[tokio::test]
async fn integrations_do_not_know_each_others_users() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    let mut other = bed.begin_of("other", false, false, 1).await;
    assert_eq!(bed.known(&other, &["1"]).await, [None]);
    bed.plan(&mut other, &[seen("1", Unchanged)], true, 1).await;
    assert_eq!(
        bed.lines("SELECT integration, source_id FROM v_people ORDER BY 1")
            .await,
        ["other|1", "sentinelone-users|1"]
    );
}

#[tokio::test]
async fn something_without_an_id_leaves_its_fault_alone() {
    let bed = bed().await;
    bed.run(
        &[
            seen("", fail("mapping")),
            seen("", fail("mapping")),
            seen("1", Unchanged),
        ],
        0,
    )
    .await;
    assert_eq!(bed.count("people").await, 1);
    assert_eq!(
        bed.lines("SELECT source_id, email, outcome, reason FROM v_errors")
            .await,
        ["||failed|mapping", "||failed|mapping"]
    );
    assert_eq!(
        bed.lines("SELECT seen, unchanged, failed FROM v_runs")
            .await,
        ["3|1|2"]
    );
}

#[tokio::test]
async fn a_chunk_that_is_refused_leaves_nothing() {
    let bed = bed().await;
    let drive = bed.begin(false, false, 0).await;
    let mut summary = PlanSummary::default();
    let lines = vec![
        line(&seen("1", create()), None),
        line(&seen("", create()), None),
    ];
    let error = bed
        .store
        .add_to_plan(drive.key, lines, true, at(0), &mut summary)
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Cause::Rule);
    assert_eq!(summary.counts, Counts::default());
    assert_eq!(bed.count("people").await, 0);
    // The connection is as good as before.
    bed.run(&[seen("1", create())], 1).await;
    assert_eq!(bed.count("people").await, 1);
}

#[tokio::test]
async fn a_user_seen_twice_in_a_run_is_refused() {
    let bed = bed().await;
    let drive = bed.begin(false, false, 0).await;
    let lines = vec![
        line(&seen("1", create()), None),
        line(&seen("1", create()), None),
    ];
    let error = bed
        .store
        .add_to_plan(drive.key, lines, true, at(0), &mut PlanSummary::default())
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Cause::Rule);
}

#[tokio::test]
async fn a_dropped_plan_leaves_neither_changes_nor_errors_and_nobody_present() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    let mut drive = bed.begin(false, false, 1).await;
    let users = [
        seen("1", update("77")),
        seen("2", create()),
        seen("3", skip("no_sync_key")),
    ];
    bed.plan(&mut drive, &users, true, 1).await;
    bed.store.drop_plan(drive.key).await.unwrap();
    for table in ["changes", "change_values", "errors"] {
        assert_eq!(bed.count(table).await, 0, "{table}");
    }
    let known = bed.known(&drive, &["1", "2", "3"]).await;
    let present: Vec<bool> = known
        .into_iter()
        .map(|known| known.unwrap().present)
        .collect();
    assert_eq!(present, [true, false, false]);
    assert_eq!(
        bed.store
            .integration("sentinelone-users")
            .await
            .unwrap()
            .present,
        1
    );
}

#[tokio::test]
async fn many_lines_are_all_written_with_their_own_values() {
    let bed = bed().await;
    let drive = bed.begin(false, false, 0).await;
    let lines = (0..2345)
        .map(|i| {
            let mut line = line(
                &seen(
                    "x",
                    if i % 3 == 0 {
                        create()
                    } else {
                        skip("out_of_scope")
                    },
                ),
                None,
            );
            line.source_id = format!("{i}");
            line.user.as_mut().unwrap().json = format!(r#"{{"scope":"{i}"}}"#);
            line
        })
        .collect();
    let mut summary = PlanSummary::default();
    bed.store
        .add_to_plan(drive.key, lines, true, at(0), &mut summary)
        .await
        .unwrap();
    assert_eq!(summary.counts.seen, 2345);
    assert_eq!(
        bed.lines(
            "SELECT count(*), count(DISTINCT source_id), sum(scope = source_id), sum(record = '{\"email\":\"x@acme.com\"}')
             FROM v_people"
        )
        .await,
        ["2345|2345|2345|2345"]
    );
    assert_eq!(
        bed.lines("SELECT count(*), sum(source_id % 3 = 0) FROM v_changes")
            .await,
        ["782|782"]
    );
    assert_eq!(
        bed.lines("SELECT count(*), sum(source_id % 3 <> 0), count(record) FROM v_errors")
            .await,
        ["1563|1563|1563"]
    );
    let groups = bed.store.groups(drive.key).await.unwrap();
    assert_eq!((groups[0].action, groups[0].count), (Action::Create, 782));
}
