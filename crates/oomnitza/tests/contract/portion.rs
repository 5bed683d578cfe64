//! Bulk loads.

use bytes::Bytes;
use oomnitza::{Batch, Connector, Error, FieldId, FieldName, Mode, Portion, Sentence, field_id};
use serde_json::{Value, json};

use crate::instance::{Instance, PORTION, body, status, text};

const BULK: &str = "POST /api/v3/bulk";
const FINALIZE: &str = "POST /api/v3/bulk/8f3a0552-7fdd-4f8e-b23a-7cdd54786df8/finalize";
const CANCELED: &str = "GET /api/v3/bulk/8f3a0552-7fdd-4f8e-b23a-7cdd54786df8";
const READY: &str = "POST /api/v3/bulk/268/add_ready_portion";

fn portion(instance: &Instance) -> Portion {
    instance
        .writer()
        .portion(PORTION.parse().unwrap(), Connector::Id(268))
}

fn id(name: &str) -> FieldId {
    field_id(&name.parse::<FieldName>().unwrap(), &[].into()).unwrap()
}

fn batch(mode: Mode) -> Batch {
    let records = [
        r#"{"USER":"u0@acme.example","EMAIL":"u0@acme.example","PERMISSIONS_ID":"25"}"#,
        r#"{"USER":"u1@acme.example","24DCF85294E411E38A52066B556BA4EE":null}"#,
    ];
    let records = records
        .map(|record| Bytes::from_static(record.as_bytes()))
        .into();
    Batch::new(vec![id("username"), id("email")], mode, records).unwrap()
}

async fn bodies(instance: &Instance) -> Vec<Value> {
    let requests = instance.requests().await;
    requests
        .iter()
        .map(|request| serde_json::from_slice(&request.body).unwrap())
        .collect()
}

#[tokio::test]
async fn a_batch_is_sent_in_the_envelope_of_the_contract() {
    let instance = Instance::start().await;
    instance.answers(BULK, status(202)).await;
    instance.answers(FINALIZE, status(200)).await;
    let mut portion = portion(&instance);
    portion.send(&batch(Mode::UpdateOnly)).await.unwrap();
    portion.finalize().await.unwrap();

    let sent = &instance.requests().await[0];
    let body = str::from_utf8(&sent.body)
        .unwrap()
        .replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let fixture: Value = serde_json::from_str(include_str!("../../fixtures/bulk.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), fixture);
    assert_eq!(sent.headers["content-type"], "application/json");
    insta::assert_snapshot!(body, @r#"{"connector_version":"VERSION","sync_field":["USER","EMAIL"],"records":[{"USER":"u0@acme.example","EMAIL":"u0@acme.example","PERMISSIONS_ID":"25"},{"USER":"u1@acme.example","24DCF85294E411E38A52066B556BA4EE":null}],"portion":"8f3a0552-7fdd-4f8e-b23a-7cdd54786df8","data_type":"users","insert_only":false,"update_only":true,"error":null,"test_run":false,"multi_str_input_value":null,"connector_id":268}"#);
}

#[tokio::test]
async fn a_mode_sets_its_flag_alone() {
    let instance = Instance::start().await;
    instance.answers(BULK, status(200)).await;
    let mut portion = portion(&instance);
    for mode in [Mode::InsertOnly, Mode::UpdateOnly, Mode::CreateAndUpdate] {
        portion.send(&batch(mode)).await.unwrap();
    }
    portion.leave_open();
    let flags: Vec<_> = bodies(&instance)
        .await
        .iter()
        .map(|body| {
            (
                body["insert_only"].as_bool().unwrap(),
                body["update_only"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(flags, [(true, false), (false, true), (false, false)]);
}

#[tokio::test]
async fn a_mapping_name_stands_in_the_place_of_a_number() {
    let instance = Instance::start().await;
    instance.answers(BULK, status(200)).await;
    let target = Connector::Name(r#"our "users""#.into());
    let mut portion = instance.writer().portion(PORTION.parse().unwrap(), target);
    portion.send(&batch(Mode::UpdateOnly)).await.unwrap();
    portion.leave_open();
    let sent = &bodies(&instance).await[0];
    assert_eq!(sent["connector_name"], r#"our "users""#);
    assert_eq!(sent.get("connector_id"), None);
}

#[tokio::test]
async fn a_batch_is_repeated_until_it_is_answered() {
    let instance = Instance::start().await;
    instance.answers_first(2, BULK, status(502)).await;
    instance.answers(BULK, text("<html>fine</html>")).await;
    let mut portion = portion(&instance);
    portion.send(&batch(Mode::UpdateOnly)).await.unwrap();
    portion.leave_open();
    let bodies = bodies(&instance).await;
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| body == &bodies[0]));
}

#[tokio::test]
async fn a_refused_batch_can_be_halved_and_the_portion_goes_on() {
    let instance = Instance::start().await;
    instance.answers_first(1, BULK, status(400)).await;
    instance
        .answers_first(1, BULK, body(&json!({"errors": ["EMAIL is taken"]})))
        .await;
    instance.answers(BULK, body(&json!({"errors": []}))).await;
    instance.answers(FINALIZE, status(200)).await;
    let mut portion = portion(&instance);
    let whole = batch(Mode::UpdateOnly);
    assert!(portion.send(&whole).await.unwrap_err().is_refusal());
    let (first, second) = whole.halves().unwrap();
    assert!(portion.send(&first).await.unwrap_err().is_refusal());
    portion.send(&second).await.unwrap();
    portion.finalize().await.unwrap();
    assert_eq!(instance.calls().await, [BULK, BULK, BULK, FINALIZE]);
    let sent = bodies(&instance).await;
    assert_eq!(sent[1]["records"], json!([sent[0]["records"][0]]));
    assert_eq!(sent[2]["records"], json!([sent[0]["records"][1]]));
    assert_eq!(sent[2]["sync_field"], sent[0]["sync_field"]);
}

#[tokio::test]
async fn a_broken_load_is_reported_in_one_sentence_and_finalized() {
    let instance = Instance::start().await;
    instance.answers(BULK, status(200)).await;
    instance.answers(FINALIZE, status(200)).await;
    let mut portion = portion(&instance);
    let sentence = Sentence::from("could not read the users in \"time\"\nat /src/run.rs:7");
    portion.report_broken(&sentence).await.unwrap();
    portion.finalize().await.unwrap();
    assert_eq!(instance.calls().await, [BULK, FINALIZE]);
    let sent = &bodies(&instance).await[0];
    assert_eq!(sent["records"], json!([{}]));
    assert_eq!(sent["error"], "could not read the users in \"time\" at …");
    assert_eq!(sent["error_type"], "Fatal Error");
    assert_eq!(
        (&sent["insert_only"], &sent["update_only"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(sent["portion"], PORTION);
}

#[tokio::test]
async fn a_portion_to_which_nothing_was_sent_is_not_finalized() {
    let instance = Instance::start().await;
    instance
        .answers(CANCELED, body(&json!({"canceled": false})))
        .await;
    let mut portion = portion(&instance);
    assert!(!portion.is_canceled().await.unwrap());
    assert!(!portion.is_open());
    portion.finalize().await.unwrap();
    assert_eq!(instance.calls().await, [CANCELED]);
}

#[tokio::test]
async fn a_portion_is_finalized_also_when_nothing_was_accepted() {
    let instance = Instance::start().await;
    instance.answers(BULK, status(400)).await;
    instance.answers(FINALIZE, status(200)).await;
    let mut portion = portion(&instance);
    portion.send(&batch(Mode::UpdateOnly)).await.unwrap_err();
    portion.finalize().await.unwrap();
    assert_eq!(instance.requests().await[1].body, b"{}");
    assert_eq!(instance.calls().await, [BULK, FINALIZE]);
}

#[tokio::test]
async fn a_portion_that_the_instance_never_had_needs_no_finalize() {
    let instance = Instance::start().await;
    instance.answers(FINALIZE, status(404)).await;
    instance.answers_first(1, BULK, status(400)).await;
    instance.answers(BULK, status(200)).await;

    let mut refused = portion(&instance);
    refused.send(&batch(Mode::UpdateOnly)).await.unwrap_err();
    refused.finalize().await.unwrap();

    let mut accepted = portion(&instance);
    accepted.send(&batch(Mode::UpdateOnly)).await.unwrap();
    let failed = accepted.finalize().await.unwrap_err();
    assert!(
        failed.source.is_refusal(),
        "what was accepted must be there"
    );
    failed.portion.leave_open();
}

#[tokio::test]
async fn a_finalize_that_fails_gives_the_portion_back() {
    let instance = Instance::start().await;
    instance.answers(BULK, status(200)).await;
    instance.answers_first(3, FINALIZE, status(503)).await;
    instance.answers_first(1, FINALIZE, status(401)).await;
    instance.answers(FINALIZE, status(204)).await;
    let mut portion = portion(&instance);
    portion.send(&batch(Mode::UpdateOnly)).await.unwrap();
    let failed = portion.finalize().await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        format!("could not finalize portion {PORTION}")
    );
    assert!(matches!(failed.source, Error::Transport(_)));
    let failed = failed.portion.finalize().await.unwrap_err();
    assert!(failed.source.is_unauthorized());
    failed.portion.finalize().await.unwrap();
    assert_eq!(instance.calls().await.len(), 6);
}

#[tokio::test]
async fn a_portion_that_was_finalized_before_is_finalized() {
    let instance = Instance::start().await;
    instance.answers(BULK, status(200)).await;
    // The first was carried out, and its answer lost.
    instance.answers_first(1, FINALIZE, status(502)).await;
    instance.answers(FINALIZE, status(409)).await;
    let mut portion = portion(&instance);
    portion.send(&batch(Mode::UpdateOnly)).await.unwrap();
    portion.finalize().await.unwrap();
}

#[tokio::test]
async fn the_portion_of_a_dead_process_is_finalized_if_it_is_there() {
    for code in [200, 404, 409] {
        let instance = Instance::start().await;
        instance.answers(FINALIZE, status(code)).await;
        instance
            .writer()
            .finalize_abandoned(PORTION.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(instance.calls().await, [FINALIZE]);
    }
    let instance = Instance::start().await;
    instance.answers(FINALIZE, status(500)).await;
    assert!(
        instance
            .writer()
            .finalize_abandoned(PORTION.parse().unwrap())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn canceled_is_asked_at_once_and_then_not_for_a_while() {
    let instance = Instance::start().await;
    instance
        .answers(CANCELED, body(&json!({"canceled": false})))
        .await;
    let mut portion = portion(&instance);
    for _ in 0..100 {
        assert!(!portion.is_canceled().await.unwrap());
    }
    assert_eq!(instance.calls().await, [CANCELED]);
}

#[tokio::test]
async fn canceled_is_believed_only_when_it_is_said() {
    for (answer, canceled) in [
        (body(&json!({"canceled": true})), true),
        (body(&json!({"canceled": false})), false),
        (body(&json!({})), false),
        (body(&json!([])), false),
        (text(""), false),
        (status(404), false),
    ] {
        let instance = Instance::start().await;
        instance.answers(CANCELED, answer).await;
        assert_eq!(portion(&instance).is_canceled().await.unwrap(), canceled);
    }
    let instance = Instance::start().await;
    instance.answers(CANCELED, status(401)).await;
    assert!(
        portion(&instance)
            .is_canceled()
            .await
            .unwrap_err()
            .is_unauthorized()
    );
}

#[tokio::test]
#[should_panic(expected = "was dropped open")]
async fn an_open_portion_cannot_be_forgotten() {
    let instance = Instance::start().await;
    instance.answers(BULK, status(200)).await;
    portion(&instance)
        .send(&batch(Mode::UpdateOnly))
        .await
        .unwrap();
}

#[tokio::test]
async fn loads_without_a_portion_are_reported_under_the_integration() {
    let instance = Instance::start().await;
    instance.answers(READY, status(200)).await;
    let writer = instance.writer();
    let run = PORTION.parse().unwrap();
    writer.report_empty(268, &run).await.unwrap();
    writer
        .report_failed(268, &run, &Sentence::from("the console refused the token"))
        .await
        .unwrap();
    assert_eq!(
        bodies(&instance).await,
        [
            json!({"correlation_id": PORTION, "is_empty_run": true}),
            json!({
                "correlation_id": PORTION,
                "failed": 1,
                "error_message": "the console refused the token",
                "error_type": "Fatal Error",
            }),
        ]
    );
}
