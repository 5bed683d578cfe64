//! What a console holds, as far as a load needs it.

use std::{borrow::Cow, collections::BTreeMap, fmt, str};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    fields::{Fields, Id, Kind, Object, ScopeRoles, Text},
    ids::UserId,
    time::parse_time,
};

/// A console user: what a load asks for by name, and the JSON that came, unknown fields included.
///
/// Checked are `id`, `email`, `fullName` and `scopeRoles`; every other field may be of any type.
///
/// The JSON is a part of the page that it came in, so one user keeps the whole page in memory.
#[derive(Clone)]
#[non_exhaustive]
pub struct User {
    /// The id, as text.
    pub id: UserId,
    /// The e-mail address as the console writes it; service accounts of the vendor have none.
    pub email: Option<String>,
    /// The name.
    pub full_name: Option<String>,
    json: Bytes,
}

impl fmt::Debug for User {
    /// Shows the id alone: the rest is personal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("User")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A user that cannot be read; the others of its page can.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Malformed {
    /// The id, where at least that can be read.
    pub id: Option<UserId>,
    /// The e-mail address, where that can be read.
    pub email: Option<String>,
    /// Which field is wrong, and what was expected.
    pub message: String,
    /// The user as it came; of one that is nested too deep the beginning, as a JSON text.
    pub json: Bytes,
}

impl fmt::Debug for Malformed {
    /// Shows what is wrong and with whom: the rest is personal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Malformed")
            .field("id", &self.id)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

/// A role that a user has in one scope.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScopeRole {
    /// The id of the scope: of a site, an account or the tenant.
    pub scope_id: Option<String>,
    /// The name of the scope.
    pub scope_name: Option<String>,
    /// The account that the scope belongs to.
    pub account_name: Option<String>,
    /// The id of the role.
    pub role_id: Option<String>,
    /// The name of the role, which is right only for predefined roles: see [`Role`].
    pub role_name: Option<String>,
}

/// A role as the console's list of roles has it, custom ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Role {
    /// The id that `roleId` of a user's scope role means.
    pub id: String,
    /// The name.
    pub name: String,
}

/// What the console is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SystemInfo {
    /// The version of the console, such as `Z SP 5`.
    pub version: Option<String>,
    /// The release within the version.
    pub release: Option<String>,
    /// The build, such as `5.0.0.55`.
    pub build: Option<String>,
}

/// The life of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TokenDetails {
    /// When the token was made, if the console says so.
    pub created_at: Option<Timestamp>,
    /// When the token ends, if the console says so.
    pub expires_at: Option<Timestamp>,
}

/// When the token of a client ends, and the user of the console that it belongs to, as far as the console says so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct OwnToken {
    /// When the token ends.
    pub expires_at: Option<Timestamp>,
    /// The id of its user.
    pub owner_id: Option<String>,
    /// The name of its user.
    pub owner_name: Option<String>,
    /// The address of its user.
    pub owner_email: Option<String>,
}

impl User {
    /// Reads one user; what is wrong with it is named.
    pub(crate) fn read(json: Bytes) -> Result<Self, Malformed> {
        if is_too_deep(&json) {
            return Err(Malformed::too_deep(&json));
        }
        let fields: Result<Fields<'_>, _> = serde_json::from_slice(&json);
        let Ok(fields) = fields else {
            return Err(Malformed::examine(json));
        };
        let Ok(id) = UserId::try_from(&*fields.id.0) else {
            return Err(Malformed::examine(json));
        };
        let email = fields.email.0.map(Cow::into_owned);
        let full_name = fields.full_name.0.map(Cow::into_owned);
        Ok(Self {
            id,
            email,
            full_name,
            json,
        })
    }

    /// The user as it came: one JSON object.
    ///
    /// # Panics
    /// Never: a user is made of text that was read as JSON.
    pub fn json(&self) -> &str {
        str::from_utf8(&self.json).expect("a user was read as JSON, which is UTF-8")
    }

    /// The same as [`User::json`], to be kept without a copy.
    pub fn json_bytes(&self) -> Bytes {
        self.json.clone()
    }

    /// The roles that the user has, in the order of the console.
    pub fn scope_roles(&self) -> Vec<ScopeRole> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Roles<'a> {
            #[serde(borrow, default)]
            scope_roles: ScopeRoles<'a>,
        }
        let roles: Option<Roles<'_>> = serde_json::from_slice(&self.json).ok();
        let owned = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        roles
            .and_then(|roles| roles.scope_roles)
            .unwrap_or_default()
            .into_iter()
            .map(|Object(role)| ScopeRole {
                scope_id: owned(role.id.0),
                scope_name: owned(role.name.0),
                account_name: owned(role.account_name.0),
                role_id: owned(role.role_id.0),
                role_name: owned(role.role_name.0),
            })
            .collect()
    }
}

impl Malformed {
    /// A user that neither templates nor a database can look into.
    fn too_deep(json: &[u8]) -> Self {
        let fields: Fields<'_> = serde_json::from_slice(json).unwrap_or_default();
        let text = String::from_utf8_lossy(json);
        let beginning: String = text.chars().take(BEGINNING).collect();
        Self {
            id: UserId::try_from(&*fields.id.0).ok(),
            email: fields.email.0.map(Cow::into_owned),
            message: format!("the user is nested deeper than {DEEPEST} levels"),
            json: serde_json::Value::from(beginning).to_string().into(),
        }
    }

    /// Looks for what is wrong with a user that could not be read, field by field.
    fn examine(json: Bytes) -> Self {
        let fields: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_slice(&json);
        let Ok(fields) = fields else {
            let message = format!("the user is {} where an object was expected", noun(&json));
            return Self {
                id: None,
                email: None,
                message,
                json,
            };
        };
        let text = |name| -> Option<String> {
            let Text(text) = serde_json::from_str(fields.get(name)?.get()).ok()?;
            text.map(Cow::into_owned)
        };
        let id = fields.get("id").and_then(|raw| {
            let id: Id<'_> = serde_json::from_str(raw.get()).ok()?;
            UserId::try_from(&*id.0).ok()
        });
        let message = fields
            .iter()
            .find_map(|(name, raw)| fault(name, raw.get()))
            .unwrap_or_else(|| "`id` is missing".to_owned());
        Self {
            id,
            email: text("email"),
            message,
            json: json.clone(),
        }
    }
}

/// How deep the JSON of a user may be nested: deeper than any console does it, and no deeper than all who read it.
const DEEPEST: usize = 100;

/// How many characters are kept of a user that is nested deeper.
const BEGINNING: usize = 200;

/// Whether JSON is nested deeper than a user's may be.
fn is_too_deep(json: &[u8]) -> bool {
    let opens = |byte: &u8| matches!(byte, b'{' | b'[');
    // Nobody has so many lists and objects, so that nearly nobody is looked at twice.
    if json.iter().filter(|byte| opens(byte)).count() <= DEEPEST {
        return false;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    json.iter().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}

/// What is wrong with a field, if anything is.
fn fault(name: &str, json: &str) -> Option<String> {
    let kind = Kind::of(name)?;
    if kind.fits(json) {
        return None;
    }
    let found = noun(json.as_bytes());
    Some(match (kind, found) {
        (Kind::Id, "a text") => format!("`{name}` is empty"),
        (Kind::Id, "a number") => format!("`{name}` is a number that is not whole"),
        (Kind::ScopeRoles, "a list") => {
            format!("`{name}` holds something else than {kind} should")
        }
        _ => format!("`{name}` is {found} where {kind} was expected"),
    })
}

/// What a JSON value is, in the words of a message.
fn noun(json: &[u8]) -> &'static str {
    match json.first() {
        Some(b'"') => "a text",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The times in a token's details, each by itself: one that cannot be read is unknown.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TokenTimes<'a> {
    #[serde(borrow)]
    created_at: Text<'a>,
    #[serde(borrow)]
    expires_at: Text<'a>,
}

impl From<TokenTimes<'_>> for TokenDetails {
    fn from(times: TokenTimes<'_>) -> Self {
        let time = |text: Text<'_>| text.0.as_deref().and_then(parse_time);
        Self {
            created_at: time(times.created_at),
            expires_at: time(times.expires_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a user that has an id and these fields besides.
    fn message(fields: &str) -> Option<String> {
        whole(&format!(r#"{{"id":"1",{fields}}}"#))
    }

    fn whole(json: &str) -> Option<String> {
        User::read(Bytes::copy_from_slice(json.as_bytes()))
            .err()
            .map(|malformed| malformed.message)
    }

    #[test]
    fn a_wrong_type_names_the_field_and_what_was_expected() {
        let cases = [
            (
                r#""email":7"#,
                "`email` is a number where a text was expected",
            ),
            (
                r#""fullName":["a"]"#,
                "`fullName` is a list where a text was expected",
            ),
            (
                r#""scopeRoles":"all""#,
                "`scopeRoles` is a text where a list of roles in scopes was expected",
            ),
            (
                r#""scopeRoles":[7]"#,
                "`scopeRoles` holds something else than a list of roles in scopes should",
            ),
            (
                r#""scopeRoles":[{"roleId":1.5}]"#,
                "`scopeRoles` holds something else than a list of roles in scopes should",
            ),
            (
                r#""scopeRoles":[null]"#,
                "`scopeRoles` holds something else than a list of roles in scopes should",
            ),
            (
                r#""scopeRoles":[["1","Dublin"]]"#,
                "`scopeRoles` holds something else than a list of roles in scopes should",
            ),
            (
                r#""scopeRoles":[{"roleName":7}]"#,
                "`scopeRoles` holds something else than a list of roles in scopes should",
            ),
        ];
        for (fields, expected) in cases {
            assert_eq!(message(fields).as_deref(), Some(expected), "{fields}");
        }
    }

    #[test]
    fn an_id_has_to_be_a_text_or_whole() {
        for (json, expected) in [
            (r#"{"email":"a@b.c"}"#, "`id` is missing"),
            (r#"{"id":""}"#, "`id` is empty"),
            (r#"{"id":" "}"#, "`id` is empty"),
            (
                r#"{"id":null}"#,
                "`id` is null where a text that is not empty was expected",
            ),
            (r#"{"id":1.5}"#, "`id` is a number that is not whole"),
            (r#"{"id":1e3}"#, "`id` is a number that is not whole"),
            (
                r#"{"id":[1]}"#,
                "`id` is a list where a text that is not empty was expected",
            ),
            ("7", "the user is a number where an object was expected"),
            ("[]", "the user is a list where an object was expected"),
            ("null", "the user is null where an object was expected"),
        ] {
            assert_eq!(whole(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn an_id_that_is_a_number_keeps_every_digit() {
        let json = br#"{"id":12254947309384938041}"#;
        let user = User::read(Bytes::from_static(json)).unwrap();
        assert_eq!(user.id.as_str(), "12254947309384938041");
    }

    #[test]
    fn null_absent_and_empty_are_fine() {
        for fields in [
            r#""email":null,"fullName":null"#,
            r#""email":"","fullName":"""#,
            r#""scopeRoles":null"#,
            r#""scopeRoles":[]"#,
            r#""scopeRoles":[{}]"#,
            r#""scopeRoles":[{"id":null,"name":null,"accountName":null,"roleId":null,"roleName":null,"roles":null}]"#,
        ] {
            assert_eq!(message(fields), None, "{fields}");
        }
    }

    #[test]
    fn a_field_that_is_not_read_may_be_anything() {
        for name in [
            "scope",
            "lowestRole",
            "source",
            "twoFaStatus",
            "lastLogin",
            "isSystem",
            "apiToken",
            "siteRoles",
            "somethingNew",
        ] {
            for value in [
                "null",
                r#""""#,
                r#""never""#,
                "1519706966",
                "1.5",
                "true",
                r#"["a"]"#,
                r#"{"expiresAt":[1,{"b":null}]}"#,
            ] {
                let json = format!(r#"{{"{name}":{value},"id":"1"}}"#);
                let user = User::read(Bytes::from(json.clone())).unwrap();
                assert_eq!(user.json(), json);
            }
        }
    }

    #[test]
    fn ids_in_scope_roles_are_texts_or_numbers() {
        let json = br#"{"id":"1","scopeRoles":[{"id":225494730938493915,"roleId":"7"}]}"#;
        let user = User::read(Bytes::from_static(json)).unwrap();
        let [role] = &user.scope_roles()[..] else {
            panic!("{:?}", user.scope_roles());
        };
        assert_eq!(role.scope_id.as_deref(), Some("225494730938493915"));
        assert_eq!(role.role_id.as_deref(), Some("7"));
    }

    #[test]
    fn a_user_who_is_nested_too_deep_is_malformed_and_still_known() {
        let nested = |levels: usize| {
            let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
            let text = "[".repeat(200);
            format!(r#"{{"id":"7","email":"a@b.c","x":{open}{close},"y":"\\\"{text}"}}"#)
        };
        assert!(User::read(Bytes::from(nested(DEEPEST))).is_ok());
        let malformed = User::read(Bytes::from(nested(DEEPEST + 1))).unwrap_err();
        assert_eq!(malformed.id, Some(UserId::try_from("7").unwrap()));
        assert_eq!(malformed.email.as_deref(), Some("a@b.c"));
        insta::assert_snapshot!(malformed.message, @"the user is nested deeper than 100 levels");
        let kept: String = serde_json::from_slice(&malformed.json).unwrap();
        assert!(nested(DEEPEST + 1).starts_with(&kept) && kept.len() == BEGINNING);
    }

    #[test]
    fn what_can_be_read_of_a_malformed_user_is_kept() {
        let json = Bytes::from_static(br#"{"id":7,"email":"A@b.c","fullName":0}"#);
        let malformed = User::read(json.clone()).unwrap_err();
        assert_eq!(malformed.id, Some(UserId::try_from("7").unwrap()));
        assert_eq!(malformed.email.as_deref(), Some("A@b.c"));
        assert_eq!(malformed.json, json);
    }
}
