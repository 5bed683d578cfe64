//! How a record came about, for people: what each expression looked at, and what it gave.

use crate::apply::User;
use crate::apply::translate::{Lookup, translate};
use crate::field::{Field, Origin};
use crate::issue::Issue;
use crate::load::Load;
use crate::mapping::Mapping;
use crate::path::Path;
use crate::raw;
use crate::subject::Subject;
use crate::template::Template;
use crate::vocabulary;

/// What an expression looked up, and what it found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The name, with those of members behind it, as `apiToken.expiresAt`.
    pub name: String,
    /// Raw JSON; `""` is the empty value.
    pub value: String,
}

/// How the value of a field came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// What the expression looked up; nothing for a constant.
    pub inputs: Vec<Input>,
    /// What the expression gave, before the table: raw JSON, `""` for the empty value.
    pub source: String,
    /// What in the table gave the value, where there is a table and something to look up in it.
    pub lookup: Option<Lookup>,
    /// The value; empty where there is an issue.
    pub value: String,
    /// Why there is no value.
    pub issue: Option<Issue>,
}

/// What `where` looked at, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeTrace {
    /// The expression as written.
    pub expression: String,
    /// What it looked up.
    pub inputs: Vec<Input>,
    /// Whether it is true for the user, or why it cannot be said.
    pub holds: Result<bool, Issue>,
}

impl Mapping {
    /// Tells of each field how its value for a user comes about, in the order of the fields.
    ///
    /// The values are those that [`apply`](Self::apply) writes.
    pub fn trace(&self, subject: &Subject<'_>, load: &Load) -> Vec<Trace> {
        let user = User::new(self, subject, load);
        let fields = self.fields.iter();
        fields.map(|field| user.trace(field)).collect()
    }

    /// Tells how [`in_scope`](Self::in_scope) decides about a user; none where there is no `where`.
    pub fn trace_scope(&self, subject: &Subject<'_>, load: &Load) -> Option<ScopeTrace> {
        let scope = self.scope.as_ref()?;
        Some(ScopeTrace {
            expression: scope.expression.clone(),
            inputs: User::new(self, subject, load).inputs(&scope.condition),
            holds: self.in_scope(subject, load),
        })
    }
}

impl User<'_> {
    fn trace(&self, field: &Field) -> Trace {
        let mut trace = Trace {
            inputs: match &field.origin {
                Origin::Constant(_) => Vec::new(),
                Origin::Path(path) => vec![self.input(&field.expression, path)],
                Origin::Template(template) => self.inputs(template),
            },
            source: String::new(),
            lookup: None,
            value: String::new(),
            issue: None,
        };
        match self.write_source(field, &mut trace.source) {
            Ok(()) if raw::is_empty(&trace.source) => trace.source.clear(),
            Ok(()) => {}
            Err(issue) => {
                trace.source.clear();
                trace.issue = Some(issue);
                return trace;
            }
        }
        match &field.table {
            Some(table) if !trace.source.is_empty() => {
                match translate(field, table, &trace.source) {
                    Ok((value, lookup)) => {
                        trace.lookup = Some(lookup);
                        value.clone_into(&mut trace.value);
                    }
                    Err(issue) => trace.issue = Some(issue),
                }
            }
            _ => trace.value.clone_from(&trace.source),
        }
        if raw::is_empty(&trace.value) {
            trace.value.clear();
        }
        trace
    }

    /// What a template looks up. The whole user is not repeated, and what the engine itself knows is no input.
    fn inputs(&self, template: &Template) -> Vec<Input> {
        let paths = template.paths().iter();
        let paths = paths.filter_map(|text| Some((text, Path::parse(text)?)));
        paths
            .filter(|(text, path)| *text != "user" && !vocabulary::is_of_the_engine(path.root()))
            .map(|(text, path)| self.input(text, &path))
            .collect()
    }

    fn input(&self, name: &str, path: &Path) -> Input {
        let mut value = String::new();
        path.write(&self.root(path.root()), &mut value);
        if raw::is_empty(&value) {
            value.clear();
        }
        Input {
            name: name.to_owned(),
            value,
        }
    }
}
