//! JSON texts and the values of templates, in both directions.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};
use serde::de::Error as _;

use crate::raw;

/// Whether a template value is the empty value: undefined, none or `""`.
pub(crate) fn is_empty(value: &Value) -> bool {
    value.is_undefined() || value.is_none() || value.as_str() == Some("")
}

/// Whether a template value is a list of any kind.
pub(crate) fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// Takes fuel for each member of a list or an object, and of those within.
///
/// The engine repeats a list, as in `[1] * 1000`, only when it is gone through, and takes nothing for that.
///
/// # Errors
///
/// If the fuel does not suffice, or a list cannot be gone through.
pub(crate) fn charge(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    if !is_list(value) && value.kind() != ValueKind::Map {
        return Ok(());
    }
    for member in value.try_iter()?.checked() {
        state.consume_fuel(1)?;
        let member = member?;
        if value.kind() == ValueKind::Map {
            charge(state, &value.get_item(&member)?)?;
        } else {
            charge(state, &member)?;
        }
    }
    Ok(())
}

/// A list without its empty members; any other value as it is.
///
/// # Errors
///
/// If iterating over the list fails, as in `map` with a filter that fails.
pub(crate) fn dense(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    if !is_list(value) {
        return Ok(value.clone());
    }
    let mut members = Vec::new();
    for member in value.try_iter()?.checked() {
        state.consume_fuel(1)?;
        let member = member?;
        if !is_empty(&member) {
            members.push(member);
        }
    }
    Ok(Value::from(members))
}

/// The template value of a JSON text. An empty value is undefined, and so is every empty value
/// within; lists lose their empty members. An integer beyond 2^53 is the text of its digits, so
/// that an id is the same to a template whether it came as a text or as a number.
///
/// A text that cannot be decoded, as one nested too deep, gives a value that fails the expression
/// in which it is looked up.
pub(crate) fn decode(raw: &str) -> Value {
    decode_within(raw, raw::MAX_DEPTH).unwrap_or_else(|error| {
        Value::from(
            Error::new(
                ErrorKind::CannotDeserialize,
                "the value is no JSON that can be read",
            )
            .with_source(error),
        )
    })
}

fn decode_within(raw: &str, depth: usize) -> serde_json::Result<Value> {
    if raw::is_empty(raw) {
        return Ok(Value::UNDEFINED);
    }
    if let Some(text) = raw::text(raw) {
        return Ok(Value::from(&*text));
    }
    match raw.as_bytes().first() {
        Some(b'[' | b'{') if depth == 0 => Err(serde_json::Error::custom("it is nested too deep")),
        Some(b'[') => decode_list(raw, depth - 1),
        Some(b'{') => decode_object(raw, depth - 1),
        Some(b't' | b'f') => serde_json::from_str::<bool>(raw).map(Value::from),
        _ if raw::is_inexact(raw) => Ok(Value::from(raw)),
        _ => match raw.parse::<i64>() {
            Ok(integer) => Ok(Value::from(integer)),
            Err(_) => serde_json::from_str::<f64>(raw).map(Value::from),
        },
    }
}

fn decode_list(raw: &str, depth: usize) -> serde_json::Result<Value> {
    let items = raw::items(raw)?.into_iter();
    let members = items.map(|item| decode_within(item, depth));
    Ok(Value::from(members.collect::<Result<Vec<_>, _>>()?))
}

fn decode_object(raw: &str, depth: usize) -> serde_json::Result<Value> {
    let mut members: Vec<(String, Value)> = Vec::new();
    for (name, value) in raw::members(raw)? {
        let value = decode_within(value, depth)?;
        match members.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => members.push((name.into_owned(), value)),
        }
    }
    Ok(Value::from_object(Members(members)))
}

/// Appends a template value as compact JSON, integers beyond 2^53 as texts; nothing for the empty
/// value.
///
/// # Errors
///
/// If the value is nothing that JSON knows, as a function or a number that is not finite.
pub(crate) fn encode(state: &State<'_, '_>, value: &Value, out: &mut String) -> Result<(), Error> {
    if is_empty(value) {
        return Ok(());
    }
    match value.kind() {
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => encode_number(value, out)?,
        ValueKind::String => raw::push_string(out, value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            let mut separator = "";
            for member in value.try_iter()?.checked() {
                state.consume_fuel(1)?;
                let member = member?;
                if !is_empty(&member) {
                    out.push_str(separator);
                    encode(state, &member, out)?;
                    separator = ",";
                }
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            let mut separator = "";
            for key in value.try_iter()? {
                state.consume_fuel(1)?;
                let member = value.get_item(&key)?;
                out.push_str(separator);
                match key.as_str() {
                    Some(key) => raw::push_string(out, key),
                    None => raw::push_string(out, &key.to_string()),
                }
                out.push(':');
                if is_empty(&member) {
                    out.push_str("null");
                } else {
                    encode(state, &member, out)?;
                }
                separator = ",";
            }
            out.push('}');
        }
        kind => {
            return Err(unusable(&format!(
                "the result is a {kind}, which is no value"
            )));
        }
    }
    Ok(())
}

fn encode_number(value: &Value, out: &mut String) -> Result<(), Error> {
    if value.is_integer() {
        raw::push_number(out, &value.to_string());
        return Ok(());
    }
    let number = f64::try_from(value.clone())?;
    if !number.is_finite() {
        return Err(unusable("the result is a number without an end"));
    }
    out.push_str(&serde_json::Value::from(number).to_string());
    Ok(())
}

fn unusable(detail: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail.to_owned())
}

/// A JSON object in a template: few members, in their order.
#[derive(Debug)]
struct Members(Vec<(String, Value)>);

impl Object for Members {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let found = self.0.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.iter().map(|(name, _)| Value::from(name)).collect())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.0.len())
    }
}
