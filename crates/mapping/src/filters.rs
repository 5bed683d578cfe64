//! The filters and tests of templates: Jinja's own, made to respect the empty value, and ours.
//!
//! An empty value given to a filter gives an empty value, never an error and never a text such as
//! `None`; lists lose their empty members before a filter counts, joins or picks them. Three of
//! Jinja's own keep their meaning for the empty value: `bool` gives false, `length` and `sum` 0.

mod person;
mod text;
mod time;

use minijinja::value::{Rest, ValueOrKwargs};
use minijinja::{Environment, State, Value, filters as builtin};

use crate::value;

/// The names of all filters.
#[rustfmt::skip]
pub(crate) const NAMES: &[&str] = &[
    "first_name", "last_name", "email_local", "email_domain", "date", "timestamp", "split", "concat",
    "abs", "attr", "batch", "bool", "capitalize", "chain", "count", "d", "default", "dictsort", "e",
    "escape", "first", "float", "format", "groupby", "indent", "int", "items", "join", "last",
    "length", "lines", "list", "lower", "map", "max", "min", "pprint", "reject", "rejectattr",
    "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string", "sum",
    "title", "tojson", "trim", "unique", "upper", "zip",
];

/// The names of all tests.
#[rustfmt::skip]
pub(crate) const TESTS: &[&str] = &[
    "undefined", "defined", "none", "safe", "escaped", "boolean", "odd", "even", "divisibleby",
    "number", "integer", "int", "float", "string", "sequence", "iterable", "mapping",
    "startingwith", "endingwith", "lower", "upper", "sameas", "eq", "equalto", "ne", "lt",
    "lessthan", "le", "gt", "greaterthan", "ge", "in", "true", "false", "filter", "test",
];

/// Adds our filters and tests to an environment, and sets right those of Jinja's own that do not
/// know the empty value.
pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_filter("first_name", person::first_name);
    environment.add_filter("last_name", person::last_name);
    environment.add_filter("email_local", person::email_local);
    environment.add_filter("email_domain", person::email_domain);
    environment.add_filter("date", time::date);
    environment.add_filter("timestamp", time::timestamp);
    environment.add_filter("split", text::split);
    environment.add_filter("concat", text::concat);
    environment.add_filter("default", default);
    environment.add_filter("d", default);

    for (name, filter) in [
        ("abs", Value::from_function(builtin::abs)),
        ("attr", Value::from_function(builtin::attr)),
        ("dictsort", Value::from_function(builtin::dictsort)),
        ("float", Value::from_function(builtin::float)),
        ("format", Value::from_function(builtin::format)),
        ("int", Value::from_function(builtin::int)),
        ("items", Value::from_function(builtin::items)),
        ("lines", Value::from_function(builtin::lines)),
        ("pprint", Value::from_function(builtin::pprint)),
        ("round", Value::from_function(builtin::round)),
        ("tojson", Value::from_function(builtin::tojson)),
    ] {
        add_for_values(environment, name, filter);
    }
    for (name, filter) in [
        ("capitalize", Value::from_function(builtin::capitalize)),
        ("escape", Value::from_function(builtin::escape)),
        ("e", Value::from_function(builtin::escape)),
        ("indent", Value::from_function(builtin::indent)),
        ("lower", Value::from_function(builtin::lower)),
        ("replace", Value::from_function(builtin::replace)),
        ("safe", Value::from_function(builtin::safe)),
        ("string", Value::from_function(builtin::string)),
        ("title", Value::from_function(builtin::title)),
        ("trim", Value::from_function(builtin::trim)),
        ("upper", Value::from_function(builtin::upper)),
    ] {
        add_charged(environment, name, filter);
    }
    for (name, filter) in [
        ("batch", Value::from_function(builtin::batch)),
        ("chain", Value::from_function(builtin::chain)),
        ("count", Value::from_function(builtin::length)),
        ("first", Value::from_function(builtin::first)),
        ("join", Value::from_function(builtin::join)),
        ("last", Value::from_function(builtin::last)),
        ("length", Value::from_function(builtin::length)),
        ("list", Value::from_function(builtin::list)),
        ("map", Value::from_function(builtin::map)),
        ("max", Value::from_function(builtin::max)),
        ("min", Value::from_function(builtin::min)),
        ("slice", Value::from_function(builtin::slice)),
        ("sort", Value::from_function(builtin::sort)),
        ("sum", Value::from_function(builtin::sum)),
        ("unique", Value::from_function(builtin::unique)),
    ] {
        add_for_lists(environment, name, filter);
    }

    environment.add_test("defined", |value: &Value| !value::is_empty(value));
    environment.add_test("undefined", value::is_empty);
    environment.add_test("none", value::is_empty);
}

/// `default`: another value in the place of an empty one.
fn default(value: &Value, other: Option<Value>, lax: Option<bool>) -> Value {
    if value::is_empty(value) || (lax == Some(true) && !value.is_true()) {
        other.unwrap_or_default()
    } else {
        value.clone()
    }
}

/// Adds one of Jinja's own filters, which is not asked about an empty value.
fn add_for_values(environment: &mut Environment<'static>, name: &'static str, filter: Value) {
    let keeping_empty = move |state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>| {
        let arguments = arguments.into_values();
        for argument in &arguments {
            value::charge(state, argument)?;
        }
        // With a default, as in `int(default=3)`, an empty value is something to these two.
        let has_default = arguments.len() > 1 && matches!(name, "int" | "float");
        if arguments.first().is_some_and(value::is_empty) && !has_default {
            return Ok(Value::UNDEFINED);
        }
        filter.call(state, &arguments)
    };
    environment.add_filter(name, keeping_empty);
}

/// Adds one of Jinja's own filters, which makes a text of a list as well.
fn add_charged(environment: &mut Environment<'static>, name: &'static str, filter: Value) {
    let charged = move |state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>| {
        let arguments = arguments.into_values();
        for argument in &arguments {
            value::charge(state, argument)?;
        }
        filter.call(state, &arguments)
    };
    environment.add_filter(name, charged);
}

/// Adds one of Jinja's own filters, which sees lists without their empty members.
fn add_for_lists(environment: &mut Environment<'static>, name: &'static str, filter: Value) {
    let seeing_dense = move |state: &mut State<'_, '_>, arguments: Rest<ValueOrKwargs>| {
        let mut arguments = arguments.into_values();
        if let Some(list) = arguments.first_mut() {
            *list = value::dense(state, list)?;
        }
        filter.call(state, &arguments)
    };
    environment.add_filter(name, seeing_dense);
}

#[cfg(test)]
mod tests {
    use minijinja::ErrorKind;

    use super::*;

    #[test]
    fn every_name_on_the_lists_is_known_to_the_engine() {
        let mut environment = Environment::new();
        register(&mut environment);
        let kind_of = |template: String| {
            environment
                .render_str(&template, ())
                .err()
                .map(|error| error.kind())
        };
        for name in NAMES {
            assert_ne!(
                kind_of(format!("{{{{ 1 | {name} }}}}")),
                Some(ErrorKind::UnknownFilter),
                "{name}"
            );
        }
        for name in TESTS {
            assert_ne!(
                kind_of(format!("{{{{ 1 is {name} }}}}")),
                Some(ErrorKind::UnknownTest),
                "{name}"
            );
        }
    }
}
