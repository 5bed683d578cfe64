//! Oomnitza's bulk interface.

use serde_json::{Value, json};
use simulator::{BulkDrop, BulkNull, BulkTiming, Idents, Options, bulk_field_id};

use crate::wire::{Both, Reply, plain, three};

const PORTION: &str = "63f4dcf8-b2b1-408a-adb7-633798c52b45";

fn envelope(records: Value) -> Value {
    let mut envelope = json!({
        "connector_version": "0.1.0", "sync_field": ["EMAIL"], "portion": PORTION, "data_type": "users",
        "insert_only": false, "update_only": false, "error": null, "test_run": false,
        "multi_str_input_value": null, "connector_id": 268,
    });
    envelope["records"] = records;
    envelope
}

fn with(mut envelope: Value, changes: &Value) -> Value {
    envelope
        .as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    envelope
}

fn send(both: &Both, envelope: &Value) -> Reply {
    both.oomnitza("POST", "/api/v3/bulk", Some(envelope))
}

fn finalize(both: &Both, portion: &str) -> u16 {
    both.oomnitza(
        "POST",
        &format!("/api/v3/bulk/{portion}/finalize"),
        Some(&json!({})),
    )
    .status
}

fn newest(both: &Both, ident: &str) -> Value {
    both.oomnitza("GET", &format!("/api/v3/connector_run_logs/{ident}"), None)
        .json()[0]
        .clone()
}

#[test]
fn records_are_applied_after_finalize_and_show_as_processing_first() {
    let both = Both::start(three());
    let scope = bulk_field_id("sentinelone_scope");
    let records = json!([
        { "USER": "ann@acme.example", "EMAIL": "ann@acme.example", scope.as_str(): "site" },
        { "USER": "dan@acme.example", "EMAIL": "dan@acme.example", "PERMISSIONS_ID": "25" },
        { "USER": "eve@acme.example", "EMAIL": "eve@acme.example", "PERMISSIONS_ID": "99" },
    ]);
    assert_eq!(send(&both, &envelope(records)).status, 200);
    assert_eq!(newest(&both, "268")["status"], "Processing");
    assert_eq!(finalize(&both, PORTION), 200);
    for _ in 0..2 {
        assert_eq!(newest(&both, "connector_rollcall")["status"], "Processing");
        assert_eq!(both.control.people().len(), 3);
    }
    let log = newest(&both, "268");
    assert_eq!(log["status"], "Completed with errors");
    assert_eq!(log["portion_correlation_id"], PORTION);
    assert_eq!(
        [
            &log["added_records_count"],
            &log["updated_records_count"],
            &log["error_logs_count"]
        ],
        [1, 1, 1]
    );
    let path = format!(
        "/api/v3/connector_run_logs/connectors/{}",
        log["portion_id"]
    );
    let details = both.oomnitza("GET", &path, None).json();
    assert_eq!(details["objects"]["processing"], 0);
    assert_eq!(
        details["logs"]["failed"],
        json!(["PERMISSIONS_ID: there is no role 99"])
    );
    assert_eq!(
        both.control.person_by("user_id", "P1").unwrap()["sentinelone_scope"],
        "site"
    );
    assert_eq!(
        both.control.person_by("email", "dan@acme.example").unwrap()["role"],
        25
    );
    let portion = both.control.portions().remove(0);
    assert_eq!(
        (
            portion.batches,
            portion.records,
            portion.finalized,
            portion.applied
        ),
        (1, 3, 1, true)
    );
    both.no_violations();
}

#[test]
fn nothing_comes_after_finalize_and_it_comes_once() {
    let both = Both::start(three());
    let record = json!([{ "EMAIL": "ann@acme.example", "FIRST_NAME": "A" }]);
    send(&both, &envelope(record.clone()));
    assert_eq!(finalize(&both, PORTION), 200);
    both.no_violations();
    assert_eq!(send(&both, &envelope(record)).status, 409);
    assert_eq!(finalize(&both, PORTION), 409);
    assert_eq!(both.violations().len(), 2);
    assert_eq!(both.control.portions()[0].finalized, 2);
    assert_eq!(finalize(&both, "22d90abe-c395-4893-a3d6-68d24191889d"), 404);
    both.no_violations();
}

#[test]
fn an_envelope_that_breaks_a_rule_is_refused_and_noted() {
    let both = Both::start(three());
    let record = json!({ "EMAIL": "ann@acme.example" });
    let good = envelope(json!([record]));
    let mut broken = vec![
        with(good.clone(), &json!({ "connector_name": "rollcall" })),
        with(good.clone(), &json!({ "connector_id": "268" })),
        with(
            good.clone(),
            &json!({ "insert_only": true, "update_only": true }),
        ),
        with(good.clone(), &json!({ "insert_only": null })),
        with(good.clone(), &json!({ "data_type": "assets" })),
        with(good.clone(), &json!({ "portion": "1" })),
        with(
            good.clone(),
            &json!({ "portion": "01890a5d-ac96-774b-bcce-b302099a8057" }),
        ),
        with(good.clone(), &json!({ "sync_field": ["email"] })),
        with(good.clone(), &json!({ "sync_field": "EMAIL" })),
        with(good.clone(), &json!({ "test_run": true })),
        with(good.clone(), &json!({ "error_type": "Fatal Error" })),
        with(good.clone(), &json!({ "extra": 1 })),
        with(good.clone(), &json!({ "records": [] })),
        with(good.clone(), &json!({ "records": [{}] })),
        with(good.clone(), &json!({ "records": [{ "email": "x" }] })),
        with(good.clone(), &json!({ "records": vec![record; 101] })),
        with(
            good.clone(),
            &json!({ "records": [{ "EMAIL": "x", "SAAS": { "name": "SentinelOne" } }] }),
        ),
    ];
    for key in good.as_object().unwrap().keys() {
        let mut lacking = good.clone();
        lacking.as_object_mut().unwrap().remove(key);
        broken.push(lacking);
    }
    for envelope in broken {
        assert_eq!(send(&both, &envelope).status, 400, "{envelope}");
        assert_eq!(both.violations().len(), 1, "{envelope}");
    }
    assert!(both.control.portions().is_empty());
}

#[test]
fn preferences_pass_over_whom_they_do_not_want() {
    let people = || {
        json!([
            { "USER": "ann@acme.example", "EMAIL": "ann@acme.example", "FIRST_NAME": "Anna" },
            { "USER": "dan@acme.example", "EMAIL": "dan@acme.example", "PERMISSIONS_ID": 25 },
        ])
    };
    for (mode, names) in [
        (json!({ "update_only": true }), vec![Some("Anna"), None]),
        (
            json!({ "insert_only": true }),
            vec![Some("Ann"), Some("dan")],
        ),
    ] {
        let both = Both::start(Options {
            bulk_timing: BulkTiming::AtOnce,
            ..three()
        });
        send(&both, &with(envelope(people()), &mode));
        assert_eq!(finalize(&both, PORTION), 200);
        let portion = both.control.portions().remove(0);
        assert_eq!(
            (portion.skipped, portion.added + portion.updated),
            (1, 1),
            "{mode}"
        );
        assert_eq!(
            both.control.person_by("user_id", "P1").unwrap()["first_name"],
            names[0].unwrap()
        );
        assert_eq!(
            both.control
                .person_by("username", "dan@acme.example")
                .is_some(),
            names[1].is_some()
        );
        both.no_violations();
    }
}

#[test]
fn null_clears_or_not_as_ordered_and_a_left_out_field_stays() {
    for (null, last_name) in [
        (BulkNull::Clears, Value::Null),
        (BulkNull::Ignored, json!("Lee")),
    ] {
        let both = Both::start(Options {
            bulk_null: null,
            bulk_timing: BulkTiming::AtOnce,
            ..three()
        });
        send(
            &both,
            &envelope(json!([{ "EMAIL": "ann@acme.example", "LAST_NAME": null }])),
        );
        let ann = both.control.person_by("user_id", "P1").unwrap();
        assert_eq!(
            (&ann["last_name"], &ann["first_name"]),
            (&last_name, &json!("Ann"))
        );
    }
}

#[test]
fn the_sync_fields_are_tried_in_order_and_compared_letter_by_letter() {
    let both = Both::start(Options {
        bulk_timing: BulkTiming::AtOnce,
        ..three()
    });
    let by_both = json!({ "sync_field": ["USER", "EMAIL"], "update_only": true });
    let records = json!([
        { "USER": "nobody", "EMAIL": "Bob@acme.example", "LAST_NAME": "Found" },
        { "USER": "nobody else", "EMAIL": "ANN@acme.example", "LAST_NAME": "Lost" },
    ]);
    send(&both, &with(envelope(records), &by_both));
    let portion = both.control.portions().remove(0);
    assert_eq!((portion.updated, portion.skipped), (1, 1));
    assert_eq!(
        both.control.person_by("user_id", "P2").unwrap()["last_name"],
        "Found"
    );
}

#[test]
fn the_cancel_button_is_seen_and_stops_what_comes_later() {
    let both = Both::start(three());
    both.control.cancel_portion(1);
    let ask = |portion: &str| {
        both.oomnitza("GET", &format!("/api/v3/bulk/{portion}"), None)
            .json()["canceled"]
            .clone()
    };
    assert_eq!(ask("22d90abe-c395-4893-a3d6-68d24191889d"), false);
    send(
        &both,
        &envelope(json!([{ "EMAIL": "ann@acme.example", "LAST_NAME": "One" }])),
    );
    assert_eq!(ask(PORTION), true);
    both.no_violations();
    assert_eq!(ask(PORTION), true);
    assert_eq!(
        both.violations().len(),
        1,
        "asked again within five seconds"
    );
    send(
        &both,
        &envelope(json!([{ "EMAIL": "ann@acme.example", "LAST_NAME": "Two" }])),
    );
    finalize(&both, PORTION);
    both.control.settle();
    assert_eq!(
        both.control.person_by("user_id", "P1").unwrap()["last_name"],
        "One"
    );
    assert!(both.control.portions()[0].canceled);
    assert_eq!(newest(&both, "268")["status"], "Canceled");
}

#[test]
fn empty_and_failed_loads_are_reported_where_nothing_was_sent() {
    let both = Both::start(three());
    let ready = |portion: &str, body: Value| {
        let body = with(body, &json!({ "correlation_id": portion }));
        both.oomnitza("POST", "/api/v3/bulk/268/add_ready_portion", Some(&body))
            .status
    };
    assert_eq!(ready(PORTION, json!({ "is_empty_run": true })), 200);
    let failed =
        json!({ "failed": 1, "error_message": "the console refused", "error_type": "Fatal Error" });
    assert_eq!(
        ready("22d90abe-c395-4893-a3d6-68d24191889d", failed.clone()),
        200
    );
    assert_eq!(newest(&both, "268")["status"], "Failed");
    let reported: Vec<_> = both
        .control
        .portions()
        .into_iter()
        .map(|portion| portion.reported.unwrap())
        .collect();
    assert_eq!(reported, ["empty run", "the console refused"]);
    both.no_violations();
    assert_eq!(ready(PORTION, failed), 409);
    assert_eq!(
        ready("b768fa0a-8711-4f1c-9ea8-2fb7614577d4", json!({})),
        400
    );
    assert_eq!(both.violations().len(), 2);
}

#[test]
fn a_load_that_broke_off_says_so_in_its_portion() {
    let both = Both::start(three());
    send(
        &both,
        &envelope(json!([{ "EMAIL": "ann@acme.example", "LAST_NAME": "Kept" }])),
    );
    let broken =
        json!({ "records": [{}], "error": "the console went away", "error_type": "Fatal Error" });
    assert_eq!(send(&both, &with(envelope(json!([])), &broken)).status, 200);
    finalize(&both, PORTION);
    both.control.settle();
    let portion = both.control.portions().remove(0);
    assert_eq!(
        (portion.reported.as_deref(), portion.batches),
        (Some("the console went away"), 1)
    );
    assert_eq!(newest(&both, "268")["status"], "Failed");
    both.no_violations();
}

#[test]
fn uploads_under_an_unknown_name_are_taken_and_ignored() {
    let both = Both::start(three());
    let mut envelope = envelope(json!([{ "EMAIL": "ann@acme.example", "LAST_NAME": "X" }]));
    envelope.as_object_mut().unwrap().remove("connector_id");
    let named = with(envelope, &json!({ "connector_name": "nobody" }));
    assert_eq!(send(&both, &named).status, 200);
    assert_eq!(finalize(&both, PORTION), 200);
    both.control.settle();
    assert_eq!(
        both.control.person_by("user_id", "P1").unwrap()["last_name"],
        "Lee"
    );
    assert!(both.control.portions()[0].ignored);
    assert_eq!(newest(&both, "268"), Value::Null);
    both.no_violations();
}

#[test]
fn run_logs_may_hide_behind_one_form_of_the_ident() {
    for (idents, number, name) in [(Idents::Number, 200, 404), (Idents::Name, 404, 200)] {
        let both = Both::start(Options {
            run_log_idents: idents,
            ..three()
        });
        let status = |ident: &str| {
            both.oomnitza("GET", &format!("/api/v3/connector_run_logs/{ident}"), None)
                .status
        };
        assert_eq!(
            (status("268"), status("connector_rollcall"), status("7")),
            (number, name, 404)
        );
        both.no_violations();
    }
}

#[test]
fn ordered_records_are_dropped_with_words_or_without() {
    let both = Both::start(three());
    let drop = |containing: &str, words: Option<&str>| {
        both.control.drop_in_bulk(BulkDrop {
            containing: containing.to_owned(),
            words: words.map(str::to_owned),
        });
    };
    drop("ann@", Some("Phone number is malformed"));
    drop("bob@", None);
    send(
        &both,
        &with(
            envelope(json!([
                { "USER": "ann@acme.example", "LAST_NAME": "X" },
                { "USER": "bob@acme.example", "LAST_NAME": "X" },
                { "USER": "cleo@acme.example", "LAST_NAME": "X" },
            ])),
            &json!({ "sync_field": ["USER"] }),
        ),
    );
    finalize(&both, PORTION);
    both.control.settle();
    let portion = both.control.portions().remove(0);
    assert_eq!(
        (portion.updated, portion.failed, portion.records),
        (1, 1, 3)
    );
}

#[test]
fn ten_thousand_records_reach_the_right_people() {
    let both = Both::start(Options {
        bulk_timing: BulkTiming::AtOnce,
        ..plain(10_000)
    });
    let people = both.control.people();
    for chunk in people.chunks(100) {
        let records: Vec<Value> = chunk
            .iter()
            .map(|person| json!({ "EMAIL": person["email"], "POSITION": person["user_id"] }))
            .collect();
        assert_eq!(send(&both, &envelope(json!(records))).status, 200);
    }
    finalize(&both, PORTION);
    assert!(
        both.control
            .people()
            .iter()
            .all(|person| person["position"] == person["user_id"])
    );
    assert_eq!(both.control.portions()[0].updated, 10_000);
    both.no_violations();
}
