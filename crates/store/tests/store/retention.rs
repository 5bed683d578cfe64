//! Retention: what goes, what stays however old it is, and in what steps.

mod model;

use jiff::Timestamp;
use proptest::prelude::*;
use store::Verdict::{self, Unchanged};
use store::{
    Form, NewRun, NewRunSlot, NewSlot, Notice, PeerRequest, Pruning, Retention, SlotState, State,
};
use uuid::Uuid;

use crate::support::{Bed, Drive, INTEGRATION, Seen, at, bed, create, fail, seen, skip, update};
use model::{Left, expected};

const DAY: i64 = 24 * 60;
/// The last of them is something that the console sent without an id.
const IDS: [&str; 6] = ["1", "2", "3", "4", "5", ""];

fn day(day: i64) -> Timestamp {
    at(day * DAY)
}

/// Everything that is older than an instant goes.
fn all_before(instant: Timestamp) -> Retention {
    Retention {
        runs: instant,
        errors: instant,
        changes: instant,
        gone_people: instant,
    }
}

/// Makes a whole pass, at most `limit` rows at a time; says how many rows went.
async fn prune(bed: &Bed, retention: Retention, limit: u32) -> u64 {
    let mut pruning = Pruning::new(retention);
    let mut rows = 0;
    for _ in 0..10_000 {
        let step = bed.store.prune(&mut pruning, limit).await.unwrap();
        assert!(step.rows <= u64::from(limit));
        rows += step.rows;
        if !step.more {
            return rows;
        }
    }
    panic!("the pass has no end");
}

/// A user whose JSON and record are the `version`th.
fn version(id: &'static str, version: u32, verdict: Verdict) -> Seen {
    Seen {
        user: format!(r#"{{"id":"{id}","scope":"site","version":{version}}}"#),
        record: Some(format!(
            r#"{{"email":"{id}@acme.com","version":{version}}}"#
        )),
        ..seen(id, verdict)
    }
}

#[tokio::test]
async fn the_latest_of_everything_stays_however_old() {
    let bed = bed().await;
    bed.run(
        &[
            version("1", 1, update("7")),
            version("2", 1, fail("rejected")),
        ],
        0,
    )
    .await;
    bed.run(
        &[
            version("1", 2, update("7")),
            version("2", 2, fail("rejected")),
        ],
        DAY,
    )
    .await;
    let mut failed = bed.begin(false, false, 2 * DAY).await;
    bed.plan(&mut failed, &[], true, 2 * DAY).await;
    bed.end(&failed, State::Failed, 2 * DAY).await;
    let people = bed.lines("SELECT * FROM v_people").await;
    let open = bed.lines("SELECT * FROM v_open_errors").await;
    let runs = bed.lines("SELECT * FROM v_runs ORDER BY started_at").await;

    prune(&bed, all_before(day(1000)), 1000).await;
    assert_eq!(bed.lines("SELECT * FROM v_people").await, people);
    assert_eq!(bed.lines("SELECT * FROM v_open_errors").await, open);
    // The last run, and the last that completed, with the counts that they had.
    assert_eq!(
        bed.lines("SELECT * FROM v_runs ORDER BY started_at").await,
        runs[1..]
    );
    assert_eq!(bed.count("errors").await, 1);
    assert_eq!(bed.count("changes").await, 0);
    assert_eq!(bed.count("user_versions").await, 2);
    assert_eq!(bed.count("record_versions").await, 2);
}

#[tokio::test]
async fn a_run_that_an_open_error_was_found_in_stays_for_its_sake() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged), seen("2", Unchanged)], 0)
        .await;
    bed.run_only(&[seen("1", fail("rejected"))], DAY).await;
    // The latest word on 1 stays the one of the partial run, as another reads 2 alone.
    bed.run_only(&[seen("2", Unchanged)], 2 * DAY).await;
    bed.run_only(&[seen("2", Unchanged)], 3 * DAY).await;
    prune(&bed, all_before(day(1000)), 1000).await;
    let open = bed
        .lines("SELECT source_id, reason FROM v_open_errors")
        .await;
    assert_eq!(open, ["1|rejected"]);
    assert_eq!(bed.count("runs").await, 3);
}

#[tokio::test]
async fn a_plan_that_waits_stays_whole() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged), seen("2", Unchanged)], 0)
        .await;
    bed.run(&[seen("1", Unchanged)], DAY).await;
    let mut plan = bed.begin(false, false, 2 * DAY).await;
    let back = [seen("1", update("7")), seen("2", skip("no_sync_key"))];
    bed.plan(&mut plan, &back, true, 2 * DAY).await;
    let counts = plan.summary.counts;
    bed.store
        .end_run(plan.key, State::Parked, &counts, None, day(2))
        .await
        .unwrap();
    prune(&bed, all_before(day(1000)), 1000).await;
    assert_eq!(bed.count("people").await, 2);
    assert_eq!(bed.count("v_changes").await, 1);
    assert_eq!(bed.store.outcomes(plan.key).await.unwrap().skipped, 1);
    // Who is gone goes once the plan is out of the way.
    let ending = bed
        .store
        .end_run(plan.key, State::Discarded, &counts, None, day(3));
    ending.await.unwrap();
    prune(&bed, all_before(day(1000)), 1000).await;
    assert_eq!(bed.lines("SELECT source_id FROM v_people").await, ["1"]);
}

#[tokio::test]
async fn a_portion_that_is_open_keeps_its_run() {
    let bed = bed().await;
    let mut first = bed.begin(false, false, 0).await;
    bed.plan(&mut first, &[], true, 0).await;
    bed.store
        .open_portion(first.key, Uuid::now_v7())
        .await
        .unwrap();
    bed.end(&first, State::Failed, 0).await;
    bed.run(&[], DAY).await;
    prune(&bed, all_before(day(1000)), 1000).await;
    assert_eq!(bed.count("runs").await, 2);
    bed.store.portion_finalized(first.key.run).await.unwrap();
    prune(&bed, all_before(day(1000)), 1000).await;
    assert_eq!(bed.count("runs").await, 1);
}

#[tokio::test]
async fn who_is_gone_goes_with_everything_and_keeps_the_form_of_who_came_after() {
    let bed = bed().await;
    let matched = |id, oomnitza_id| Seen {
        matched: Some(oomnitza_id),
        ..seen(id, update(oomnitza_id))
    };
    bed.run(&[matched("1", "7"), matched("2", "8")], 0).await;
    // 3 is the same person as 1, made anew in the console.
    bed.run(&[matched("3", "7")], DAY).await;
    let integration = bed.store.integration(INTEGRATION).await.unwrap().key;
    let forms = ["7", "8"].map(|oomnitza_id| Form {
        oomnitza_id: oomnitza_id.to_owned(),
        field: "phone".to_owned(),
        sent: r#""1""#.to_owned(),
        shown: r#""2""#.to_owned(),
    });
    bed.store.remember_forms(integration, &forms).await.unwrap();
    keep_examples(&bed, integration, &["1", "3"]).await;

    let mut retention = all_before(day(0));
    prune(&bed, retention, 1000).await;
    assert_eq!(bed.count("people").await, 3);
    assert_eq!(bed.count("forms").await, 2);
    assert_eq!(bed.count("guard_examples").await, 2);
    retention.gone_people = day(2);
    prune(&bed, retention, 1).await;
    assert_eq!(bed.lines("SELECT source_id FROM v_people").await, ["3"]);
    assert_eq!(bed.lines("SELECT source_id FROM v_changes").await, ["3"]);
    assert_eq!(bed.count("user_versions").await, 1);
    assert_eq!(bed.count("record_versions").await, 1);
    assert_eq!(bed.lines("SELECT oomnitza_id FROM forms").await, ["7"]);
    // Which guard it was stays, with the examples of those who are there.
    assert_eq!(bed.count("guard_hits").await, 1);
    assert_eq!(
        bed.lines("SELECT source_id FROM guard_examples JOIN people USING (person)")
            .await,
        ["3"]
    );
    assert_eq!(bed.count("runs").await, 2);
}

/// Puts on record that the latest run was over a guard, with these users for its examples.
async fn keep_examples(bed: &Bed, integration: i64, ids: &[&str]) {
    let run = bed.lines("SELECT max(run) FROM runs").await;
    let key = store::RunKey {
        run: run[0].parse().unwrap(),
        integration,
    };
    let hit = store::GuardHit {
        guard: "create".to_owned(),
        found: 2,
        allowed: 1,
        base: None,
        message: "2 users would be made".to_owned(),
        examples: ids.iter().map(|&id| id.to_owned()).collect(),
    };
    let counts = store::Counts::default();
    bed.complete(key, &counts, None, &[hit], day(0)).await;
}

/// What a day leaves of the daemon: a slot and its run, a configuration, a life, a pause, a notice, a request.
async fn serve_a_day(bed: &Bed, integration: i64, days: i64) {
    let store = &bed.store;
    let now = day(days);
    let slot = NewSlot {
        integration,
        due_at: now,
    };
    let slot = store.notice_slots(&[slot], now).await.unwrap()[0].slot;
    let key = store
        .begin_run(&NewRun {
            run_id: Uuid::now_v7(),
            integration: INTEGRATION,
            trigger: "schedule",
            kind: store::Kind::Load,
            origin: None,
            dry_run: false,
            partial: false,
            started_at: now,
            config_hash: &format!("{days:012}"),
            slot: Some(NewRunSlot {
                slot,
                state: SlotState::Ran,
                note: None,
            }),
        })
        .await
        .unwrap();
    let counts = store::Counts::default();
    store
        .end_run(key, State::Completed, &counts, None, now)
        .await
        .unwrap();
    // The first of them waits for a retry that never came.
    if days > 0 {
        store.settle_slot(slot, SlotState::Ran, None).await.unwrap();
    }
    store
        .keep_configuration(integration, &format!("{days:012}"), "text", now)
        .await
        .unwrap();
    let service = store.begin_service(41, "0.1.0", now).await.unwrap();
    store.end_service(service, now).await.unwrap();
    let reason = format!("reason {days}");
    store.pause(None, &reason, "ada", now).await.unwrap();
    let notice = Notice::new("unverified", &reason, "no log");
    store.begin_notice(None, &notice, now).await.unwrap();
    if days < 2 {
        store.end_notices(None, "unverified", now).await.unwrap();
    }
    let request = PeerRequest {
        at: now,
        uid: 0,
        user: None,
        pid: None,
        command: "pause",
        subject: None,
        detail: None,
        answer: "done",
    };
    store.record_request(&request).await.unwrap();
}

#[tokio::test]
async fn the_daemons_own_history_goes_and_what_stands_or_is_in_force_stays() {
    let bed = bed().await;
    let store = &bed.store;
    let integration = store.integration(INTEGRATION).await.unwrap().key;
    for days in 0..4 {
        serve_a_day(&bed, integration, days).await;
    }
    store
        .keep_configuration(integration, "cccccccccccc", "in force", day(3))
        .await
        .unwrap();

    prune(&bed, all_before(day(2)), 2).await;
    let left = |sql: &'static str| bed.lines(sql);
    let days = |days: &[i64]| -> Vec<String> {
        let text = |day: &i64| day_text(*day);
        days.iter().map(text).collect()
    };
    assert_eq!(left("SELECT due_at FROM v_slots").await, days(&[0, 2, 3]));
    assert_eq!(left("SELECT due_at FROM v_runs").await, days(&[0, 2, 3]));
    assert_eq!(left("SELECT at FROM v_requests").await, days(&[2, 3]));
    // Those that another took the place of later were ended later.
    let pauses = "SELECT reason FROM pauses";
    assert_eq!(left(pauses).await, ["reason 1", "reason 2", "reason 3"]);
    let notices = "SELECT subject FROM v_notices";
    assert_eq!(left(notices).await, ["reason 2", "reason 3"]);
    let configurations = "SELECT config_hash FROM v_configurations ORDER BY since, config_hash";
    assert_eq!(
        left(configurations).await,
        [
            "000000000000",
            "000000000002",
            "000000000003",
            "cccccccccccc"
        ]
    );
    assert_eq!(bed.count("services").await, 2);

    prune(&bed, all_before(day(1000)), 1000).await;
    assert_eq!(bed.count("services").await, 1);
    assert_eq!(left(pauses).await, ["reason 3"]);
    assert_eq!(left(notices).await, ["reason 2", "reason 3"]);
    assert_eq!(
        left(configurations).await,
        ["000000000000", "000000000003", "cccccccccccc"]
    );
    assert_eq!(left("SELECT due_at FROM v_slots").await, days(&[0, 3]));
}

fn day_text(days: i64) -> String {
    day(days).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// What a day brings, of users each with its version and what is decided about it.
#[derive(Debug, Clone)]
enum Daily {
    Loads(Vec<(usize, u32, u8)>),
    LoadsSome(Vec<(usize, u32, u8)>),
    Plans(Vec<(usize, u32, u8)>, State, bool),
}

fn users() -> impl Strategy<Value = Vec<(usize, u32, u8)>> {
    prop::collection::btree_map(0..IDS.len(), (0..3_u32, 0..5_u8), 0..IDS.len()).prop_map(|users| {
        users
            .into_iter()
            .map(|(id, (version, verdict))| (id, version, verdict))
            .collect()
    })
}

fn daily() -> impl Strategy<Value = Daily> {
    let state = prop::sample::select(vec![
        State::Planned,
        State::Parked,
        State::Completed,
        State::Failed,
        State::Interrupted,
        State::Running,
    ]);
    prop_oneof![
        4 => users().prop_map(Daily::Loads),
        2 => users().prop_map(Daily::LoadsSome),
        2 => (users(), state, any::<bool>()).prop_map(|(users, state, dry)| Daily::Plans(users, state, dry)),
    ]
}

fn many(users: &[(usize, u32, u8)]) -> Vec<Seen> {
    users
        .iter()
        .map(|(id, number, verdict)| {
            let verdict = match verdict {
                _ if IDS[*id].is_empty() => skip("no_sync_key"),
                0 => create(),
                1 => update("7"),
                2 => skip("not_in_oomnitza"),
                3 => fail("rejected"),
                _ => Unchanged,
            };
            version(IDS[*id], *number, verdict)
        })
        .collect()
}

async fn live(bed: &Bed, what: &Daily, minutes: i64) {
    let drive: Drive = match what {
        Daily::Loads(users) => {
            bed.run(&many(users), minutes).await;
            return;
        }
        Daily::LoadsSome(users) => {
            bed.run_only(&many(users), minutes).await;
            return;
        }
        Daily::Plans(users, _, dry) => {
            let mut drive = bed.begin(*dry, false, minutes).await;
            bed.plan(&mut drive, &many(users), true, minutes).await;
            drive
        }
    };
    if let Daily::Plans(_, state, _) = what
        && *state != State::Running
    {
        let counts = drive.summary.counts;
        let ending = bed
            .store
            .end_run(drive.key, *state, &counts, None, at(minutes));
        ending.await.unwrap();
        if !matches!(state, State::Planned | State::Parked) {
            bed.store.overtake(drive.key).await.unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happened, and whatever is to go: what is left is what the rules say, in steps of any size, once and for all.
    #[test]
    fn what_is_left_is_what_the_rules_say(
        days in prop::collection::vec(daily(), 1..14),
        cutoffs in prop::array::uniform4(0..16_i64),
        limit in 1..20_u32,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bed = bed().await;
            for (number, what) in (0..).zip(&days) {
                live(&bed, what, number * DAY).await;
            }
            let [runs, errors, changes, gone_people] = cutoffs.map(day);
            let retention = Retention { runs, errors, changes, gone_people };
            let expected = expected(&bed, &retention).await;
            let state = "SELECT source_id, record, last_outcome, gone_since FROM v_people ORDER BY source_id";
            let latest = bed.lines(state).await;
            prune(&bed, retention, limit).await;
            let left = Left::read(&bed).await;
            prop_assert_eq!(&left, &expected);
            // Nobody's latest state changed.
            for person in bed.lines(state).await {
                prop_assert!(latest.contains(&person));
            }
            prop_assert_eq!(prune(&bed, retention, limit).await, 0);
            prop_assert_eq!(Left::read(&bed).await, left);
            prop_assert!(bed.rows("SELECT * FROM pragma_foreign_key_check").await.is_empty());
            Ok(())
        })?;
    }
}
