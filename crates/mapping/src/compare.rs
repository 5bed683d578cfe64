//! A record against what Oomnitza has.

use crate::canonical::{canonical, equal};
use crate::definition::{Empty, Write};
use crate::field::Field;
use crate::mapping::Mapping;
use crate::record::Record;

/// One field that an update changes. The value before is in the match, the new one in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The index of the field in [`Mapping::fields`].
    pub field: usize,
    /// Whether the update empties the field.
    pub clears: bool,
}

/// How a field of a record stands to what the match has in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is not written over, as `write: on_create` says.
    OnCreate,
    /// It is not written over, as `write: if_empty` says and the match has a value.
    HasValue,
    /// The record has no value, and `empty: keep` leaves the field alone.
    Kept,
    /// The values are equal.
    Equal,
    /// The match shows the value in another form than it was sent in.
    AnotherForm,
    /// The values differ, and an update writes the new one.
    Differs,
}

/// The fields without which a person cannot be created in Oomnitza.
const NEEDED_TO_CREATE: [&str; 2] = ["username", "role"];

impl Mapping {
    /// The fields that an update of the match would change, in their order; none means that the
    /// user is unchanged.
    ///
    /// `unchanged_form(field, sent, shown)` says whether Oomnitza has shown `shown` after it was
    /// sent `sent` before: then it is the same value in another form.
    ///
    /// A field that uses `connector_sync_time` makes no change alone, but goes along with others.
    pub fn compare(
        &self,
        record: &Record,
        matched: &Record,
        unchanged_form: impl Fn(usize, &str, &str) -> bool,
    ) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut has_cause = false;
        for (index, field) in self.fields.iter().enumerate() {
            let standing = self.standing(index, record, matched, &unchanged_form);
            if standing != Standing::Differs {
                continue;
            }
            has_cause |= !field.uses_sync_time;
            differences.push(Difference {
                field: index,
                clears: record.get(index).is_empty(),
            });
        }
        if !has_cause {
            differences.clear();
        }
        differences
    }

    /// How the field at `index` stands to what the match has; [`compare`](Self::compare) goes by it, and says what
    /// `unchanged_form` is.
    pub fn standing(
        &self,
        index: usize,
        record: &Record,
        matched: &Record,
        unchanged_form: impl Fn(usize, &str, &str) -> bool,
    ) -> Standing {
        let field = &self.fields[index];
        let (new, old) = (record.get(index), matched.get(index));
        if let Some(standing) = left_alone(field, new, old) {
            standing
        } else if equal(field.kind, new, old) {
            Standing::Equal
        } else if unchanged_form(index, new, old) {
            Standing::AnotherForm
        } else {
            Standing::Differs
        }
    }

    /// The values that a new person gets: all that are not empty, with the index of their field.
    pub fn create_values<'r>(&self, record: &'r Record) -> impl Iterator<Item = (usize, &'r str)> {
        let values = record.iter().take(self.fields.len()).enumerate();
        values.filter(|(_, value)| !value.is_empty())
    }

    /// The fields that a new person needs and that the record has no value for.
    pub fn missing_for_create(&self, record: &Record) -> Vec<&'static str> {
        let has_value = |name: &&str| {
            let mut fields = self.fields.iter().zip(record.iter());
            let found = fields.find(|(field, _)| field.name == **name);
            found.is_some_and(|(field, value)| canonical(field.kind, value, &mut String::new()))
        };
        let needed = NEEDED_TO_CREATE.into_iter();
        needed.filter(|name| !has_value(name)).collect()
    }
}

/// Why an update would not write a new value over the old one, whatever they are; none: it would.
fn left_alone(field: &Field, new: &str, old: &str) -> Option<Standing> {
    match field.write {
        Write::OnCreate => Some(Standing::OnCreate),
        Write::IfEmpty if new.is_empty() => Some(Standing::Kept),
        Write::IfEmpty if !old.is_empty() => Some(Standing::HasValue),
        Write::Always if new.is_empty() && field.empty == Empty::Keep => Some(Standing::Kept),
        Write::IfEmpty | Write::Always => None,
    }
}
