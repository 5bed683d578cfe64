//! Looking at people again: before a write, for what somebody changed meanwhile; after it, for what became of it.

use std::collections::{BTreeSet, HashMap};

use mapping::Mapping;
use oomnitza::{Person, PersonId, Reader};
use serde_json::value::RawValue;
use store::{Action, Form, PlannedChange};

use crate::error::Stop;
use crate::read::{field_name, spellings};

/// What Oomnitza shows of a change that was sent.
#[derive(Debug)]
pub(crate) struct Look {
    /// `user_id` of the person.
    pub(crate) id: String,
    /// The fields that are not shown as they were sent.
    pub(crate) deviations: Vec<Deviation>,
    /// A field that was sent with a value and is not shown at all.
    pub(crate) unseen: Option<String>,
}

/// A field that is not shown as it was sent; raw JSON, `""` for the empty value.
#[derive(Debug)]
pub(crate) struct Deviation {
    pub(crate) field: String,
    pub(crate) sent: String,
    pub(crate) shown: String,
    /// Whether it is shown as it was before.
    pub(crate) as_before: bool,
}

impl Look {
    /// Looks at a person for what a change sent.
    pub(crate) fn at(mapping: &Mapping, change: &PlannedChange, person: &Person) -> Self {
        let sent = members(&change.after);
        let before = change.before.as_deref().map(members).unwrap_or_default();
        let mut deviations = Vec::new();
        let mut unseen: Vec<&str> = sent
            .iter()
            .filter(|(_, sent)| !sent.is_empty())
            .map(|(name, _)| *name)
            .collect();
        person.for_each_field(|name, shown| {
            let Some(sent) = member(&sent, name) else {
                return;
            };
            unseen.retain(|unseen| *unseen != name);
            let shown = or_empty(shown.get());
            let Some(field) = mapping.fields().iter().find(|field| field.name() == name) else {
                return;
            };
            if mapping::equal(field.kind(), sent, shown) {
                return;
            }
            deviations.push(Deviation {
                field: name.to_owned(),
                sent: sent.to_owned(),
                shown: shown.to_owned(),
                as_before: member(&before, name)
                    .is_some_and(|before| mapping::equal(field.kind(), before, shown)),
            });
        });
        Self {
            id: person.id.as_str().to_owned(),
            deviations,
            unseen: unseen.first().map(|&name| name.to_owned()),
        }
    }

    /// What is to be remembered of a change that was applied.
    pub(crate) fn forms(self, mapping: &Mapping) -> Vec<Form> {
        let Self { id, deviations, .. } = self;
        deviations
            .into_iter()
            // The load's own instant makes no change alone, however it is shown.
            .filter(|one| {
                mapping
                    .fields()
                    .iter()
                    .any(|f| f.name() == one.field && !f.uses_sync_time())
            })
            .map(|one| Form {
                oomnitza_id: id.clone(),
                field: one.field,
                sent: one.sent,
                shown: one.shown,
            })
            .collect()
    }
}

/// Looks up what Oomnitza shows of changes, by row of the change; who is not there is missing.
pub(crate) async fn look_up(
    reader: &Reader,
    mapping: &Mapping,
    changes: &[PlannedChange],
) -> Result<HashMap<i64, Look>, Stop> {
    let mut looks = HashMap::with_capacity(changes.len());
    let people = people_of_updates(reader, changes).await?;
    for change in changes {
        if let Some(person) = change.oomnitza_id.as_deref().and_then(|id| people.get(id)) {
            looks.insert(change.change, Look::at(mapping, change, person));
        }
    }
    let creates: Vec<&PlannedChange> = changes
        .iter()
        .filter(|change| change.action == Action::Create)
        .collect();
    for (key, holders) in holders(reader, mapping, &creates).await? {
        for change in &creates {
            let wanted = key_text(mapping, key, change);
            if let Some(person) = wanted.and_then(|wanted| holders.get(&wanted)) {
                looks
                    .entry(change.change)
                    .or_insert_with(|| Look::at(mapping, change, person));
            }
        }
    }
    Ok(looks)
}

/// Finds the changes that somebody has made pointless since the plan, each with a sentence that says how.
///
/// A create is always looked up by all its keys.
/// An update is looked at when `look_again`: what it replaces must still be there.
pub(crate) async fn conflicts(
    reader: &Reader,
    mapping: &Mapping,
    changes: &[PlannedChange],
    look_again: bool,
) -> Result<HashMap<i64, String>, Stop> {
    let mut conflicts = HashMap::new();
    let creates: Vec<&PlannedChange> = changes
        .iter()
        .filter(|change| change.action == Action::Create)
        .collect();
    for (key, holders) in holders(reader, mapping, &creates).await? {
        let name = mapping.fields()[key].name();
        for change in &creates {
            let wanted = key_text(mapping, key, change);
            if let Some(person) = wanted.and_then(|wanted| holders.get(&wanted)) {
                conflicts.entry(change.change).or_insert_with(|| {
                    format!(
                        "somebody with the user's `{name}` has come into Oomnitza since it was read, as user_id {}",
                        person.id
                    )
                });
            }
        }
    }
    if !look_again {
        return Ok(conflicts);
    }
    let people = people_of_updates(reader, changes).await?;
    for change in changes
        .iter()
        .filter(|change| change.action == Action::Update)
    {
        let person = change.oomnitza_id.as_deref().and_then(|id| people.get(id));
        let sentence = match person {
            None => Some("the person is not in Oomnitza any more".to_owned()),
            Some(person) => edited(mapping, change, person),
        };
        if let Some(sentence) = sentence {
            conflicts.insert(change.change, sentence);
        }
    }
    Ok(conflicts)
}

/// Says which field somebody has edited since the plan, if any.
fn edited(mapping: &Mapping, change: &PlannedChange, person: &Person) -> Option<String> {
    let before = change.before.as_deref().map(members).unwrap_or_default();
    let mut edited = None;
    person.for_each_field(|name, shown| {
        let Some(before) = member(&before, name) else {
            return;
        };
        let kind = mapping
            .fields()
            .iter()
            .find(|field| field.name() == name)
            .map(mapping::Field::kind);
        if kind.is_some_and(|kind| !mapping::equal(kind, before, or_empty(shown.get()))) {
            edited.get_or_insert_with(|| {
                format!("somebody has changed `{name}` in Oomnitza since the plan was made")
            });
        }
    });
    edited
}

async fn people_of_updates(
    reader: &Reader,
    changes: &[PlannedChange],
) -> Result<HashMap<String, Person>, Stop> {
    let ids: Vec<PersonId> = changes
        .iter()
        .filter_map(|change| PersonId::try_from(change.oomnitza_id.as_deref()?).ok())
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let people = reader.people_by_ids(&ids).await?;
    Ok(people
        .into_iter()
        .map(|person| (person.id.as_str().to_owned(), person))
        .collect())
}

/// Looks up who has the sync keys of creates: for each key, people by the canonical text of its value.
async fn holders(
    reader: &Reader,
    mapping: &Mapping,
    creates: &[&PlannedChange],
) -> Result<Vec<(usize, HashMap<String, Person>)>, Stop> {
    let mut by_key = Vec::new();
    if creates.is_empty() {
        return Ok(by_key);
    }
    for &key in mapping.sync_keys() {
        let mut values = BTreeSet::new();
        for change in creates {
            let after = members(&change.after);
            let raw = member(&after, mapping.fields()[key].name()).unwrap_or_default();
            values.extend(spellings(mapping, key, raw));
        }
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        if values.is_empty() {
            continue;
        }
        let mut holders = HashMap::new();
        for person in reader
            .people_by_key(&field_name(mapping, key)?, &values)
            .await?
        {
            let mut raw = String::new();
            person.for_each_field(|name, value| {
                if name == mapping.fields()[key].name() {
                    value.get().clone_into(&mut raw);
                }
            });
            let mut canonical = String::new();
            if mapping::canonical(mapping.fields()[key].kind(), or_empty(&raw), &mut canonical) {
                holders.insert(canonical, person);
            }
        }
        by_key.push((key, holders));
    }
    Ok(by_key)
}

/// The canonical text of a sync key of a change.
fn key_text(mapping: &Mapping, key: usize, change: &PlannedChange) -> Option<String> {
    let field = &mapping.fields()[key];
    let after = members(&change.after);
    let raw = member(&after, field.name())?;
    let mut canonical = String::new();
    mapping::canonical(field.kind(), raw, &mut canonical).then_some(canonical)
}

/// The members of a JSON object, in order, with raw values; of what is none, nothing.
pub(crate) fn members(object: &str) -> Vec<(&str, &str)> {
    // Names of fields are letters, digits and underscores, so that they can be borrowed.
    serde_json::from_str::<Members<'_>>(object)
        .map(|members| members.0)
        .unwrap_or_default()
}

struct Members<'a>(Vec<(&'a str, &'a str)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<&str, &RawValue>()? {
                    members.push((name, or_empty(value.get())));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

fn member<'a>(members: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    members
        .iter()
        .find(|(member, _)| *member == name)
        .map(|(_, value)| *value)
}

/// Raw JSON, with `""` (nothing at all) for the empty value.
fn or_empty(raw: &str) -> &str {
    match raw {
        "null" | "\"\"" => "",
        raw => raw,
    }
}
