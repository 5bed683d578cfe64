//! What is wrong with a mapping as written.

use std::fmt;

/// One thing that is wrong with a mapping, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The Oomnitza field that it is about; none for `where` and `sync_keys`.
    pub field: Option<String>,
    /// The part of the mapping that it is about.
    pub part: Part,
    /// What is wrong; what to write instead.
    pub message: String,
}

impl Fault {
    pub(crate) fn of_field(field: &str, part: Part, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            part,
            message: message.into(),
        }
    }

    pub(crate) fn of_mapping(part: Part, message: impl Into<String>) -> Self {
        Self {
            field: None,
            part,
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}.{}: {}", self.part, self.message),
            None => write!(f, "{}: {}", self.part, self.message),
        }
    }
}

/// The part of a mapping that a fault is about; [`fmt::Display`] gives its key in the YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The scope of the integration.
    Where,
    /// The list of sync keys.
    SyncKeys,
    /// The short form, or `from`.
    From,
    /// `value`.
    Value,
    /// `table`.
    Table,
    /// `otherwise`.
    Otherwise,
    /// `empty`.
    Empty,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Where => "where",
            Self::SyncKeys => "sync_keys",
            Self::From => "from",
            Self::Value => "value",
            Self::Table => "table",
            Self::Otherwise => "otherwise",
            Self::Empty => "empty",
        })
    }
}
