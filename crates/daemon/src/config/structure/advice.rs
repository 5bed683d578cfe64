//! What to write instead: told from the examples and choices in the schema.

use serde_json::Value as Schema;

use super::super::nearest::either;
use super::behind;
use super::kind::Kind;

/// Says that a value is of the wrong kind, and which one is wanted.
pub(super) fn wrong_kind(
    kind: Kind,
    schema: &Schema,
    accepted: &[&Schema],
    root: &Schema,
) -> String {
    let wanted: Vec<Kind> = Kind::ALL
        .into_iter()
        .filter(|kind| *kind != Kind::Null && accepted.iter().any(|leaf| kind.is_named(leaf)))
        .collect();
    let names = wanted
        .iter()
        .map(|kind| kind.name())
        .collect::<Vec<_>>()
        .join(" or ");
    let examples = if wanted == [Kind::Boolean] {
        vec!["true".to_owned(), "false".to_owned()]
    } else {
        examples(schema, root)
    };
    let quotes = wanted.contains(&Kind::Text) && matches!(kind, Kind::Boolean | Kind::Whole);
    let advice = match (quotes, examples.is_empty()) {
        (true, true) => "write it in quotes".to_owned(),
        (true, false) => format!("write it in quotes, or for example {}", either(examples)),
        (false, true) => format!("write {names}"),
        (false, false) => format!("write for example {}", either(examples)),
    };
    match kind {
        Kind::Null => format!("has no value, and must be {names}; {advice}"),
        Kind::Number => format!("must be {names}, not a number with a fraction; {advice}"),
        _ => format!("must be {names}, not {}; {advice}", kind.name()),
    }
}

/// Returns some values that fit, in YAML: the outermost examples, or else the choices.
pub(super) fn examples(schema: &Schema, root: &Schema) -> Vec<String> {
    const SOME: usize = 4;
    let own = schema["examples"]
        .as_array()
        .into_iter()
        .flatten()
        .map(inline);
    let mut found: Vec<String> = own.take(SOME).collect();
    if found.is_empty() {
        found = choices(schema).map(str::to_owned).collect();
    }
    if found.is_empty() {
        found = behind(schema, root)
            .iter()
            .flat_map(|inner| examples(inner, root))
            .collect();
    }
    found
}

/// Returns the only texts that fit, if only some do.
pub(super) fn choices(leaf: &Schema) -> impl Iterator<Item = &str> {
    let several = leaf["enum"].as_array().into_iter().flatten();
    leaf["const"]
        .as_str()
        .into_iter()
        .chain(several.filter_map(Schema::as_str))
}

/// A value on one line, as YAML reads it.
fn inline(value: &Schema) -> String {
    match value {
        Schema::String(text) => text.clone(),
        Schema::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Schema::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{key}: {}", inline(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}
