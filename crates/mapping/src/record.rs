//! The values of all mapped fields of one user.

use crate::mapping::Mapping;
use crate::raw;

/// The values of all fields of a [`Mapping`], in its order, as raw JSON texts.
///
/// A value is compact JSON (`"text"`, `25`, `true`, `["a"]`), or `""` where it is empty. What the
/// mapping makes of an integer beyond 2^53 is the text of its digits: a reader that counts in
/// doubles would round the number.
/// The same type holds what the mapping makes of a user and what Oomnitza has for a person.
/// All values lie in one buffer, so that a record that is used again allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    text: String,
    /// Where each value ends in the text.
    ends: Vec<u32>,
}

impl Record {
    /// The value of the field at `index` in [`Mapping::fields`]; `""` is the empty value, also
    /// where the record has no such field.
    pub fn get(&self, index: usize) -> &str {
        let Some(&end) = self.ends.get(index) else {
            return "";
        };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..end as usize]
    }

    /// All values in the order of the fields.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// How many fields have a value or an empty value.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no field at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Adds the value of the next field: raw JSON as another system wrote it.
    ///
    /// `null` and `""` become the empty value, everything else stays as it is.
    pub fn push_raw(&mut self, raw: &str) {
        self.text.push_str(raw);
        self.finish_value();
    }

    /// Takes all values out and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// A JSON object of the fields that are not empty.
    pub fn to_json(&self, mapping: &Mapping) -> String {
        let mut object = String::with_capacity(self.text.len() + 32 * self.len());
        object.push('{');
        for (field, value) in mapping.fields().iter().zip(self.iter()) {
            if value.is_empty() {
                continue;
            }
            if object.len() > 1 {
                object.push(',');
            }
            raw::push_string(&mut object, field.name());
            object.push(':');
            object.push_str(value);
        }
        object.push('}');
        object
    }

    /// The buffer, to write the next value at its end; then comes [`Record::finish_value`].
    pub(crate) fn buffer(&mut self) -> &mut String {
        &mut self.text
    }

    /// Where in the buffer the value that is being written begins.
    pub(crate) fn value_start(&self) -> usize {
        self.ends.last().map_or(0, |&end| end as usize)
    }

    /// Ends the value that is being written; an empty one is stored as nothing.
    pub(crate) fn finish_value(&mut self) {
        let start = self.value_start();
        if raw::is_empty(&self.text[start..]) {
            self.text.truncate(start);
        }
        let end = u32::try_from(self.text.len()).expect("a record is far below 4 GB");
        self.ends.push(end);
    }
}
