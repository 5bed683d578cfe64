//! Sightings: what the sync keys of a user found, and what Oomnitza had that no change keeps.
//!
//! They are kept for `explain`, once for as long as nothing about them changes, so that an unchanged user costs no write.

use mapping::{Difference, Mapping, Record};
use store::Sighting;
use xxhash_rust::xxh3::xxh3_64;

use crate::decide::{Finding, Object};
use crate::matching::FoundBy;
use crate::rows::{UserRow, UserState};

/// The room that a sighting usually takes.
const USUAL: usize = 64;

/// What Oomnitza had in the fields in which that is neither what the record has nor kept by a change; a JSON object.
#[derive(Default)]
pub(crate) struct Shown(Option<Object>);

impl Shown {
    /// Compares a record with its match; `kept` are the fields of the change, in their order.
    ///
    /// Fields of the load's own instant are left out, as they would differ with every load.
    pub(crate) fn note(
        &mut self,
        mapping: &Mapping,
        record: &Record,
        matched: &Record,
        kept: &[Difference],
    ) {
        let mut kept = kept.iter().map(|difference| difference.field).peekable();
        for (index, field) in mapping.fields().iter().enumerate() {
            let is_kept = kept.next_if_eq(&index).is_some();
            let (new, old) = (record.get(index), matched.get(index));
            if is_kept || field.uses_sync_time() || mapping::equal(field.kind(), new, old) {
                continue;
            }
            let shown = self.0.get_or_insert_with(|| Object::with_room(USUAL));
            shown.push(field.name(), old);
        }
    }
}

/// Makes the sighting of a user, where it is another than the one that the store has.
pub(crate) fn sighting(row: &UserRow<'_>, finding: &Finding, shown: Shown) -> Option<Sighting> {
    if matches!(row.state, UserState::OutOfScope | UserState::NoSyncKey) {
        // Nobody was looked up, and what was found before stays on record.
        return None;
    }
    let is_mapped = matches!(row.state, UserState::Mapped);
    let json = match finding {
        Finding::Nobody => None,
        // By which keys is seen by comparing their values, so that a key that is written now makes no other sighting.
        Finding::One { person, .. } if is_mapped => Some(of_match(&person.id, shown)),
        Finding::One { person, keys } => Some(of_people(&[(&person.id, *keys)], None)),
        Finding::Ambiguous { found } => Some(of_people(&all(found), None)),
        Finding::Duplicate { of, found } => Some(of_people(&all(found), Some(of))),
    };
    let hash = json.as_ref().map(|json| xxh3_64(json.as_bytes()));
    (hash != row.known_sighting).then_some(Sighting { json, hash })
}

fn all(found: &[(String, FoundBy)]) -> Vec<(&String, FoundBy)> {
    found.iter().map(|(id, keys)| (id, *keys)).collect()
}

// Ids of people and of users are checked to need no escapes.

fn of_match(id: &str, shown: Shown) -> String {
    let mut object = Object::with_room(USUAL);
    object.push("match", &format!("\"{id}\""));
    if let Some(shown) = shown.0 {
        object.push("shown", &shown.close());
    }
    object.close()
}

fn of_people(found: &[(&String, FoundBy)], behind: Option<&String>) -> String {
    let people: Vec<String> = found
        .iter()
        .map(|(id, keys)| format!(r#"["{id}",{}]"#, keys.0))
        .collect();
    let mut object = Object::with_room(USUAL);
    object.push("found", &format!("[{}]", people.join(",")));
    if let Some(behind) = behind {
        object.push("behind", &format!("\"{behind}\""));
    }
    object.close()
}

#[cfg(test)]
mod tests {
    use mapping::{Definition, FieldDefinition, Write};

    use super::*;

    fn record(values: &[&str]) -> Record {
        let mut record = Record::default();
        for value in values {
            record.push_raw(value);
        }
        record
    }

    #[test]
    fn what_is_equal_or_kept_by_a_change_or_of_the_load_itself_is_not_shown() {
        let mapping = Mapping::compile(&Definition {
            sync_keys: vec!["email".to_owned()],
            fields: vec![
                FieldDefinition::new("email", "email"),
                FieldDefinition::new("scope", "scope"),
                FieldDefinition {
                    write: Write::OnCreate,
                    ..FieldDefinition::new("role", "lowestRole")
                },
                FieldDefinition::new("synced", "connector_sync_time"),
            ],
            ..Definition::default()
        })
        .expect("the mapping has no faults");
        let new = record(&[
            "\"ann@acme.com\"",
            "\"site\"",
            "25",
            "\"2026-11-23T02:00:00Z\"",
        ]);
        let shown = |old: &[&str]| {
            let old = record(old);
            let kept = mapping.compare(&new, &old, |_, _, _| false);
            let mut shown = Shown::default();
            shown.note(&mapping, &new, &old, &kept);
            of_match("7", shown)
        };
        let same = [
            "\"Ann@Acme.com\"",
            "\"site\"",
            "\"25\"",
            "\"2020-01-01T00:00:00Z\"",
        ];
        assert_eq!(shown(&same), r#"{"match":"7"}"#);
        let changed = ["\"ann@acme.com\"", "", "25", ""];
        assert_eq!(shown(&changed), r#"{"match":"7"}"#);
        let role = ["\"ann@acme.com\"", "\"account\"", "23", ""];
        assert_eq!(shown(&role), r#"{"match":"7","shown":{"role":23}}"#);
        let nothing = ["\"ann@acme.com\"", "\"site\"", "", ""];
        assert_eq!(shown(&nothing), r#"{"match":"7","shown":{"role":null}}"#);
    }
}
