//! Tables and constants.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::definition::FieldDefinition;
use crate::fault::Part;
use crate::field::Table;
use crate::raw;

use super::{Compiler, is_template};

impl Compiler<'_> {
    /// Compiles the table of a field that has one.
    pub(super) fn table(&mut self, definition: &FieldDefinition) -> Option<Table> {
        let Some(rows) = &definition.table else {
            if definition.otherwise.is_some() {
                let message = "`otherwise` belongs to a `table`; add one, or take `otherwise` out";
                self.fault(definition, Part::Otherwise, message);
            }
            return None;
        };
        if rows.is_empty() && definition.otherwise.is_none() {
            let message = "the table is empty; add rows such as `Admin: 23`, or `otherwise`";
            self.fault(definition, Part::Table, message);
        }
        let mut entries = HashMap::with_capacity(rows.len());
        for (key, value) in rows {
            self.constant_only(definition, Part::Table, value);
            if key.is_empty() {
                let message = "the key is empty, and an empty value is not looked up; `empty` says what it does";
                self.fault(definition, Part::Table, message);
            } else if entries.insert(key.clone(), constant(value)).is_some() {
                let message = format!("`{key}` stands in the table twice; take one out");
                self.fault(definition, Part::Table, message);
            }
        }
        let otherwise = definition.otherwise.as_ref();
        if let Some(value) = otherwise {
            self.constant_only(definition, Part::Otherwise, value);
        }
        Some(Table {
            entries,
            otherwise: otherwise.map(constant),
        })
    }

    fn constant_only(&mut self, definition: &FieldDefinition, part: Part, value: &Json) {
        if let Json::String(text) = value
            && is_template(text)
        {
            let message =
                format!("`{text}` is a template; write a constant, or a template in `from`");
            self.fault(definition, part, message);
        }
    }
}

/// A constant of the YAML as the JSON of a value.
pub(super) fn constant(value: &Json) -> String {
    let mut compact = String::new();
    raw::push_compact(&mut compact, &value.to_string());
    compact
}
