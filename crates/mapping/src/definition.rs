//! The mapping as it is written, already typed: what the configuration hands over.

use std::collections::BTreeMap;

/// The mapping of one integration, as written.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    /// The id of the integration: the name `integration` in templates.
    pub integration: String,
    /// The expression `where`; users for whom it is false are out of scope. None takes all users.
    pub scope: Option<String>,
    /// The Oomnitza fields that find a person, in the order in which they are tried.
    pub sync_keys: Vec<String>,
    /// The mapped fields, in the order of the YAML.
    pub fields: Vec<FieldDefinition>,
    /// The `variables` of the configuration: `variables['NAME']` in templates.
    pub variables: BTreeMap<String, String>,
}

/// One Oomnitza field and where its value comes from.
#[derive(Clone, Debug)]
pub struct FieldDefinition {
    /// The name of the field in Oomnitza.
    pub field: String,
    /// Where the value comes from.
    pub source: Source,
    /// What a source value is translated to: the key as text, and the value.
    pub table: Option<Vec<(String, serde_json::Value)>>,
    /// The value for a source value that the table lacks. Null is the empty value.
    pub otherwise: Option<serde_json::Value>,
    /// What an empty value does.
    pub empty: Empty,
    /// When the field is written.
    pub write: Write,
    /// Whether changes of the field are left out of the guard `update`.
    pub volatile: bool,
}

impl FieldDefinition {
    /// A field in its short form, `field: expression`, with all defaults.
    pub fn new(field: impl Into<String>, expression: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            source: Source::Expression(expression.into()),
            table: None,
            otherwise: None,
            empty: Empty::default(),
            write: Write::default(),
            volatile: false,
        }
    }
}

/// Where the value of a field comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The short form and `from`: a bare path such as `apiToken.expiresAt`, or a template.
    Expression(String),
    /// `value`: a constant; a text with `{{` or `{%` in it is a template.
    Value(serde_json::Value),
}

/// What an empty value does to the field in Oomnitza.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Empty {
    /// It leaves the field alone.
    #[default]
    Keep,
    /// It empties the field.
    Clear,
}

/// When a field is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Write {
    /// Whenever it differs.
    #[default]
    Always,
    /// Only when the person is created.
    OnCreate,
    /// Only while Oomnitza has no value.
    IfEmpty,
}
