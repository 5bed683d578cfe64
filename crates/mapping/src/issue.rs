//! Why a record could not be made of a user.

/// One reason for which a user has no complete record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The Oomnitza field; none for the `where`.
    pub field: Option<String>,
    /// The stable code of the reason.
    pub reason: Reason,
    /// What happened, for a person: names the field and the expression.
    pub message: String,
    /// The YAML to change, where that would help.
    pub hint: Option<String>,
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
