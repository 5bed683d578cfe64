//! Faults that were ordered.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::{Effect, Fault, Options, System};

use crate::wire::{Both, call, encoded, plain, three};

const BOB: &str = "/api/v3/users/P2";

fn oomnitza(both: &Both, matching: &str, effect: Effect) {
    both.control
        .order(Fault::new(System::Oomnitza, matching, effect).times(1));
}

fn console(both: &Both, effect: Effect) {
    both.control
        .order(Fault::new(System::SentinelOne, "GET /users", effect).times(1));
}

fn bob(both: &Both) -> Value {
    both.control.person_by("user_id", "P2").unwrap()["last_name"].clone()
}

/// Orders the effect for one PATCH and says whether it was applied, and how it was answered.
fn patched(effect: Effect) -> (bool, Result<u16, ErrorKind>) {
    let both = Both::start(three());
    oomnitza(&both, "PATCH /api/v3/users/*", effect);
    let reply = both.try_oomnitza("PATCH", BOB, Some(&json!({ "last_name": "New" })));
    both.no_violations();
    (
        bob(&both) == "New",
        reply
            .map(|reply| reply.status)
            .map_err(|error| error.kind()),
    )
}

#[test]
fn writes_are_done_or_not_as_the_effect_says() {
    assert_eq!(patched(Effect::Status(503)), (false, Ok(503)));
    assert_eq!(patched(Effect::BadGatewayHtml), (false, Ok(502)));
    assert_eq!(patched(Effect::BadGatewayAfterApplying), (true, Ok(502)));
    assert_eq!(
        patched(Effect::Reset),
        (false, Err(ErrorKind::ConnectionReset))
    );
    assert_eq!(
        patched(Effect::ResetAfterApplying),
        (true, Err(ErrorKind::ConnectionReset))
    );
    assert_eq!(
        patched(Effect::TimeOut),
        (false, Err(ErrorKind::WouldBlock))
    );
    assert_eq!(
        patched(Effect::TimeOutAfterApplying),
        (true, Err(ErrorKind::WouldBlock))
    );
    assert_eq!(patched(Effect::TruncatedJson), (true, Ok(200)));
    assert_eq!(
        patched(Effect::CutBody),
        (true, Err(ErrorKind::UnexpectedEof))
    );
    assert_eq!(patched(Effect::HtmlPage), (true, Ok(200)));
    let words = Effect::ErrorInSuccess {
        message: "no".to_owned(),
    };
    assert_eq!(patched(words), (false, Ok(200)));
}

#[test]
fn an_error_has_the_body_of_its_vendor() {
    let both = Both::start(plain(3));
    console(&both, Effect::Status(401));
    let reply = both.console("GET", "/users", None);
    let body = json!({ "errors": [{ "code": 4_010_010, "detail": null, "title": "Authentication Failed" }] });
    assert_eq!((reply.status, reply.json()), (401, body));
    console(
        &both,
        Effect::ErrorInSuccess {
            message: "partial".to_owned(),
        },
    );
    let reply = both.console("GET", "/users", None);
    assert_eq!(
        (reply.status, &reply.json()["errors"][0]["detail"]),
        (200, &json!("partial"))
    );
}

#[test]
fn a_proxy_says_too_many_with_and_without_a_time() {
    let both = Both::start(plain(3));
    console(&both, Effect::TooMany { retry_after: None });
    let reply = both.console("GET", "/users", None);
    assert_eq!((reply.status, reply.header("retry-after")), (429, None));
    assert!(reply.body.starts_with("<html>"));
    console(
        &both,
        Effect::TooMany {
            retry_after: Some("Wed, 21 Oct 2026 07:28:00 GMT".to_owned()),
        },
    );
    let reply = both.console("GET", "/users", None);
    assert_eq!(
        reply.header("retry-after"),
        Some("Wed, 21 Oct 2026 07:28:00 GMT")
    );
    assert_eq!(both.console("GET", "/users", None).status, 200);
}

#[test]
fn a_fault_lets_calls_pass_and_ends_after_its_times() {
    let both = Both::start(plain(3));
    let fault = Fault::new(System::SentinelOne, "GET /users", Effect::Status(500))
        .after(1)
        .times(2);
    both.control.order(fault);
    let statuses: Vec<u16> = (0..4)
        .map(|_| both.console("GET", "/users", None).status)
        .collect();
    assert_eq!(statuses, [200, 500, 500, 200]);
    let forever = both.control.order(Fault::new(
        System::SentinelOne,
        "* /users/*",
        Effect::Status(500),
    ));
    assert_eq!(both.console("GET", "/users/1", None).status, 500);
    assert_eq!(both.console("GET", "/users", None).status, 200);
    both.control.cancel_fault(forever);
    assert_eq!(both.console("GET", "/users/1", None).status, 404);
}

#[test]
fn one_record_can_be_refused_by_what_its_body_holds() {
    let both = Both::start(three());
    let refuse = Effect::Refuse {
        status: 422,
        message: "the phone number is malformed".to_owned(),
    };
    both.control
        .order(Fault::new(System::Oomnitza, "PATCH /api/v3/users/*", refuse).with_body("Bad"));
    let patch = |name: &str| {
        both.oomnitza("PATCH", BOB, Some(&json!({ "last_name": name })))
            .status
    };
    assert_eq!(
        (patch("Good"), patch("Bad"), patch("Better")),
        (200, 422, 200)
    );
    assert_eq!(bob(&both), "Better");
    both.no_violations();
}

#[test]
fn slow_answers_come_late_and_are_done() {
    let both = Both::start(three());
    oomnitza(
        &both,
        "PATCH /api/v3/users/*",
        Effect::Slow {
            delay: Duration::from_millis(120),
        },
    );
    let before = Instant::now();
    assert_eq!(
        both.oomnitza("PATCH", BOB, Some(&json!({ "last_name": "New" })))
            .status,
        200
    );
    assert!(before.elapsed() >= Duration::from_millis(120));
    assert_eq!(bob(&both), "New");
}

#[test]
fn cursors_expire_and_repeat() {
    let both = Both::start(plain(30));
    console(&both, Effect::ExpiredCursor);
    console(&both, Effect::RepeatedCursor);
    let first = both.console("GET", "/users", None).json();
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let path = format!("/users?cursor={}", encoded(cursor));
    assert_eq!(both.console("GET", &path, None).status, 400);
    assert_eq!(
        both.console("GET", &path, None).json()["pagination"]["nextCursor"],
        cursor
    );
    assert_ne!(
        both.console("GET", &path, None).json()["pagination"]["nextCursor"],
        cursor
    );
    both.no_violations();
}

#[test]
fn totals_lie_as_ordered() {
    let both = Both::start(plain(30));
    let total = || both.console("GET", "/users", None).json()["pagination"]["totalItems"].clone();
    console(&both, Effect::ShortTotal { missing: 3 });
    console(&both, Effect::ZeroTotal);
    console(&both, Effect::NoTotal);
    assert_eq!(
        [total(), total(), total(), total()],
        [json!(33), json!(0), Value::Null, json!(30)]
    );
    oomnitza(&both, "GET /api/v3/users", Effect::NoTotal);
    assert_eq!(
        both.oomnitza("GET", "/api/v3/users", None)
            .header("x-total-count"),
        None
    );
}

#[test]
fn pages_are_empty_repeat_rows_or_lose_them() {
    let both = Both::start(plain(30));
    let ids = |path: &str| {
        let page = both.console("GET", path, None).json();
        let ids = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|user| user["id"].clone())
            .collect::<Vec<_>>();
        (ids, page["pagination"]["nextCursor"].as_str().map(encoded))
    };
    let all: Vec<Value> = both
        .control
        .users()
        .iter()
        .map(|user| user["id"].clone())
        .collect();
    console(&both, Effect::EmptyPage);
    let (none, cursor) = ids("/users?limit=10");
    assert!(none.is_empty());
    let (first, cursor) = ids(&format!("/users?limit=10&cursor={}", cursor.unwrap()));
    assert_eq!(first, all[..10]);
    console(&both, Effect::DuplicateRows { rows: 2 });
    let (second, cursor) = ids(&format!("/users?limit=10&cursor={}", cursor.unwrap()));
    assert_eq!(second, all[8..18]);
    console(&both, Effect::LostRows { rows: 3 });
    let (third, _) = ids(&format!("/users?limit=10&cursor={}", cursor.unwrap()));
    assert_eq!(third, all[21..]);
}

#[test]
fn a_finalize_whose_answer_was_lost_may_come_again() {
    let both = Both::start(three());
    let portion = "63f4dcf8-b2b1-408a-adb7-633798c52b45";
    let envelope = json!({
        "connector_version": "0.1.0", "sync_field": ["EMAIL"], "records": [{ "EMAIL": "ann@acme.example" }],
        "portion": portion, "data_type": "users", "insert_only": false, "update_only": true, "error": null,
        "test_run": false, "multi_str_input_value": null, "connector_id": 268,
    });
    assert_eq!(
        both.oomnitza("POST", "/api/v3/bulk", Some(&envelope))
            .status,
        200
    );
    oomnitza(
        &both,
        "POST /api/v3/bulk/*/finalize",
        Effect::BadGatewayAfterApplying,
    );
    let finalize = || {
        both.oomnitza(
            "POST",
            &format!("/api/v3/bulk/{portion}/finalize"),
            Some(&json!({})),
        )
        .status
    };
    assert_eq!((finalize(), finalize()), (502, 200));
    assert_eq!(both.control.portions()[0].finalized, 1);
    both.no_violations();
    assert_eq!(finalize(), 409);
}

#[test]
fn calls_above_the_rate_are_too_many() {
    let both = Both::start(Options {
        sentinelone_rate: Some(3),
        ..plain(3)
    });
    let statuses: Vec<u16> = (0..5)
        .map(|_| both.console("GET", "/system/info", None).status)
        .collect();
    assert_eq!(statuses[..3], [200, 200, 200]);
    assert!(statuses[3..].contains(&429));
}

#[test]
fn everything_can_be_done_from_another_process() {
    let both = Both::start(plain(3));
    let url = both.simulator.admin_url();
    let admin = |method: &str, path: &str, body: Option<&Value>| {
        call(&url, method, &format!("/_simulator/{path}"), &[], body)
    };
    let fault = json!({
        "system": "sentinelone", "matching": "GET /users", "times": 1,
        "effect": { "slow": { "delay_ms": 1 } },
    });
    assert_eq!(admin("POST", "faults", Some(&fault)).unwrap().json(), 1);
    assert_eq!(both.console("GET", "/users?pageSize=1", None).status, 400);
    let requests = admin("GET", "requests", None).unwrap().json();
    assert_eq!(requests[0]["query"], json!([["pageSize", "1"]]));
    assert_eq!(requests[0]["token"], "right");
    assert_eq!(
        admin("GET", "violations", None)
            .unwrap()
            .json()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        admin("GET", "users", None).unwrap().json(),
        json!(both.control.users())
    );
    assert_eq!(
        admin("GET", "people", None).unwrap().json(),
        json!(both.control.people())
    );
    assert_eq!(admin("GET", "portions", None).unwrap().json(), json!([]));
    let unknown = json!({ "system": "oomnitza", "matching": "GET /", "effect": { "explode": 1 } });
    assert_eq!(admin("POST", "faults", Some(&unknown)).unwrap().status, 422);
}

#[test]
fn a_dropped_simulator_is_gone() {
    let both = Both::start(plain(1));
    let url = both.simulator.sentinelone_url();
    assert!(call(&url, "GET", "/", &[], None).is_ok());
    drop(both);
    assert!(call(&url, "GET", "/", &[], None).is_err());
}
