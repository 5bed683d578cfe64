//! Whole explanations as people read them.

use std::sync::Arc;

use jiff::Timestamp;
use load::{Conditions, Delivery, Evidence, Preference, State};
use mapping::{Definition, Empty, FieldDefinition, Mapping, Write};
use serde_json::json;
use store::{
    Absence, Action, Counts, History, Kind, KnownRun, Lifetime, Past, PastChange, PastFault,
    PastOutcome, PastPlace, PlannedChange, Run, RunKey, RunOnRecord, RunRef, Somebody, Version,
    Written,
};

use super::*;

const USER: &str = r#"{"id":"225494730938493804","email":"Ann@Acme.com","fullName":"Ann Lee","lowestRole":"Viewer",
    "isSystem":false,"lastLogin":"2026-11-22T08:00:00Z"}"#;

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_795_392_000 + day * 86_400).unwrap()
}

fn run_ref(day: i64) -> RunRef {
    RunRef {
        run: day,
        known: Some(KnownRun {
            run_id: format!("run-{day}"),
            started_at: at(day),
            state: State::Completed,
            kind: Kind::Load,
            dry_run: false,
        }),
    }
}

fn conditions() -> Conditions {
    let field = FieldDefinition::new;
    let mapping = Mapping::compile(&Definition {
        integration: "users".to_owned(),
        scope: Some("not isSystem".to_owned()),
        sync_keys: vec!["sentinelone_user_id".to_owned(), "email".to_owned()],
        fields: vec![
            FieldDefinition {
                write: Write::OnCreate,
                ..field("username", "email")
            },
            field("email", "email"),
            field("first_name", "{{ fullName | first_name }}"),
            FieldDefinition {
                table: Some(vec![
                    ("Admin".to_owned(), json!(23)),
                    ("Viewer".to_owned(), json!(24)),
                ]),
                otherwise: Some(json!(25)),
                ..field("role", "lowestRole")
            },
            FieldDefinition {
                volatile: true,
                empty: Empty::Clear,
                ..field("sentinelone_last_login", "lastLogin")
            },
            field("sentinelone_user_id", "id"),
            field("sentinelone_synced_at", "connector_sync_time"),
        ],
        ..Definition::default()
    });
    Conditions {
        console_url: "https://acme.sentinelone.net".to_owned(),
        mapping: Arc::new(mapping.expect("the mapping has no faults")),
        preference: Preference::UpdateOnly,
        delivery: Delivery::Rest,
    }
}

/// A load of the ninth day.
fn run() -> RunOnRecord {
    RunOnRecord {
        run: Run {
            key: RunKey {
                run: 9,
                integration: 1,
            },
            run_id: "run-9".to_owned(),
            integration: "users".to_owned(),
            state: State::Completed,
            kind: Kind::Load,
            dry_run: false,
            partial: false,
            planned: true,
            started_at: at(9),
            read_at: Some(at(9)),
            in_scope: Some(1),
            config_hash: "0123456789ab".to_owned(),
            counts: Counts::default(),
            error: None,
        },
        trigger: "schedule".to_owned(),
        origin: None,
        finished_at: Some(at(9)),
        portion: None,
        decision: None,
    }
}

/// A user who was updated on the ninth day.
fn evidence() -> Evidence {
    let planned = PlannedChange {
        change: 1,
        person: 1,
        action: Action::Update,
        key_field: "email".to_owned(),
        key_value: "\"ann@acme.com\"".to_owned(),
        oomnitza_id: Some("2054".to_owned()),
        before: Some(r#"{"role":25,"sentinelone_user_id":null,"sentinelone_synced_at":null}"#.to_owned()),
        after: r#"{"role":24,"sentinelone_user_id":"225494730938493804","sentinelone_synced_at":"2026-12-02T00:00:00Z"}"#
            .to_owned(),
        standing: None,
    };
    let written = Written {
        action: "update".to_owned(),
        state: "done".to_owned(),
        before: planned.before.clone(),
        after: planned.after.clone(),
    };
    let record = r#"{"username":"Ann@Acme.com","email":"Ann@Acme.com","first_name":"Ann","role":24,
        "sentinelone_last_login":"2026-11-22T08:00:00Z","sentinelone_user_id":"225494730938493804",
        "sentinelone_synced_at":"2026-11-23T00:00:00Z"}"#;
    Evidence {
        somebody: Somebody {
            person: 1,
            integration: "users".to_owned(),
            source_id: "225494730938493804".to_owned(),
            email: Some("Ann@Acme.com".to_owned()),
            full_name: Some("Ann Lee".to_owned()),
        },
        lifetime: Lifetime {
            first_seen_at: at(0),
            last_seen_at: at(9),
            gone_since: None,
        },
        run: run(),
        past: Past {
            place: Some(PastPlace {
                action: "update".to_owned(),
                state: "failed".to_owned(),
                before: r#"{"roles":[]}"#.to_owned(),
                after: r#"{"roles":["Admin"]}"#.to_owned(),
                status: Some(400),
                error: Some("no licence is left".to_owned()),
            }),
            user: Some(USER.to_owned()),
            user_since: Some(run_ref(7)),
            record: Some(record.to_owned()),
            sighting: Some(
                r#"{"match":"2054","shown":{"username":"ann.lee@acme.com"}}"#.to_owned(),
            ),
            change: Some(PastChange {
                planned,
                state: "done".to_owned(),
                status: Some(200),
                left_alone: None,
            }),
            fault: None,
        },
        conditions: Some(conditions()),
        roles: std::collections::HashMap::new(),
        history: History {
            users: vec![
                Version {
                    since: run_ref(0),
                    json: USER.replace("Viewer", "Admin"),
                },
                Version {
                    since: run_ref(7),
                    json: USER.to_owned(),
                },
            ],
            changes: vec![PastOutcome {
                run: run_ref(9),
                what: written,
            }],
            absences: vec![Absence {
                run: run_ref(3),
                at: at(3),
                gone: Some((run_ref(3), at(3))),
                back: Some((run_ref(5), at(5))),
            }],
            ..History::default()
        },
    }
}

fn told(evidence: &Evidence) -> String {
    text(
        &load::Explanation::of(evidence),
        &TimeZone::get("Europe/Dublin").unwrap(),
    )
}

#[test]
fn a_user_who_was_updated() {
    insta::assert_snapshot!(told(&evidence()));
}

#[test]
fn a_user_who_was_skipped() {
    let mut evidence = evidence();
    evidence.past.change = None;
    evidence.past.sighting = Some(r#"{"found":[["2054",2],["2055",1]],"behind":"225"}"#.to_owned());
    evidence.past.fault = Some(PastFault {
        outcome: "skipped".to_owned(),
        reason: "duplicate_in_source".to_owned(),
        field: None,
        message:
            "user 225 has the same sync key or finds the same Oomnitza person, and goes before"
                .to_owned(),
        hint: Some("delete one of the users in the console".to_owned()),
        record: evidence.past.record.clone(),
        resolved_at: Some(at(10)),
    });
    insta::assert_snapshot!(told(&evidence));
}

#[test]
fn a_plan_that_takes_back_and_waits() {
    let mut evidence = evidence();
    evidence.run.run.kind = Kind::Undo;
    evidence.run.run.state = State::Parked;
    evidence.run.origin = Some("run-8".to_owned());
    let change = evidence.past.change.as_mut().expect("there is one");
    change.state = "planned".to_owned();
    change.status = None;
    change.planned.before = Some(r#"{"role":24}"#.to_owned());
    change.planned.after = r#"{"role":25}"#.to_owned();
    change.left_alone = Some(r#"{"sentinelone_user_id":"7"}"#.to_owned());
    insta::assert_snapshot!(told(&evidence));
}

#[test]
fn a_run_whose_configuration_is_not_on_record_and_that_was_before_sightings() {
    let mut evidence = evidence();
    evidence.conditions = None;
    evidence.past.sighting = None;
    evidence.past.user_since = Some(RunRef {
        run: 1,
        known: None,
    });
    evidence.history.users[0].since.known = None;
    insta::assert_snapshot!(told(&evidence));
}
