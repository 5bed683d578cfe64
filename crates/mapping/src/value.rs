//! JSON texts and the values of templates, in both directions.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ValueKind};
use minijinja::{Error, ErrorKind, Value};
use serde::de::{MapAccess, SeqAccess, Visitor};

use crate::raw;

/// Whether a template value is the empty value: undefined, none or `""`.
pub(crate) fn is_empty(value: &Value) -> bool {
    value.is_undefined() || value.is_none() || value.as_str() == Some("")
}

/// Whether a template value is a list of any kind.
pub(crate) fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// A list without its empty members; any other value as it is.
///
/// # Errors
///
/// If iterating over the list fails, as in `map` with a filter that fails.
pub(crate) fn dense(value: &Value) -> Result<Value, Error> {
    if !is_list(value) {
        return Ok(value.clone());
    }
    let mut members = Vec::new();
    for member in value.try_iter()?.checked() {
        let member = member?;
        if !is_empty(&member) {
            members.push(member);
        }
    }
    Ok(Value::from(members))
}

/// The template value of a JSON text. An empty value is undefined, and so is every empty value
/// within; lists lose their empty members.
///
/// A text that cannot be decoded, as one nested too deep, gives a value that fails the expression
/// in which it is looked up.
pub(crate) fn decode(raw: &str) -> Value {
    if raw::is_empty(raw) {
        return Value::UNDEFINED;
    }
    if let Some(text) = raw::text(raw) {
        return Value::from(&*text);
    }
    match serde_json::from_str::<Decoded>(raw) {
        Ok(Decoded(value)) => value,
        Err(error) => Value::from(
            Error::new(
                ErrorKind::CannotDeserialize,
                "the value is no JSON that can be read",
            )
            .with_source(error),
        ),
    }
}

/// Appends a template value as compact JSON; nothing for the empty value.
///
/// # Errors
///
/// If the value is nothing that JSON knows, as a function or a number that is not finite.
pub(crate) fn encode(value: &Value, out: &mut String) -> Result<(), Error> {
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
                let member = member?;
                if !is_empty(&member) {
                    out.push_str(separator);
                    encode(&member, out)?;
                    separator = ",";
                }
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            let mut separator = "";
            for key in value.try_iter()? {
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
                    encode(&member, out)?;
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
    use fmt::Write as _;

    if value.is_integer() {
        write!(out, "{value}").expect("a String takes everything");
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

/// A value of a template as serde builds it from JSON.
struct Decoded(Value);

impl<'de> serde::Deserialize<'de> for Decoded {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Decoding).map(Self)
    }
}

struct Decoding;

impl<'de> Visitor<'de> for Decoding {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::UNDEFINED)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(if value.is_empty() {
            Value::UNDEFINED
        } else {
            Value::from(value)
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Decoded(member)) = list.next_element()? {
            if !member.is_undefined() {
                members.push(member);
            }
        }
        Ok(Value::from(members))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some((name, Decoded(value))) = map.next_entry::<String, _>()? {
            match members.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = value,
                None => members.push((name, value)),
            }
        }
        Ok(Value::from_object(Members(members)))
    }
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
