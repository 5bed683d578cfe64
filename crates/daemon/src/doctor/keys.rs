//! Values of sync keys that more than one has.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use mapping::Mapping;

use super::finding::Finding;

/// How many values, and of each how many ids, are named.
const NAMED: usize = 3;

/// Who has which value of the sync keys of a mapping.
///
/// Only hashes and ids are held: a collision among a million is less likely than a failing memory.
#[derive(Debug, Default)]
pub(super) struct Keys {
    holders: HashMap<u64, Holders>,
}

/// Those who have one value.
#[derive(Debug)]
struct Holders {
    /// The place of the key among the sync keys.
    key: usize,
    first: Box<str>,
    others: Vec<Box<str>>,
}

impl Keys {
    /// Takes the raw values of somebody's fields, in the order of the mapping.
    pub(super) fn take<'v>(
        &mut self,
        mapping: &Mapping,
        id: &str,
        value: impl Fn(usize) -> &'v str,
    ) {
        let mut canonical = String::new();
        for (key, &field) in mapping.sync_keys().iter().enumerate() {
            canonical.clear();
            let kind = mapping.fields()[field].kind();
            if !mapping::canonical(kind, value(field), &mut canonical) {
                continue;
            }
            let mut hasher = DefaultHasher::new();
            (key, &canonical).hash(&mut hasher);
            let holders = self.holders.entry(hasher.finish());
            holders
                .and_modify(|holders| holders.others.push(id.into()))
                .or_insert_with(|| Holders {
                    key,
                    first: id.into(),
                    others: Vec::new(),
                });
        }
    }

    /// Says for each sync key whether values of it are shared, and by whom, by id.
    pub(super) fn judge(
        &self,
        mapping: &Mapping,
        who: &str,
        read: &str,
        hint: &str,
    ) -> Vec<Finding> {
        let keys = mapping.sync_keys().iter().enumerate();
        let shared = keys.filter_map(|(key, &field)| {
            let name = mapping.fields()[field].name();
            self.shared(key).map(|message| {
                Finding::warn("duplicates", format!("{message} `{name}` ({read})"), hint)
            })
        });
        let found: Vec<Finding> = shared.collect();
        if found.is_empty() {
            let message = format!("no two {who} have the same value of a sync key ({read})");
            return vec![Finding::ok("duplicates", message)];
        }
        found
    }

    fn shared(&self, key: usize) -> Option<String> {
        let mut shared: Vec<Vec<&str>> = self
            .holders
            .values()
            .filter(|holders| holders.key == key && !holders.others.is_empty())
            .map(|holders| {
                let others = holders.others.iter().map(AsRef::as_ref);
                std::iter::once(&*holders.first).chain(others).collect()
            })
            .collect();
        shared.sort_unstable();
        let values = shared.len();
        let named: Vec<String> = shared.iter().take(NAMED).map(|ids| listed(ids)).collect();
        let more = match values.saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named = named.join("; ");
        match values {
            0 => None,
            1 => Some(format!("{named} have the same value of the sync key")),
            _ => Some(format!(
                "{named}{more} have the same values of the sync key"
            )),
        }
    }
}

/// `1 and 2`, or `1, 2, 3 and 5 others`.
fn listed(ids: &[&str]) -> String {
    if ids.len() > NAMED {
        let others = ids.len() - NAMED;
        return format!("{} and {others} others", ids[..NAMED].join(", "));
    }
    match ids.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => ids.concat(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mapping::{Definition, FieldDefinition};

    use super::*;

    fn judged(people: &[(&str, &str, &str)]) -> Vec<String> {
        let mapping = Mapping::compile(&Definition {
            integration: "it".to_owned(),
            scope: None,
            sync_keys: vec!["email".to_owned(), "number".to_owned()],
            fields: vec![
                FieldDefinition::new("number", "id"),
                FieldDefinition::new("email", "email"),
            ],
            variables: BTreeMap::new(),
        })
        .unwrap();
        let mut keys = Keys::default();
        for (id, email, number) in people {
            keys.take(
                &mapping,
                id,
                |field| if field == 0 { number } else { email },
            );
        }
        let found = keys.judge(&mapping, "people", "all", "merge them");
        found.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn values_are_shared_when_they_compare_as_equal_and_never_when_empty() {
        let ok = "ok    duplicates: no two people have the same value of a sync key (all)";
        assert_eq!(judged(&[("1", "", "null"), ("2", "", "null")]), [ok]);
        // One key's value is no value of another.
        assert_eq!(judged(&[("1", "\"7\"", ""), ("2", "", "7")]), [ok]);
        assert_eq!(
            judged(&[
                ("2", r#""Ann@acme.example""#, "7"),
                ("1", r#""ann@acme.example ""#, "\"7\""),
            ]),
            [
                "warn  duplicates: 2 and 1 have the same value of the sync key `email` (all); merge them",
                "warn  duplicates: 2 and 1 have the same value of the sync key `number` (all); merge them",
            ]
        );
    }

    #[test]
    fn of_many_some_are_named() {
        let ids: Vec<String> = (10..30).map(|id| id.to_string()).collect();
        let people: Vec<_> = ids
            .iter()
            .map(|id| {
                (
                    id.as_str(),
                    if id.starts_with('1') { "\"a\"" } else { "" },
                    "",
                )
            })
            .collect();
        assert_eq!(
            judged(&people),
            [
                "warn  duplicates: 10, 11, 12 and 7 others have the same value of the sync key `email` (all); merge them"
            ]
        );
    }
}
