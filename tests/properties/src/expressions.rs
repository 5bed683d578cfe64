//! The compiler of the mapping, its templates, and the records that come of them.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use mapping::{
    Definition, Empty, Fault, FieldDefinition, Issue, Load, Mapping, Record, Source, Subject, Write,
};
use serde_json::Value;

/// The longest that all about one mapping may take; templates are stopped when they take too long.
const LONGEST: Duration = Duration::from_secs(20);

/// The most that a record may hold, in bytes: what a template may write is bounded as well.
const MOST: usize = 64 << 20;

/// What stands between the parts of an input.
const BETWEEN: &str = "\n---\n";

/// A mapping is refused with reasons, or makes the same record of the same user every time, in bounded time.
///
/// Every value of a record is compact JSON that no reader rounds; nothing differs from itself, or once it was written.
/// An input is the expression `where`, the fields, and the JSON of a user, with a line of `---` between them.
///
/// # Panics
///
/// Where that does not hold.
pub fn mapping(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let (definition, user) = read(text);
    if definition.fields.iter().any(is_repeated_for_nothing) {
        return;
    }
    let started = Instant::now();
    match Mapping::compile(&definition) {
        Ok(mapping) => {
            let again = Mapping::compile(&definition).expect("it was compiled before");
            let found = mapping.check_samples();
            assert_eq!(found, again.check_samples());
            for fault in found.faults.iter().chain(&found.warnings) {
                assert_is_of(&definition, fault);
            }
            // A user that is nested so deep that serde does not read it never gets here.
            if let Ok(subject) = Subject::new(user)
                && serde_json::from_str::<Value>(user).is_ok()
            {
                assert_records(&[mapping, again], &subject);
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            for fault in &faults {
                assert_is_of(&definition, fault);
            }
            let again = Mapping::compile(&definition).expect_err("it was refused before");
            assert_eq!(faults, again);
        }
    }
    assert!(
        started.elapsed() < LONGEST,
        "it took {:?}",
        started.elapsed()
    );
}

/// Reads an input: what it is a mapping of, and the user.
fn read(text: &str) -> (Definition, &str) {
    let mut parts: Vec<&str> = text.split(BETWEEN).collect();
    let user = if parts.len() > 2 { parts.pop() } else { None };
    let scope = parts.first().filter(|scope| !scope.is_empty());
    let fields: Vec<FieldDefinition> = parts
        .iter()
        .skip(1)
        .enumerate()
        .map(|(index, part)| field(index, part))
        .collect();
    let definition = Definition {
        integration: "users".into(),
        scope: scope.map(|scope| (*scope).to_owned()),
        sync_keys: fields
            .iter()
            .take(1)
            .map(|field| field.field.clone())
            .collect(),
        fields,
        variables: BTreeMap::from([("Tag".into(), "it's {{ so }}".into())]),
    };
    (definition, user.unwrap_or("{}"))
}

/// Reads a field: lines such as `table: {"Admin":23}`, and the expression before them.
fn field(index: usize, text: &str) -> FieldDefinition {
    // The kind of a field hangs on its name.
    let name = match index {
        0 => "email".to_owned(),
        _ => format!("field_{index}"),
    };
    let mut field = FieldDefinition::new(name, "");
    let mut expression = text;
    loop {
        let (before, line) = expression.rsplit_once('\n').unwrap_or(("", expression));
        let Some((key, value)) = line.split_once(": ") else {
            break;
        };
        let json = serde_json::from_str::<Value>(value).ok();
        match (key, json) {
            ("table", Some(Value::Object(entries))) => {
                field.table = Some(entries.into_iter().collect());
            }
            ("otherwise", Some(json)) => field.otherwise = Some(json),
            ("value", Some(json)) => field.source = Source::Value(json),
            ("empty", None) if value == "clear" => field.empty = Empty::Clear,
            ("write", None) if value == "on_create" => field.write = Write::OnCreate,
            ("write", None) if value == "if_empty" => field.write = Write::IfEmpty,
            _ => break,
        }
        expression = before;
    }
    if matches!(field.source, Source::Expression(_)) {
        field.source = Source::Expression(expression.to_owned());
    }
    field
}

/// Whether a field may go through a repeated list with an operator of the engine, which takes no fuel for it: that ends,
/// as no list is repeated to more than a hundred million members, but not within the time here.
fn is_repeated_for_nothing(field: &FieldDefinition) -> bool {
    let text = match &field.source {
        Source::Expression(text) | Source::Value(Value::String(text)) => text,
        Source::Value(_) => return false,
    };
    text.contains('*')
        && ["~", "in", "is"]
            .iter()
            .any(|operator| text.contains(operator))
}

/// A fault says what is wrong with something that is there.
fn assert_is_of(definition: &Definition, fault: &Fault) {
    assert!(!fault.message.is_empty(), "{fault:?}");
    if let Some(field) = &fault.field {
        assert!(
            definition.fields.iter().any(|known| known.field == *field),
            "{fault:?}"
        );
    }
}

/// Two mappings that were compiled from one definition make the same of a user.
fn assert_records(mappings: &[Mapping; 2], subject: &Subject<'_>) {
    let load = Load::new(
        "https://acme.sentinelone.net",
        "2026-11-23T02:00:00Z",
        HashMap::from([("7".to_owned(), "SOC L2".to_owned())]),
    );
    let [(record, issues), (again, same)] = mappings.each_ref().map(|mapping| {
        let mut record = Record::default();
        let issues = mapping.apply(subject, &load, &mut record);
        (record, issues)
    });
    assert_eq!(record, again);
    assert_eq!(texts(&issues), texts(&same));
    let [mapping, other] = mappings;
    let scope = mapping
        .in_scope(subject, &load)
        .map_err(|issue| issue.message);
    assert_eq!(
        scope,
        other
            .in_scope(subject, &load)
            .map_err(|issue| issue.message)
    );

    assert_eq!(record.len(), mapping.fields().len());
    for (field, value) in mapping.fields().iter().zip(record.iter()) {
        assert!(
            value.len() <= MOST,
            "{} is {} bytes long",
            field.name(),
            value.len()
        );
        let failed = issues
            .iter()
            .any(|issue| issue.field.as_deref() == Some(field.name()));
        assert!(
            !failed || value.is_empty(),
            "{} has an issue and a value",
            field.name()
        );
        if !value.is_empty() {
            assert_value(value);
        }
    }
    let object: Value =
        serde_json::from_str(&record.to_json(mapping)).expect("a record is a JSON object");
    let fields = object.as_object().map(serde_json::Map::len);
    assert_eq!(fields, Some(mapping.create_values(&record).count()));
    assert!(
        mapping
            .compare(&record, &record, |_, _, _| false)
            .is_empty()
    );

    // Whatever Oomnitza had, after the update there is nothing to update.
    let mut other = Record::default();
    for index in 0..record.len() {
        other.push_raw(record.get(record.len() - 1 - index));
    }
    let differences = mapping.compare(&record, &other, |_, _, _| false);
    let mut updated = Record::default();
    for index in 0..record.len() {
        let changed = differences
            .iter()
            .any(|difference| difference.field == index);
        updated.push_raw(if changed {
            record.get(index)
        } else {
            other.get(index)
        });
    }
    assert!(
        mapping
            .compare(&record, &updated, |_, _, _| false)
            .is_empty()
    );
}

fn texts(issues: &[Issue]) -> Vec<String> {
    issues.iter().map(|issue| format!("{issue:?}")).collect()
}

/// A value is compact JSON, neither null nor an empty text, and without integers that a reader of doubles would round.
fn assert_value(value: &str) {
    assert!(
        !matches!(value, "null" | "\"\""),
        "an empty value has another form"
    );
    let read: Value = serde_json::from_str(value).expect("a value is JSON");
    assert!(!value.starts_with([' ', '\n', '\t']) && !value.ends_with([' ', '\n', '\t']));
    assert!(!has_inexact_integer(&read), "{value} would be rounded");
}

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
