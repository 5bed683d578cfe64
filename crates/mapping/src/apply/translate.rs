//! Looking a value up in the table of its field.

use std::borrow::Cow;

use crate::canonical::push_decimal;
use crate::field::{Field, Table};
use crate::issue::{Issue, Reason};
use crate::raw;

/// What in a table gave the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// An entry.
    Entry,
    /// `otherwise`, as there is no entry.
    Otherwise,
}

/// The value that a table has for a source value, and what in it gave that.
pub(super) fn translate<'t>(
    field: &Field,
    table: &'t Table,
    source: &str,
) -> Result<(&'t str, Lookup), Issue> {
    let Some(key) = table_key(source) else {
        return Err(Issue {
            field: Some(field.name.clone()),
            reason: Reason::Mapping,
            message: format!(
                "the table of `{}` takes one value, and `{}` gave {source}",
                field.name, field.expression
            ),
            cause: Some(
                format!(
                    "the table of `{}` takes one value, and `{}` gave several",
                    field.name, field.expression
                )
                .into(),
            ),
            value: None,
            hint: Some(format!(
                "give `{}` an expression with one value, such as `lowestRole`",
                field.name
            )),
        });
    };
    let entry = table.entries.get(&*key).map(|value| (value, Lookup::Entry));
    let otherwise = || {
        table
            .otherwise
            .as_ref()
            .map(|value| (value, Lookup::Otherwise))
    };
    let found = entry.or_else(otherwise);
    found
        .map(|(value, lookup)| (value.as_str(), lookup))
        .ok_or_else(|| Issue {
            field: Some(field.name.clone()),
            reason: Reason::UnknownValue,
            message: format!(
                "the table of `{}` lacks `{key}`, which `{}` gave",
                field.name, field.expression
            ),
            cause: Some(
                format!("{0} `{key}` has no entry in the table of `{0}`", field.name).into(),
            ),
            value: Some(key.as_ref().into()),
            hint: Some(format!(
                "add `{}: …` to the table of `{}`, or give it `otherwise`",
                yaml_key(&key),
                field.name
            )),
        })
}

/// What a source value is looked up by: a text as it is, a number in its canonical spelling,
/// `true` or `false`. None for a list or an object.
fn table_key(source: &str) -> Option<Cow<'_, str>> {
    if let Some(text) = raw::text(source) {
        return Some(text);
    }
    match source.as_bytes().first()? {
        b'[' | b'{' => None,
        b'-' | b'0'..=b'9' => {
            let mut number = String::new();
            push_decimal(source, &mut number);
            Some(Cow::Owned(number))
        }
        _ => Some(Cow::Borrowed(source)),
    }
}

/// A key as it can be written in YAML, quoted where it needs that.
fn yaml_key(key: &str) -> Cow<'_, str> {
    let is_plain = key.starts_with(|first: char| first.is_alphanumeric())
        && key
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '-' | '.'))
        && !key.ends_with(' ');
    if is_plain {
        return Cow::Borrowed(key);
    }
    let mut quoted = String::new();
    raw::push_string(&mut quoted, key);
    Cow::Owned(quoted)
}
