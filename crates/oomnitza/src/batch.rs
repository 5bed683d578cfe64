//! Records that are uploaded together.

use bytes::Bytes;

use crate::fields::FieldId;

/// What the instance may do with the records of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// People who are not there are created; who is there is left alone.
    InsertOnly,
    /// People who are there are updated; who is not there is left out.
    UpdateOnly,
    /// People are updated, or created where they are not there.
    CreateAndUpdate,
}

/// From 1 to 100 records for one bulk request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    sync_field: Vec<FieldId>,
    mode: Mode,
    records: Vec<Bytes>,
}

/// The rule that records break when they make no batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchFault {
    /// There are too few or too many.
    #[error(
        "a batch must have between 1 and {largest} records, got {records}",
        largest = Batch::LARGEST
    )]
    Size {
        /// How many there are.
        records: usize,
    },
    /// One of them is something else.
    #[error("a record must be a JSON object, and the one at index {0} is not")]
    NotAnObject(usize),
}

impl Batch {
    /// The most records that the instance takes at once.
    pub const LARGEST: usize = 100;

    /// Makes a batch of records, each a JSON object keyed by [`FieldId`]s.
    ///
    /// `sync_field` names the keys by which the instance finds the person of a record;
    /// without any, those count that are set up in Oomnitza.
    ///
    /// # Errors
    ///
    /// When there are fewer than 1 or more than 100 records, or one is not written as an object.
    pub fn new(
        sync_field: Vec<FieldId>,
        mode: Mode,
        records: Vec<Bytes>,
    ) -> Result<Self, BatchFault> {
        if !(1..=Self::LARGEST).contains(&records.len()) {
            return Err(BatchFault::Size {
                records: records.len(),
            });
        }
        let is_object = |record: &Bytes| record.starts_with(b"{") && record.ends_with(b"}");
        match records.iter().position(|record| !is_object(record)) {
            Some(index) => Err(BatchFault::NotAnObject(index)),
            None => Ok(Self {
                sync_field,
                mode,
                records,
            }),
        }
    }

    /// Returns the records, in the order in which they were given.
    pub fn records(&self) -> &[Bytes] {
        &self.records
    }

    /// Divides the batch into its first and its second half; `None` for a single record.
    ///
    /// This is how the one record is found because of which a batch was refused.
    pub fn halves(mut self) -> Option<(Self, Self)> {
        if self.records.len() < 2 {
            return None;
        }
        let records = self.records.split_off(self.records.len().div_ceil(2));
        let second = Self {
            sync_field: self.sync_field.clone(),
            mode: self.mode,
            records,
        };
        Some((self, second))
    }

    pub(crate) fn sync_field(&self) -> &[FieldId] {
        &self.sync_field
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(records: Vec<Bytes>) -> Result<Batch, BatchFault> {
        Batch::new(Vec::new(), Mode::UpdateOnly, records)
    }

    #[test]
    fn a_batch_has_1_to_100_records() {
        let records = |count| vec![Bytes::from_static(b"{}"); count];
        assert!(batch(records(1)).is_ok());
        assert!(batch(records(100)).is_ok());
        assert_eq!(
            batch(records(0)).unwrap_err().to_string(),
            "a batch must have between 1 and 100 records, got 0"
        );
        assert_eq!(batch(records(101)), Err(BatchFault::Size { records: 101 }));
    }

    #[test]
    fn a_record_is_an_object() {
        let records = [&b"{}"[..], b"[]"].map(Bytes::from_static).into();
        assert_eq!(
            batch(records).unwrap_err().to_string(),
            "a record must be a JSON object, and the one at index 1 is not"
        );
    }

    #[test]
    fn halves_are_the_whole() {
        let records: Vec<Bytes> = (0..7)
            .map(|number| Bytes::from(format!("{{\"USER\":\"{number}\"}}")))
            .collect();
        let (first, second) = batch(records.clone()).unwrap().halves().unwrap();
        assert_eq!((first.records().len(), second.records().len()), (4, 3));
        assert_eq!([first.records(), second.records()].concat(), records);
        assert_eq!(batch(records[..1].to_vec()).unwrap().halves(), None);
    }
}
