//! Texts that use `variables`: addresses, worked out while the configuration is checked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Object, Value};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::fault::Report;
use super::nearest::{either, nearest};
use super::spot::Spot;

/// The variables of the file.
pub(super) struct Variables<'a> {
    pub(super) known: BTreeMap<String, String>,
    /// The section as written; `None` where there is one that could not be read at all.
    pub(super) spot: Option<Spot<'a>>,
}

impl Variables<'_> {
    /// Whether a variable may well be there, with a fault that was reported already.
    fn is_refused(&self, name: &str) -> bool {
        self.spot
            .is_none_or(|spot| spot.has(name) && !self.known.contains_key(name))
    }
}

/// Works out a text with `{{ variables['NAME'] }}` in it; `None` when there is a fault.
pub(super) fn render(
    text: &str,
    variables: &Variables<'_>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(10_000));
    let lookup = Arc::new(Lookup {
        variables: variables.known.clone(),
        unknown: Mutex::new(Vec::new()),
    });
    let context = minijinja::context! { variables => Value::from_dyn_object(Arc::clone(&lookup)) };
    match environment.render_str(text, context) {
        Ok(rendered) => Some(rendered),
        Err(error) => {
            let unknown = lookup
                .unknown
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let message = match unknown.first() {
                Some(name) if variables.is_refused(name) => return None,
                Some(name) => unknown_variable(name, &variables.known),
                None if error.kind() == ErrorKind::UndefinedError => {
                    "only `variables` can be used here; write `{{ variables['NAME'] }}`".to_owned()
                }
                None => format!(
                    "this template cannot be worked out ({}); write `{{{{ variables['NAME'] }}}}`",
                    error.detail().unwrap_or("it is none")
                ),
            };
            report.fault(spot.value, message);
            None
        }
    }
}

fn unknown_variable(name: &str, variables: &BTreeMap<String, String>) -> String {
    let names = variables.keys().map(String::as_str);
    let advice = match nearest(name, names.clone()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if variables.is_empty() => "add it under `variables`".to_owned(),
        None => format!("add it under `variables`, or write {}", either(names)),
    };
    format!("there is no variable `{name}`; {advice}")
}

/// The variables, remembering which ones were asked for in vain: an error of minijinja does not
/// say.
#[derive(Debug)]
struct Lookup {
    variables: BTreeMap<String, String>,
    unknown: Mutex<Vec<String>>,
}

impl Object for Lookup {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let value = self.variables.get(name);
        if value.is_none() {
            let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
            unknown.push(name.to_owned());
        }
        value.map(Value::from)
    }
}
