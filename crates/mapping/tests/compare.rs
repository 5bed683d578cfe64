//! What an update would change, and what a new person gets.

use std::collections::HashMap;

use mapping::{Definition, Empty, FieldDefinition, Load, Mapping, Record, Subject, Write};

fn mapping(fields: Vec<FieldDefinition>) -> Mapping {
    let sync_keys = vec![fields[0].field.clone()];
    Mapping::compile(&Definition {
        sync_keys,
        fields,
        ..Definition::default()
    })
    .expect("the mapping has no faults")
}

fn record(values: &[&str]) -> Record {
    let mut record = Record::default();
    for value in values {
        record.push_raw(value);
    }
    record
}

/// The differences as `field`, or `-field` where it is cleared.
fn compare(mapping: &Mapping, new: &[&str], old: &[&str]) -> Vec<String> {
    let differences = mapping.compare(&record(new), &record(old), |_, _, _| false);
    let shown = differences.iter().map(|difference| {
        let sign = if difference.clears { "-" } else { "" };
        format!("{sign}{}", mapping.fields()[difference.field].name())
    });
    shown.collect()
}

fn with(write: Write, empty: Empty) -> Mapping {
    mapping(vec![FieldDefinition {
        write,
        empty,
        ..FieldDefinition::new("f", "id")
    }])
}

#[test]
fn a_record_holds_values_and_empty_values() {
    let record = record(&["\"a\"", "null", "\"\"", "", "[1]", "0"]);
    assert_eq!(
        record.iter().collect::<Vec<_>>(),
        ["\"a\"", "", "", "", "[1]", "0"]
    );
    assert_eq!((record.len(), record.get(4), record.get(9)), (6, "[1]", ""));
}

#[test]
fn a_record_used_again_has_nothing_of_the_user_before() {
    let mapping = mapping(vec![
        FieldDefinition::new("a", "a"),
        FieldDefinition::new("b", "b"),
    ]);
    let load = Load::new("", "", HashMap::new());
    let mut used = Record::default();
    for json in [r#"{"a":"long text","b":[1]}"#, r#"{"b":2}"#] {
        let mut fresh = Record::default();
        mapping.apply(&Subject::new(json).unwrap(), &load, &mut used);
        mapping.apply(&Subject::new(json).unwrap(), &load, &mut fresh);
        assert_eq!(used, fresh);
    }
}

#[test]
fn equal_values_are_no_difference_and_others_are() {
    let mapping = mapping(vec![
        FieldDefinition::new("email", "email"),
        FieldDefinition::new("f", "x"),
    ]);
    assert!(compare(&mapping, &["\"A@b.c\"", "25"], &["\" a@B.c\"", "\"25\""]).is_empty());
    assert_eq!(
        compare(&mapping, &["\"a@b.c\"", "\"A\""], &["\"A@b.c\"", "\"a\""]),
        ["f"]
    );
    assert_eq!(
        compare(&mapping, &["\"a@b.c\"", "1"], &["\"x@b.c\"", ""]),
        ["email", "f"]
    );
}

#[test]
fn an_empty_value_leaves_alone_or_clears() {
    let keep = with(Write::Always, Empty::Keep);
    assert!(compare(&keep, &[""], &["1"]).is_empty());
    assert_eq!(compare(&keep, &["1"], &[""]), ["f"]);
    let clear = with(Write::Always, Empty::Clear);
    assert_eq!(compare(&clear, &[""], &["1"]), ["-f"]);
    assert!(compare(&clear, &[""], &["null"]).is_empty());
    assert_eq!(compare(&clear, &["1"], &[""]), ["f"]);
}

#[test]
fn some_fields_are_written_on_creation_only_or_while_empty() {
    let on_create = with(Write::OnCreate, Empty::Keep);
    assert!(compare(&on_create, &["1"], &["2"]).is_empty());
    assert!(compare(&on_create, &["1"], &[""]).is_empty());
    let if_empty = with(Write::IfEmpty, Empty::Keep);
    assert!(compare(&if_empty, &["1"], &["2"]).is_empty());
    assert_eq!(compare(&if_empty, &["1"], &["\"\""]), ["f"]);
    assert!(compare(&if_empty, &[""], &[""]).is_empty());
}

#[test]
fn another_form_of_what_was_sent_is_no_difference() {
    let mapping = with(Write::Always, Empty::Keep);
    let differences = |sent| {
        let form = |field, new: &str, shown: &str| (field, new, shown) == (0, sent, "\"Employee\"");
        mapping.compare(&record(&["25"]), &record(&["\"Employee\""]), form)
    };
    assert!(differences("25").is_empty());
    assert_eq!(differences("23").len(), 1);
}

#[test]
fn the_sync_time_goes_along_and_never_alone() {
    let mapping = mapping(vec![
        FieldDefinition::new("id", "id"),
        FieldDefinition::new("synced", "connector_sync_time"),
        FieldDefinition::new("text", "at {{ connector_sync_time }}"),
    ]);
    let old = [
        "1",
        "\"2026-11-22T02:00:00Z\"",
        "\"at 2026-11-22T02:00:00Z\"",
    ];
    let new = ["\"2026-11-23T02:00:00Z\"", "\"at 2026-11-23T02:00:00Z\""];
    assert!(compare(&mapping, &["1", new[0], new[1]], &old).is_empty());
    assert_eq!(
        compare(&mapping, &["2", new[0], new[1]], &old),
        ["id", "synced", "text"]
    );
    assert_eq!(
        compare(&mapping, &["2", old[1], new[1]], &old),
        ["id", "text"]
    );
}

#[test]
fn a_new_person_gets_all_values_and_needs_two() {
    let mapping = mapping(vec![
        FieldDefinition {
            write: Write::OnCreate,
            ..FieldDefinition::new("username", "email")
        },
        FieldDefinition {
            write: Write::IfEmpty,
            ..FieldDefinition::new("role", "r")
        },
        FieldDefinition {
            empty: Empty::Clear,
            ..FieldDefinition::new("x", "x")
        },
    ]);
    let full = record(&["\"a\"", "25", ""]);
    assert_eq!(
        mapping.create_values(&full).collect::<Vec<_>>(),
        [(0, "\"a\""), (1, "25")]
    );
    assert!(mapping.missing_for_create(&full).is_empty());
    for blank in ["", "\" \""] {
        let missing = mapping.missing_for_create(&record(&[blank, "25", "1"]));
        assert_eq!(missing, ["username"]);
    }
    assert_eq!(
        mapping.missing_for_create(&record(&["", "", ""])),
        ["username", "role"]
    );
    assert_eq!(
        with(Write::Always, Empty::Keep).missing_for_create(&full),
        ["username", "role"]
    );
}
