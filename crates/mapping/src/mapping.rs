//! A mapping that is ready to run.

use std::sync::Arc;

use crate::field::Field;
use crate::load::Constant;
use crate::template::{Engine, Template};

/// A mapping, compiled once for all users.
#[derive(Debug)]
pub struct Mapping {
    pub(crate) engine: Engine,
    pub(crate) scope: Option<Scope>,
    pub(crate) fields: Vec<Field>,
    pub(crate) sync_keys: Vec<usize>,
    /// The names that the templates of the fields may look up.
    pub(crate) names: Arc<[String]>,
    pub(crate) integration: Constant,
    pub(crate) variables: Constant,
    pub(crate) uses_role_names: bool,
}

/// The `where`, compiled.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) expression: String,
    pub(crate) condition: Template,
}

impl Mapping {
    /// The mapped fields, in the order of the YAML.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The sync keys as indexes into the fields, in the order in which they are tried.
    pub fn sync_keys(&self) -> &[usize] {
        &self.sync_keys
    }

    /// Whether any expression asks for `role_names`: only then a load needs the console's roles.
    pub fn uses_role_names(&self) -> bool {
        self.uses_role_names
    }
}
