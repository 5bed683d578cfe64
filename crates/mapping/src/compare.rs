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
            let (new, old) = (record.get(index), matched.get(index));
            if !is_written(field, new, old)
                || equal(field.kind, new, old)
                || unchanged_form(index, new, old)
            {
                continue;
            }
            has_cause |= !field.uses_sync_time;
            differences.push(Difference {
                field: index,
                clears: new.is_empty(),
            });
        }
        if !has_cause {
            differences.clear();
        }
        differences
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

/// Whether an update would write a new value over the old one at all.
fn is_written(field: &Field, new: &str, old: &str) -> bool {
    match field.write {
        Write::OnCreate => false,
        Write::IfEmpty => old.is_empty() && !new.is_empty(),
        Write::Always => !new.is_empty() || field.empty == Empty::Clear,
    }
}
