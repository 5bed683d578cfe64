//! A mapped field, compiled.

use std::collections::HashMap;

use crate::canonical::Kind;
use crate::definition::{Empty, Write};
use crate::fault::Part;
use crate::path::Path;
use crate::template::Template;

/// One field of a compiled [`crate::Mapping`].
#[derive(Clone, Debug)]
pub struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) write: Write,
    pub(crate) empty: Empty,
    pub(crate) volatile: bool,
    pub(crate) uses_sync_time: bool,
    /// Where in the YAML the expression stands.
    pub(crate) part: Part,
    /// The expression as written, for messages.
    pub(crate) expression: String,
    pub(crate) origin: Origin,
    pub(crate) table: Option<Table>,
}

/// Where the value of a field comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// Always this JSON.
    Constant(String),
    /// What a path finds.
    Path(Path),
    /// What a template gives.
    Template(Template),
}

/// What source values are translated to, as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) entries: HashMap<String, String>,
    pub(crate) otherwise: Option<String>,
}

impl Field {
    /// The name of the field in Oomnitza.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its values compare.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// When it is written.
    pub fn write(&self) -> Write {
        self.write
    }

    /// What an empty value does.
    pub fn empty(&self) -> Empty {
        self.empty
    }

    /// Whether its changes are left out of the guard `update`.
    pub fn is_volatile(&self) -> bool {
        self.volatile
    }

    /// Whether its expression uses `connector_sync_time`: then it makes no change alone.
    pub fn uses_sync_time(&self) -> bool {
        self.uses_sync_time
    }

    /// Whether its value is the same for everybody.
    pub fn is_constant(&self) -> bool {
        matches!(self.origin, Origin::Constant(_))
    }

    /// Whether what its expression gives is looked up in a table.
    pub fn has_table(&self) -> bool {
        self.table.is_some()
    }

    /// Where its value comes from, as written: a path, a template or a constant.
    pub fn expression(&self) -> &str {
        &self.expression
    }
}
