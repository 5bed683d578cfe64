//! Explain: why a user is as it is, as the run had it.

mod asking;
mod fields;
mod history;
mod kinds;
mod whole;

use serde_json::Value;

use crate::company::Company;

impl Company {
    /// The explanation of a user, by its address or id.
    #[track_caller]
    fn explain(&self, who: &str) -> Value {
        self.explain_with(&["explain", who, "--json"])
    }

    /// The explanation of a user in a run.
    #[track_caller]
    fn explain_in(&self, who: &str, run_id: &str) -> Value {
        self.explain_with(&["explain", who, "--run", run_id, "--json"])
    }

    #[track_caller]
    fn explain_with(&self, arguments: &[&str]) -> Value {
        let ended = self.rollcall.command(arguments).with_code(0);
        let Value::Array(mut explanations) = ended.json() else {
            panic!("a list of explanations: {}", ended.stdout);
        };
        assert_eq!(explanations.len(), 1, "{}", ended.stdout);
        explanations.remove(0)
    }

    /// The same for people.
    #[track_caller]
    fn explained(&self, who: &str) -> String {
        self.rollcall.command(&["explain", who]).with_code(0).stdout
    }
}

/// A field of an explanation.
#[track_caller]
fn field<'e>(explanation: &'e Value, name: &str) -> &'e Value {
    let fields = explanation["fields"].as_array().expect("a list of fields");
    let field = fields.iter().find(|field| field["field"] == name);
    field.unwrap_or_else(|| panic!("no field `{name}`: {fields:?}"))
}

/// Why a field was sent or not.
#[track_caller]
fn why<'e>(explanation: &'e Value, name: &str) -> &'e str {
    let field = field(explanation, name);
    let why = field["why"].as_str().expect("a word");
    let sends = ["new", "differs", "rides_along", "put_back"];
    assert_eq!(field["sent"], sends.contains(&why), "{field}");
    why
}

fn text<'v>(object: &'v Value, member: &str) -> &'v str {
    object[member].as_str().unwrap_or_default()
}
