//! Creating and updating one person at a time.

use std::fmt::Write as _;

use bytes::Bytes;
use oomnitza::{Error, PersonId};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::instance::{Instance, body, status, text};

const CREATE: &str = "POST /api/v3/users";
const UPDATE: &str = "PATCH /api/v3/users/7";
const PERSON: &str = include_str!("../../fixtures/person.json");

fn record() -> Bytes {
    Bytes::from_static(br#"{"username":"a@b.c","role":25}"#)
}

fn seven() -> PersonId {
    "7".parse().unwrap()
}

#[tokio::test]
async fn a_create_sends_the_record_as_it_is_and_shows_the_person() {
    let instance = Instance::start().await;
    instance.answers(CREATE, text(PERSON)).await;
    let answer = instance.writer().create(record()).await.unwrap();
    let person = answer.person.unwrap();
    assert_eq!(person.id.as_str(), "24dcf85294e411e38a52066b556ba4ee");
    assert_eq!(person.suspended, Some(false));
    let mut version = None;
    person.for_each_field(|name, value| {
        if name == "version" {
            version = Some(value.get());
        }
    });
    assert_eq!(version, Some(r#""9007199254740993""#));

    let request = &instance.requests().await[0];
    assert_eq!(request.body, record());
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["oomnitza-ignore-meta-restriction"], "1");
}

#[tokio::test]
async fn an_update_goes_to_the_person() {
    let instance = Instance::start().await;
    instance.answers(UPDATE, body(&json!({"user_id": 7}))).await;
    let answer = instance.writer().update(&seven(), record()).await.unwrap();
    assert_eq!(answer.person.unwrap().id, seven());
    let request = &instance.requests().await[0];
    assert_eq!(request.body, record());
    assert_eq!(request.headers["oomnitza-ignore-meta-restriction"], "1");
}

#[tokio::test]
async fn an_answer_without_a_person_is_an_answer() {
    for answer in [
        "",
        " \n",
        "null",
        "true",
        "[]",
        "{}",
        r#"{"error": null, "errors": []}"#,
        r#"{"errors": 0}"#,
    ] {
        let instance = Instance::start().await;
        instance.answers(CREATE, text(answer)).await;
        assert!(
            instance
                .writer()
                .create(record())
                .await
                .unwrap()
                .person
                .is_none(),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_2xx_that_carries_an_error_is_a_refusal() {
    for (answer, words) in [
        (json!({"error": "role\nis unknown"}), "role is unknown"),
        (
            json!({"user_id": "7", "errors": ["a", "b"]}),
            r#"["a","b"]"#,
        ),
        (
            json!({"errors": {"role": "unknown"}}),
            r#"{"role":"unknown"}"#,
        ),
        (
            json!([{"user_id": "7", "error": null}, {"user_id": "8", "error": "no"}]),
            "no",
        ),
        (json!({"error": true}), "true"),
    ] {
        let instance = Instance::start().await;
        instance.answers(UPDATE, body(&answer)).await;
        let error = instance
            .writer()
            .update(&seven(), record())
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("Oomnitza refused to update a person with 200 OK: {words}")
        );
        assert!(error.is_refusal() && !error.may_have_arrived());
        assert_eq!(instance.calls().await.len(), 1);
    }
}

#[tokio::test]
async fn a_create_is_not_repeated_when_it_may_have_arrived() {
    for answer in [
        status(502),
        text("<html>Bad Gateway</html>"),
        text(r#"{"user_id": "#),
    ] {
        let instance = Instance::start().await;
        instance.answers(CREATE, answer).await;
        let error = instance.writer().create(record()).await.unwrap_err();
        assert!(error.may_have_arrived() && !error.is_refusal(), "{error}");
        assert_eq!(instance.calls().await.len(), 1, "{error}");
    }
}

#[tokio::test]
async fn an_update_is_repeated_until_it_is_answered() {
    for answer in [
        status(502),
        text("<html>Bad Gateway</html>"),
        text(r#"{"user_id": "#),
    ] {
        let instance = Instance::start().await;
        instance.answers_first(2, UPDATE, answer).await;
        instance.answers(UPDATE, body(&json!({"user_id": 7}))).await;
        instance.writer().update(&seven(), record()).await.unwrap();
        assert_eq!(instance.calls().await.len(), 3);
    }
}

#[tokio::test]
async fn a_429_repeats_even_a_create() {
    let instance = Instance::start().await;
    instance.answers_first(1, CREATE, status(429)).await;
    instance.answers(CREATE, text(PERSON)).await;
    instance.writer().create(record()).await.unwrap();
    assert_eq!(instance.calls().await.len(), 2);
}

/// What a caller is told about each status, for an update and for a create.
#[tokio::test]
async fn each_status_has_one_meaning() {
    let mut table = String::new();
    let mut first = 300;
    let mut current = meaning(first).await;
    for code in 301..=600_u16 {
        let next = if code == 600 {
            String::new()
        } else {
            meaning(code).await
        };
        if next != current {
            writeln!(table, "{first} to {}: {current}", code - 1).unwrap();
            (first, current) = (code, next);
        }
    }
    insta::assert_snapshot!(table, @r#"
    300 to 399: transport, may have arrived / transport, may have arrived
    400 to 400: refused / refused
    401 to 401: unauthorized / unauthorized
    402 to 402: refused / refused
    403 to 403: forbidden / forbidden
    404 to 407: refused / refused
    408 to 408: transport, may have arrived / transport, may have arrived
    409 to 428: refused / refused
    429 to 429: transport / transport
    430 to 499: refused / refused
    500 to 599: transport, may have arrived / transport, may have arrived
    "#);
}

async fn meaning(code: u16) -> String {
    let instance = Instance::start().await;
    instance.answers(UPDATE, status(code)).await;
    instance.answers(CREATE, status(code)).await;
    let writer = instance.writer();
    let mut meanings = Vec::new();
    let updated = writer.update(&seven(), record()).await.unwrap_err();
    let created = writer.create(record()).await.unwrap_err();
    for error in [updated, created] {
        assert_eq!(error.status().unwrap().as_u16(), code);
        let name = match &error {
            Error::Unauthorized(_) => "unauthorized",
            Error::Forbidden(_) => "forbidden",
            Error::Refused { .. } => "refused",
            Error::Transport(_) => "transport",
            other => panic!("{other}"),
        };
        let arrived = if error.may_have_arrived() {
            ", may have arrived"
        } else {
            ""
        };
        meanings.push(format!("{name}{arrived}"));
    }
    meanings.join(" / ")
}

#[tokio::test]
async fn a_refusal_keeps_status_and_words_and_nothing_that_was_sent() {
    let instance = Instance::start().await;
    let refusal = ResponseTemplate::new(422).set_body_json(json!({"role": ["does not exist"]}));
    instance.answers(CREATE, refusal).await;
    let error = instance.writer().create(record()).await.unwrap_err();
    let Error::Refused { status, words, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(status.as_u16(), 422);
    assert_eq!(
        serde_json::from_str::<Value>(words).unwrap(),
        json!({"role": ["does not exist"]})
    );
    assert!(!format!("{error} {error:?}").contains("a@b.c"));
}

#[tokio::test]
async fn a_refusal_without_words_is_told_without_them() {
    let instance = Instance::start().await;
    instance.answers(CREATE, status(409)).await;
    let error = instance.writer().create(record()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Oomnitza refused to create a person with 409 Conflict"
    );
}
