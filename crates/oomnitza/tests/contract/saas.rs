//! `SaaS` applications and who uses them.

use oomnitza::{Activity, PersonId, SaasId, SaasUserId};
use serde_json::{Value, json};

use crate::instance::{Instance, body, status, text};

const APPLICATIONS: &str = "/api/v3/saas";
const USERS: &str = "/api/v3/saas/7/users";
const DEACTIVATE: &str = "PATCH /api/v3/saas_users/deactivate";

fn seven() -> SaasId {
    SaasId::try_from("7").unwrap()
}

fn people(ids: &[&str]) -> Vec<PersonId> {
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

fn places(ids: &[&str]) -> Vec<SaasUserId> {
    let ids = ids.iter();
    ids.map(|id| SaasUserId::try_from(*id).unwrap()).collect()
}

async fn sent(instance: &Instance) -> Vec<(String, Value)> {
    let calls = instance.calls().await;
    let requests = instance.requests().await;
    calls
        .into_iter()
        .zip(&requests)
        .map(|(call, request)| {
            (
                call,
                serde_json::from_slice(&request.body).unwrap_or_default(),
            )
        })
        .collect()
}

#[tokio::test]
async fn an_application_is_found_by_its_exact_name_whatever_else_comes() {
    for (answer, ids) in [
        (json!([]), vec![]),
        (
            json!([{ "saas_id": 7, "saas_name": "SentinelOne" }]),
            vec!["7"],
        ),
        (
            json!([
                { "saas_id": "a1", "saas_name": "SentinelOne" },
                { "saas_id": "a1", "saas_name": "SentinelOne" },
                { "saas_id": "b", "saas_name": "sentinelone" },
                { "saas_id": 9, "saas_name": "SentinelOne " },
                { "saas_id": null },
            ]),
            vec!["a1"],
        ),
        (
            json!([
                { "saas_id": 1, "saas_name": "SentinelOne" },
                { "saas_id": 2, "saas_name": "SentinelOne", "more": [] },
            ]),
            vec!["1", "2"],
        ),
    ] {
        let instance = Instance::start().await;
        let listing = format!("GET {APPLICATIONS}");
        instance.answers(&listing, body(&answer)).await;
        let found = instance.reader().saas_named("SentinelOne").await.unwrap();
        let found: Vec<&str> = found.iter().map(SaasId::as_str).collect();
        assert_eq!(found, ids, "{answer}");
        assert_eq!(
            instance.calls().await,
            ["GET /api/v3/saas?filter=saas_name eq 'SentinelOne'"]
        );
    }
}

#[tokio::test]
async fn an_application_without_an_id_is_no_answer() {
    for id in [json!(null), json!(""), json!("a/b"), json!(1.5), json!({})] {
        let instance = Instance::start().await;
        let answer = body(&json!([{ "saas_name": "SentinelOne", "saas_id": id }]));
        instance.answers("GET /api/v3/saas", answer).await;
        assert!(
            instance.reader().saas_named("SentinelOne").await.is_err(),
            "{id}"
        );
    }
}

#[tokio::test]
async fn users_are_read_in_every_form() {
    let instance = Instance::start().await;
    let listing = json!([
        {
            "user_id": "p1", "saas_user_id": "s1", "user_external_id": "225494730938493804", "active": true,
            "roles": [{ "role_external_id": "Admin" }], "email": "a@b.c"
        },
        { "user_id": 2, "saas_user_id": 22, "user_external_id": 18_446_744_073_709_551_615_u64, "is_active": "0", "roles": { "Admin": 1 } },
        { "user_id": "p3", "user_external_id": null, "roles": [] },
        { "user_id": "p4", "roles": "Admin", "active": "perhaps" },
        { "user_id": "p5", "roles": {}, "saas_user_id": {} },
        { "email": "nobody@b.c" },
        "p7",
    ]);
    instance
        .answers(&format!("GET {USERS}"), body(&listing))
        .await;
    let listed = instance.reader().saas_users(&seven()).await.unwrap();
    assert!(listed.complete);
    let shown: Vec<_> = listed
        .users
        .iter()
        .map(|user| {
            (
                user.person.as_str(),
                user.id.as_ref().map(SaasUserId::as_str),
                user.external_id.as_str(),
                user.roles.as_str(),
                user.active,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                "p1",
                Some("s1"),
                "225494730938493804",
                r#"[{"role_external_id":"Admin"}]"#,
                Some(true)
            ),
            (
                "2",
                Some("22"),
                "18446744073709551615",
                r#"{"Admin":1}"#,
                Some(false)
            ),
            ("p3", None, "", "", None),
            ("p4", None, "", r#""Admin""#, None),
            ("p5", None, "", "", None),
        ]
    );
    assert!(!format!("{listed:?}").contains("Admin"));
}

#[tokio::test]
async fn a_total_above_what_is_shown_means_that_there_are_more() {
    for (total, complete) in [("1", true), ("2", false), ("many", true)] {
        let instance = Instance::start().await;
        let listing = body(&json!([{ "user_id": "p1" }])).insert_header("x-total-count", total);
        instance.answers(&format!("GET {USERS}"), listing).await;
        let listed = instance.reader().saas_users(&seven()).await.unwrap();
        assert_eq!(listed.complete, complete, "{total}");
    }
}

#[tokio::test]
async fn the_writes_are_those_of_the_contract() {
    let instance = Instance::start().await;
    for call in [
        "POST /api/v3/saas",
        "POST /api/v3/saas/7/users",
        "POST /api/v3/saas/7/users/p1",
        "PATCH /api/v3/saas/7/roles/users",
    ] {
        instance.answers(call, text("")).await;
    }
    let activated = text(r#"[{"saas_user_id":"s1","error":null}]"#);
    instance
        .answers("PATCH /api/v3/saas_users/activate", activated)
        .await;
    let writer = instance.writer();
    let (app, person) = (seven(), people(&["p1"]).remove(0));
    writer.create_saas("SentinelOne").await.unwrap();
    writer
        .assign_saas(&app, &people(&["p1", "p2"]))
        .await
        .unwrap();
    writer
        .set_saas_external_id(&app, &person, "225494730938493804")
        .await
        .unwrap();
    writer
        .set_saas_roles(&app, &person, &["Admin".to_owned()])
        .await
        .unwrap();
    let done = writer
        .set_saas_activity(&places(&["s1"]), Activity::Active)
        .await;
    assert_eq!(done.unwrap(), [Ok(())]);
    let sent = sent(&instance).await;
    let sent: Vec<_> = sent
        .iter()
        .map(|(call, body)| format!("{call} {body}"))
        .collect();
    insta::assert_snapshot!(sent.join("\n"), @r#"
    POST /api/v3/saas {"saas_name":"SentinelOne"}
    POST /api/v3/saas/7/users [{"assign":true,"user_id":"p1"},{"assign":true,"user_id":"p2"}]
    POST /api/v3/saas/7/users/p1 {"user_external_id":"225494730938493804"}
    PATCH /api/v3/saas/7/roles/users {"roles":[{"role_external_id":"Admin","role_external_label":"Admin"}],"users":"p1"}
    PATCH /api/v3/saas_users/activate {"saas_user_ids":["s1"]}
    "#);
}

#[tokio::test]
async fn a_200_can_carry_failures_of_single_items() {
    let lost = "the answer does not say that it was done".to_owned();
    for (answer, outcomes) in [
        (
            r#"[{"saas_user_id":"a","error":null},{"saas_user_id":2,"error":"no\nway"}]"#,
            [Ok(()), Err("no way".to_owned())],
        ),
        (
            r#"[{"saas_user_id":"2","error":""},{"saas_user_id":"a"},{"error":"whose?"}]"#,
            [Ok(()), Ok(())],
        ),
        (
            r#"[{"saas_user_id":"a","error":{"code":1}}]"#,
            [Err(r#"{"code":1}"#.to_owned()), Err(lost.clone())],
        ),
        ("[]", [Err(lost.clone()), Err(lost.clone())]),
        ("", [Err(lost.clone()), Err(lost.clone())]),
        ("{}", [Err(lost.clone()), Err(lost.clone())]),
        ("null", [Err(lost.clone()), Err(lost.clone())]),
    ] {
        let instance = Instance::start().await;
        instance.answers(DEACTIVATE, text(answer)).await;
        let done = instance
            .writer()
            .set_saas_activity(&places(&["a", "2"]), Activity::Inactive)
            .await;
        assert_eq!(done.unwrap(), outcomes, "{answer}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_whole_is_an_error() {
    let instance = Instance::start().await;
    instance
        .answers(DEACTIVATE, text(r#"{"error":"not today"}"#))
        .await;
    instance
        .answers(
            "POST /api/v3/saas/7/users",
            text(r#"[{"error":"no such user"}]"#),
        )
        .await;
    instance
        .answers("POST /api/v3/saas/7/users/p1", status(404))
        .await;
    let writer = instance.writer();
    let (app, people) = (seven(), people(&["p1"]));
    let deactivated = writer
        .set_saas_activity(&places(&["a"]), Activity::Inactive)
        .await;
    assert!(deactivated.unwrap_err().is_refusal());
    assert!(
        writer
            .assign_saas(&app, &people)
            .await
            .unwrap_err()
            .is_refusal()
    );
    let external = writer.set_saas_external_id(&app, &people[0], "1").await;
    assert!(external.unwrap_err().is_refusal());
}

#[tokio::test]
async fn all_but_the_making_of_an_application_is_repeated() {
    let instance = Instance::start().await;
    instance.answers("POST /api/v3/saas", status(502)).await;
    instance
        .answers_first(1, "POST /api/v3/saas/7/users", status(502))
        .await;
    instance
        .answers("POST /api/v3/saas/7/users", text("{}"))
        .await;
    instance.answers_first(1, DEACTIVATE, text("<html>")).await;
    instance.answers(DEACTIVATE, text("")).await;
    let writer = instance.writer();
    let error = writer.create_saas("SentinelOne").await.unwrap_err();
    assert!(error.may_have_arrived());
    writer
        .assign_saas(&seven(), &people(&["p1"]))
        .await
        .unwrap();
    writer
        .set_saas_activity(&places(&["a"]), Activity::Inactive)
        .await
        .unwrap();
    assert_eq!(
        instance.calls().await,
        [
            "POST /api/v3/saas",
            "POST /api/v3/saas/7/users",
            "POST /api/v3/saas/7/users",
            DEACTIVATE,
            DEACTIVATE,
        ]
    );
}
