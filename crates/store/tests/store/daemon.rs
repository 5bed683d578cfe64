//! What the daemon remembers of itself: lives, ledgers, pauses, requests, configurations, tokens, notices.

use store::{Notice, Pause, PeerRequest, Service, State, Token};

use crate::support::{at, bed};

#[tokio::test]
async fn a_ledger_is_made_once_and_keeps_what_it_counts_from() {
    let bed = bed().await;
    let names = ["b", "it's \"a\"", "b"].map(str::to_owned);
    let ledgers = bed.store.ledgers(&names).await.unwrap();
    let found: Vec<_> = ledgers
        .iter()
        .map(|ledger| (ledger.name.as_str(), ledger.from, ledger.timing.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("b", None, None),
            ("it's \"a\"", None, None),
            ("b", None, None)
        ]
    );
    assert_eq!(ledgers[0].key, ledgers[2].key);
    assert_eq!(
        bed.store.integration("b").await.unwrap().key,
        ledgers[0].key
    );

    bed.store
        .begin_ledger(ledgers[0].key, at(7), "at 02:00")
        .await
        .unwrap();
    let ledgers = bed.store.ledgers(&names).await.unwrap();
    assert_eq!(ledgers[0].from, Some(at(7)));
    assert_eq!(ledgers[0].timing.as_deref(), Some("at 02:00"));
    assert_eq!(ledgers[1].from, None);
    assert_eq!(bed.count("integrations").await, 2);
    assert!(bed.store.ledgers(&[]).await.unwrap().is_empty());
    let unknown = bed.store.begin_ledger(99, at(7), "at 02:00").await;
    assert_eq!(unknown.unwrap_err().cause(), store::Cause::Missing);
}

#[tokio::test]
async fn a_daemon_killed_before_it_looked_leaves_the_due_times_to_the_next() {
    let bed = bed().await;
    assert_eq!(bed.store.last_service().await.unwrap(), None);
    let first = bed.store.begin_service(41, "0.1.0", at(0)).await.unwrap();
    bed.store.service_alive(first, at(5)).await.unwrap();
    bed.store.end_service(first, at(6)).await.unwrap();
    assert_eq!(
        bed.store.last_service().await.unwrap(),
        Some(Service {
            pid: 41,
            version: "0.1.0".to_owned(),
            started_at: at(0),
            alive_at: at(5),
            stopped_at: Some(at(6)),
        })
    );
    // Killed at once: nobody has looked at what was due since minute 5.
    bed.store.begin_service(42, "0.2.0", at(60)).await.unwrap();
    let killed = bed.store.last_service().await.unwrap().unwrap();
    assert_eq!((killed.pid, killed.started_at), (42, at(60)));
    assert_eq!((killed.alive_at, killed.stopped_at), (at(5), None));
    let third = bed.store.begin_service(43, "0.2.0", at(61)).await.unwrap();
    bed.store.service_alive(third, at(62)).await.unwrap();
    let alive = bed.store.last_service().await.unwrap().unwrap();
    assert_eq!((alive.pid, alive.alive_at), (43, at(62)));
}

#[tokio::test]
async fn a_pause_stands_until_somebody_resumes() {
    let bed = bed().await;
    let store = &bed.store;
    let anna = "anna (uid 1000)";
    assert!(store.pause(Some("a"), "audit", anna, at(0)).await.unwrap());
    assert!(
        store
            .pause(None, "holidays", "root (uid 0)", at(1))
            .await
            .unwrap()
    );
    // A new reason takes the place of the old one.
    assert!(
        !store
            .pause(Some("a"), "longer audit", anna, at(2))
            .await
            .unwrap()
    );
    let of_all = Pause {
        integration: None,
        reason: "holidays".to_owned(),
        by: "root (uid 0)".to_owned(),
        since: at(1),
    };
    let of_a = Pause {
        integration: Some("a".to_owned()),
        reason: "longer audit".to_owned(),
        by: anna.to_owned(),
        since: at(2),
    };
    assert_eq!(store.pauses().await.unwrap(), [of_all, of_a.clone()]);

    assert!(store.resume(None, anna, at(3)).await.unwrap());
    assert!(!store.resume(None, anna, at(4)).await.unwrap());
    assert!(!store.resume(Some("unknown"), anna, at(4)).await.unwrap());
    assert_eq!(store.pauses().await.unwrap(), [of_a]);
    assert!(store.resume(Some("a"), anna, at(5)).await.unwrap());
    assert!(store.pauses().await.unwrap().is_empty());
    assert_eq!(
        bed.lines("SELECT reason, until IS NOT NULL, resumed_by FROM pauses ORDER BY pause")
            .await,
        [
            "audit|1|",
            "holidays|1|anna (uid 1000)",
            "longer audit|1|anna (uid 1000)",
        ]
    );
}

#[tokio::test]
async fn what_was_asked_is_on_record_with_who_asked() {
    let bed = bed().await;
    let cancel = PeerRequest {
        at: at(1),
        uid: u32::MAX,
        user: None,
        pid: Some(4711),
        command: "cancel",
        subject: Some("0199"),
        detail: None,
        answer: "there is no such run",
    };
    bed.store.record_request(&cancel).await.unwrap();
    let pause = PeerRequest {
        uid: 1000,
        user: Some("anna"),
        pid: None,
        command: "pause",
        subject: None,
        detail: Some("holidays"),
        answer: "paused",
        ..cancel
    };
    bed.store.record_request(&pause).await.unwrap();
    assert_eq!(
        bed.lines("SELECT * FROM v_requests ORDER BY command").await,
        [
            "2026-11-23T00:01:00.000Z|4294967295||4711|cancel|0199||there is no such run",
            "2026-11-23T00:01:00.000Z|1000|anna||pause||holidays|paused",
        ]
    );
}

#[tokio::test]
async fn a_configuration_is_kept_once_and_found_by_its_runs() {
    let bed = bed().await;
    let store = &bed.store;
    let drive = bed.begin(false, false, 1).await;
    let key = drive.key.integration;
    let run_id = drive.run_id.to_string();
    assert_eq!(store.configuration_of_run(&run_id).await.unwrap(), None);
    let hash = "0123456789ab";
    store
        .keep_configuration(key, hash, "id: a\n", at(0))
        .await
        .unwrap();
    store
        .keep_configuration(key, hash, "id: other\n", at(1))
        .await
        .unwrap();
    let other = store.integration("other").await.unwrap().key;
    store
        .keep_configuration(other, hash, "id: other\n", at(2))
        .await
        .unwrap();
    assert_eq!(
        store
            .configuration_of_run(&run_id)
            .await
            .unwrap()
            .as_deref(),
        Some("id: a\n")
    );
    assert_eq!(store.configuration_of_run("nobody's").await.unwrap(), None);
    assert_eq!(
        bed.lines("SELECT * FROM v_configurations WHERE integration <> 'other'")
            .await,
        ["sentinelone-users|0123456789ab|2026-11-23T00:00:00.000Z|id: a\n"]
    );
}

#[tokio::test]
async fn the_latest_word_on_a_token_is_kept() {
    let bed = bed().await;
    let token = |credential: &str, expires_at, read_at, owner: Option<&str>| Token {
        credential: credential.to_owned(),
        expires_at,
        read_at,
        owner_id: owner.map(|_| "225".to_owned()),
        owner: owner.map(str::to_owned),
    };
    let first = token("console", Some(at(90)), at(0), None);
    let acme = token("acme", None, at(1), None);
    let console = token("console", Some(at(99)), at(2), Some("Anna <anna@acme.com>"));
    for told in [&first, &acme, &console] {
        bed.store.keep_token(told).await.unwrap();
    }
    assert_eq!(bed.store.tokens().await.unwrap(), [acme, console]);
}

#[tokio::test]
async fn a_notice_of_the_installation_is_no_notice_of_an_integration() {
    let bed = bed().await;
    let store = &bed.store;
    let key = store.integration("a").await.unwrap().key;
    let notice = Notice::new("token_ends", "console", "the token ends soon");
    assert!(store.begin_notice(None, &notice, at(0)).await.unwrap());
    assert!(!store.begin_notice(None, &notice, at(1)).await.unwrap());
    assert!(store.begin_notice(Some(key), &notice, at(2)).await.unwrap());
    let standing = async || {
        let rows = store.standing_notices().await.unwrap();
        let told = rows.into_iter().map(|row| {
            let whose = row.notice.integration.as_deref().unwrap_or("-").to_owned();
            format!("{whose} {} {}", row.notice.message, row.since)
        });
        told.collect::<Vec<_>>()
    };
    let of = |whose: &str, since| format!("{whose} the token ends soon {since}");
    assert_eq!(standing().await, [of("-", at(0)), of("a", at(2))]);
    assert_eq!(
        store.end_notices(None, "token_ends", at(3)).await.unwrap(),
        1
    );
    assert_eq!(
        store.end_notices(None, "token_ends", at(4)).await.unwrap(),
        0
    );
    assert_eq!(standing().await, [of("a", at(2))]);
    assert!(store.begin_notice(None, &notice, at(5)).await.unwrap());
}

#[tokio::test]
async fn the_latest_run_that_is_over_is_told_of_each_integration() {
    let bed = bed().await;
    assert!(bed.store.last_runs().await.unwrap().is_empty());
    bed.store.integration("never run").await.unwrap();
    for name in ["b", "a"] {
        let older = bed.begin_of(name, false, false, 1).await;
        bed.end(&older, State::Completed, 2).await;
    }
    let newer = bed.begin_of("a", true, false, 3).await;
    bed.end(&newer, State::Failed, 4).await;
    let _goes_on = bed.begin_of("a", false, false, 5).await;
    let runs = bed.store.last_runs().await.unwrap();
    let told: Vec<_> = runs
        .iter()
        .map(|run| {
            (
                run.integration.as_str(),
                run.state,
                run.dry_run,
                run.finished_at,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("a", State::Failed, true, at(4)),
            ("b", State::Completed, false, at(2)),
        ]
    );
    assert_eq!(runs[0].run_id, newer.run_id.to_string());
    assert_eq!(
        (runs[0].started_at, runs[0].trigger.as_str()),
        (at(3), "manual")
    );
}

#[tokio::test]
async fn integrations_with_something_unfinished_are_told_by_name() {
    let bed = bed().await;
    for name in ["done", "portion", "running", "both"] {
        let drive = bed.begin_of(name, false, false, 1).await;
        if name == "portion" || name == "both" {
            let portion = uuid::Uuid::new_v4();
            bed.store.open_portion(drive.key, portion).await.unwrap();
        }
        if name == "done" || name == "portion" {
            bed.end(&drive, State::Failed, 2).await;
        }
    }
    assert_eq!(
        bed.store.unfinished_integrations().await.unwrap(),
        ["both", "portion", "running"]
    );
}
