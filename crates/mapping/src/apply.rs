//! From a user to a record.

mod trace;
mod translate;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use minijinja::Value;
use minijinja::value::Object;

use crate::field::{Field, Origin};
use crate::issue::Issue;
use crate::load::Load;
use crate::mapping::Mapping;
use crate::raw;
use crate::record::Record;
use crate::subject::Subject;
use crate::value;

use translate::translate;

pub use trace::{Input, ScopeTrace, Trace};
pub use translate::Lookup;

impl Mapping {
    /// Whether a user is in scope.
    ///
    /// # Errors
    ///
    /// If the `where` cannot be evaluated for this user.
    pub fn in_scope(&self, subject: &Subject<'_>, load: &Load) -> Result<bool, Issue> {
        let Some(scope) = &self.scope else {
            return Ok(true);
        };
        let user = User::new(self, subject, load);
        let context = user.context(scope.condition.variables());
        let holds = self.engine.holds(&scope.condition, &context);
        holds.map_err(|why| {
            let what = format!("`where: {}` cannot be evaluated", scope.expression);
            Issue::of_evaluating(None, &what, &why)
        })
    }

    /// Makes the record of a user: writes the values of all fields into `record`, which is
    /// cleared before. Gives every issue of the user; a field with an issue is left empty.
    pub fn apply(&self, subject: &Subject<'_>, load: &Load, record: &mut Record) -> Vec<Issue> {
        record.clear();
        let user = User::new(self, subject, load);
        let mut issues = Vec::new();
        for field in &self.fields {
            let start = record.value_start();
            if let Err(issue) = user.write(field, record.buffer()) {
                record.buffer().truncate(start);
                issues.push(issue);
            }
            record.finish_value();
        }
        issues
    }
}

/// A user while its record is made. What costs something is made when it is first asked for.
struct User<'u> {
    mapping: &'u Mapping,
    subject: &'u Subject<'u>,
    load: &'u Load,
    role_names: OnceCell<Vec<Cow<'u, str>>>,
    /// What the templates of the fields look up.
    context: OnceCell<Value>,
}

impl<'u> User<'u> {
    fn new(mapping: &'u Mapping, subject: &'u Subject<'u>, load: &'u Load) -> Self {
        Self {
            mapping,
            subject,
            load,
            role_names: OnceCell::new(),
            context: OnceCell::new(),
        }
    }

    /// Appends the value of a field.
    fn write(&self, field: &Field, out: &mut String) -> Result<(), Issue> {
        let start = out.len();
        self.write_source(field, out)?;
        let Some(table) = &field.table else {
            return Ok(());
        };
        if raw::is_empty(&out[start..]) {
            return Ok(());
        }
        let (translated, _) = translate(field, table, &out[start..])?;
        out.truncate(start);
        out.push_str(translated);
        Ok(())
    }

    fn write_source(&self, field: &Field, out: &mut String) -> Result<(), Issue> {
        match &field.origin {
            Origin::Constant(constant) => out.push_str(constant),
            Origin::Path(path) => path.write(&self.root(path.root()), out),
            Origin::Template(template) => {
                let context = self
                    .context
                    .get_or_init(|| self.context(&self.mapping.names));
                let written = self.mapping.engine.write(template, context, out);
                written.map_err(|why| {
                    let name = &field.name;
                    let what = format!("`{name}` cannot be computed by `{}`", field.expression);
                    Issue::of_evaluating(Some(name.clone()), &what, &why)
                })?;
            }
        }
        Ok(())
    }

    /// The JSON of a name: one of the load's, or a field of the user.
    fn root(&self, name: &str) -> Cow<'_, str> {
        Cow::Borrowed(match name {
            "customer_domain_url" => &self.load.customer_domain_url().raw,
            "connector_sync_time" => &self.load.connector_sync_time().raw,
            "integration" => &self.mapping.integration.raw,
            "variables" => &self.mapping.variables.raw,
            "user" => self.subject.json(),
            "role_names" => return Cow::Owned(self.role_names_json()),
            _ => self.subject.raw(name),
        })
    }

    /// The template value of a name, as [`User::root`].
    fn value(&self, name: &str) -> Value {
        match name {
            "customer_domain_url" => self.load.customer_domain_url().value.clone(),
            "connector_sync_time" => self.load.connector_sync_time().value.clone(),
            "integration" => self.mapping.integration.value.clone(),
            "variables" => self.mapping.variables.value.clone(),
            "user" => value::decode(self.subject.json()),
            "role_names" => self
                .role_names()
                .iter()
                .map(|name| Value::from(&**name))
                .collect(),
            _ => value::decode(self.subject.raw(name)),
        }
    }

    /// What templates look up: the values of these names.
    fn context(&self, names: &Arc<[String]>) -> Value {
        Value::from_object(Context {
            names: Arc::clone(names),
            values: names.iter().map(|name| self.value(name)).collect(),
        })
    }

    fn role_names(&self) -> &[Cow<'u, str>] {
        self.role_names
            .get_or_init(|| self.load.role_names_of(self.subject.raw("scopeRoles")))
    }

    fn role_names_json(&self) -> String {
        let mut json = String::from("[");
        for (index, name) in self.role_names().iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            raw::push_string(&mut json, name);
        }
        json.push(']');
        json
    }
}

/// The names that templates see for one user.
#[derive(Debug)]
struct Context {
    names: Arc<[String]>,
    values: Vec<Value>,
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let index = self.names.iter().position(|name| name == key)?;
        // An undefined name may still be one of the engine's own, as `range`.
        Some(self.values[index].clone()).filter(|value| !value.is_undefined())
    }
}
