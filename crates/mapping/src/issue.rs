//! Why a record could not be made of a user.

use crate::alike::alike_but_values;

/// One reason for which a user has no complete record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The Oomnitza field; none for the `where`.
    pub field: Option<String>,
    /// The stable code of the reason.
    pub reason: Reason,
    /// What happened, for a person: names the field and the expression.
    pub message: String,
    /// The same in words that are the same for all users whom it concerns; none: the message is.
    pub cause: Option<Box<str>>,
    /// The value that the table lacks.
    pub value: Option<Box<str>>,
    /// The YAML to change, where that would help.
    pub hint: Option<String>,
}

impl Issue {
    /// An expression could not be evaluated for this user.
    pub(crate) fn of_evaluating(field: Option<String>, what: &str, why: &str) -> Self {
        Self {
            field,
            reason: Reason::Mapping,
            message: format!("{what}: {why}"),
            cause: Some(format!("{what}: {}", alike_but_values(why)).into()),
            value: None,
            hint: None,
        }
    }
}

/// The stable code of an [`Issue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An expression could not be evaluated for this user.
    Mapping,
    /// A `table` without `otherwise` lacks the value.
    UnknownValue,
}

impl Reason {
    /// The code as people query it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Mapping => "mapping",
            Self::UnknownValue => "unknown_value",
        }
    }
}
