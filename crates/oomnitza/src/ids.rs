//! The ids of people, of portions, of `SaaS` applications and of their users.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The id of a person, Oomnitza's `user_id`.
///
/// It is a text here even where the instance shows a number: the digits are kept as they came,
/// so that no id is rounded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(Box<str>);

impl PersonId {
    /// The longest id that is accepted, in bytes.
    const LONGEST: usize = 128;

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rule that a text breaks when it is no id of a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the id of a person must be 1 to {} printable ASCII characters \
     without quotes, slashes, `?`, `#` and `%`",
    PersonId::LONGEST
)]
pub struct InvalidPersonId;

impl TryFrom<&str> for PersonId {
    type Error = InvalidPersonId;

    /// Takes any text that can stand in a path and between the double quotes of a filter without
    /// escaping.
    fn try_from(text: &str) -> Result<Self, InvalidPersonId> {
        if is_plain(text) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidPersonId)
        }
    }
}

impl FromStr for PersonId {
    type Err = InvalidPersonId;

    fn from_str(text: &str) -> Result<Self, InvalidPersonId> {
        Self::try_from(text)
    }
}

impl AsRef<str> for PersonId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PersonId({})", self.0)
    }
}

/// Whether a text can stand in a path and between the quotes of a filter without escaping.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !br#""'\/?#%"#.contains(&byte);
    (1..=PersonId::LONGEST).contains(&text.len())
        && text.bytes().all(plain)
        // A URL would swallow these two as steps in the path.
        && !matches!(text, "." | "..")
}

/// The id of a `SaaS` application, Oomnitza's `saas_id`; the digits of a number are kept as they came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SaasId(Box<str>);

/// The id of a person's place in a `SaaS` application, Oomnitza's `saas_user_id`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SaasUserId(Box<str>);

impl SaasId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SaasUserId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rule that a text breaks when it is no id of a `SaaS` application or of one of its users.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the id of a SaaS application or user must be 1 to {} printable ASCII characters \
     without quotes, slashes, `?`, `#` and `%`",
    PersonId::LONGEST
)]
pub struct InvalidSaasId;

impl TryFrom<&str> for SaasId {
    type Error = InvalidSaasId;

    fn try_from(text: &str) -> Result<Self, InvalidSaasId> {
        let id = is_plain(text).then(|| Self(text.into()));
        id.ok_or(InvalidSaasId)
    }
}

impl TryFrom<&str> for SaasUserId {
    type Error = InvalidSaasId;

    fn try_from(text: &str) -> Result<Self, InvalidSaasId> {
        let id = is_plain(text).then(|| Self(text.into()));
        id.ok_or(InvalidSaasId)
    }
}

/// The id of a portion: one random UUID (version 4) a run, in every request of its bulk load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortionId(Uuid);

impl PortionId {
    /// Makes a new id.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

/// The rule that a text breaks when it is no id of a portion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the id of a portion must be a UUID of version 4")]
pub struct InvalidPortionId;

impl TryFrom<Uuid> for PortionId {
    type Error = InvalidPortionId;

    fn try_from(uuid: Uuid) -> Result<Self, InvalidPortionId> {
        if uuid.get_version_num() == 4 {
            Ok(Self(uuid))
        } else {
            Err(InvalidPortionId)
        }
    }
}

impl From<PortionId> for Uuid {
    fn from(id: PortionId) -> Self {
        id.0
    }
}

impl FromStr for PortionId {
    type Err = InvalidPortionId;

    fn from_str(text: &str) -> Result<Self, InvalidPortionId> {
        Uuid::try_parse(text)
            .map_err(|_| InvalidPortionId)?
            .try_into()
    }
}

impl fmt::Display for PortionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_id_is_what_paths_and_filters_can_carry() {
        for good in [
            "1",
            "24dcf85294e411e38a52066b556ba4ee",
            "a-b_c.d:e@f",
            "18446744073709551616",
        ] {
            assert_eq!(PersonId::try_from(good).unwrap().as_str(), good);
        }
        let too_long = "x".repeat(129);
        for bad in [
            "", " ", ".", "..", "a b", "a\"b", "a'b", "a\\b", "a/b", "a?b", "a#b", "a%b", "é",
            "a\n", &too_long,
        ] {
            assert_eq!(PersonId::try_from(bad), Err(InvalidPersonId), "{bad:?}");
        }
    }

    #[test]
    fn a_portion_id_is_a_random_uuid() {
        let id = PortionId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(id, PortionId::random());
        assert_eq!(
            "0190d3c4-5a5c-7000-8000-000000000000".parse::<PortionId>(),
            Err(InvalidPortionId)
        );
        assert_eq!("rollcall".parse::<PortionId>(), Err(InvalidPortionId));
    }
}
