//! Roles: what the mapping makes of them, and whether Oomnitza shows the same.

use std::collections::BTreeSet;

use mapping::Empty;
use serde_json::Value;

/// Reads the roles that the mapping gave, raw JSON: a list, or one alone; `None` where they are to stay as they are.
///
/// # Errors
/// What it gave cannot be roles, and why.
pub(crate) fn roles_of(raw: &str, empty: Empty) -> Result<Option<Vec<String>>, String> {
    let value: Value = match raw {
        "" => Value::Null,
        raw => serde_json::from_str(raw).map_err(|error| error.to_string())?,
    };
    let mut roles = Vec::new();
    match value {
        Value::Null => {}
        Value::Array(values) => {
            for value in &values {
                let role = role(value)?;
                roles.extend(role.filter(|role| !roles.contains(role)));
            }
        }
        value => roles.extend(role(&value)?),
    }
    let stay = roles.is_empty() && empty == Empty::Keep;
    Ok((!stay).then_some(roles))
}

fn role(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(format!(
            "a role is a text, and this is {value}; write what gives a list of texts, such as `role_names`"
        )),
    }
}

/// Whether Oomnitza shows just these roles, as far as what it shows can be understood.
pub(crate) fn same(wanted: &[String], shown: &str) -> bool {
    let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    let Some(shown) = understood(shown) else {
        return false;
    };
    shown.len() == wanted.len() && shown.iter().all(|role| wanted.contains(role.as_str()))
}

/// The roles of a listing: texts, or objects that name a role; `None` where they are something else.
fn understood(shown: &str) -> Option<BTreeSet<String>> {
    if shown.is_empty() {
        return Some(BTreeSet::new());
    }
    match serde_json::from_str(shown).ok()? {
        Value::Array(roles) => roles.iter().map(named).collect(),
        role => named(&role).map(|role| BTreeSet::from([role])),
    }
}

fn named(role: &Value) -> Option<String> {
    match role {
        Value::String(role) => Some(role.clone()),
        Value::Object(role) => role.get("role_external_id")?.as_str().map(str::to_owned),
        _ => None,
    }
}
