//! From a mapping as written to one that runs: every fault that shows without a user.

mod table;

use serde_json::Value as Json;

use crate::canonical::Kind;
use crate::definition::{Definition, Empty, FieldDefinition, Source, Write};
use crate::fault::{Fault, Part};
use crate::field::{Field, Origin};
use crate::load::Constant;
use crate::mapping::{Mapping, Scope};
use crate::path::Path;
use crate::template::{Engine, missing_variable, nearest};
use crate::value;

use table::constant;

/// The most sync keys that a mapping may have.
pub const MOST_SYNC_KEYS: usize = 8;

impl Mapping {
    /// Compiles a mapping.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, as far as it shows without a user; for the rest there is
    /// [`Mapping::check_samples`].
    pub fn compile(definition: &Definition) -> Result<Self, Vec<Fault>> {
        let mut compiler = Compiler::new(definition);
        let scope = compiler.scope(definition.scope.as_deref());
        let fields: Vec<Field> = definition
            .fields
            .iter()
            .filter_map(|field| compiler.field(field))
            .collect();
        let sync_keys = compiler.sync_keys(definition, &fields);
        if !compiler.faults.is_empty() {
            return Err(compiler.faults);
        }

        let mut names: Vec<String> = Vec::new();
        for field in &fields {
            if let Origin::Template(template) = &field.origin {
                names.extend_from_slice(template.variables());
            }
        }
        names.sort();
        names.dedup();
        let uses_role_names = names.iter().any(|name| name == "role_names")
            || fields.iter().any(|field| field.origin.uses("role_names"))
            || scope
                .as_ref()
                .is_some_and(|scope| uses(scope.condition.variables(), "role_names"));
        let variables: Json = definition.variables.clone().into_iter().collect();
        let variables = variables.to_string();
        Ok(Self {
            engine: compiler.engine,
            scope,
            fields,
            sync_keys,
            names: names.into(),
            integration: Constant::new(&definition.integration),
            variables: Constant {
                value: value::decode(&variables),
                raw: variables,
            },
            uses_role_names,
        })
    }
}

impl Origin {
    /// Whether it starts from a name.
    pub(crate) fn uses(&self, name: &str) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Path(path) => path.root() == name,
            Self::Template(template) => uses(template.variables(), name),
        }
    }
}

fn uses(names: &[String], name: &str) -> bool {
    names.iter().any(|used| used == name)
}

/// What is needed while a mapping is compiled.
struct Compiler<'d> {
    engine: Engine,
    variables: Vec<&'d str>,
    faults: Vec<Fault>,
}

impl<'d> Compiler<'d> {
    fn new(definition: &'d Definition) -> Self {
        Self {
            engine: Engine::new(),
            variables: definition.variables.keys().map(String::as_str).collect(),
            faults: Vec::new(),
        }
    }

    fn scope(&mut self, expression: Option<&str>) -> Option<Scope> {
        let expression = expression?.trim();
        let compiled = if expression.is_empty() {
            Err(vec![
                "the expression is empty; write one such as `not isSystem`, or take it out".into(),
            ])
        } else if expression.contains("{%") {
            Err(vec![
                "`where` takes an expression; write it without {% %}, as in `not isSystem`".into(),
            ])
        } else {
            self.engine.compile_condition(expression, &self.variables)
        };
        match compiled {
            Ok(condition) => Some(Scope {
                expression: expression.to_owned(),
                condition,
            }),
            Err(messages) => {
                let faults = messages.into_iter();
                self.faults
                    .extend(faults.map(|message| Fault::of_mapping(Part::Where, message)));
                None
            }
        }
    }

    /// Compiles a field; None where it has a fault.
    fn field(&mut self, definition: &FieldDefinition) -> Option<Field> {
        let before = self.faults.len();
        let origin = match &definition.source {
            Source::Expression(expression) => self.expression(definition, expression),
            Source::Value(value) => self.value(definition, value),
        };
        let table = self.table(definition);
        self.emptiness(definition);
        let origin = origin.filter(|_| self.faults.len() == before)?;
        Some(Field {
            name: definition.field.clone(),
            kind: Kind::of_field(&definition.field),
            write: definition.write,
            empty: definition.empty,
            volatile: definition.volatile,
            uses_sync_time: origin.uses("connector_sync_time"),
            part: match &definition.source {
                Source::Expression(_) => Part::From,
                Source::Value(_) => Part::Value,
            },
            expression: match &definition.source {
                Source::Expression(text) | Source::Value(Json::String(text)) => {
                    text.trim().to_owned()
                }
                Source::Value(value) => value.to_string(),
            },
            origin,
            table,
        })
    }

    fn expression(&mut self, definition: &FieldDefinition, text: &str) -> Option<Origin> {
        if is_template(text) {
            return self.template(definition, Part::From, text);
        }
        let Some(path) = Path::parse(text.trim()) else {
            self.fault(
                definition,
                Part::From,
                format!(
                    "`{}` is neither a path nor a template; write a path such as `email`, a template in {{{{ }}}}, or `{{ value: … }}`",
                    text.trim()
                ),
            );
            return None;
        };
        if path.root() == "variables"
            && let Some(name) = path.names().next()
            && !self.variables.contains(&name)
        {
            let message = missing_variable(name, &self.variables);
            self.fault(definition, Part::From, message);
        }
        Some(Origin::Path(path))
    }

    fn value(&mut self, definition: &FieldDefinition, value: &Json) -> Option<Origin> {
        if let Json::String(text) = value
            && is_template(text)
        {
            return self.template(definition, Part::Value, text);
        }
        let constant = constant(value);
        if definition.table.is_some() {
            let message = "a constant needs no table; write the value that the table gives, or `from` instead of `value`";
            self.fault(definition, Part::Table, message);
        } else if constant.is_empty() && definition.empty == Empty::Keep {
            let message = "the value is empty, so the field would never be written; write a value, take the field out, or add `empty: clear`";
            self.fault(definition, Part::Value, message);
        }
        Some(Origin::Constant(constant))
    }

    fn template(&mut self, definition: &FieldDefinition, part: Part, text: &str) -> Option<Origin> {
        match self.engine.compile(text, &self.variables) {
            Ok(template) => Some(Origin::Template(template)),
            Err(messages) => {
                for message in messages {
                    self.fault(definition, part, message);
                }
                None
            }
        }
    }

    /// `clear` where the field is never written over a value.
    fn emptiness(&mut self, definition: &FieldDefinition) {
        let write = match definition.write {
            Write::Always => return,
            Write::OnCreate => "on_create",
            Write::IfEmpty => "if_empty",
        };
        if definition.empty == Empty::Clear {
            let message = format!(
                "`write: {write}` never writes over a value, so `empty: clear` can do nothing; take one out"
            );
            self.fault(definition, Part::Empty, message);
        }
    }

    fn sync_keys(&mut self, definition: &Definition, fields: &[Field]) -> Vec<usize> {
        let mut keys = Vec::with_capacity(definition.sync_keys.len());
        if definition.sync_keys.is_empty() {
            self.sync_key_fault(
                "there is no sync key; name a mapped field that finds a person, such as `email`",
            );
        }
        if definition.sync_keys.len() > MOST_SYNC_KEYS {
            self.sync_key_fault(format!(
                "there are {} sync keys, and {MOST_SYNC_KEYS} is the most; take those out that find nobody",
                definition.sync_keys.len()
            ));
        }
        let mapped: Vec<&str> = definition
            .fields
            .iter()
            .map(|field| field.field.as_str())
            .collect();
        for (place, name) in definition.sync_keys.iter().enumerate() {
            if definition.sync_keys[..place].contains(name) {
                self.sync_key_fault(format!("`{name}` is named twice; take one out"));
            } else if !mapped.contains(&name.as_str()) {
                self.sync_key_fault(match nearest(name, &mapped) {
                    Some(near) => format!("`{name}` is not mapped; did you mean `{near}`"),
                    None => format!("`{name}` is not mapped; add it to `mapping`"),
                });
            } else if let Some(index) = fields.iter().position(|field| field.name == *name) {
                if fields[index].uses_sync_time {
                    self.sync_key_fault(format!(
                        "`{name}` uses `connector_sync_time`, which finds nobody; take it out"
                    ));
                }
                keys.push(index);
            }
        }
        keys
    }

    fn sync_key_fault(&mut self, message: impl Into<String>) {
        self.faults.push(Fault::of_mapping(Part::SyncKeys, message));
    }

    fn fault(&mut self, definition: &FieldDefinition, part: Part, message: impl Into<String>) {
        self.faults
            .push(Fault::of_field(&definition.field, part, message));
    }
}

/// Whether a text is a template.
fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}
