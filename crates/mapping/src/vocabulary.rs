//! The names that a mapping can speak of.
//!
//! The console may send fields that nobody has heard of, so an unknown name is no fault by
//! itself; one that nearly is a known name is.

use crate::template::{EMPTY, FUNCTIONS, nearest};

/// The names that a load brings; they go before fields of the user.
const OF_THE_LOAD: &[&str] = &[
    "customer_domain_url",
    "connector_sync_time",
    "role_names",
    "integration",
    "variables",
    "user",
];

/// The fields of a user, as the description of SentinelOne's API 2.1 lists them, with
/// `lowestRole`, which it calls deprecated.
const OF_A_USER: &[&str] = &[
    "id",
    "email",
    "fullName",
    "scope",
    "scopeRoles",
    "siteRoles",
    "tenantRoles",
    "lowestRole",
    "source",
    "firstLogin",
    "lastLogin",
    "dateJoined",
    "emailVerified",
    "emailReadOnly",
    "fullNameReadOnly",
    "groupsReadOnly",
    "twoFaEnabled",
    "twoFaEnabledReadOnly",
    "twoFaConfigured",
    "twoFaStatus",
    "primaryTwoFaMethod",
    "apiToken",
    "canGenerateApiToken",
    "isSystem",
    "agreedEula",
    "allowRemoteShell",
    "agreementUrl",
    "globalUserId",
    "globalOrganizationId",
];

/// The members of `scopeRoles`, `siteRoles` and `tenantRoles`.
const OF_A_ROLE: &[&str] = &["id", "name", "accountName", "roleId", "roleName", "roles"];

/// The members of `apiToken`.
const OF_A_TOKEN: &[&str] = &["createdAt", "expiresAt"];

/// The values that fields are known to have; new ones may come, and roles may be made.
const VALUES: &[(&str, &[&str])] = &[
    ("scope", &["tenant", "account", "site"]),
    (
        "source",
        &["mgmt", "sso_saml", "active_directory", "global"],
    ),
    (
        "twoFaStatus",
        &[
            "configured",
            "not_configured",
            "enrolled",
            "enrollment_expired",
        ],
    ),
    ("primaryTwoFaMethod", &["application", "sms"]),
    ("lowestRole", ROLES),
    ("roleName", ROLES),
];

/// The roles that every console has.
const ROLES: &[&str] = &["Admin", "Viewer", "C-Level", "IR Team", "IT", "SOC"];

/// Says what was meant by a value in the table of a field, where it is nearly one that the field has.
///
/// Short ones are not: too much that somebody may have made is near them.
pub(crate) fn misspelt_value(field: &str, value: &str) -> Option<String> {
    let (_, known) = VALUES.iter().find(|(known, _)| *known == field)?;
    if known.contains(&value) {
        return None;
    }
    let long: Vec<&str> = known
        .iter()
        .copied()
        .filter(|known| known.len() > 3)
        .collect();
    let near = nearest(value, &long)?;
    Some(format!(
        "`{value}` is not among the values that `{field}` is known to have; did you mean `{near}`?"
    ))
}

/// What is to be said of the names in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They are known.
    Known,
    /// One is nearly a known name: what to say.
    Misspelt(String),
    /// One is unknown: what to say.
    Unknown(String),
}

/// Whether a name stands for something else than a field of the user.
pub(crate) fn is_of_the_load(name: &str) -> bool {
    OF_THE_LOAD.contains(&name) || is_of_the_engine(name)
}

/// Whether a name is one that templates know by themselves.
pub(crate) fn is_of_the_engine(name: &str) -> bool {
    // Templates look functions up like fields.
    FUNCTIONS.contains(&name) || name == EMPTY
}

/// Judges a name with the names of members behind it, as `apiToken`, `expiresAt`.
pub(crate) fn judge<'n>(mut path: impl Iterator<Item = &'n str>) -> Verdict {
    let Some(name) = path.next() else {
        return Verdict::Known;
    };
    if is_of_the_load(name) {
        return Verdict::Known;
    }
    if !OF_A_USER.contains(&name) {
        let known: Vec<_> = [OF_A_USER, OF_THE_LOAD].concat();
        return judge_unknown(name, &known, "a user", "user");
    }
    let known = match name {
        "scopeRoles" | "siteRoles" | "tenantRoles" => OF_A_ROLE,
        "apiToken" => OF_A_TOKEN,
        _ => &[],
    };
    let Some(member) = path.next() else {
        return Verdict::Known;
    };
    if !known.contains(&member) {
        return judge_unknown(member, known, &format!("`{name}`"), &format!("user.{name}"));
    }
    // The members themselves are plain values.
    path.next().map_or(Verdict::Known, |member_of_member| {
        judge_unknown(member_of_member, &[], &format!("`{name}.{member}`"), "user")
    })
}

fn judge_unknown(name: &str, known: &[&str], owner: &str, escape: &str) -> Verdict {
    match nearest(name, known) {
        Some(near) => Verdict::Misspelt(format!(
            "{owner} has no field `{name}`; write `{near}`, or `{escape}.{name}` for a field of that very name"
        )),
        None => Verdict::Unknown(format!(
            "`{name}` is not among the fields of {owner} that the console is known to send; it is taken as it comes"
        )),
    }
}
