//! The kinds of values that YAML and JSON Schema tell apart.

use serde_json::Value as Schema;
use serde_yaml::Value;

use super::super::document::{Content, Node};

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Whole,
    Number,
    Text,
    List,
    Map,
}

impl Kind {
    pub(super) const ALL: [Self; 7] = [
        Self::Null,
        Self::Boolean,
        Self::Whole,
        Self::Number,
        Self::Text,
        Self::List,
        Self::Map,
    ];

    /// The kind of a node; `None` for one that was refused before.
    pub(super) fn of(node: &Node) -> Option<Self> {
        Some(match &node.content {
            Content::Refused => return None,
            Content::Map(_) => Self::Map,
            Content::List(_) => Self::List,
            Content::Scalar(Value::Null) => Self::Null,
            Content::Scalar(Value::Bool(_)) => Self::Boolean,
            Content::Scalar(Value::Number(number)) if !number.is_f64() => Self::Whole,
            Content::Scalar(Value::Number(_)) => Self::Number,
            Content::Scalar(_) => Self::Text,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Boolean => "true or false",
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Map => "a map",
        }
    }

    /// Whether a schema names this kind; one without a type names all.
    pub(super) fn is_named(self, leaf: &Schema) -> bool {
        let own = match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Whole => "integer",
            Self::Number => "number",
            Self::Text => "string",
            Self::List => "array",
            Self::Map => "object",
        };
        match &leaf["type"] {
            Schema::String(name) => name == own,
            Schema::Array(names) => names.iter().any(|name| name == own),
            _ => true,
        }
    }

    pub(super) fn fits(self, leaf: &Schema) -> bool {
        self.is_named(leaf) || (self == Self::Whole && Self::Number.is_named(leaf))
    }
}
