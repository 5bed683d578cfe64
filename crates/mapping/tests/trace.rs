//! How each value came about, as `explain` tells it.

use std::collections::HashMap;

use mapping::{Definition, FieldDefinition, Load, Lookup, Mapping, Record, Source, Subject};
use serde_json::json;

const USER: &str = r#"{"id":"225","email":"Ann@Acme.com","fullName":"Ann Lee","lowestRole":"Viewer","isSystem":false,
    "apiToken":{"expiresAt":"2026-12-01T00:00:00Z"},"scopeRoles":[{"roleId":"7","roleName":"x"}],"lastLogin":null}"#;

fn load() -> Load {
    let names = HashMap::from([("7".to_owned(), "SOC L2".to_owned())]);
    Load::new(
        "https://acme.sentinelone.net",
        "2026-11-23T02:00:00Z",
        names,
    )
}

fn mapping(mut fields: Vec<FieldDefinition>, scope: Option<&str>) -> Mapping {
    fields.push(FieldDefinition::new("key", "id"));
    Mapping::compile(&Definition {
        integration: "users".to_owned(),
        sync_keys: vec!["key".to_owned()],
        fields,
        scope: scope.map(str::to_owned),
        ..Definition::default()
    })
    .expect("the mapping has no faults")
}

fn table(entries: &[(&str, i32)], otherwise: Option<i32>) -> FieldDefinition {
    let entry = |(key, value): &(&str, i32)| ((*key).to_owned(), json!(value));
    FieldDefinition {
        table: Some(entries.iter().map(entry).collect()),
        otherwise: otherwise.map(|value| json!(value)),
        ..FieldDefinition::new("role", "lowestRole")
    }
}

/// One line: what was looked up, what that gave, what the table made of it.
fn traced(field: FieldDefinition) -> String {
    let mapping = mapping(vec![field], None);
    let subject = Subject::new(USER).expect("a user is an object");
    let trace = &mapping.trace(&subject, &load())[0];
    let inputs = trace.inputs.iter();
    let inputs: Vec<_> = inputs
        .map(|input| format!("{}={} ", input.name, input.value))
        .collect();
    let inputs = inputs.concat();
    let lookup = match trace.lookup {
        None => "",
        Some(Lookup::Entry) => " by an entry",
        Some(Lookup::Otherwise) => " by otherwise",
    };
    let issue = trace.issue.as_ref();
    let issue = issue.map(|issue| format!(" ({})", issue.reason.code()));
    format!(
        "{inputs}gives {} -> {}{lookup}{}",
        trace.source,
        trace.value,
        issue.unwrap_or_default()
    )
}

#[test]
fn a_trace_tells_what_an_expression_looked_up_and_what_it_gave() {
    let of = |expression| traced(FieldDefinition::new("f", expression));
    assert_eq!(
        of("email"),
        r#"email="Ann@Acme.com" gives "Ann@Acme.com" -> "Ann@Acme.com""#
    );
    assert_eq!(of("lastLogin"), "lastLogin= gives  -> ");
    assert_eq!(
        of("{{ apiToken.expiresAt | date }}"),
        r#"apiToken.expiresAt="2026-12-01T00:00:00Z" gives "2026-12-01" -> "2026-12-01""#
    );
    assert_eq!(
        of("{{ fullName | first_name }} {{ role_names | join(', ') }}"),
        r#"fullName="Ann Lee" role_names=["SOC L2"] gives "Ann SOC L2" -> "Ann SOC L2""#
    );
    assert_eq!(
        of("{{ connector_sync_time }}"),
        r#"connector_sync_time="2026-11-23T02:00:00Z" gives "2026-11-23T02:00:00Z" -> "2026-11-23T02:00:00Z""#
    );
}

#[test]
fn a_constant_has_no_inputs() {
    let constant = FieldDefinition {
        source: Source::Value(json!("SentinelOne")),
        ..FieldDefinition::new("f", "")
    };
    assert_eq!(traced(constant), r#"gives "SentinelOne" -> "SentinelOne""#);
}

#[test]
fn a_trace_tells_what_in_the_table_gave_the_value() {
    assert_eq!(
        traced(table(&[("Viewer", 24)], None)),
        r#"lowestRole="Viewer" gives "Viewer" -> 24 by an entry"#
    );
    assert_eq!(
        traced(table(&[("Admin", 23)], Some(25))),
        r#"lowestRole="Viewer" gives "Viewer" -> 25 by otherwise"#
    );
    assert_eq!(
        traced(table(&[("Admin", 23)], None)),
        r#"lowestRole="Viewer" gives "Viewer" ->  (unknown_value)"#
    );
}

#[test]
fn what_cannot_be_computed_is_traced_with_its_issue() {
    assert_eq!(
        traced(FieldDefinition::new("f", "{{ fullName | int }}")),
        r#"fullName="Ann Lee" gives  ->  (mapping)"#
    );
}

#[test]
fn a_scope_is_traced_with_what_it_looked_at() {
    let fields = || vec![FieldDefinition::new("email", "email")];
    let subject = Subject::new(USER).unwrap();
    let scope = |text| mapping(fields(), text).trace_scope(&subject, &load());
    assert_eq!(scope(None), None);
    let trace = scope(Some("isSystem or lowestRole == 'Admin'")).unwrap();
    assert_eq!(trace.expression, "isSystem or lowestRole == 'Admin'");
    let inputs: Vec<_> = trace
        .inputs
        .iter()
        .map(|input| (&*input.name, &*input.value))
        .collect();
    assert_eq!(
        inputs,
        [("isSystem", "false"), ("lowestRole", "\"Viewer\"")]
    );
    assert_eq!(trace.holds, Ok(false));
    assert_eq!(scope(Some("not isSystem")).unwrap().holds, Ok(true));
    assert!(scope(Some("fullName | int > 1")).unwrap().holds.is_err());
}

#[test]
fn the_values_of_a_trace_are_those_of_the_record() {
    let mapping = mapping(
        vec![
            FieldDefinition::new("email", "email"),
            FieldDefinition::new("name", "{{ fullName | last_name }}"),
            FieldDefinition::new("roles", "role_names"),
            FieldDefinition::new("wrong", "{{ fullName | int }}"),
            table(&[("Viewer", 24)], None),
        ],
        None,
    );
    let subject = Subject::new(USER).unwrap();
    let mut record = Record::default();
    let issues = mapping.apply(&subject, &load(), &mut record);
    let traces = mapping.trace(&subject, &load());
    let values: Vec<&str> = traces.iter().map(|trace| trace.value.as_str()).collect();
    assert_eq!(values, record.iter().collect::<Vec<_>>());
    let found: Vec<_> = traces.into_iter().filter_map(|trace| trace.issue).collect();
    assert_eq!(found, issues);
}
