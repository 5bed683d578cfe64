//! Looking at people again: before a write, for what somebody changed meanwhile; after it, for what became of it.

use std::collections::{BTreeSet, HashMap};

use mapping::{Kind, Mapping};
use oomnitza::{FieldName, Person, PersonId, Reader};
use serde_json::value::RawValue;
use store::{Action, Fault, Form, PlannedChange};

use crate::error::{Stop, chain};
use crate::read::{field_name, or_empty, spellings, standing_of};
use crate::reason::Reason;

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

impl Deviation {
    /// Whether Oomnitza did not take a value: it shows nothing, or what it had, and that is no other form of the value.
    ///
    /// Whether it takes nothing at all as clearing is not known: what it shows after that counts as a form.
    fn is_dropped(&self) -> bool {
        let shows_nothing = self.shown.is_empty();
        !self.sent.is_empty()
            && (shows_nothing || self.as_before && !may_be_form_of(&self.sent, &self.shown))
    }
}

/// Whether a value may be shown like this: cut or drawn out, in other letters and marks, or a number as its label.
fn may_be_form_of(sent: &str, shown: &str) -> bool {
    let plain = |raw: &str| -> String {
        let letters = raw.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let (sent, shown) = (plain(sent), plain(shown));
    let is_number = |text: &str| text.chars().all(char::is_numeric);
    if sent.is_empty() || shown.is_empty() {
        return false;
    }
    let is_alike = sent.starts_with(&shown) || shown.starts_with(&sent);
    is_alike || is_number(&sent) && !is_number(&shown)
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
            // What takes back writes fields, too, that are not mapped, or not any more.
            let field = mapping.fields().iter().find(|field| field.name() == name);
            let kind = field.map_or(Kind::Plain, mapping::Field::kind);
            if mapping::equal(kind, sent, shown) {
                return;
            }
            deviations.push(Deviation {
                field: name.to_owned(),
                sent: sent.to_owned(),
                shown: shown.to_owned(),
                as_before: member(&before, name)
                    .is_some_and(|before| mapping::equal(kind, before, shown)),
            });
        });
        Self {
            id: person.id.as_str().to_owned(),
            deviations,
            unseen: unseen.first().map(|&name| name.to_owned()),
        }
    }

    /// Whether everything is shown as it was sent.
    pub(crate) fn is_as_sent(&self) -> bool {
        self.deviations.is_empty() && self.unseen.is_none()
    }

    /// A field whose value Oomnitza did not take, of an update.
    pub(crate) fn dropped(&self) -> Option<&str> {
        let dropped = self.deviations.iter().find(|one| one.is_dropped());
        dropped.map(|one| one.field.as_str())
    }

    /// A field that is shown neither as it was sent, nor as it was before, nor in what may be another form of it; the
    /// load's own instant is none.
    pub(crate) fn odd(&self, mapping: &Mapping) -> Option<&str> {
        let mut deviations = self.deviations.iter();
        let odd = deviations
            .find(|one| !may_be_form_of(&one.sent, &one.shown) && lasts(mapping, &one.field));
        odd.map(|one| one.field.as_str())
    }

    /// What is to be remembered of a change that was applied.
    pub(crate) fn forms(self, mapping: &Mapping) -> Vec<Form> {
        let Self { id, deviations, .. } = self;
        deviations
            .into_iter()
            .filter(|one| !one.is_dropped())
            .filter(|one| lasts(mapping, &one.field))
            .map(|one| Form {
                oomnitza_id: id.clone(),
                field: one.field,
                sent: one.sent,
                shown: one.shown,
            })
            .collect()
    }
}

/// Whether a field is mapped, and not to the load's own instant, which makes no change alone, however it is shown.
fn lasts(mapping: &Mapping, field: &str) -> bool {
    let mut fields = mapping.fields().iter();
    fields.any(|one| one.name() == field && !one.uses_sync_time())
}

/// Looks up what Oomnitza shows of changes, by row of the change; who is not there is missing.
pub(crate) async fn look_up(
    reader: &Reader,
    mapping: &Mapping,
    changes: &[PlannedChange],
) -> Result<HashMap<i64, Look>, Stop> {
    let mut looks = HashMap::with_capacity(changes.len());
    let people = people_of(reader, changes.iter()).await?;
    for change in changes {
        if let Some(person) = change.oomnitza_id.as_deref().and_then(|id| people.get(id)) {
            looks.insert(change.change, Look::at(mapping, change, person));
        }
    }
    let creates: Vec<&PlannedChange> = changes
        .iter()
        .filter(|change| change.action == Action::Create)
        .collect();
    for holders in holders(reader, mapping, &creates).await? {
        for change in &creates {
            let wanted = key_text(mapping, holders.key, change);
            if let Some(person) = wanted.and_then(|wanted| holders.people.get(&wanted)) {
                looks
                    .entry(change.change)
                    .or_insert_with(|| Look::at(mapping, change, person));
            }
        }
    }
    Ok(looks)
}

/// Finds the changes that somebody has made pointless since the plan, each with the entry of the error log that says how.
///
/// A create is always looked up by all its keys.
/// An update is looked at when `look_again`: what it replaces must still be there.
pub(crate) async fn conflicts(
    reader: &Reader,
    mapping: &Mapping,
    changes: &[PlannedChange],
    look_again: bool,
) -> Result<HashMap<i64, Fault>, Stop> {
    let mut conflicts = HashMap::new();
    let creates: Vec<&PlannedChange> = changes
        .iter()
        .filter(|change| change.action == Action::Create)
        .collect();
    for holders in holders(reader, mapping, &creates).await? {
        let name = mapping.fields()[holders.key].name();
        for change in &creates {
            let wanted = key_text(mapping, holders.key, change);
            let fault = if let Some(person) = wanted.and_then(|wanted| holders.people.get(&wanted))
            {
                let cause = format!(
                    "somebody with the user's `{name}` has come into Oomnitza since it was read"
                );
                let message = format!("{cause}, as user_id {}", person.id);
                Reason::Conflict.because_of_all(message, &cause)
            } else if let Some(why) = key_spellings(mapping, holders.key, change)
                .iter()
                .find_map(|value| holders.unanswered.get(value))
            {
                Reason::Conflict.in_words(format!(
                    "whether somebody has the user's `{name}` by now could not be looked up: {why}"
                ))
            } else {
                continue;
            };
            conflicts.entry(change.change).or_insert(fault);
        }
    }
    if !look_again {
        return Ok(conflicts);
    }
    let people = people_of(reader, changes.iter()).await?;
    for change in changes
        .iter()
        .filter(|change| change.action == Action::Update)
    {
        let person = change.oomnitza_id.as_deref().and_then(|id| people.get(id));
        let sentence = match person {
            None => Some("the person is not in Oomnitza any more".to_owned()),
            Some(person) => {
                edited(mapping, change, person).or_else(|| touched(mapping, change, person))
            }
        };
        if let Some(sentence) = sentence {
            conflicts.insert(change.change, Reason::Conflict.because(sentence));
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

/// Says that somebody has changed a person otherwise since the plan, if so.
fn touched(mapping: &Mapping, change: &PlannedChange, person: &Person) -> Option<String> {
    let changed = change
        .standing
        .is_some_and(|standing| standing != standing_of(mapping, person));
    changed
        .then(|| "somebody has changed the person in Oomnitza since the plan was made".to_owned())
}

/// Reads the people of changes, by their ids; who is not there, or not known, is missing.
pub(crate) async fn people_of(
    reader: &Reader,
    changes: impl Iterator<Item = &PlannedChange>,
) -> Result<HashMap<String, Person>, Stop> {
    let ids: Vec<PersonId> = changes
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

/// Who has a sync key, as Oomnitza answers for the values of some creates.
struct Holders {
    /// The sync key, by its place in the mapping.
    key: usize,
    /// People by the canonical text of their value.
    people: HashMap<String, Person>,
    /// Values that Oomnitza would not answer for, and why.
    unanswered: HashMap<String, String>,
}

/// Looks up who has the sync keys of creates.
async fn holders(
    reader: &Reader,
    mapping: &Mapping,
    creates: &[&PlannedChange],
) -> Result<Vec<Holders>, Stop> {
    let mut all = Vec::new();
    for &key in mapping.sync_keys() {
        let values: BTreeSet<String> = creates
            .iter()
            .flat_map(|change| key_spellings(mapping, key, change))
            .collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        if values.is_empty() {
            continue;
        }
        let field = field_name(mapping, key)?;
        let (found, unanswered) = ask(reader, &field, &values).await?;
        let mut people = HashMap::new();
        for person in found {
            let mut raw = String::new();
            person.for_each_field(|name, value| {
                if name == field.as_str() {
                    value.get().clone_into(&mut raw);
                }
            });
            let mut canonical = String::new();
            if mapping::canonical(mapping.fields()[key].kind(), or_empty(&raw), &mut canonical) {
                people.insert(canonical, person);
            }
        }
        all.push(Holders {
            key,
            people,
            unanswered,
        });
    }
    Ok(all)
}

/// Asks for all values at once and, where Oomnitza refuses that, one by one: one value does not fail the others.
async fn ask(
    reader: &Reader,
    field: &FieldName,
    values: &[&str],
) -> Result<(Vec<Person>, HashMap<String, String>), Stop> {
    let concerns_a_value = |error: &oomnitza::Error| {
        error.is_refusal() || matches!(error, oomnitza::Error::Malformed(_))
    };
    match reader.people_by_key(field, values).await {
        Ok(people) => return Ok((people, HashMap::new())),
        Err(error) if concerns_a_value(&error) => {}
        Err(error) => return Err(error.into()),
    }
    let (mut people, mut unanswered) = (Vec::new(), HashMap::new());
    for &value in values {
        match reader.people_by_key(field, &[value]).await {
            Ok(found) => people.extend(found),
            Err(error) if concerns_a_value(&error) => {
                unanswered.insert(value.to_owned(), chain(&error));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok((people, unanswered))
}

/// The texts by which the value of a sync key of a change is asked for.
fn key_spellings(mapping: &Mapping, key: usize, change: &PlannedChange) -> Vec<String> {
    let after = members(&change.after);
    let raw = member(&after, mapping.fields()[key].name()).unwrap_or_default();
    spellings(mapping, key, raw)
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
