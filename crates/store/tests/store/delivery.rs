//! Delivering a plan, change by change.

use store::Verdict::Unchanged;
use store::{Action, Cause, Decision, Group, Settled, Settlement, Severity, State};

use crate::support::{Bed, Drive, at, bed, create, fault, seen, skip, update};

async fn planned(bed: &Bed) -> Drive {
    let mut drive = bed.begin(false, false, 0).await;
    let users = [
        seen("1", create()),
        seen("2", update("72")),
        seen("3", Unchanged),
        seen("4", update("74")),
        seen("5", skip("out_of_scope")),
        seen("6", update("76")),
    ];
    bed.plan(&mut drive, &users, true, 0).await;
    drive
}

fn updates(count: u64) -> Group {
    Group {
        action: Action::Update,
        key_field: "sentinelone_user_id".to_owned(),
        count,
    }
}

async fn states(bed: &Bed) -> Vec<String> {
    bed.lines("SELECT source_id, state FROM v_changes").await
}

#[tokio::test]
async fn groups_are_what_one_batch_can_hold_with_updates_first() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    let creates = Group {
        action: Action::Create,
        key_field: "email".to_owned(),
        count: 1,
    };
    assert_eq!(
        bed.store.groups(drive.key).await.unwrap(),
        [updates(3), creates]
    );
}

#[tokio::test]
async fn next_changes_goes_through_a_group_part_by_part() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    let first = bed
        .store
        .next_changes(drive.key, &updates(3), 0, 2)
        .await
        .unwrap();
    let ids: Vec<_> = first
        .iter()
        .map(|change| change.oomnitza_id.as_deref())
        .collect();
    assert_eq!(ids, [Some("72"), Some("74")]);
    let change = &first[0];
    assert_eq!(
        (change.action, change.key_field.as_str()),
        (Action::Update, "sentinelone_user_id")
    );
    assert_eq!(change.key_value, r#""225""#);
    assert_eq!(
        change.before.as_deref(),
        Some(r#"{"email":"old@acme.com"}"#)
    );
    assert_eq!(change.after, r#"{"email":"new@acme.com"}"#);
    assert_eq!(change.person, drive.people[1]);
    let rest = bed
        .store
        .next_changes(drive.key, &updates(3), first[1].change, 2)
        .await
        .unwrap();
    assert_eq!(rest.len(), 1);
    assert!(
        bed.store
            .next_changes(drive.key, &updates(3), rest[0].change, 2)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_was_sent_is_found_after_a_crash_and_not_sent_again() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    let first = bed
        .store
        .next_changes(drive.key, &updates(3), 0, 1)
        .await
        .unwrap();
    bed.store.mark_sent(&[first[0].change]).await.unwrap();
    let path = bed.path();
    drop(bed.store);
    let store = store::Store::open(&path).await.unwrap();
    let unfinished = store.unfinished(drive.key.integration).await.unwrap();
    assert_eq!(unfinished.len(), 1);
    assert_eq!(
        (
            unfinished[0].key,
            unfinished[0].planned,
            unfinished[0].dry_run
        ),
        (drive.key, true, false)
    );
    assert_eq!(unfinished[0].run_id, drive.run_id.to_string());
    let sent = store.sent_changes(drive.key, 0, 10).await.unwrap();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].oomnitza_id.as_deref(), Some("72"));
    assert!(
        store
            .sent_changes(drive.key, sent[0].change, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.groups(drive.key).await.unwrap()[0], updates(2));
}

#[tokio::test]
async fn each_settlement_is_stored_and_counted() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    let changes = bed
        .store
        .next_changes(drive.key, &updates(3), 0, 10)
        .await
        .unwrap();
    let settlements = [
        Settlement::Done(None),
        Settlement::Failed(Box::new(fault(Severity::Failed, "rejected"))),
        Settlement::Withdrawn(Box::new(fault(Severity::Failed, "conflict"))),
    ];
    let mut settled: Vec<Settled> = changes
        .iter()
        .zip(settlements)
        .map(|(change, settlement)| Settled {
            change: change.change,
            person: change.person,
            settlement,
            status: None,
        })
        .collect();
    let group = &bed.store.groups(drive.key).await.unwrap()[1];
    let created = &bed
        .store
        .next_changes(drive.key, group, 0, 10)
        .await
        .unwrap()[0];
    settled.push(Settled {
        change: created.change,
        person: created.person,
        settlement: Settlement::Done(Some("9001".to_owned())),
        status: None,
    });
    bed.store.settle(drive.key, &settled, at(1)).await.unwrap();
    assert_eq!(
        states(&bed).await,
        ["1|done", "2|done", "4|failed", "6|withdrawn"]
    );
    assert_eq!(
        bed.lines("SELECT source_id, at, outcome, reason, record FROM v_errors ORDER BY source_id")
            .await,
        [
            r#"4|2026-11-23T00:01:00.000Z|failed|rejected|{"email":"4@acme.com"}"#,
            r#"5|2026-11-23T00:00:00.000Z|skipped|out_of_scope|{"email":"5@acme.com"}"#,
            r#"6|2026-11-23T00:01:00.000Z|failed|conflict|{"email":"6@acme.com"}"#,
        ]
    );
    let counts = bed.end(&drive, State::CompletedWithErrors, 2).await;
    assert!(counts.add_up());
    assert_eq!(
        bed.lines("SELECT seen, created, updated, unchanged, skipped, failed FROM v_runs")
            .await,
        ["6|1|1|1|1|2"]
    );
    bed.store
        .publish_outcomes(drive.key, None, at(2))
        .await
        .unwrap();
    assert_eq!(
        bed.lines("SELECT source_id, last_outcome, last_reason, oomnitza_id FROM v_people ORDER BY source_id").await,
        ["1|created||9001", "2|updated||72", "3|unchanged||", "4|failed|rejected|", "5|skipped|out_of_scope|", "6|failed|conflict|"]
    );
}

#[tokio::test]
async fn a_done_change_can_turn_out_to_have_failed() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    bed.deliver(&drive, 1).await;
    let change = bed
        .rows("SELECT change, person FROM changes WHERE action = 'create'")
        .await;
    let (store::Cell::Integer(change), store::Cell::Integer(person)) =
        (&change[0][0], &change[0][1])
    else {
        panic!("row ids are numbers")
    };
    let rejected = Settled {
        change: *change,
        person: *person,
        settlement: Settlement::Failed(Box::new(fault(Severity::Failed, "rejected"))),
        status: None,
    };
    bed.store
        .settle(drive.key, std::slice::from_ref(&rejected), at(2))
        .await
        .unwrap();
    let counts = bed.end(&drive, State::CompletedWithErrors, 2).await;
    assert_eq!((counts.created, counts.updated, counts.failed), (0, 3, 1));
    // But nobody fails twice in a run.
    let error = bed
        .store
        .settle(drive.key, &[rejected], at(3))
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Cause::Rule);
    assert_eq!(bed.count("errors").await, 2);
}

#[tokio::test]
async fn a_change_that_is_not_there_is_an_error() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    assert_eq!(
        bed.store.mark_sent(&[4711]).await.unwrap_err().cause(),
        Cause::Missing
    );
    let settled = Settled {
        change: 4711,
        person: 1,
        settlement: Settlement::Done(None),
        status: None,
    };
    let error = bed
        .store
        .settle(drive.key, &[settled], at(1))
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Cause::Missing);
}

#[tokio::test]
async fn the_rest_of_a_plan_is_withdrawn_with_one_reason() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    let first = bed
        .store
        .next_changes(drive.key, &updates(3), 0, 1)
        .await
        .unwrap();
    bed.store.mark_sent(&[first[0].change]).await.unwrap();
    let done = Settled {
        change: first[0].change,
        person: first[0].person,
        settlement: Settlement::Done(None),
        status: None,
    };
    bed.store.settle(drive.key, &[done], at(1)).await.unwrap();
    let not_attempted = fault(Severity::Failed, "not_attempted");
    bed.store
        .withdraw_rest(drive.key, &not_attempted, &not_attempted, at(2))
        .await
        .unwrap();
    assert_eq!(
        states(&bed).await,
        ["1|withdrawn", "2|done", "4|withdrawn", "6|withdrawn"]
    );
    assert!(bed.store.groups(drive.key).await.unwrap().is_empty());
    let counts = bed.end(&drive, State::Failed, 3).await;
    assert_eq!(
        (
            counts.seen,
            counts.updated,
            counts.failed,
            counts.unchanged,
            counts.skipped
        ),
        (6, 1, 3, 1, 1)
    );
}

#[tokio::test]
async fn a_run_whose_counts_do_not_add_up_cannot_end() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    let mut counts = drive.summary.counts;
    counts.seen += 1;
    let error = bed
        .store
        .end_run(drive.key, State::Completed, &counts, None, at(1))
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Cause::Rule);
    assert_eq!(bed.lines("SELECT state FROM v_runs").await, ["running"]);
    // Changes still under way leave a run short of outcomes as well.
    let counts = bed.store.outcomes(drive.key).await.unwrap();
    assert!(!counts.add_up());
}

#[tokio::test]
async fn a_planned_run_is_taken_up_once() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    bed.store
        .end_run(
            drive.key,
            State::Planned,
            &drive.summary.counts,
            None,
            at(1),
        )
        .await
        .unwrap();
    let decision = Decision {
        by: "ann".to_owned(),
        reason: None,
        at: at(2),
    };
    let parked = bed.store.take_up(drive.key, State::Parked, &decision);
    assert_eq!(parked.await.unwrap_err().cause(), Cause::Missing);
    let planned = bed.store.take_up(drive.key, State::Planned, &decision);
    planned.await.unwrap();
    assert_eq!(
        bed.lines("SELECT state, finished_at FROM v_runs").await,
        ["running|"]
    );
    let again = bed.store.take_up(drive.key, State::Planned, &decision);
    let error = again.await.unwrap_err();
    assert_eq!(error.cause(), Cause::Missing);
}

#[tokio::test]
async fn only_older_plans_of_the_integration_are_overtaken() {
    let bed = bed().await;
    let mut keys = Vec::new();
    for (integration, state) in [
        ("a", State::Planned),
        ("a", State::Parked),
        ("a", State::Completed),
        ("b", State::Planned),
        ("a", State::Running),
        ("a", State::Planned),
    ] {
        let drive = bed.begin_of(integration, false, false, 0).await;
        if state != State::Running {
            let none = store::Counts::default();
            bed.store
                .end_run(drive.key, state, &none, None, at(0))
                .await
                .unwrap();
        }
        keys.push(drive.key);
    }
    bed.store.overtake(keys[4]).await.unwrap();
    assert_eq!(
        bed.lines("SELECT integration, state FROM v_runs ORDER BY run_id")
            .await,
        [
            "a|overtaken",
            "a|overtaken",
            "a|completed",
            "b|planned",
            "a|running",
            "a|planned"
        ]
    );
}

#[tokio::test]
async fn a_portion_is_open_until_a_finalize_succeeded() {
    let bed = bed().await;
    let drive = planned(&bed).await;
    let portion = uuid::Uuid::new_v4();
    bed.store.open_portion(drive.key, portion).await.unwrap();
    let integration = drive.key.integration;
    assert_eq!(
        bed.store.open_portions(integration).await.unwrap(),
        [(drive.key.run, portion)]
    );
    bed.store.portion_finalized(drive.key.run).await.unwrap();
    assert!(
        bed.store
            .open_portions(integration)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        bed.lines("SELECT portion FROM v_runs").await,
        [portion.to_string()]
    );
}

#[tokio::test]
async fn a_run_can_be_asked_for_its_reasons_intents_and_people() {
    let bed = bed().await;
    let drive = bed.begin(false, false, 0).await;
    assert_eq!(bed.store.intents(drive.key).await.unwrap(), None);
    let drive = planned(&bed).await;
    assert_eq!(
        bed.store.intents(drive.key).await.unwrap(),
        Some(drive.summary.counts)
    );
    // Everybody but who is unchanged.
    let people = [0, 1, 3, 4, 5].map(|i| drive.people[i]);
    assert_eq!(bed.store.touched(drive.key).await.unwrap(), people);
    assert_eq!(drive.summary.presence.people(), drive.people);
    let not_attempted = fault(Severity::Failed, "not_attempted");
    bed.store
        .withdraw_rest(drive.key, &not_attempted, &not_attempted, at(1))
        .await
        .unwrap();
    assert_eq!(
        bed.store.reasons(drive.key).await.unwrap(),
        [
            ("failed".to_owned(), "not_attempted".to_owned(), 4),
            ("skipped".to_owned(), "out_of_scope".to_owned(), 1),
        ]
    );
}
