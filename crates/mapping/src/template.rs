//! The template engine: minijinja, set up so that empty values stay empty.
//!
//! All templates of a mapping live in one environment under short names. A template that is one
//! `{{ expression }}` keeps the type of its value: its name is marked, and for marked names the
//! formatter writes the value as JSON instead of as text. So every template renders to a text,
//! none borrows from the environment, and there is one way to evaluate.

mod empties;
mod names;

use std::sync::Arc;

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use crate::filters;
use crate::lexer;
use crate::raw;
use crate::value;

pub(crate) use empties::EMPTY;
pub(crate) use names::{FUNCTIONS, missing_variable, nearest};

/// What marks the names of templates that keep the type of their value.
const TYPED: char = '=';

/// What a template may do for one user before it is stopped: instructions, and 64 bytes of data
/// each. The usual templates need some twenty.
const FUEL: u64 = 50_000;

/// The engine with the templates of one mapping.
#[derive(Debug)]
pub(crate) struct Engine {
    environment: Environment<'static>,
    templates: usize,
}

/// A template that an [`Engine`] has compiled.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// Its name in the environment.
    name: String,
    keeps_type: bool,
    /// The names that it may look up: all of them, and perhaps some more.
    variables: Arc<[String]>,
    /// The names and attribute paths that it looks up and does not set itself.
    paths: Vec<String>,
    lines: usize,
}

impl Engine {
    /// An engine without templates.
    pub(crate) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.remove_global("debug");
        environment.set_formatter(|out, state, value| {
            if state.name().starts_with(TYPED) {
                let mut json = String::new();
                value::encode(state, value, &mut json)?;
                out.write_str(&json)?;
            } else if !value::is_empty(value) {
                value::charge(state, value)?;
                write!(out, "{}", value::dense(state, value)?)?;
            }
            Ok(())
        });
        filters::register(&mut environment);
        Self {
            environment,
            templates: 0,
        }
    }

    /// Compiles a template.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, as far as it shows without evaluating.
    pub(crate) fn compile(
        &mut self,
        source: &str,
        variables: &[&str],
    ) -> Result<Template, Vec<String>> {
        let trimmed = source.trim();
        let keeps_type = self.is_one_expression(trimmed);
        self.add(
            if keeps_type { trimmed } else { source },
            keeps_type,
            variables,
        )
    }

    /// Compiles an expression, written with or without `{{ }}`, to a template that renders to
    /// `true` where the expression is true.
    ///
    /// # Errors
    ///
    /// As in [`Engine::compile`].
    pub(crate) fn compile_condition(
        &mut self,
        expression: &str,
        variables: &[&str],
    ) -> Result<Template, Vec<String>> {
        let inner = inner_expression(expression.trim()).unwrap_or(expression.trim());
        if let Err(error) = self.environment.compile_expression_owned(inner.to_owned()) {
            let lines = inner.lines().count();
            return Err(vec![format!(
                "the expression cannot be read: {}",
                explain(&error, lines)
            )]);
        }
        self.add(
            &format!("{{% if {inner} %}}true{{% endif %}}"),
            false,
            variables,
        )
    }

    fn add(
        &mut self,
        source: &str,
        keeps_type: bool,
        variables: &[&str],
    ) -> Result<Template, Vec<String>> {
        let words = lexer::words(source);
        let mut faults = names::faults(&words, variables);
        let prepared = empties::rewrite(source, &words).unwrap_or_else(|fault| {
            faults.push(fault);
            source.to_owned()
        });
        let mark = if keeps_type {
            String::from(TYPED)
        } else {
            String::new()
        };
        let name = format!("{mark}{}", self.templates);
        self.templates += 1;
        let lines = source.lines().count();
        if let Err(error) = self.environment.add_template_owned(name.clone(), prepared) {
            // A syntax error may be the reason for what else seems wrong.
            return Err(vec![format!(
                "the template cannot be read: {}",
                explain(&error, lines)
            )]);
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let compiled = self.compiled(&name);
        let mut paths: Vec<_> = compiled.undeclared_variables(true).into_iter().collect();
        paths.sort();
        Ok(Template {
            name,
            keeps_type,
            variables: names::variables(&words).into(),
            paths,
            lines,
        })
    }

    /// Evaluates a template and appends the JSON of its value, or nothing where it is empty.
    ///
    /// # Errors
    ///
    /// Why it cannot be evaluated with this context, for a person.
    pub(crate) fn write(
        &self,
        template: &Template,
        context: &Value,
        out: &mut String,
    ) -> Result<(), String> {
        let rendered = self.render(template, context)?;
        if template.keeps_type {
            out.push_str(&rendered);
        } else {
            raw::push_string(out, &rendered);
        }
        Ok(())
    }

    /// Evaluates a template that was compiled from a condition.
    ///
    /// # Errors
    ///
    /// Why it cannot be evaluated with this context, for a person.
    pub(crate) fn holds(&self, condition: &Template, context: &Value) -> Result<bool, String> {
        Ok(self.render(condition, context)? == "true")
    }

    fn render(&self, template: &Template, context: &Value) -> Result<String, String> {
        self.compiled(&template.name)
            .render(context.clone())
            .map_err(|error| explain(&error, template.lines))
    }

    fn compiled(&self, name: &str) -> minijinja::Template<'_, '_> {
        self.environment
            .get_template(name)
            .expect("a template is added before it is named")
    }

    /// Whether a template is one `{{ expression }}` and nothing else.
    fn is_one_expression(&self, template: &str) -> bool {
        inner_expression(template)
            .is_some_and(|inner| self.environment.compile_expression(inner).is_ok())
    }
}

impl Template {
    /// The names that it may look up: all of them, and perhaps some more.
    pub(crate) fn variables(&self) -> &Arc<[String]> {
        &self.variables
    }

    /// The names and attribute paths, such as `apiToken.expiresAt`, that it looks up.
    pub(crate) fn paths(&self) -> &[String] {
        &self.paths
    }
}

/// What stands between the first `{{` and the last `}}` of a template that has nothing around.
fn inner_expression(template: &str) -> Option<&str> {
    let inner = template.strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    Some(inner.strip_suffix(['-', '+']).unwrap_or(inner).trim())
}

/// An error of the engine for a person: its detail and the innermost cause, without the names
/// that templates have only here.
fn explain(error: &Error, lines: usize) -> String {
    let mut text = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "it takes too long, so it was stopped".to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = match cause.downcast_ref::<Error>() {
            Some(error) => error.detail().unwrap_or_default().to_owned(),
            None => cause.to_string(),
        };
        if !cause_text.is_empty() {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    match error.line() {
        Some(line) if lines > 1 => format!("{text} (line {line} of the template)"),
        _ => text,
    }
}
