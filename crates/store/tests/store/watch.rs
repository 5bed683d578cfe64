//! Notices that follow how things are, the outboxes of those who are told, and what a read shows that is new.

use store::{Notice, NoticeEvent, State};

use crate::support::{Bed, INTEGRATION, at, bed, create, seen, skip};

const KINDS: &[&str] = &["token_expiring", "disk_low"];

fn token(stage: &str) -> Notice {
    let message = format!("the token ends in {stage} days");
    Notice::new("token_expiring", "console", message).in_stage(stage)
}

/// Makes the notices be these, and says what began and what is over.
async fn reconcile(bed: &Bed, wanted: &[Notice], minutes: i64) -> (Vec<String>, Vec<String>) {
    let done = bed
        .store
        .reconcile_notices(KINDS, wanted, at(minutes))
        .await
        .unwrap();
    let words = |rows: Vec<store::NoticeRow>| {
        let words = rows
            .into_iter()
            .map(|row| format!("{} {}", row.notice.kind, row.notice.stage));
        words.map(|words| words.trim().to_owned()).collect()
    };
    (words(done.began), words(done.ended))
}

fn is(began: &[&str], ended: &[&str]) -> (Vec<String>, Vec<String>) {
    let own = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    (own(began), own(ended))
}

#[tokio::test]
async fn a_notice_begins_once_and_is_over_once() {
    let bed = bed().await;
    let disk = Notice::new("disk_low", "", "the disk is nearly full");
    assert_eq!(
        reconcile(&bed, std::slice::from_ref(&disk), 0).await,
        is(&["disk_low"], &[])
    );
    for minutes in 1..4 {
        assert_eq!(
            reconcile(&bed, std::slice::from_ref(&disk), minutes).await,
            is(&[], &[])
        );
    }
    assert_eq!(reconcile(&bed, &[], 4).await, is(&[], &["disk_low"]));
    assert_eq!(reconcile(&bed, &[], 5).await, is(&[], &[]));
    assert_eq!(reconcile(&bed, &[disk], 6).await, is(&["disk_low"], &[]));
}

#[tokio::test]
async fn a_notice_of_another_kind_is_left_alone() {
    let bed = bed().await;
    let key = bed.store.integration("a").await.unwrap().key;
    let unverified = Notice::new("unverified", "", "no log");
    bed.store
        .begin_notice(Some(key), &unverified, at(0))
        .await
        .unwrap();
    assert_eq!(reconcile(&bed, &[], 1).await, is(&[], &[]));
    assert_eq!(bed.store.standing_notices().await.unwrap().len(), 1);
}

#[tokio::test]
async fn another_stage_takes_the_place_of_the_one_before_and_its_end_is_no_news() {
    let bed = bed().await;
    assert_eq!(
        reconcile(&bed, &[token("14")], 0).await,
        is(&["token_expiring 14"], &[])
    );
    assert_eq!(
        reconcile(&bed, &[token("7")], 1).await,
        is(&["token_expiring 7"], &[])
    );
    assert_eq!(
        reconcile(&bed, &[], 2).await,
        is(&[], &["token_expiring 7"])
    );
    let told = told(&bed).await;
    assert_eq!(
        told,
        ["began 7", "ended 7"],
        "the stage before was never told, and is outdated"
    );
}

/// Routes everything to one channel and takes it out.
async fn told(bed: &Bed) -> Vec<String> {
    let everybody = |_: &store::NoticeRow, _| vec!["a".to_owned()];
    bed.store.route_notices(everybody, at(9)).await.unwrap();
    let mut told = Vec::new();
    for message in bed.store.outbox("a").await.unwrap() {
        told.push(format!(
            "{} {}",
            message.event.as_str(),
            message.notice.notice.stage
        ));
        bed.store.drop_message(message.key).await.unwrap();
    }
    told
}

#[tokio::test]
async fn who_was_told_of_a_stage_hears_of_the_next_and_of_the_end_once() {
    let bed = bed().await;
    let mut heard = Vec::new();
    for (minutes, stage) in ["14", "14", "7", "1", "", ""].iter().enumerate() {
        let wanted = if stage.is_empty() {
            vec![]
        } else {
            vec![token(stage)]
        };
        reconcile(&bed, &wanted, i64::try_from(minutes).unwrap()).await;
        heard.extend(told(&bed).await);
    }
    assert_eq!(heard, ["began 14", "began 7", "began 1", "ended 1"]);
}

#[tokio::test]
async fn a_message_waits_in_its_outbox_until_it_is_told() {
    let bed = bed().await;
    reconcile(&bed, &[token("7")], 0).await;
    let wants = |row: &store::NoticeRow, event| match (row.notice.kind.as_str(), event) {
        ("token_expiring", NoticeEvent::Began) => vec!["a".to_owned(), "b".to_owned()],
        _ => vec!["b".to_owned()],
    };
    assert_eq!(bed.store.route_notices(wants, at(1)).await.unwrap(), 2);
    assert_eq!(bed.store.route_notices(wants, at(2)).await.unwrap(), 0);
    let message = bed.store.outbox("a").await.unwrap().remove(0);
    assert_eq!((message.tries, message.next_try_at), (0, at(1)));
    bed.store
        .postpone_message(message.key, at(5))
        .await
        .unwrap();
    let message = bed.store.outbox("a").await.unwrap().remove(0);
    assert_eq!((message.tries, message.next_try_at), (1, at(5)));
    bed.store.drop_message(message.key).await.unwrap();
    assert!(bed.store.outbox("a").await.unwrap().is_empty());

    reconcile(&bed, &[], 6).await;
    assert_eq!(bed.store.route_notices(wants, at(7)).await.unwrap(), 1);
    let events: Vec<_> = bed.store.outbox("b").await.unwrap();
    let events: Vec<_> = events.iter().map(|message| message.event).collect();
    assert_eq!(events, [NoticeEvent::Began, NoticeEvent::Ended]);
    assert_eq!(bed.store.keep_outboxes(&["a"]).await.unwrap(), 2);
    assert!(bed.store.outbox("b").await.unwrap().is_empty());
}

fn user(id: &'static str, role: &str, phone: &str) -> crate::support::Seen {
    let mut seen = seen(id, skip("not_in_oomnitza"));
    seen.user = format!(
        r#"{{"id":"{id}","scope":"site","source":"mgmt","lowestRole":"{role}","phone":{phone},"scopeRoles":[]}}"#
    );
    seen
}

#[tokio::test]
async fn what_nobody_had_before_is_new_until_the_next_complete_read() {
    let bed = bed().await;
    let learn = async || {
        let learned = bed
            .store
            .learn(INTEGRATION, &["phone", "scope"])
            .await
            .unwrap();
        let new = learned
            .new
            .into_iter()
            .map(|new| format!("{} {}", new.field, new.value));
        (new.collect::<Vec<_>>(), learned.gone)
    };
    let none = (Vec::<String>::new(), Vec::<String>::new());
    assert_eq!(learn().await, none, "nothing was read yet");
    bed.run(&[user("1", "Viewer", "\"1\"")], 0).await;
    assert_eq!(learn().await, none, "the first read is what there is");
    bed.run(
        &[user("1", "Viewer", "\"1\""), user("2", "Admin", "null")],
        1,
    )
    .await;
    let admin = (vec!["role Admin".to_owned()], Vec::new());
    assert_eq!(learn().await, admin);
    assert_eq!(learn().await, admin, "asking again changes nothing");
    bed.run(
        &[user("1", "Viewer", "\"\""), user("2", "Admin", "null")],
        2,
    )
    .await;
    assert_eq!(learn().await, (Vec::new(), vec!["phone".to_owned()]));
    bed.run(
        &[user("1", "Viewer", "\"2\""), user("2", "Admin", "null")],
        3,
    )
    .await;
    assert_eq!(learn().await, none);
    // A role that somebody had once is not new.
    bed.run(&[user("1", "Viewer", "\"2\"")], 4).await;
    assert_eq!(learn().await, none);
    bed.run(&[user("1", "Admin", "\"2\"")], 5).await;
    assert_eq!(learn().await, none);
}

#[tokio::test]
async fn loads_that_count_are_told_the_latest_first() {
    let bed = bed().await;
    bed.run(&[seen("1", create())], 0).await;
    let dry = bed.begin(true, false, 1).await;
    bed.end(&dry, State::Completed, 1).await;
    let partial = bed.begin(false, true, 2).await;
    bed.end(&partial, State::Completed, 2).await;
    let failed = bed.begin(false, false, 3).await;
    bed.end(&failed, State::Failed, 3).await;
    let _goes_on = bed.begin(false, false, 4).await;
    let states: Vec<_> = bed.store.past_runs(INTEGRATION, 10).await.unwrap();
    let states: Vec<_> = states.iter().map(|run| run.state).collect();
    assert_eq!(states, [State::Failed, State::Completed]);
    let (success, _) = bed.store.last_success(INTEGRATION).await.unwrap();
    assert!(success.unwrap() < at(3));
    assert_eq!(
        bed.store.last_success("nobody").await.unwrap(),
        (None, None)
    );
}
