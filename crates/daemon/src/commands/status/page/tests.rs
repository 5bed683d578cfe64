use std::path::PathBuf;

use jiff::tz::TimeZoneDatabase;
use load::{Counts, Phase};

use super::*;
use crate::control::{ConfigStatus, LastRun, NextDue, NoticeStatus, RunningRun};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A daemon with one integration, and nothing wrong.
fn calm() -> Status {
    Status {
        pid: 4711,
        version: "0.1.0".to_owned(),
        since: at("2026-11-20T08:00:00Z"),
        config: ConfigStatus {
            path: PathBuf::from("/etc/rollcall/rollcall.yaml"),
            hash: "0123456789ab".to_owned(),
            loaded_at: at("2026-11-20T08:00:00Z"),
            faults: Vec::new(),
            timezone: "Europe/Berlin".to_owned(),
            restart: Vec::new(),
        },
        integrations: vec![IntegrationStatus {
            id: "users".to_owned(),
            name: "Users".to_owned(),
            config_hash: "ba9876543210".to_owned(),
            schedule: "at 02:00 (Europe/Berlin)".to_owned(),
            paused: None,
            next: Some(NextDue {
                due_at: at("2026-11-24T01:00:00Z"),
                start_at: at("2026-11-24T01:03:20Z"),
            }),
            running: None,
            waiting: None,
            last: Some(LastRun {
                run_id: "019ab1c2".to_owned(),
                state: State::Completed,
                trigger: "schedule".to_owned(),
                started_at: at("2026-11-23T01:03:20Z"),
                finished_at: at("2026-11-23T01:04:00Z"),
                counts: Counts {
                    seen: 1200,
                    unchanged: 1200,
                    ..Counts::default()
                },
                error: None,
            }),
        }],
        tokens: vec![TokenStatus {
            credential: "sentinelone".to_owned(),
            expires_at: Some(at("2027-05-01T22:00:00Z")),
            days_left: Some(160),
            source: "the console says".to_owned(),
        }],
        notices: Vec::new(),
        health: Vec::new(),
        metrics: None,
        timezones: "bundled with Rollcall (2026c)".to_owned(),
    }
}

fn shown(status: &Status) -> String {
    let zone = TimeZoneDatabase::bundled().get("Europe/Berlin").unwrap();
    page(status, &zone)
}

#[test]
fn nothing_is_to_be_looked_at_where_nothing_is_wrong() {
    insta::assert_snapshot!(shown(&calm()), @r"
    Rollcall 0.1.0 serves /etc/rollcall/rollcall.yaml since 2026-11-20 09:00:00 CET (process 4711)
    configuration 0123456789ab, read 2026-11-20 09:00:00 CET; time zones: bundled with Rollcall (2026c)

    ┌─────────────┬──────────────────────────┬──────┬───────────┬─────────────────────────┬──────┬────────┬─────────────────────────┐
    │ integration ┆ schedule                 ┆ now  ┆ last run  ┆ began                   ┆ seen ┆ failed ┆ due next                │
    ╞═════════════╪══════════════════════════╪══════╪═══════════╪═════════════════════════╪══════╪════════╪═════════════════════════╡
    │ users       ┆ at 02:00 (Europe/Berlin) ┆ idle ┆ completed ┆ 2026-11-23 02:03:20 CET ┆ 1200 ┆      0 ┆ 2026-11-24 02:03:20 CET │
    └─────────────┴──────────────────────────┴──────┴───────────┴─────────────────────────┴──────┴────────┴─────────────────────────┘

    ┌─────────────┬──────────────────────────┬───────────┬──────────────────┐
    │ token       ┆ ends                     ┆ days left ┆ source           │
    ╞═════════════╪══════════════════════════╪═══════════╪══════════════════╡
    │ sentinelone ┆ 2027-05-02 00:00:00 CEST ┆       160 ┆ the console says │
    └─────────────┴──────────────────────────┴───────────┴──────────────────┘
    ");
}

#[test]
fn what_is_wrong_comes_first() {
    let mut status = calm();
    status.health = vec!["the disk of `/var/lib/rollcall` is full".to_owned()];
    status.config.faults = vec!["rollcall.yaml:3:5: `nope` is unknown".to_owned()];
    status.config.restart = vec!["`state_dir` was changed: restart the daemon".to_owned()];
    status.tokens[0].days_left = Some(3);
    let token = TokenStatus {
        credential: "oomnitza".to_owned(),
        expires_at: None,
        days_left: None,
        source: "nobody says".to_owned(),
    };
    status.tokens.push(token);
    let last = status.integrations[0].last.as_mut().unwrap();
    last.state = State::Failed;
    last.error = Some("the console refused the token".to_owned());
    status.notices = vec![NoticeStatus {
        kind: "unverified".to_owned(),
        integration: Some("users".to_owned()),
        subject: None,
        message: "nobody knows what became of the load".to_owned(),
        since: at("2026-11-23T01:04:00Z"),
    }];
    insta::assert_snapshot!(shown(&status), @r"
    Rollcall 0.1.0 serves /etc/rollcall/rollcall.yaml since 2026-11-20 09:00:00 CET (process 4711)
    configuration 0123456789ab, read 2026-11-20 09:00:00 CET; time zones: bundled with Rollcall (2026c)

    to look at:
    - the disk of `/var/lib/rollcall` is full
    - the configuration file was changed and is refused; what was read 2026-11-20 09:00:00 CET stays in force:
        rollcall.yaml:3:5: `nope` is unknown
    - `state_dir` was changed: restart the daemon
    - the token of `sentinelone` ends in 3 days
    - users: the last run failed: the console refused the token
    - users: nobody knows what became of the load (since 2026-11-23 02:04:00 CET)

    ┌─────────────┬──────────────────────────┬──────┬──────────┬─────────────────────────┬──────┬────────┬─────────────────────────┐
    │ integration ┆ schedule                 ┆ now  ┆ last run ┆ began                   ┆ seen ┆ failed ┆ due next                │
    ╞═════════════╪══════════════════════════╪══════╪══════════╪═════════════════════════╪══════╪════════╪═════════════════════════╡
    │ users       ┆ at 02:00 (Europe/Berlin) ┆ idle ┆ failed   ┆ 2026-11-23 02:03:20 CET ┆ 1200 ┆      0 ┆ 2026-11-24 02:03:20 CET │
    └─────────────┴──────────────────────────┴──────┴──────────┴─────────────────────────┴──────┴────────┴─────────────────────────┘

    ┌─────────────┬──────────────────────────┬───────────┬──────────────────┐
    │ token       ┆ ends                     ┆ days left ┆ source           │
    ╞═════════════╪══════════════════════════╪═══════════╪══════════════════╡
    │ sentinelone ┆ 2027-05-02 00:00:00 CEST ┆         3 ┆ the console says │
    │ oomnitza    ┆                          ┆           ┆ nobody says      │
    └─────────────┴──────────────────────────┴───────────┴──────────────────┘
    ");
}

#[test]
fn what_goes_on_is_shown_with_how_far_it_is() {
    let mut status = calm();
    let calm = status.integrations[0].clone();
    status.integrations[0].running = Some(RunningRun {
        run_id: "019ab1c3".to_owned(),
        trigger: "schedule".to_owned(),
        since: at("2026-11-24T01:03:20Z"),
        progress: Progress {
            phase: Phase::Delivering,
            done: 120,
            total: Some(500),
        },
    });
    status.integrations.push(IntegrationStatus {
        id: "paused".to_owned(),
        paused: Some("paused by anna (uid 1000): the console moves".to_owned()),
        next: None,
        ..calm.clone()
    });
    status.integrations.push(IntegrationStatus {
        id: "waiting".to_owned(),
        waiting: Some("try 1 failed; the next is at 2026-11-24T01:10:00Z".to_owned()),
        last: None,
        ..calm.clone()
    });
    status.integrations.push(IntegrationStatus {
        id: "never".to_owned(),
        next: None,
        ..calm
    });
    insta::assert_snapshot!(shown(&status), @r"
    Rollcall 0.1.0 serves /etc/rollcall/rollcall.yaml since 2026-11-20 09:00:00 CET (process 4711)
    configuration 0123456789ab, read 2026-11-20 09:00:00 CET; time zones: bundled with Rollcall (2026c)

    ┌─────────────┬──────────────────────────┬────────────────────┬───────────┬─────────────────────────┬──────┬────────┬─────────────────────────┐
    │ integration ┆ schedule                 ┆ now                ┆ last run  ┆ began                   ┆ seen ┆ failed ┆ due next                │
    ╞═════════════╪══════════════════════════╪════════════════════╪═══════════╪═════════════════════════╪══════╪════════╪═════════════════════════╡
    │ users       ┆ at 02:00 (Europe/Berlin) ┆ delivering 120/500 ┆ completed ┆ 2026-11-23 02:03:20 CET ┆ 1200 ┆      0 ┆ 2026-11-24 02:03:20 CET │
    │ paused      ┆ at 02:00 (Europe/Berlin) ┆ paused             ┆ completed ┆ 2026-11-23 02:03:20 CET ┆ 1200 ┆      0 ┆                         │
    │ waiting     ┆ at 02:00 (Europe/Berlin) ┆ waiting            ┆ none yet  ┆                         ┆      ┆        ┆ 2026-11-24 02:03:20 CET │
    │ never       ┆ at 02:00 (Europe/Berlin) ┆ idle               ┆ completed ┆ 2026-11-23 02:03:20 CET ┆ 1200 ┆      0 ┆ never                   │
    └─────────────┴──────────────────────────┴────────────────────┴───────────┴─────────────────────────┴──────┴────────┴─────────────────────────┘
    users: run 019ab1c3 goes on since 2026-11-24 02:03:20 CET (schedule)
    paused: paused by anna (uid 1000): the console moves
    waiting: try 1 failed; the next is at 2026-11-24T01:10:00Z

    ┌─────────────┬──────────────────────────┬───────────┬──────────────────┐
    │ token       ┆ ends                     ┆ days left ┆ source           │
    ╞═════════════╪══════════════════════════╪═══════════╪══════════════════╡
    │ sentinelone ┆ 2027-05-02 00:00:00 CEST ┆       160 ┆ the console says │
    └─────────────┴──────────────────────────┴───────────┴──────────────────┘
    ");
}

#[test]
fn a_token_is_to_be_looked_at_from_two_weeks_before_its_end() {
    for (days_left, expect) in [
        (None, None),
        (Some(15), None),
        (Some(14), Some("ends in 14 days")),
        (Some(1), Some("ends in 1 day\n")),
        (Some(0), Some("ends within a day")),
        (Some(-1), Some("has ended")),
    ] {
        let mut status = calm();
        status.tokens[0].days_left = days_left;
        let page = shown(&status);
        match expect {
            Some(expect) => assert!(page.contains(expect), "{expect}: {page}"),
            None => assert!(!page.contains("to look at"), "{page}"),
        }
    }
}
