//! What must hold for all users and all texts in the place of expressions.

use std::collections::HashMap;

use mapping::{Definition, FieldDefinition, Kind, Load, Mapping, Record, Subject, equal};
use proptest::prelude::*;
use serde_json::{Value, json};

fn mapping(expressions: &[&str]) -> Option<Mapping> {
    let fields = expressions.iter().enumerate();
    let fields: Vec<_> = fields
        .map(|(index, text)| FieldDefinition::new(format!("f{index}"), *text))
        .collect();
    Mapping::compile(&Definition {
        sync_keys: vec!["f0".into()],
        fields,
        ..Definition::default()
    })
    .ok()
}

fn apply(mapping: &Mapping, json: &str) -> (Record, usize) {
    let mut record = Record::default();
    let load = Load::new(
        "https://acme.sentinelone.net",
        "2026-11-23T02:00:00Z",
        HashMap::new(),
    );
    let subject = Subject::new(json).expect("the user is an object");
    let issues = mapping.apply(&subject, &load, &mut record);
    (record, issues.len())
}

/// Any JSON below the keys `a` and `b`.
fn user() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-9_i64..9).prop_map(|near| Value::from((1_i64 << 53) + near)),
        any::<f64>().prop_map(Value::from),
        "(\\PC|\n|\"|\\\\){0,6}".prop_map(Value::from),
        "[0-9]{18}".prop_map(Value::from),
    ];
    let value = scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    (value.clone(), value).prop_map(|(a, b)| json!({"a": a, "b": b}))
}

/// Whether a value holds an integer that a reader of doubles would round.
fn has_inexact_integer(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let integer = number.as_i64().map(i128::from);
            let integer = integer.or_else(|| number.as_u64().map(i128::from));
            integer.is_some_and(|integer| integer.abs() > 1 << 53)
        }
        Value::Array(items) => items.iter().any(has_inexact_integer),
        Value::Object(members) => members.values().any(has_inexact_integer),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_path_and_a_template_of_it_find_the_same(user in user()) {
        let paths = ["a", "b", "a.a", "a.b", "a.0", "a.1.a", "b.a.b", "b.0.0"];
        let bare = mapping(&paths).unwrap();
        let templates = paths.map(|path| format!("{{{{ {path} }}}}"));
        let templates = mapping(&templates.each_ref().map(String::as_str)).unwrap();
        let ((found, _), (computed, issues)) = (apply(&bare, &user.to_string()), apply(&templates, &user.to_string()));
        prop_assert_eq!(issues, 0);
        for (index, path) in paths.iter().enumerate() {
            // An index of a text is a letter to a template, and nothing to a path.
            let is_letter = found.get(index).is_empty() && computed.get(index).starts_with('"');
            let same = equal(Kind::Plain, found.get(index), computed.get(index));
            prop_assert!(same || is_letter, "{}: {} and {}", path, found.get(index), computed.get(index));
        }
    }

    #[test]
    fn every_value_is_compact_json_and_never_an_empty_one(user in user()) {
        let mapping = mapping(&["a", "{{ a }}", "{{ b }}!", "{{ a | string }}", "{{ [a, b] }}"]).unwrap();
        let (record, _) = apply(&mapping, &user.to_string());
        for value in record.iter().filter(|value| !value.is_empty()) {
            prop_assert!(!matches!(value, "null" | "\"\""));
            let read: Value = serde_json::from_str(value).unwrap();
            prop_assert_eq!(read.to_string().len(), value.len(), "{} has white space", value);
            prop_assert!(!has_inexact_integer(&read), "{} would be rounded", value);
        }
        let object: Value = serde_json::from_str(&record.to_json(&mapping)).unwrap();
        prop_assert_eq!(object.as_object().unwrap().len(), mapping.create_values(&record).count());
    }

    #[test]
    fn what_is_written_is_found_equal_the_next_time(user in user(), matched in user()) {
        let mapping = mapping(&["a", "{{ b }}", "{{ a }} {{ b }}", "connector_sync_time"]).unwrap();
        let (record, _) = apply(&mapping, &user.to_string());
        let (matched, _) = apply(&mapping, &matched.to_string());
        let mut updated = Record::default();
        let differences = mapping.compare(&record, &matched, |_, _, _| false);
        for index in 0..mapping.fields().len() {
            let is_changed = differences.iter().any(|difference| difference.field == index);
            updated.push_raw(if is_changed { record.get(index) } else { matched.get(index) });
        }
        prop_assert!(mapping.compare(&record, &updated, |_, _, _| false).is_empty());
    }

    #[test]
    fn no_text_breaks_the_compiler(
        text in "(\\{\\{|\\}\\}|\\{%|%\\}|\\{#|#\\}|\\PC| |'|\"|email|==|''|none|\\||is|not|raw|endraw|if|endif|\\(|\\)|\\[|\\]|\\.|\\\\|-){0,14}",
        user in user(),
    ) {
        if let Some(mapping) = mapping(&[&text]) {
            mapping.check_samples();
            apply(&mapping, &user.to_string());
        }
    }
}
