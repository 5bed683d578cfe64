//! What each field of a user has to be, and how it is checked while it is passed over.
//!
//! The table is that of the vendor's description of `GET /users`. Every field but the id may be
//! absent or null; an empty text stands for nothing wherever a text could be. A field that is not
//! in the table is left alone.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::time::parse_time;

/// What a field of a user has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text that is not empty, or a whole number that is taken by its digits.
    Id,
    /// A text.
    Text,
    /// A boolean.
    Flag,
    /// A text that is a time.
    Time,
    /// A list of objects, each a role in a scope.
    ScopeRoles,
    /// An object with two times.
    ApiToken,
}

impl Kind {
    /// What a field has to be, if it is one that is known.
    pub(crate) fn of(field: &str) -> Option<Self> {
        Some(match field {
            "id" => Self::Id,
            "email"
            | "fullName"
            | "scope"
            | "lowestRole"
            | "source"
            | "twoFaStatus"
            | "primaryTwoFaMethod"
            | "agreementUrl"
            | "globalUserId"
            | "globalOrganizationId" => Self::Text,
            "emailVerified"
            | "emailReadOnly"
            | "fullNameReadOnly"
            | "groupsReadOnly"
            | "twoFaEnabled"
            | "twoFaEnabledReadOnly"
            | "twoFaConfigured"
            | "canGenerateApiToken"
            | "isSystem"
            | "agreedEula"
            | "allowRemoteShell" => Self::Flag,
            "firstLogin" | "lastLogin" | "dateJoined" => Self::Time,
            "scopeRoles" => Self::ScopeRoles,
            "apiToken" => Self::ApiToken,
            _ => return None,
        })
    }

    /// Whether a value is what it has to be.
    pub(crate) fn fits(self, json: &str) -> bool {
        match self {
            Self::Id => serde_json::from_str::<Id<'_>>(json).is_ok(),
            Self::Text => serde_json::from_str::<Text<'_>>(json).is_ok(),
            Self::Flag => serde_json::from_str::<Flag>(json).is_ok(),
            Self::Time => serde_json::from_str::<Time>(json).is_ok(),
            Self::ScopeRoles => serde_json::from_str::<Option<Vec<RoleInScope<'_>>>>(json).is_ok(),
            Self::ApiToken => serde_json::from_str::<Option<ApiToken>>(json).is_ok(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "a text that is not empty",
            Self::Text => "a text",
            Self::Flag => "a boolean",
            Self::Time => "a text with a time",
            Self::ScopeRoles => "a list of roles in scopes",
            Self::ApiToken => "an object with two times",
        })
    }
}

/// The parts of a user that a load needs, borrowed from the JSON; the rest is checked only.
#[derive(Default)]
pub(crate) struct Fields<'a> {
    pub(crate) id: Id<'a>,
    pub(crate) email: Text<'a>,
    pub(crate) full_name: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;

        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                let mut has_id = false;
                while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
                    let name = name.unwrap_or_default();
                    match Kind::of(&name) {
                        Some(Kind::Id) => {
                            fields.id = map.next_value()?;
                            has_id = true;
                        }
                        Some(Kind::Text) => {
                            let text = map.next_value()?;
                            match &*name {
                                "email" => fields.email = text,
                                "fullName" => fields.full_name = text,
                                _ => {}
                            }
                        }
                        Some(Kind::Flag) => {
                            let Flag = map.next_value()?;
                        }
                        Some(Kind::Time) => {
                            let Time = map.next_value()?;
                        }
                        Some(Kind::ScopeRoles) => {
                            let _: Option<Vec<RoleInScope<'_>>> = map.next_value()?;
                        }
                        Some(Kind::ApiToken) => {
                            let _: Option<ApiToken> = map.next_value()?;
                        }
                        None => {
                            let IgnoredAny = map.next_value()?;
                        }
                    }
                }
                if has_id {
                    Ok(fields)
                } else {
                    Err(A::Error::missing_field("id"))
                }
            }
        }

        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// An id: a text that is not empty, or a whole number, by its digits and never by its value.
#[derive(Default)]
pub(crate) struct Id<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Reference::deserialize(deserializer)?.0 {
            Some(id) if !id.trim().is_empty() => Ok(Self(id)),
            _ => Err(D::Error::custom("the id is empty")),
        }
    }
}

/// An id that may be missing: a text, or a whole number by its digits.
#[derive(Default)]
pub(crate) struct Reference<'a>(pub(crate) Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Reference<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(raw) = Option::<&'de RawValue>::deserialize(deserializer)? else {
            return Ok(Self(None));
        };
        let json = raw.get();
        let digits = json.strip_prefix('-').unwrap_or(json);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self(Some(Cow::Borrowed(json))));
        }
        let Text(text) = serde_json::from_str(json).map_err(D::Error::custom)?;
        Ok(Self(text))
    }
}

/// A text, borrowed where it holds no escapes; null and an empty one are nothing.
#[derive(Default)]
pub(crate) struct Text<'a>(pub(crate) Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text((!text.is_empty()).then_some(Cow::Borrowed(text))))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(
                    (!text.is_empty()).then(|| Cow::Owned(text.to_owned())),
                ))
            }

            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

/// A boolean, or nothing.
struct Flag;

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FlagVisitor;

        impl Visitor<'_> for FlagVisitor {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Flag, E> {
                Ok(Flag)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Flag, E> {
                if text.is_empty() {
                    Ok(Flag)
                } else {
                    Err(E::custom("a text where a boolean was expected"))
                }
            }

            fn visit_unit<E>(self) -> Result<Flag, E> {
                Ok(Flag)
            }
        }

        deserializer.deserialize_any(FlagVisitor)
    }
}

/// A text that is a time, or nothing.
struct Time;

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        match text.as_deref().map(parse_time) {
            Some(None) => Err(D::Error::custom("a text that is no time")),
            Some(Some(_)) | None => Ok(Self),
        }
    }
}

/// A role in a scope; `id` and `name` are the scope's.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RoleInScope<'a> {
    #[serde(borrow)]
    pub(crate) id: Reference<'a>,
    #[serde(borrow)]
    pub(crate) name: Text<'a>,
    #[serde(borrow)]
    pub(crate) account_name: Text<'a>,
    #[serde(borrow)]
    pub(crate) role_id: Reference<'a>,
    #[serde(borrow)]
    pub(crate) role_name: Text<'a>,
}

/// When the user's own token was made and ends: checked, and not kept.
#[derive(Deserialize)]
struct ApiToken {
    #[serde(rename = "createdAt")]
    _created_at: Option<Time>,
    #[serde(rename = "expiresAt")]
    _expires_at: Option<Time>,
}
