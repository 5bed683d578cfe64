//! The fields that a load reads of every user, and what each of them has to be.
//!
//! One that is something else makes its user malformed, for then nobody could say who the user is
//! or what the user may do. Every other field may be anything: it stays in the JSON as it came, and
//! an odd one matters only where a mapping reads it. All but the id may be absent or null.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

/// What a field that is read has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A text that is not empty, or a whole number that is taken by its digits.
    Id,
    /// A text.
    Text,
    /// A list of objects, each a role in a scope.
    ScopeRoles,
}

impl Kind {
    /// What a field has to be, if it is one that is read.
    pub(crate) fn of(field: &str) -> Option<Self> {
        match field {
            "id" => Some(Self::Id),
            "email" | "fullName" => Some(Self::Text),
            "scopeRoles" => Some(Self::ScopeRoles),
            _ => None,
        }
    }

    /// Whether a value is what it has to be.
    pub(crate) fn fits(self, json: &str) -> bool {
        match self {
            Self::Id => serde_json::from_str::<Id<'_>>(json).is_ok(),
            Self::Text => serde_json::from_str::<Text<'_>>(json).is_ok(),
            Self::ScopeRoles => serde_json::from_str::<ScopeRoles<'_>>(json).is_ok(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Id => "a text that is not empty",
            Self::Text => "a text",
            Self::ScopeRoles => "a list of roles in scopes",
        })
    }
}

/// The parts of a user that a load needs, borrowed from the JSON.
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
                while let Some(Text(name)) = map.next_key()? {
                    match name.as_deref() {
                        Some("id") => {
                            fields.id = map.next_value()?;
                            has_id = true;
                        }
                        Some("email") => fields.email = map.next_value()?,
                        Some("fullName") => fields.full_name = map.next_value()?,
                        Some("scopeRoles") => {
                            let _: ScopeRoles<'_> = map.next_value()?;
                        }
                        _ => {
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

/// The roles of a user, each in a scope; none where there is no list.
pub(crate) type ScopeRoles<'a> = Option<Vec<Object<RoleInScope<'a>>>>;

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

/// What is read from an object and from nothing else: a derived structure takes a list as well.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}
