//! The two names of a field: the one of REST, which people know, and the one of bulk, which the
//! instance knows.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The name of a field in REST and in filters: `email`, or a custom field's external id as
/// `sentinelone_user_id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(Box<str>);

impl FieldName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rule that a text breaks when it is no name of a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name of an Oomnitza field must be made of letters, digits and `_`, got `{0}`")]
pub struct InvalidFieldName(Box<str>);

impl TryFrom<&str> for FieldName {
    type Error = InvalidFieldName;

    fn try_from(text: &str) -> Result<Self, InvalidFieldName> {
        let well_formed = !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if well_formed {
            Ok(Self(text.into()))
        } else {
            Err(InvalidFieldName(text.into()))
        }
    }
}

impl FromStr for FieldName {
    type Err = InvalidFieldName;

    fn from_str(text: &str) -> Result<Self, InvalidFieldName> {
        Self::try_from(text)
    }
}

impl AsRef<str> for FieldName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The id of a field in bulk records: a word for a built-in field (`EMAIL`), 32 hexadecimal digits
/// for a custom one.
///
/// It is always in upper case, the only form that bulk knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(Box<str>);

impl FieldId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The rule that a text breaks when it is no id of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bulk id of a custom field must be 32 hexadecimal digits, got `{0}`")]
pub struct InvalidFieldId(Box<str>);

impl TryFrom<&str> for FieldId {
    type Error = InvalidFieldId;

    /// Takes the id of a custom field, in either case.
    fn try_from(text: &str) -> Result<Self, InvalidFieldId> {
        if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_uppercase().into()))
        } else {
            Err(InvalidFieldId(text.into()))
        }
    }
}

impl FromStr for FieldId {
    type Err = InvalidFieldId;

    fn from_str(text: &str) -> Result<Self, InvalidFieldId> {
        Self::try_from(text)
    }
}

impl fmt::Display for FieldId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns the bulk id of a field, or `None` for a field that is neither in `custom` nor built in.
///
/// `custom` goes first: whoever names an id for a built-in field means it.
pub fn field_id(name: &FieldName, custom: &BTreeMap<FieldName, FieldId>) -> Option<FieldId> {
    if let Some(id) = custom.get(name) {
        return Some(id.clone());
    }
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name.as_str());
    built_in.map(|(_, id)| FieldId((*id).into()))
}

/// Returns the names of the fields that every instance has, and bulk knows without being told their ids.
pub fn built_in_fields() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// The built-in fields: in REST, and in bulk.
const BUILT_IN: [(&str, &str); 8] = [
    ("username", "USER"),
    ("email", "EMAIL"),
    ("first_name", "FIRST_NAME"),
    ("last_name", "LAST_NAME"),
    ("phone_number", "PHONE"),
    ("address", "ADDRESS"),
    ("position", "POSITION"),
    ("role", "PERMISSIONS_ID"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FieldName {
        text.parse().unwrap()
    }

    #[test]
    fn the_built_in_fields_have_the_ids_of_the_contract() {
        let ids: Vec<_> = [
            "username",
            "email",
            "first_name",
            "last_name",
            "phone_number",
            "address",
            "position",
            "role",
        ]
        .iter()
        .map(|field| {
            field_id(&name(field), &BTreeMap::new())
                .unwrap()
                .to_string()
        })
        .collect();
        assert_eq!(
            ids,
            [
                "USER",
                "EMAIL",
                "FIRST_NAME",
                "LAST_NAME",
                "PHONE",
                "ADDRESS",
                "POSITION",
                "PERMISSIONS_ID"
            ]
        );
    }

    #[test]
    fn a_custom_field_has_the_id_that_it_was_given_in_upper_case() {
        let id: FieldId = "24dcf85294e411e38a52066b556ba4ee".parse().unwrap();
        let custom = BTreeMap::from([(name("sentinelone_user_id"), id)]);
        let found = field_id(&name("sentinelone_user_id"), &custom).unwrap();
        assert_eq!(found.as_str(), "24DCF85294E411E38A52066B556BA4EE");
        assert_eq!(field_id(&name("sentinelone_scope"), &custom), None);
    }

    #[test]
    fn faults_state_the_rule() {
        assert_eq!(
            "first name".parse::<FieldName>().unwrap_err().to_string(),
            "the name of an Oomnitza field must be made of letters, digits and `_`, got `first name`"
        );
        assert_eq!(
            "SCOPE_X".parse::<FieldId>().unwrap_err().to_string(),
            "the bulk id of a custom field must be 32 hexadecimal digits, got `SCOPE_X`"
        );
        assert!("".parse::<FieldName>().is_err());
        assert!(
            "24DCF85294E411E38A52066B556BA4EG"
                .parse::<FieldId>()
                .is_err()
        );
    }
}
