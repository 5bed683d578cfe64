//! Filters for texts.

use std::borrow::Cow;

use minijinja::value::Rest;
use minijinja::{Error, ErrorKind, State, Value};

use crate::value;

/// `split`: the parts of a text between separators, or between white space; empty parts are left
/// out, as everywhere in lists. With `limit` at most so many splits are made.
pub(super) fn split(
    text: &Value,
    separator: Option<&str>,
    limit: Option<usize>,
) -> Result<Value, Error> {
    let Some(text) = text_of(text)? else {
        return Ok(Value::UNDEFINED);
    };
    let pieces = limit.map_or(usize::MAX, |limit| limit.saturating_add(1));
    let parts: Vec<&str> = match separator.filter(|separator| !separator.is_empty()) {
        Some(separator) => text.splitn(pieces, separator).collect(),
        None => words(&text, pieces),
    };
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    Ok(parts.map(Value::from).collect())
}

/// The words of a text, of which the last holds the rest once there are `pieces`.
fn words(text: &str, pieces: usize) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while words.len() + 1 < pieces
        && let Some((word, behind)) = rest.split_once(char::is_whitespace)
    {
        words.push(word);
        rest = behind.trim_start();
    }
    words.push(rest);
    words
}

/// `concat`: a value and all arguments as one text, without those that are empty. A list gives
/// the texts of its members.
pub(super) fn concat(
    state: &State<'_, '_>,
    first: Value,
    others: Rest<Value>,
) -> Result<Value, Error> {
    let mut text = String::new();
    for part in std::iter::once(first).chain(others.0) {
        push_text(state, &part, &mut text)?;
    }
    Ok(if text.is_empty() {
        Value::UNDEFINED
    } else {
        Value::from(text)
    })
}

fn push_text(state: &State<'_, '_>, value: &Value, text: &mut String) -> Result<(), Error> {
    use std::fmt::Write as _;

    if value::is_list(value) {
        for member in value.try_iter()?.checked() {
            state.consume_fuel(1)?;
            push_text(state, &member?, text)?;
        }
    } else if !value::is_empty(value) {
        value::charge(state, value)?;
        write!(text, "{value}").expect("a String takes everything");
    }
    Ok(())
}

/// The text of a value that a filter for texts is given; None where it is empty.
///
/// # Errors
///
/// If the value is a list or an object.
pub(super) fn text_of(value: &Value) -> Result<Option<Cow<'_, str>>, Error> {
    if value::is_empty(value) {
        return Ok(None);
    }
    if let Some(text) = value.as_str() {
        return Ok(Some(Cow::Borrowed(text)));
    }
    if value.as_object().is_some() {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("the filter takes a text, not a {}", value.kind()),
        ));
    }
    Ok(Some(Cow::Owned(value.to_string())))
}
