//! What the outcomes of runs mean for people and for earlier errors.

use store::Verdict::Unchanged;
use store::{Decision, State};

use crate::support::{POPULATION, at, bed, create, fail, seen, skip, update};

const OPEN: &str =
    "SELECT source_id, reason, since, runs, at FROM v_open_errors ORDER BY source_id";
const ERRORS: &str =
    "SELECT source_id, reason, at, resolved_at FROM v_errors ORDER BY at, source_id";

#[tokio::test]
async fn an_error_that_stands_again_counts_on_and_is_open_once() {
    let bed = bed().await;
    let users = [seen("1", fail("mapping")), seen("2", Unchanged)];
    for minutes in 0..3 {
        bed.run(&users, minutes).await;
    }
    assert_eq!(
        bed.lines(OPEN).await,
        ["1|mapping|2026-11-23T00:00:00.000Z|3|2026-11-23T00:02:00.000Z"]
    );
    assert_eq!(bed.count("v_errors").await, 3);
    assert_eq!(
        bed.lines("SELECT source_id, last_outcome, last_reason FROM v_people ORDER BY 1")
            .await,
        ["1|failed|mapping", "2|unchanged|"]
    );
}

#[tokio::test]
async fn another_reason_begins_anew() {
    let bed = bed().await;
    bed.run(&[seen("1", fail("mapping"))], 0).await;
    bed.run(&[seen("1", fail("rejected"))], 1).await;
    assert_eq!(
        bed.lines(OPEN).await,
        ["1|rejected|2026-11-23T00:01:00.000Z|1|2026-11-23T00:01:00.000Z"]
    );
    assert_eq!(
        bed.lines(ERRORS).await,
        [
            "1|mapping|2026-11-23T00:00:00.000Z|",
            "1|rejected|2026-11-23T00:01:00.000Z|"
        ]
    );
}

#[tokio::test]
async fn a_load_resolves_all_errors_before_it() {
    let bed = bed().await;
    bed.run(&[seen("1", fail("mapping"))], 0).await;
    bed.run(&[seen("1", fail("rejected"))], 1).await;
    bed.run(&[seen("1", create())], 2).await;
    assert!(bed.lines(OPEN).await.is_empty());
    assert_eq!(
        bed.lines(ERRORS).await,
        [
            "1|mapping|2026-11-23T00:00:00.000Z|2026-11-23T00:02:00.000Z",
            "1|rejected|2026-11-23T00:01:00.000Z|2026-11-23T00:02:00.000Z",
        ]
    );
    assert_eq!(
        bed.lines("SELECT last_outcome, last_reason FROM v_people")
            .await,
        ["created|"]
    );
    // The next time it counts from one again.
    bed.run(&[seen("1", fail("mapping"))], 3).await;
    assert_eq!(
        bed.lines(OPEN).await,
        ["1|mapping|2026-11-23T00:03:00.000Z|1|2026-11-23T00:03:00.000Z"]
    );
}

#[tokio::test]
async fn being_unchanged_or_gone_resolves_too() {
    let bed = bed().await;
    bed.run(&[seen("1", fail("mapping")), seen("2", fail("mapping"))], 0)
        .await;
    bed.run(&[seen("1", Unchanged)], 1).await;
    assert!(bed.lines(OPEN).await.is_empty());
    assert_eq!(
        bed.lines(ERRORS).await,
        [
            "1|mapping|2026-11-23T00:00:00.000Z|2026-11-23T00:01:00.000Z",
            "2|mapping|2026-11-23T00:00:00.000Z|2026-11-23T00:01:00.000Z",
        ]
    );
}

#[tokio::test]
async fn out_of_scope_resolves_what_was_wrong_and_stays_open_itself() {
    let bed = bed().await;
    bed.run(&[seen("1", fail("mapping"))], 0).await;
    bed.run(&[seen("1", skip("out_of_scope"))], 1).await;
    bed.run(&[seen("1", skip("out_of_scope"))], 2).await;
    assert_eq!(
        bed.lines(OPEN).await,
        ["1|out_of_scope|2026-11-23T00:01:00.000Z|2|2026-11-23T00:02:00.000Z"]
    );
    assert_eq!(
        bed.lines(ERRORS).await,
        [
            "1|mapping|2026-11-23T00:00:00.000Z|2026-11-23T00:01:00.000Z",
            "1|out_of_scope|2026-11-23T00:01:00.000Z|",
            "1|out_of_scope|2026-11-23T00:02:00.000Z|",
        ]
    );
}

#[tokio::test]
async fn dry_and_planned_runs_open_and_resolve_nothing() {
    let bed = bed().await;
    bed.run(&[seen("1", fail("mapping")), seen("2", Unchanged)], 0)
        .await;
    for (dry_run, state) in [(true, State::Completed), (false, State::Planned)] {
        let mut drive = bed.begin(dry_run, false, 1).await;
        bed.plan(
            &mut drive,
            &[seen("1", Unchanged), seen("2", fail("rejected"))],
            true,
            1,
        )
        .await;
        bed.store
            .end_run(drive.key, state, &drive.summary.counts, None, at(1))
            .await
            .unwrap();
    }
    assert_eq!(
        bed.lines(OPEN).await,
        ["1|mapping|2026-11-23T00:00:00.000Z|1|2026-11-23T00:00:00.000Z"]
    );
    assert_eq!(
        bed.lines("SELECT source_id, last_outcome FROM v_people ORDER BY 1")
            .await,
        ["1|failed", "2|unchanged"]
    );
    // What they would have skipped or failed is in the error log all the same.
    assert_eq!(bed.count("v_errors").await, 3);
    bed.run(&[seen("1", fail("mapping")), seen("2", Unchanged)], 2)
        .await;
    assert_eq!(
        bed.lines(OPEN).await,
        ["1|mapping|2026-11-23T00:00:00.000Z|2|2026-11-23T00:02:00.000Z"]
    );
}

#[tokio::test]
async fn a_partial_run_touches_the_errors_of_its_own_people_only() {
    let bed = bed().await;
    bed.run(
        &[
            seen("1", fail("mapping")),
            seen("2", fail("mapping")),
            seen("", fail("mapping")),
        ],
        0,
    )
    .await;
    bed.run_only(&[seen("1", Unchanged)], 1).await;
    assert_eq!(
        bed.lines(OPEN).await,
        [
            "|mapping|2026-11-23T00:00:00.000Z|1|2026-11-23T00:00:00.000Z",
            "2|mapping|2026-11-23T00:00:00.000Z|1|2026-11-23T00:00:00.000Z",
        ]
    );
    assert_eq!(
        bed.lines("SELECT source_id, last_outcome FROM v_people ORDER BY 1")
            .await,
        ["1|unchanged", "2|failed"]
    );
    bed.run_only(&[seen("2", fail("mapping"))], 2).await;
    assert_eq!(
        bed.lines(OPEN).await[1],
        "2|mapping|2026-11-23T00:00:00.000Z|2|2026-11-23T00:02:00.000Z"
    );
}

#[tokio::test]
async fn a_partial_run_resolves_what_it_loads_and_what_it_finds_out_of_scope() {
    let bed = bed().await;
    let all = ["1", "2", "3"].map(|id| seen(id, fail("mapping")));
    bed.run(&all, 0).await;
    bed.run_only(&[seen("1", create())], 1).await;
    bed.run_only(&[seen("2", skip("out_of_scope"))], 2).await;
    // Gone: a complete read alone can see that.
    bed.run(&[seen("1", Unchanged), seen("2", skip("out_of_scope"))], 3)
        .await;
    assert_eq!(
        bed.lines(
            "SELECT source_id, resolved_at FROM v_errors WHERE reason = 'mapping' ORDER BY 1"
        )
        .await,
        [
            "1|2026-11-23T00:01:00.000Z",
            "2|2026-11-23T00:02:00.000Z",
            "3|2026-11-23T00:03:00.000Z",
        ]
    );
}

#[tokio::test]
async fn what_has_no_id_is_open_in_the_latest_complete_run_alone() {
    let bed = bed().await;
    bed.run(&[seen("", fail("mapping")), seen("", fail("mapping"))], 0)
        .await;
    assert_eq!(bed.count("v_open_errors").await, 2);
    bed.run(&[seen("", fail("mapping"))], 1).await;
    assert_eq!(bed.count("v_open_errors").await, 1);
    bed.run(&[], 2).await;
    assert_eq!(bed.count("v_open_errors").await, 0);
    assert_eq!(
        bed.lines("SELECT count(resolved_at) FROM v_errors").await,
        ["3"]
    );
}

#[tokio::test]
async fn publishing_twice_is_the_same_as_once() {
    let bed = bed().await;
    bed.run(&[seen("1", fail("mapping")), seen("2", fail("mapping"))], 0)
        .await;
    let mut drive = bed.begin(false, false, 1).await;
    let users = [
        seen("1", fail("mapping")),
        seen("2", create()),
        seen("", fail("mapping")),
    ];
    bed.plan(&mut drive, &users, true, 1).await;
    bed.deliver(&drive, 1).await;
    bed.store
        .publish_outcomes(drive.key, None, at(1))
        .await
        .unwrap();
    let once = (
        bed.lines(OPEN).await,
        bed.lines(ERRORS).await,
        bed.lines("SELECT * FROM v_people").await,
    );
    bed.store
        .publish_outcomes(drive.key, None, at(9))
        .await
        .unwrap();
    let twice = (
        bed.lines(OPEN).await,
        bed.lines(ERRORS).await,
        bed.lines("SELECT * FROM v_people").await,
    );
    assert_eq!(once, twice);
    assert_eq!(once.0.len(), 2);
}

#[tokio::test]
async fn a_plan_applied_after_a_partial_run_has_the_last_word() {
    let bed = bed().await;
    let mut plan = bed.begin(false, false, 0).await;
    bed.plan(
        &mut plan,
        &[seen("1", fail("mapping")), seen("2", create())],
        true,
        0,
    )
    .await;
    bed.run_only(&[seen("2", fail("rejected"))], 1).await;
    bed.deliver(&plan, 2).await;
    bed.store
        .publish_outcomes(plan.key, None, at(2))
        .await
        .unwrap();
    assert_eq!(
        bed.lines("SELECT source_id, reason, runs FROM v_open_errors")
            .await,
        ["1|mapping|1"]
    );
    assert_eq!(
        bed.lines("SELECT resolved_at FROM v_errors WHERE source_id = '2'")
            .await,
        ["2026-11-23T00:02:00.000Z"]
    );
}

#[tokio::test]
async fn integrations_leave_each_others_errors_alone() {
    let bed = bed().await;
    let mut other = bed.begin_of("other", false, false, 0).await;
    bed.plan(
        &mut other,
        &[seen("1", fail("mapping")), seen("", fail("mapping"))],
        true,
        0,
    )
    .await;
    bed.store
        .publish_outcomes(other.key, None, at(0))
        .await
        .unwrap();
    bed.run(&[seen("1", Unchanged)], 1).await;
    assert_eq!(
        bed.lines("SELECT integration FROM v_open_errors").await,
        ["other", "other"]
    );
}

#[tokio::test]
async fn a_plan_that_waited_says_nothing_of_who_arrived_after_it_was_made() {
    let bed = bed().await;
    let mut waiting = bed.begin(false, false, 1).await;
    bed.plan(&mut waiting, &[seen("1", update("9001"))], true, 1)
        .await;
    let presence = &waiting.summary.presence;
    bed.store
        .settle_presence(waiting.key, POPULATION, presence, at(1))
        .await
        .unwrap();
    bed.store
        .end_run(
            waiting.key,
            State::Planned,
            &waiting.summary.counts,
            None,
            at(1),
        )
        .await
        .unwrap();
    bed.run_only(&[seen("2", fail("mapping"))], 2).await;
    let mut dry = bed.begin(true, false, 3).await;
    let everybody = [
        seen("1", update("9001")),
        seen("2", Unchanged),
        seen("3", Unchanged),
    ];
    bed.plan(&mut dry, &everybody, true, 3).await;
    let presence = &dry.summary.presence;
    bed.store
        .settle_presence(dry.key, POPULATION, presence, at(3))
        .await
        .unwrap();
    bed.store
        .end_run(dry.key, State::Completed, &dry.summary.counts, None, at(3))
        .await
        .unwrap();

    let decision = Decision {
        by: "ada".to_owned(),
        reason: None,
        at: at(4),
    };
    bed.store
        .take_up(waiting.key, State::Planned, &decision)
        .await
        .unwrap();
    bed.deliver(&waiting, 4).await;
    bed.store
        .publish_outcomes(waiting.key, None, at(4))
        .await
        .unwrap();
    bed.end(&waiting, State::Completed, 4).await;
    let people = "SELECT source_id, last_outcome, last_reason FROM v_people ORDER BY source_id";
    assert_eq!(
        bed.lines(people).await,
        ["1|updated|", "2|failed|mapping", "3||"]
    );
    assert_eq!(
        bed.lines("SELECT source_id FROM v_open_errors").await,
        ["2"]
    );
}
