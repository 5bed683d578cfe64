//! The views that are promised: their columns, and what they show.

use store::Verdict::Unchanged;
use store::{Cell, State};

use crate::support::{at, at_text, bed, create, seen, skip, text, update};

#[tokio::test]
async fn the_promised_views_have_the_promised_columns_in_order() {
    let bed = bed().await;
    for (view, columns) in [
        (
            "v_runs",
            "run_id, integration, trigger, state, dry_run, started_at, finished_at, duration_ms, seen, created, updated, unchanged, skipped, failed, deactivated, source_calls, target_calls, config_hash, portion, error, due_at, kind, of_run_id, decision, decided_at, decided_by, decision_reason",
        ),
        (
            "v_errors",
            "run_id, integration, at, source_id, email, full_name, outcome, reason, field, message, hint, resolved_at, record",
        ),
        (
            "v_open_errors",
            "run_id, integration, at, source_id, email, full_name, outcome, reason, field, message, hint, resolved_at, record, since, runs",
        ),
        (
            "v_people",
            "integration, source_id, email, full_name, scope, role, source, two_fa_enabled, two_fa_status, email_verified, is_system, date_joined, first_login, last_login, api_token_expires_at, oomnitza_id, oomnitza_suspended, last_outcome, last_reason, first_seen_at, last_seen_at, gone_since, record",
        ),
        (
            "v_access",
            "integration, source_id, email, scope_level, scope_id, scope_name, account_name, role_id, role_name",
        ),
        (
            "v_changes",
            "run_id, integration, source_id, email, oomnitza_id, action, state, before, after, left_alone, status, target, error",
        ),
        (
            "v_saas_users",
            "integration, source_id, email, saas_id, oomnitza_id, assigned_by_rollcall, activity, external_id, roles",
        ),
        (
            "v_guards",
            "run_id, integration, guard, found, allowed, base, message, examples",
        ),
        (
            "v_error_groups",
            "run_id, integration, outcome, reason, field, value, cause, users, open, examples, hint, yaml",
        ),
        (
            "v_open_error_groups",
            "integration, outcome, reason, field, value, cause, users, examples, hint, yaml, since, runs",
        ),
        ("v_slots", "integration, due_at, state, run_id, note"),
        (
            "v_requests",
            "at, uid, user, pid, command, subject, detail, answer",
        ),
        ("v_configurations", "integration, config_hash, since, text"),
        (
            "v_notices",
            "kind, integration, subject, message, since, until, hint, details",
        ),
        (
            "v_actions",
            "action_id, workflow, preset, source_id, email, state, requested_by, reason, at, status, answer",
        ),
    ] {
        let answer = bed
            .store
            .select(format!("SELECT * FROM {view}"), &[])
            .await
            .unwrap();
        assert_eq!(answer.columns.join(", "), columns, "{view}");
        assert!(answer.rows.is_empty(), "{view}");
    }
}

#[tokio::test]
async fn v_runs_shows_a_run_from_its_beginning_to_its_end() {
    let bed = bed().await;
    let mut drive = bed.begin(false, false, 0).await;
    let columns = "state, dry_run, started_at, finished_at, duration_ms, seen, created, source_calls, target_calls, portion, error";
    assert_eq!(
        bed.lines(&format!("SELECT {columns} FROM v_runs")).await,
        ["running|0|2026-11-23T00:00:00.000Z|||0|0|0|0||"]
    );
    bed.plan(&mut drive, &[seen("1", create())], true, 1).await;
    bed.store.count_calls(drive.key, 3, 2).await.unwrap();
    bed.store.count_calls(drive.key, 1, 1).await.unwrap();
    bed.deliver(&drive, 2).await;
    bed.end(&drive, State::Completed, 3).await;
    assert_eq!(
        bed.lines(&format!("SELECT {columns} FROM v_runs")).await,
        ["completed|0|2026-11-23T00:00:00.000Z|2026-11-23T00:03:00.000Z|180000|1|1|4|3||"]
    );
    assert_eq!(
        bed.rows("SELECT run_id, integration, trigger, config_hash, deactivated FROM v_runs")
            .await,
        [[
            text(&drive.run_id.to_string()),
            text("sentinelone-users"),
            text("manual"),
            text("0123456789ab"),
            Cell::Integer(0)
        ]]
    );
}

#[tokio::test]
async fn v_people_reads_all_spellings_of_a_time() {
    let bed = bed().await;
    for (written, shown) in [
        ("2026-02-03T04:05:26.257525Z", "2026-02-03T04:05:26.257Z"),
        ("2026-02-03T04:05:26.999999Z", "2026-02-03T04:05:26.999Z"),
        ("2026-02-03T04:05:20Z", "2026-02-03T04:05:20.000Z"),
        ("2026-02-03T04:05:20", "2026-02-03T04:05:20.000Z"),
        ("2026-02-03T04:05:20.5", "2026-02-03T04:05:20.500Z"),
        (
            "2026-02-03T04:05:20.123456+02:00",
            "2026-02-03T02:05:20.123Z",
        ),
        ("2026-02-03T04:05:20+02:00", "2026-02-03T02:05:20.000Z"),
        ("", ""),
        ("soon", ""),
    ] {
        let mut user = seen("1", Unchanged);
        user.user = format!(
            r#"{{"dateJoined":"{written}","firstLogin":"{written}","lastLogin":"{written}","apiToken":{{"expiresAt":"{written}"}}}}"#
        );
        bed.run(&[user], 0).await;
        assert_eq!(
            bed.lines(
                "SELECT date_joined, first_login, last_login, api_token_expires_at FROM v_people"
            )
            .await,
            [[shown; 4].join("|")],
            "{written}"
        );
    }
}

#[tokio::test]
async fn v_people_shows_booleans_as_numbers_and_what_is_empty_as_null() {
    let bed = bed().await;
    let mut full = seen("1", update("77"));
    full.user =
        r#"{"scope":"account","lowestRole":"Viewer","source":"sso_saml","twoFaEnabled":true,
        "twoFaStatus":"enrolled","emailVerified":false,"isSystem":false}"#
            .to_owned();
    full.matched = Some("77");
    let mut bare = seen("2", skip("not_in_oomnitza"));
    bare.user = r#"{"scope":"tenant","lowestRole":"","source":null,"apiToken":null}"#.to_owned();
    bare.record = None;
    bed.run(&[full, bare], 5).await;
    let (yes, no) = (Cell::Integer(1), Cell::Integer(0));
    assert_eq!(
        bed.rows("SELECT * FROM v_people ORDER BY source_id").await,
        [
            [
                text("sentinelone-users"),
                text("1"),
                text("1@acme.com"),
                text("Ada Lovelace"),
                text("account"),
                text("Viewer"),
                text("sso_saml"),
                yes,
                text("enrolled"),
                no.clone(),
                no.clone(),
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                text("77"),
                no,
                text("updated"),
                Cell::Null,
                at_text(5),
                at_text(5),
                Cell::Null,
                text(r#"{"email":"1@acme.com"}"#),
            ],
            [
                text("sentinelone-users"),
                text("2"),
                text("2@acme.com"),
                text("Ada Lovelace"),
                text("tenant"),
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                text("skipped"),
                text("not_in_oomnitza"),
                at_text(5),
                at_text(5),
                Cell::Null,
                Cell::Null,
            ],
        ]
    );
}

#[tokio::test]
async fn v_access_has_a_row_for_each_scope_and_role_and_names_custom_roles() {
    let bed = bed().await;
    let mut user = seen("1", Unchanged);
    user.user = r#"{"scope":"site","scopeRoles":[
        {"id":"10","name":"Dublin","accountName":"Acme","roleId":"500","roleName":"Admin"},
        {"id":"10","name":"Dublin","accountName":"Acme","roleId":"500","roleName":"Admin"},
        {"id":"11","name":"Cork","accountName":"Acme","roleId":"501","roleName":""},
        {"id":"12","name":"Galway","accountName":null,"roleId":"502"},
        {"roleId":"500","roleName":"Admin"}
    ]}"#
    .to_owned();
    let mut none = seen("2", Unchanged);
    none.user = r#"{"scope":"tenant","scopeRoles":null}"#.to_owned();
    let mut odd = seen("3", Unchanged);
    odd.user = r#"{"scope":"tenant","scopeRoles":"Admin"}"#.to_owned();
    bed.run(&[user, none, odd], 0).await;
    let key = bed
        .store
        .integration("sentinelone-users")
        .await
        .unwrap()
        .key;
    let roles = [("501".to_owned(), "Night shift".to_owned())];
    bed.store.replace_roles(key, &roles).await.unwrap();
    let access = "SELECT source_id, email, scope_level, scope_id, scope_name, account_name, role_id, role_name
                  FROM v_access ORDER BY scope_id";
    assert_eq!(
        bed.lines(access).await,
        [
            "1|1@acme.com|site||||500|Admin",
            "1|1@acme.com|site|10|Dublin|Acme|500|Admin",
            "1|1@acme.com|site|11|Cork|Acme|501|Night shift",
            "1|1@acme.com|site|12|Galway||502|502",
        ]
    );
    // A role that was deleted in the console is named no more.
    bed.store.replace_roles(key, &[]).await.unwrap();
    assert_eq!(
        bed.lines(access).await[2],
        "1|1@acme.com|site|11|Cork|Acme|501|501"
    );
}

#[tokio::test]
async fn v_changes_shows_what_was_before_and_what_is_sent() {
    let bed = bed().await;
    let mut drive = bed.begin(true, false, 0).await;
    let users = [seen("1", update("77")), seen("2", create())];
    bed.plan(&mut drive, &users, true, 0).await;
    assert_eq!(
        bed.lines("SELECT integration, source_id, email, oomnitza_id, action, state, before, after FROM v_changes").await,
        [
            r#"sentinelone-users|1|1@acme.com|77|update|planned|{"email":"old@acme.com"}|{"email":"new@acme.com"}"#,
            r#"sentinelone-users|2|2@acme.com||create|planned||{"email":"new@acme.com"}"#,
        ]
    );
    bed.deliver(&drive, 1).await;
    assert_eq!(
        bed.lines("SELECT source_id, oomnitza_id, state FROM v_changes")
            .await,
        ["1|77|done", "2|9001|done"]
    );
}

#[tokio::test]
async fn v_errors_shows_the_record_that_failed_not_the_one_of_today() {
    let bed = bed().await;
    let mut user = seen("1", skip("not_in_oomnitza"));
    bed.run(std::slice::from_ref(&user), 0).await;
    user.record = Some(r#"{"email":"other@acme.com"}"#.to_owned());
    bed.run(std::slice::from_ref(&user), 1).await;
    user.record = None;
    bed.run(&[user], 2).await;
    assert_eq!(
        bed.lines("SELECT at, outcome, reason, field, message, record FROM v_errors ORDER BY at")
            .await,
        [
            r#"2026-11-23T00:00:00.000Z|skipped|not_in_oomnitza|email|the user is not_in_oomnitza|{"email":"1@acme.com"}"#,
            r#"2026-11-23T00:01:00.000Z|skipped|not_in_oomnitza|email|the user is not_in_oomnitza|{"email":"other@acme.com"}"#,
            "2026-11-23T00:02:00.000Z|skipped|not_in_oomnitza|email|the user is not_in_oomnitza|",
        ]
    );
}

#[tokio::test]
async fn a_notice_stands_once_until_it_ends() {
    let bed = bed().await;
    let key = bed
        .store
        .integration("sentinelone-users")
        .await
        .unwrap()
        .key;
    let notice = store::Notice::new("another_form", "phone", "phone is shown in another form");
    assert!(
        bed.store
            .begin_notice(Some(key), &notice, at(0))
            .await
            .unwrap()
    );
    assert!(
        !bed.store
            .begin_notice(Some(key), &notice, at(1))
            .await
            .unwrap()
    );
    assert_eq!(
        bed.store
            .end_notices(Some(key), "another_form", at(2))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        bed.store
            .end_notices(Some(key), "another_form", at(3))
            .await
            .unwrap(),
        0
    );
    assert!(
        bed.store
            .begin_notice(Some(key), &notice, at(4))
            .await
            .unwrap()
    );
    assert_eq!(
        bed.lines(
            "SELECT kind, integration, subject, message, since, until FROM v_notices ORDER BY since"
        )
        .await,
        [
            "another_form|sentinelone-users|phone|phone is shown in another form|2026-11-23T00:00:00.000Z|2026-11-23T00:02:00.000Z",
            "another_form|sentinelone-users|phone|phone is shown in another form|2026-11-23T00:04:00.000Z|",
        ]
    );
}
