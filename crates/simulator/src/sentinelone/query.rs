//! The parameters of `GET /users`: which users, in which order.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::exchange::{Asked, Refusal};

/// Parameters that are read here.
const READ: [&str; 24] = [
    "limit",
    "skip",
    "cursor",
    "countOnly",
    "skipCount",
    "sortBy",
    "sortOrder",
    "ids",
    "siteIds",
    "accountIds",
    "roleIds",
    "email",
    "fullName",
    "query",
    "source",
    "sources",
    "twoFaEnabled",
    "emailVerified",
    "twoFaStatus",
    "primaryTwoFaMethod",
    "emailReadOnly",
    "fullNameReadOnly",
    "groupsReadOnly",
    "canGenerateApiToken",
];

/// Parameters that a console has and that are not simulated.
const NOT_SIMULATED: [&str; 25] = [
    "firstLogin",
    "lastLogin",
    "dateJoined",
    "fullName__contains",
    "email__contains",
    "twoFaStatuses",
    "hasValidApiToken",
    "createdAt__between",
    "createdAt__gte",
    "createdAt__lte",
    "createdAt__lt",
    "createdAt__gt",
    "lastActivation__gte",
    "lastActivation__between",
    "lastActivation__lte",
    "lastActivation__gt",
    "lastActivation__lt",
    "apiTokenExpiresAt__gte",
    "apiTokenExpiresAt__lt",
    "apiTokenExpiresAt__between",
    "apiTokenExpiresAt__gt",
    "apiTokenExpiresAt__lte",
    "tenant",
    "groupIds",
    "roleId",
];

/// What `sortBy` takes.
const SORTS: [&str; 15] = [
    "id",
    "createdAt",
    "fullName",
    "firstLogin",
    "lastLogin",
    "source",
    "email",
    "emailVerified",
    "dateJoined",
    "roleId",
    "twoFaEnabled",
    "twoFaStatus",
    "apiTokenCreatedAt",
    "apiTokenExpiresAt",
    "canGenerateApiToken",
];

const SOURCES: [&str; 3] = ["mgmt", "sso_saml", "active_directory"];

/// Which users a call wants, in which order.
#[derive(Debug)]
pub(super) struct Query {
    conditions: Vec<Condition>,
    sort_by: Option<String>,
    descending: bool,
    /// Stands for all of the above in a cursor.
    pub(super) fingerprint: u64,
}

#[derive(Debug)]
enum Condition {
    /// The field is one of these texts.
    OneOf(&'static str, Vec<String>),
    /// The field is this boolean.
    Flag(&'static str, bool),
    /// The name or the address contains the text, whatever its case.
    Text(String),
    /// The user has a role in one of these sites.
    Sites(Vec<String>),
    /// The user has a role in one of these accounts, or in a site of one.
    Accounts {
        accounts: Vec<String>,
        sites: Vec<String>,
    },
    /// The user has one of these roles.
    Roles(Vec<String>),
}

impl Query {
    pub(super) fn of(asked: &Asked) -> Result<Self, Refusal> {
        let mut conditions = Vec::new();
        let mut hasher = DefaultHasher::new();
        for (place, (name, value)) in asked.query.iter().enumerate() {
            if NOT_SIMULATED.contains(&name.as_str()) {
                return Err(Refusal::data(501, format!("`{name}` is not simulated")));
            }
            if !READ.contains(&name.as_str()) {
                return Err(Refusal::rule(400, format!("unknown parameter `{name}`")));
            }
            if asked.query[..place]
                .iter()
                .any(|(earlier, _)| earlier == name)
            {
                return Err(Refusal::rule(400, format!("`{name}` is given twice")));
            }
            conditions.extend(condition(name, value)?);
            if !matches!(
                name.as_str(),
                "cursor" | "limit" | "skip" | "countOnly" | "skipCount"
            ) {
                (name, value).hash(&mut hasher);
            }
        }
        Ok(Self {
            conditions,
            sort_by: one_of(asked, "sortBy", &SORTS)?.map(str::to_owned),
            descending: one_of(asked, "sortOrder", &["asc", "desc"])? == Some("desc"),
            fingerprint: hasher.finish(),
        })
    }

    /// Whether the query wants everybody in the order of their ids.
    pub(super) fn is_plain(&self) -> bool {
        self.conditions.is_empty()
            && !self.descending
            && self.sort_by.as_deref().is_none_or(|field| field == "id")
    }

    /// A text that the JSON of every wanted user contains, to pass over others without reading them.
    pub(super) fn needle(&self) -> Option<&str> {
        self.conditions
            .iter()
            .find_map(|condition| match condition {
                Condition::OneOf("email" | "id" | "fullName", texts) => match texts.as_slice() {
                    [text] if text.is_ascii() && !text.contains(['"', '\\']) => Some(text.as_str()),
                    _ => None,
                },
                _ => None,
            })
    }

    pub(super) fn wants(&self, user: &Value) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.holds(user))
    }

    pub(super) fn order(&self, one: &Value, other: &Value) -> Ordering {
        let Some(field) = self.sort_by.as_deref() else {
            return Ordering::Equal;
        };
        let order = compare(sorted_by(field, one), sorted_by(field, other));
        if self.descending {
            order.reverse()
        } else {
            order
        }
    }
}

impl Condition {
    fn holds(&self, user: &Value) -> bool {
        match self {
            Self::OneOf(field, texts) => user[field]
                .as_str()
                .is_some_and(|value| contains(texts, value)),
            Self::Flag(field, wanted) => user[field].as_bool() == Some(*wanted),
            Self::Text(text) => ["email", "fullName"].iter().any(|field| {
                let value = user[field].as_str().unwrap_or_default();
                value.to_lowercase().contains(text)
            }),
            Self::Sites(ids) => user["scope"] == "site" && has_scope(user, "id", ids),
            Self::Accounts { accounts, sites } => {
                user["scope"] == "account" && has_scope(user, "id", accounts)
                    || user["scope"] == "site" && has_scope(user, "id", sites)
            }
            Self::Roles(ids) => has_scope(user, "roleId", ids),
        }
    }
}

fn condition(name: &str, value: &str) -> Result<Option<Condition>, Refusal> {
    Ok(Some(match name {
        "ids" => Condition::OneOf("id", ids(name, value)?),
        "siteIds" => Condition::Sites(ids(name, value)?),
        "accountIds" => {
            let accounts = ids(name, value)?;
            Condition::Accounts {
                sites: sites_of(&accounts),
                accounts,
            }
        }
        "roleIds" => Condition::Roles(ids(name, value)?),
        "email" => Condition::OneOf("email", vec![value.to_owned()]),
        "fullName" => Condition::OneOf("fullName", vec![value.to_owned()]),
        "twoFaStatus" => Condition::OneOf("twoFaStatus", vec![value.to_owned()]),
        "primaryTwoFaMethod" => Condition::OneOf("primaryTwoFaMethod", vec![value.to_owned()]),
        "query" => Condition::Text(value.to_lowercase()),
        "source" | "sources" => {
            let sources: Vec<String> = value.split(',').map(str::to_owned).collect();
            if let Some(unknown) = sources
                .iter()
                .find(|source| !SOURCES.contains(&source.as_str()))
            {
                return Err(Refusal::rule(400, format!("`{unknown}` is no source")));
            }
            Condition::OneOf("source", sources)
        }
        "twoFaEnabled" => Condition::Flag("twoFaEnabled", flag(name, value)?),
        "emailVerified" => Condition::Flag("emailVerified", flag(name, value)?),
        "emailReadOnly" => Condition::Flag("emailReadOnly", flag(name, value)?),
        "fullNameReadOnly" => Condition::Flag("fullNameReadOnly", flag(name, value)?),
        "groupsReadOnly" => Condition::Flag("groupsReadOnly", flag(name, value)?),
        "canGenerateApiToken" => Condition::Flag("canGenerateApiToken", flag(name, value)?),
        _ => return Ok(None),
    }))
}

pub(super) fn flag(name: &str, value: &str) -> Result<bool, Refusal> {
    match value {
        "true" | "True" => Ok(true),
        "false" | "False" => Ok(false),
        _ => Err(Refusal::rule(
            400,
            format!("`{name}` must be true or false, got `{value}`"),
        )),
    }
}

/// Ids, comma-separated: each a number of at least 18 digits.
fn ids(name: &str, value: &str) -> Result<Vec<String>, Refusal> {
    value
        .split(',')
        .map(|id| match id.parse::<u64>() {
            Ok(number) if number >= 100_000_000_000_000_000 => Ok(id.to_owned()),
            _ => Err(Refusal::rule(
                400,
                format!("`{name}` takes ids of 18 or 19 digits, got `{id}`"),
            )),
        })
        .collect()
}

/// The ids of the sites in these accounts.
fn sites_of(accounts: &[String]) -> Vec<String> {
    let (sites, _) = crate::population::sites();
    let id_of = |site: &Value, field: &str| site[field].as_str().unwrap_or_default().to_owned();
    let inside = sites
        .iter()
        .filter(|site| contains(accounts, &id_of(site, "accountId")));
    inside.map(|site| id_of(site, "id")).collect()
}

fn one_of<'a>(asked: &'a Asked, name: &str, known: &[&str]) -> Result<Option<&'a str>, Refusal> {
    match asked.param(name) {
        Some(value) if !known.contains(&value) => {
            Err(Refusal::rule(400, format!("`{name}` cannot be `{value}`")))
        }
        value => Ok(value),
    }
}

fn contains(texts: &[String], value: &str) -> bool {
    texts.iter().any(|text| text == value)
}

fn has_scope(user: &Value, field: &str, ids: &[String]) -> bool {
    let roles = user["scopeRoles"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    roles
        .iter()
        .any(|role| role[field].as_str().is_some_and(|id| contains(ids, id)))
}

/// The value that a user is sorted by.
fn sorted_by<'a>(field: &str, user: &'a Value) -> &'a Value {
    match field {
        "apiTokenCreatedAt" => &user["apiToken"]["createdAt"],
        "apiTokenExpiresAt" => &user["apiToken"]["expiresAt"],
        "roleId" => &user["scopeRoles"][0]["roleId"],
        _ => &user[field],
    }
}

/// Nothing first; ids by their number; other texts letter by letter.
fn compare(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::String(one), Value::String(other)) => {
            match (one.parse::<u64>(), other.parse::<u64>()) {
                (Ok(one), Ok(other)) => one.cmp(&other),
                _ => one.cmp(other),
            }
        }
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        _ => other.is_null().cmp(&one.is_null()),
    }
}
