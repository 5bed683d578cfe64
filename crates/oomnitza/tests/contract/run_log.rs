//! The run log, read back.

use oomnitza::{Connector, Error, RunLog};
use serde_json::{Value, json};

use crate::instance::{Instance, PORTION, body, status, text};

const LIST: &str = "GET /api/v3/connector_run_logs/268";
const LIST_BY_NAME: &str = "GET /api/v3/connector_run_logs/connector_268";
const DETAILS: &str = "GET /api/v3/connector_run_logs/connectors/9030";
const DETAILS_BY_IDENT: &str = "GET /api/v3/connector_run_logs/connectors/268";
const RUN_LOGS: &str = include_str!("../../fixtures/run_logs.json");
const RUN_LOG_DETAILS: &str = include_str!("../../fixtures/run_log_details.json");

async fn run_log(instance: &Instance) -> Result<Option<RunLog>, Error> {
    instance
        .reader()
        .run_log(&Connector::Id(268).idents(), &PORTION.parse().unwrap())
        .await
}

fn details() -> Value {
    serde_json::from_str(RUN_LOG_DETAILS).unwrap()
}

#[tokio::test]
async fn a_portion_is_found_by_its_correlation_id_and_has_details() {
    let instance = Instance::start().await;
    instance.answers(LIST, text(RUN_LOGS)).await;
    instance.answers(DETAILS, text(RUN_LOG_DETAILS)).await;
    let log = run_log(&instance).await.unwrap().unwrap();
    insta::assert_debug_snapshot!(log, @r#"
    RunLog {
        status: "Completed with errors",
        added: 3,
        updated: 120,
        skipped: 4,
        failed: 2,
        unchanged: 1,
        canceled: 0,
        processing: 0,
        words: [
            "u8@acme.example: role 99 does not exist",
            "u9@acme.example: username is required",
        ],
        finished: true,
    }
    "#);
    assert_eq!(
        instance.calls().await,
        [format!("{LIST}?limit=100&skip=0"), DETAILS.into()]
    );
}

#[tokio::test]
async fn the_list_stands_without_details() {
    for code in [400, 404, 403, 500] {
        let instance = Instance::start().await;
        instance.answers(LIST, text(RUN_LOGS)).await;
        instance.answers(DETAILS, status(code)).await;
        let log = run_log(&instance).await.unwrap().unwrap();
        assert_eq!(
            (log.added, log.updated, log.skipped, log.failed),
            (3, 120, 4, 2)
        );
        assert!(log.finished && log.words.is_empty());
    }
}

#[tokio::test]
async fn every_form_of_the_ident_is_tried() {
    for code in [400, 404, 500] {
        let instance = Instance::start().await;
        instance.answers(LIST, status(code)).await;
        instance.answers(LIST_BY_NAME, text(RUN_LOGS)).await;
        instance
            .answers(DETAILS_BY_IDENT, text(RUN_LOG_DETAILS))
            .await;
        let log = run_log(&instance).await.unwrap().unwrap();
        assert_eq!(log.unchanged, 1, "the details were found by the number");
    }
}

#[tokio::test]
async fn details_of_another_run_are_left_alone() {
    let mut other = details();
    other["start_time"] = json!(1_795_456_900);
    other["objects"]["failed"] = json!(99);
    let mut timeless = other.clone();
    timeless["start_time"] = json!(null);
    for details in [
        other,
        timeless,
        json!({"start_time": 1_795_453_200}),
        json!([]),
    ] {
        let instance = Instance::start().await;
        instance.answers(LIST, text(RUN_LOGS)).await;
        instance.answers(DETAILS_BY_IDENT, body(&details)).await;
        let log = run_log(&instance).await.unwrap().unwrap();
        assert_eq!((log.failed, log.unchanged), (2, 0));
    }
}

#[tokio::test]
async fn a_portion_that_is_still_applied_is_not_finished() {
    for (field, value) in [
        ("/end_time", json!(null)),
        ("/end_time", json!(0)),
        ("/status", json!("In Progress")),
        ("/status", json!("PROCESSING")),
        ("/objects/processing", json!(1)),
    ] {
        let mut details = details();
        *details.pointer_mut(field).unwrap() = value;
        let instance = Instance::start().await;
        instance.answers(LIST, text(RUN_LOGS)).await;
        instance.answers(DETAILS, body(&details)).await;
        assert!(
            !run_log(&instance).await.unwrap().unwrap().finished,
            "{field}"
        );
    }
    let instance = Instance::start().await;
    instance
        .answers(LIST, text(&RUN_LOGS.replace("1795453260.119", "null")))
        .await;
    assert!(
        !run_log(&instance).await.unwrap().unwrap().finished,
        "the list has no end"
    );
}

#[tokio::test]
async fn the_log_is_searched_page_by_page() {
    let instance = Instance::start().await;
    instance
        .answers_first(
            1,
            LIST,
            body(&json!([{"portion_correlation_id": "x"}, 7, null])),
        )
        .await;
    instance.answers(LIST, text(RUN_LOGS)).await;
    assert!(run_log(&instance).await.unwrap().is_some());
    assert_eq!(
        instance.calls().await[1],
        format!("{LIST}?limit=100&skip=100")
    );
}

#[tokio::test]
async fn a_portion_that_is_not_logged_yet_is_none() {
    let instance = Instance::start().await;
    instance.answers(LIST, body(&json!([]))).await;
    instance
        .answers(
            LIST_BY_NAME,
            body(&json!([{"portion_correlation_id": "x"}])),
        )
        .await;
    assert_eq!(run_log(&instance).await.unwrap(), None);
    assert_eq!(instance.calls().await.len(), 1 + 5, "the search is bounded");
}

#[tokio::test]
async fn an_instance_that_does_not_answer_is_an_error() {
    let instance = Instance::start().await;
    instance.answers(LIST, status(503)).await;
    assert!(matches!(run_log(&instance).await, Err(Error::Transport(_))));

    let instance = Instance::start().await;
    instance.answers(LIST, status(401)).await;
    assert!(run_log(&instance).await.unwrap_err().is_unauthorized());
    assert_eq!(instance.calls().await.len(), 1);
}

#[tokio::test]
async fn what_the_log_says_is_bounded() {
    let mut details = details();
    details["logs"]["failed"] = vec!["é\n".repeat(1000); 1000].into();
    details["logs"]["Fatal Error"] = json!(["it broke", {"record": 7}]);
    let instance = Instance::start().await;
    instance.answers(LIST, text(RUN_LOGS)).await;
    instance.answers(DETAILS, body(&details)).await;
    let words = run_log(&instance).await.unwrap().unwrap().words;
    assert_eq!(words.len(), 200);
    assert_eq!(words[..2], ["it broke", r#"{"record":7}"#]);
    assert_eq!(words[2], "é ".repeat(250));
}
