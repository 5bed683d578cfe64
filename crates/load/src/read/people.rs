//! The target: people in Oomnitza, of whom only ids, sync keys and mapped fields are held.

use std::collections::HashMap;
use std::path::Path;

use mapping::Mapping;
use oomnitza::{Completeness, FieldName, Malformed, PeoplePage, PeoplePages, Person, Reader};
use xxhash_rust::xxh3::Xxh3;

use super::{Fetched, Intake, Pages, Side, ahead, next};
use crate::error::Stop;
use crate::halt::Halt;
use crate::rows::TargetRow;
use crate::scratch::Key;

/// Reads all people; a read that brings fewer than were promised is made once more.
pub(crate) async fn people(
    reader: &Reader,
    mapping: &Mapping,
    folder: &Path,
    halt: &Halt,
) -> Result<Side, Stop> {
    match read(reader, mapping, folder, halt).await? {
        (side, Completeness::Complete) => return Ok(side),
        (_, Completeness::Short { promised, distinct }) => {
            tracing::warn!(
                promised,
                distinct,
                "The list of people is not complete, so it is read once more"
            );
        }
    }
    match read(reader, mapping, folder, halt).await? {
        (side, Completeness::Complete) => Ok(side),
        (_, Completeness::Short { promised, distinct }) => {
            Err(Stop::ShortTarget { promised, distinct })
        }
    }
}

async fn read(
    reader: &Reader,
    mapping: &Mapping,
    folder: &Path,
    halt: &Halt,
) -> Result<(Side, Completeness), Stop> {
    let mut pages = ahead(reader.people());
    let mut take = Taking::new(mapping, folder)?;
    loop {
        match next(&mut pages, halt).await? {
            Fetched::Page(page) => take.page(page.people)?,
            Fetched::Restarted => take = Taking::new(mapping, folder)?,
            Fetched::End(completeness) => {
                take.check_fields()?;
                return Ok((take.intake.finish()?, completeness));
            }
        }
    }
}

impl Pages for PeoplePages {
    type Page = PeoplePage;
    type Completeness = Completeness;
    type Error = oomnitza::Error;

    async fn fetch(&mut self) -> Result<Fetched<PeoplePage, Completeness>, oomnitza::Error> {
        Ok(match self.next().await? {
            Some(page) => Fetched::Page(page),
            None => Fetched::End(self.completeness()),
        })
    }
}

/// The texts by which the value of a sync key is asked for: as it is, and an address also as it compares,
/// for an instance may keep it as it was sent, without the white space around it, or folded.
pub(crate) fn spellings(mapping: &Mapping, field: usize, raw: &str) -> Vec<String> {
    let kind = mapping.fields()[field].kind();
    let mut canonical = String::new();
    if !mapping::canonical(kind, raw, &mut canonical) {
        return Vec::new();
    }
    match (serde_json::from_str::<String>(raw), kind) {
        (Ok(text), mapping::Kind::Address) => vec![text.trim().to_owned(), text, canonical],
        (Ok(text), mapping::Kind::Plain) => vec![text],
        (Err(_), _) => vec![raw.to_owned()],
    }
}

/// The name of a mapped field, as a filter takes it.
pub(crate) fn field_name(mapping: &Mapping, field: usize) -> Result<FieldName, Stop> {
    let name = mapping.fields()[field].name();
    FieldName::try_from(name).map_err(|_| Stop::UnknownFields {
        fields: format!("`{name}`"),
    })
}

/// When Oomnitza says that a person was last changed.
const CHANGED_AT: &str = "change_date";

/// Gives a hash of what Oomnitza has of a person, as far as it matters here: with another one, somebody has
/// changed the person in between.
pub(crate) fn standing_of(mapping: &Mapping, person: &Person) -> u64 {
    let mut values = vec![""; mapping.fields().len()];
    let mut changed_at = "";
    person.for_each_field(|name, value| {
        if name == CHANGED_AT {
            changed_at = value.get();
        }
        let fields = mapping.fields().iter();
        for (place, _) in fields.enumerate().filter(|(_, field)| field.name() == name) {
            values[place] = or_empty(value.get());
        }
    });
    standing(person.suspended, changed_at, &values)
}

fn standing(suspended: Option<bool>, changed_at: &str, values: &[&str]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&[suspended.map_or(2, u8::from)]);
    for value in values.iter().chain([&changed_at]) {
        hash.update(value.as_bytes());
        hash.update(&[0]);
    }
    hash.digest()
}

/// Raw JSON, with `""` (nothing at all) for the empty value.
pub(crate) fn or_empty(raw: &str) -> &str {
    match raw {
        "null" | "\"\"" => "",
        raw => raw,
    }
}

/// The mapped fields, and which of them anybody in Oomnitza has.
struct Fields {
    places: HashMap<String, usize>,
    present: Vec<bool>,
    /// The fields of the last person in their order, which is mostly that of the next one.
    order: Vec<(String, Option<usize>)>,
}

impl Fields {
    /// Says which mapped field a name is; `ordinal` is its place among the person's fields.
    fn place(&mut self, ordinal: usize, name: &str) -> Option<usize> {
        match self.order.get(ordinal) {
            Some((last, place)) if last == name => *place,
            _ => {
                let place = self.places.get(name).copied();
                self.order.truncate(ordinal);
                if self.order.len() == ordinal {
                    self.order.push((name.to_owned(), place));
                }
                place
            }
        }
    }
}

/// People as they are taken in.
struct Taking<'m> {
    mapping: &'m Mapping,
    fields: Fields,
    intake: Intake,
    canonical: String,
}

impl<'m> Taking<'m> {
    fn new(mapping: &'m Mapping, folder: &Path) -> Result<Self, Stop> {
        let names = mapping.fields().iter().map(|field| field.name().to_owned());
        let fields = Fields {
            places: names.zip(0..).collect(),
            present: vec![false; mapping.fields().len()],
            order: Vec::new(),
        };
        Ok(Self {
            mapping,
            fields,
            intake: Intake::new(folder)?,
            canonical: String::new(),
        })
    }

    fn page(&mut self, people: Vec<Result<Person, Malformed>>) -> Result<(), Stop> {
        for person in people {
            match person {
                Ok(person) => self.person(&person)?,
                // Nobody is created over the head of such a one: the lookup before a create finds it again.
                Err(malformed) => {
                    tracing::warn!(error = %malformed, "Oomnitza listed somebody who cannot be addressed");
                }
            }
        }
        Ok(())
    }

    fn person(&mut self, person: &Person) -> Result<(), Stop> {
        let fields = &mut self.fields;
        let mut values = vec![""; fields.present.len()];
        let mut changed_at = "";
        let mut ordinals = 0..;
        person.for_each_field(|name, value| {
            if name == CHANGED_AT {
                changed_at = value.get();
            }
            let place = ordinals
                .next()
                .and_then(|ordinal| fields.place(ordinal, name));
            if let Some(place) = place {
                fields.present[place] = true;
                values[place] = or_empty(value.get());
            }
        });
        let row = self.intake.rows.push(&TargetRow {
            id: person.id.as_str(),
            suspended: person.suspended,
            standing: standing(person.suspended, changed_at, &values),
            values: values.clone(),
        })?;
        for (number, &field) in (0_u8..).zip(self.mapping.sync_keys()) {
            self.canonical.clear();
            let kind = self.mapping.fields()[field].kind();
            if mapping::canonical(kind, values[field], &mut self.canonical) {
                self.intake
                    .keys
                    .push(Key::new(number, &self.canonical, row))?;
            }
        }
        Ok(())
    }

    /// Refuses a mapping with a field that no person has; where there is nobody, nothing can be said.
    fn check_fields(&self) -> Result<(), Stop> {
        let missing: Vec<String> = self
            .mapping
            .fields()
            .iter()
            .zip(&self.fields.present)
            .filter(|(_, present)| !**present)
            .map(|(field, _)| format!("`{}`", field.name()))
            .collect();
        if self.intake.rows.len() == 0 || missing.is_empty() {
            Ok(())
        } else {
            Err(Stop::UnknownFields {
                fields: missing.join(", "),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mapping::{Definition, FieldDefinition};

    use super::*;

    #[test]
    fn a_key_is_asked_for_as_it_was_sent_and_an_address_also_as_it_compares() {
        let mapping = Mapping::compile(&Definition {
            integration: "it".to_owned(),
            scope: None,
            sync_keys: vec!["external_id".to_owned(), "email".to_owned()],
            fields: vec![
                FieldDefinition::new("external_id", "id"),
                FieldDefinition::new("email", "email"),
            ],
            variables: BTreeMap::new(),
        })
        .unwrap();
        let asked = |field, raw| spellings(&mapping, field, raw);
        assert_eq!(
            asked(1, r#"" Ann@Acme.com ""#),
            ["Ann@Acme.com", " Ann@Acme.com ", "ann@acme.com"]
        );
        assert_eq!(
            asked(0, r#""0225494730938493804""#),
            ["0225494730938493804"]
        );
        assert_eq!(asked(0, "225494730938493804"), ["225494730938493804"]);
        assert_eq!(asked(1, ""), [""; 0]);
    }
}
