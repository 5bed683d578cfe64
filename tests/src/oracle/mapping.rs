//! The mapping that the oracle knows, field by field.

use serde_json::{Value, json};

use super::Oracle;
use crate::values::Kind;

/// The field that makes no change alone.
pub(super) const SYNC_TIME: &str = "sentinelone_synced_at";

/// When a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    /// Always, unless its source is empty.
    Always,
    /// Always; an empty source clears it.
    OrClear,
    /// Only when the person is made.
    OnCreate,
    /// Only where Oomnitza has nothing.
    IfEmpty,
}

/// An Oomnitza field: its value for a user, or the reason for which there is none.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) write: Write,
    pub(super) value: fn(&Value, &Oracle<'_>) -> Result<Value, &'static str>,
}

/// All mapped fields, in the order of the configuration.
pub(super) const FIELDS: &[Field] = &[
    field("username", Kind::Address, Write::OnCreate, |user, _| {
        Ok(user["email"].clone())
    }),
    field("email", Kind::Address, Write::Always, |user, _| {
        Ok(user["email"].clone())
    }),
    field("first_name", Kind::Other, Write::Always, |user, _| {
        let words = words(user);
        Ok(words.first().map_or(Value::Null, |first| json!(first)))
    }),
    field("last_name", Kind::Other, Write::Always, |user, _| {
        Ok(json!(words(user).get(1..).unwrap_or_default().join(" ")))
    }),
    field("position", Kind::Other, Write::IfEmpty, |_, _| {
        Ok(json!("Console user"))
    }),
    field("role", Kind::Other, Write::OnCreate, |user, _| {
        match user["lowestRole"].as_str() {
            None | Some("") => Ok(Value::Null),
            Some("Admin") => Ok(json!(23)),
            Some("Viewer" | "C-Level" | "IR Team" | "IT") => Ok(json!(25)),
            Some(_) => Err("unknown_value"),
        }
    }),
    field(
        "sentinelone_user_id",
        Kind::Other,
        Write::Always,
        |user, _| Ok(user["id"].clone()),
    ),
    field(
        "sentinelone_scope",
        Kind::Other,
        Write::Always,
        |user, _| Ok(user["scope"].clone()),
    ),
    field(
        "sentinelone_two_fa",
        Kind::Other,
        Write::Always,
        |user, _| Ok(user["twoFaEnabled"].clone()),
    ),
    field(
        "sentinelone_last_login",
        Kind::Time,
        Write::OrClear,
        |user, _| Ok(user["lastLogin"].clone()),
    ),
    field(
        "sentinelone_roles",
        Kind::Other,
        Write::Always,
        |user, _| Ok(json!(role_names(user).join(", "))),
    ),
    field(
        "sentinelone_console",
        Kind::Other,
        Write::Always,
        |_, oracle| Ok(json!(oracle.console_url)),
    ),
    field(SYNC_TIME, Kind::Time, Write::Always, |_, oracle| {
        Ok(json!(oracle.synced_at))
    }),
    field(
        "sentinelone_source",
        Kind::Other,
        Write::Always,
        |user, _| {
            Ok(match user["source"].as_str() {
                None | Some("") => Value::Null,
                Some("mgmt") => json!("Local"),
                Some("sso_saml") => json!("Single sign-on"),
                Some(_) => json!("Other"),
            })
        },
    ),
    field(
        "sentinelone_date_joined",
        Kind::Time,
        Write::Always,
        |user, _| Ok(user["dateJoined"].clone()),
    ),
    field(
        "sentinelone_email_verified",
        Kind::Other,
        Write::Always,
        |user, _| Ok(user["emailVerified"].clone()),
    ),
];

const fn field(
    name: &'static str,
    kind: Kind,
    write: Write,
    value: fn(&Value, &Oracle<'_>) -> Result<Value, &'static str>,
) -> Field {
    Field {
        name,
        kind,
        write,
        value,
    }
}

fn words(user: &Value) -> Vec<&str> {
    let name = user["fullName"].as_str().unwrap_or_default();
    name.split_whitespace().collect()
}

/// The custom roles that the simulator's console lists, by id; users carry no name of them that says anything.
const CUSTOM_ROLES: [(&str, &str); 3] = [
    ("1203456789012345601", "SOC L2, nights"),
    ("1203456789012345602", "Auditor (read only)"),
    ("1203456789012345603", "Helpdesk Baile Átha Cliath"),
];

/// The distinct names of a user's roles, in order.
fn role_names(user: &Value) -> Vec<&str> {
    let mut names = Vec::new();
    for role in user["scopeRoles"].as_array().into_iter().flatten() {
        let id = role["roleId"].as_str().unwrap_or_default();
        let listed = CUSTOM_ROLES.iter().find(|(custom, _)| *custom == id);
        let own = || role["roleName"].as_str().filter(|name| !name.is_empty());
        let name = listed.map(|(_, name)| *name).or_else(own).unwrap_or(id);
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
