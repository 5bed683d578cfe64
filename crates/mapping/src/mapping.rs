//! A mapping that is ready to run.

use std::sync::Arc;

use crate::field::{Field, Origin};
use crate::load::Constant;
use crate::template::{Engine, Template};
use crate::vocabulary;

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

    /// The expression `where` as written; none where all users are in scope.
    pub fn scope_expression(&self) -> Option<&str> {
        self.scope.as_ref().map(|scope| scope.expression.as_str())
    }

    /// The fields of a user that any expression of the mapping starts from, sorted, each once.
    ///
    /// `where` does not count: what it looks at decides about the user, and is written nowhere.
    pub fn source_fields(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for field in &self.fields {
            match &field.origin {
                Origin::Constant(_) => {}
                Origin::Path(path) => names.push(path.root()),
                Origin::Template(template) => {
                    names.extend(template.variables().iter().map(String::as_str));
                }
            }
        }
        for name in &mut names {
            if *name == "role_names" {
                *name = "scopeRoles";
            }
        }
        names.retain(|name| !vocabulary::is_of_the_load(name));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether any expression asks for `role_names`: only then a load needs the console's roles.
    pub fn uses_role_names(&self) -> bool {
        self.uses_role_names
    }
}
