//! A list whose rows are made on the fly until somebody writes to them.

/// One place in the list.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    /// As generated for the user with this number; nobody wrote to it.
    Generated(u32),
    /// Its JSON as it now is.
    Written(Box<str>),
    /// Removed; the place stays so that others keep theirs.
    Gone,
}

/// Rows at places that never move.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    rows: Vec<Row>,
    gone: usize,
}

impl Rows {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        Self { rows, gone: 0 }
    }

    /// How many rows are there, without those that are gone.
    pub(crate) fn live(&self) -> usize {
        self.rows.len() - self.gone
    }

    /// The place that the next pushed row will get.
    pub(crate) fn end(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn get(&self, place: usize) -> Option<&Row> {
        self.rows.get(place)
    }

    pub(crate) fn push(&mut self, json: String) -> usize {
        self.rows.push(Row::Written(json.into_boxed_str()));
        self.rows.len() - 1
    }

    pub(crate) fn write(&mut self, place: usize, json: String) {
        self.rows[place] = Row::Written(json.into_boxed_str());
    }

    pub(crate) fn remove(&mut self, place: usize) {
        if !matches!(self.rows[place], Row::Gone) {
            self.rows[place] = Row::Gone;
            self.gone += 1;
        }
    }

    /// The place of the row that has `skip` live rows before it.
    pub(crate) fn place_after(&self, skip: usize) -> usize {
        if self.gone == 0 {
            return skip.min(self.rows.len());
        }
        let place = self.iter_from(0).nth(skip).map(|(place, _)| place);
        place.unwrap_or(self.rows.len())
    }

    /// The live rows from a place on, each with its place.
    pub(crate) fn iter_from(&self, place: usize) -> impl Iterator<Item = (usize, &Row)> {
        let rest = self.rows.get(place..).unwrap_or_default();
        rest.iter()
            .enumerate()
            .filter(|(_, row)| !matches!(row, Row::Gone))
            .map(move |(distance, row)| (place + distance, row))
    }
}
