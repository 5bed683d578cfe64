//! The hot path: what one user costs. Run with `cargo bench -p mapping`.

use std::collections::HashMap;

use divan::{Bencher, black_box};
use mapping::{Definition, FieldDefinition, Load, Mapping, Record, Source, Subject};
use serde_json::json;

fn main() {
    divan::main();
}

/// A user as a console sends it: 1.4 kB.
const USER: &str = include_str!("user.json");

/// Fifteen fields: nine paths, five templates, a table.
fn mapping() -> Mapping {
    let short = [
        ("username", "email"),
        ("email", "email"),
        ("first_name", "{{ fullName | first_name }}"),
        ("last_name", "{{ fullName | last_name }}"),
        ("sentinelone_user_id", "id"),
        ("sentinelone_scope", "scope"),
        ("sentinelone_two_fa", "twoFaEnabled"),
        ("sentinelone_last_login", "lastLogin"),
        ("sentinelone_date_joined", "dateJoined"),
        ("sentinelone_roles", "{{ role_names | join(', ') }}"),
        ("sentinelone_domain", "{{ email | email_domain }}"),
        ("sentinelone_label", "{{ source }}/{{ lowestRole }}"),
        ("sentinelone_console", "customer_domain_url"),
        ("sentinelone_synced_at", "connector_sync_time"),
    ];
    let mut fields: Vec<_> = short
        .iter()
        .map(|(field, expression)| FieldDefinition::new(*field, *expression))
        .collect();
    fields.push(FieldDefinition {
        source: Source::Expression("lowestRole".into()),
        table: Some(vec![
            ("Admin".into(), json!(23)),
            ("Viewer".into(), json!(25)),
        ]),
        otherwise: Some(json!(25)),
        ..FieldDefinition::new("role", "")
    });
    Mapping::compile(&Definition {
        scope: Some("not isSystem".into()),
        sync_keys: vec!["sentinelone_user_id".into(), "email".into()],
        fields,
        ..Definition::default()
    })
    .expect("the mapping of the benchmark has no faults")
}

fn load() -> Load {
    Load::new(
        "https://acme.sentinelone.net",
        "2026-11-23T02:00:00Z",
        HashMap::new(),
    )
}

#[divan::bench]
fn split_a_user(bencher: Bencher) {
    bencher.bench(|| Subject::new(black_box(USER)));
}

#[divan::bench]
fn decide_the_scope(bencher: Bencher) {
    let (mapping, load) = (mapping(), load());
    let user = Subject::new(USER).expect("the user is an object");
    bencher.bench(|| mapping.in_scope(black_box(&user), &load));
}

#[divan::bench]
fn make_a_record_of_15_fields(bencher: Bencher) {
    let (mapping, load) = (mapping(), load());
    let user = Subject::new(USER).expect("the user is an object");
    let mut record = Record::default();
    bencher.bench_local(|| mapping.apply(black_box(&user), &load, &mut record));
}

#[divan::bench]
fn compare_an_unchanged_record(bencher: Bencher) {
    let (mapping, load) = (mapping(), load());
    let user = Subject::new(USER).expect("the user is an object");
    let (mut record, mut matched) = (Record::default(), Record::default());
    mapping.apply(&user, &load, &mut record);
    for value in record.iter() {
        // Oomnitza may leave out the fractions of seconds and quote booleans.
        matched.push_raw(match value {
            "\"2026-11-20T08:30:20.257525Z\"" => "\"2026-11-20T08:30:20Z\"",
            "true" => "\"true\"",
            other => other,
        });
    }
    bencher.bench(|| mapping.compare(black_box(&record), black_box(&matched), |_, _, _| false));
}
