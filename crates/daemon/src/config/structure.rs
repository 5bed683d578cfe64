//! The structure of a file, checked against the JSON Schema: unknown and missing keys, wrong types,
//! words that are none of the choices, numbers out of range.
//!
//! `serde` would say the same, but only the first of it.
//! So that every other check still runs on a file with faults, what is wrong here is cut out, and
//! what is plainly a misspelling is taken as what was meant from here on.

mod advice;
mod kind;

use kind::Kind;
use serde_json::Value as Schema;
use serde_yaml::{Mapping, Value};

use super::document::{Content, Entry, Node};
use super::fault::{Place, Report};
use super::nearest::{either, nearest};

/// Checks a document, and returns what of it can be read.
///
/// In the tree, misspelt keys get the names that were meant, optional keys without a value go, and
/// so do list entries that cannot be read: an entry has the same index in the tree and in what is
/// returned.
pub(crate) fn check(root: &mut Node, schema: &Schema, report: &mut Report) -> Option<Value> {
    let mut walker = Walker {
        root: schema,
        report,
    };
    let label = Label {
        name: "the file".to_owned(),
        key: root.place,
    };
    walker.node(root, schema, &label)
}

struct Walker<'a> {
    root: &'a Schema,
    report: &'a mut Report,
}

/// How a value is called in a message, and where its key is.
struct Label {
    name: String,
    key: Place,
}

impl Walker<'_> {
    fn node(&mut self, node: &mut Node, schema: &Schema, label: &Label) -> Option<Value> {
        let kind = Kind::of(node)?;
        let accepted = alternatives(schema, self.root);
        let fitting: Vec<&Schema> = accepted
            .iter()
            .copied()
            .filter(|leaf| kind.fits(leaf))
            .collect();
        let Some(&leaf) = fitting.first() else {
            let place = if kind == Kind::Null {
                label.key
            } else {
                node.place
            };
            let wrong = advice::wrong_kind(kind, schema, &accepted, self.root);
            self.report.fault(place, format!("{} {wrong}", label.name));
            return None;
        };
        match &mut node.content {
            Content::Map(entries) => self.map(entries, leaf, label),
            Content::List(items) => self.list(items, leaf, label),
            Content::Scalar(Value::String(text)) => self.text(text, node.place, &fitting, label),
            Content::Scalar(value) => {
                let within = self.within_bounds(value, leaf, node.place, label);
                within.then(|| value.clone())
            }
            Content::Refused => None,
        }
    }

    fn map(&mut self, entries: &mut Vec<Entry>, leaf: &Schema, label: &Label) -> Option<Value> {
        self.name_as_meant(entries, leaf, label);
        let mut read = Mapping::new();
        for Entry { key, value } in entries.iter_mut() {
            if !key.is_text && leaf["x-any-keys"] != true {
                self.report.fault(
                    key.place,
                    format!(
                        "a key must be a text; write it in quotes: `\"{}\"`",
                        key.text
                    ),
                );
            }
            let known = &leaf["properties"][&key.text];
            let schema = if known.is_null() {
                &leaf["additionalProperties"]
            } else {
                known
            };
            if !schema.is_object() {
                continue; // An unknown key, reported already.
            }
            let label = Label {
                name: format!("`{}`", key.text),
                key: key.place,
            };
            if let Some(value) = self.node(value, schema, &label) {
                read.insert(Value::String(key.text.clone()), value);
            }
        }
        for required in leaf["required"].as_array().into_iter().flatten() {
            let required = required.as_str().unwrap_or_default();
            if !entries.iter().any(|entry| entry.key.text == required) {
                let name = &label.name;
                let schema = &leaf["properties"][required];
                let example = advice::examples(schema, self.root).into_iter().next();
                let example = example.unwrap_or_else(|| "…".to_owned());
                self.report.fault(
                    label.key,
                    format!("{name} lacks `{required}`; add `{required}: {example}`"),
                );
            }
        }
        // A key with nothing behind it is as good as none, where nothing is allowed.
        entries.retain(|entry| {
            let optional = read.get(&entry.key.text).is_some_and(Value::is_null)
                && !leaf["properties"][&entry.key.text].is_null();
            !optional
        });
        if entries.is_empty()
            && leaf["minProperties"]
                .as_u64()
                .is_some_and(|least| least > 0)
        {
            let name = &label.name;
            self.report.fault(
                label.key,
                format!("{name} is empty; write at least one entry"),
            );
            return None;
        }
        Some(Value::Mapping(read))
    }

    /// Reports unknown keys, and gives each the name of the missing key that was meant, if any.
    fn name_as_meant(&mut self, entries: &mut [Entry], leaf: &Schema, label: &Label) {
        let Some(properties) = leaf["properties"].as_object() else {
            return;
        };
        if leaf["additionalProperties"] != false {
            return;
        }
        for index in 0..entries.len() {
            let key = &entries[index].key;
            if !key.is_text || properties.contains_key(&key.text) {
                continue;
            }
            let absent = properties
                .keys()
                .map(String::as_str)
                .filter(|name| !entries.iter().any(|entry| entry.key.text == **name));
            let meant = nearest(&key.text, absent);
            let advice = match meant {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("take it out, or write {}", either(properties.keys())),
            };
            self.report.fault(
                key.place,
                format!("`{}` is not a key of {}; {advice}", key.text, label.name),
            );
            if let Some(name) = meant {
                name.clone_into(&mut entries[index].key.text);
            }
        }
    }

    fn list(&mut self, items: &mut Vec<Node>, leaf: &Schema, label: &Label) -> Option<Value> {
        if items.is_empty() && leaf["minItems"].as_u64().is_some_and(|least| least > 0) {
            let name = &label.name;
            self.report.fault(
                label.key,
                format!("{name} is empty; write at least one entry"),
            );
            return None;
        }
        let mut read = Vec::with_capacity(items.len());
        items.retain_mut(|item| {
            let label = Label {
                name: format!("an entry of {}", label.name),
                key: item.place,
            };
            let value = self.node(item, &leaf["items"], &label);
            let readable = value.is_some();
            read.extend(value);
            readable
        });
        Some(Value::Sequence(read))
    }

    fn text(
        &mut self,
        text: &str,
        place: Place,
        fitting: &[&Schema],
        label: &Label,
    ) -> Option<Value> {
        let choices: Vec<&str> = fitting
            .iter()
            .flat_map(|leaf| advice::choices(leaf))
            .collect();
        if !choices.is_empty() && !choices.contains(&text) {
            let name = &label.name;
            let meant = nearest(text, choices.iter().copied());
            let advice = match meant {
                Some(choice) if choices.len() > 1 => {
                    format!("write {}; did you mean `{choice}`?", either(&choices))
                }
                _ => format!("write {}", either(&choices)),
            };
            self.report
                .fault(place, format!("{name} cannot be `{text}`; {advice}"));
            return meant.map(|choice| Value::String(choice.to_owned()));
        }
        let least = fitting
            .iter()
            .filter_map(|leaf| leaf["minLength"].as_u64())
            .min();
        if text.trim().is_empty() && least.is_some_and(|least| least > 0) {
            let name = &label.name;
            self.report.fault(
                place,
                format!("{name} is an empty text; write one, or take it out"),
            );
            return None;
        }
        Some(Value::String(text.to_owned()))
    }

    fn within_bounds(&mut self, value: &Value, leaf: &Schema, place: Place, label: &Label) -> bool {
        let Some(number) = value.as_f64() else {
            return true;
        };
        let (least, above) = (leaf["minimum"].as_f64(), leaf["exclusiveMinimum"].as_f64());
        let most = leaf["maximum"].as_f64();
        let within = least.is_none_or(|least| number >= least)
            && above.is_none_or(|above| number > above)
            && most.is_none_or(|most| number <= most);
        if !within {
            let lower = least
                .map(|least| format!("at least {least}"))
                .or(above.map(|above| format!("more than {above}")));
            let upper = most.map(|most| format!("at most {most}"));
            let bounds: Vec<String> = lower.into_iter().chain(upper).collect();
            let bounds = bounds.join(" and ");
            let name = &label.name;
            self.report.fault(
                place,
                format!("{name} cannot be {number}; write a number of {bounds}"),
            );
        }
        within
    }
}

/// Returns the schemas of which a value must fit one, none of them with alternatives of its own.
fn alternatives<'a>(schema: &'a Schema, root: &'a Schema) -> Vec<&'a Schema> {
    let inner = behind(schema, root);
    if inner.is_empty() {
        return vec![schema];
    }
    inner
        .into_iter()
        .flat_map(|inner| alternatives(inner, root))
        .collect()
}

/// Returns the schema that one refers to, or its alternatives.
fn behind<'a>(schema: &'a Schema, root: &'a Schema) -> Vec<&'a Schema> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = reference
            .strip_prefix('#')
            .and_then(|path| root.pointer(path));
        return vec![target.expect("schemars defines what it refers to")];
    }
    let any = schema["anyOf"].as_array().or(schema["oneOf"].as_array());
    any.into_iter().flatten().collect()
}
