//! What is wrong in a configuration, and where.

use std::fmt;

/// A place in the file: both count from 1, columns in characters, as editors show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// The place of what concerns the file as a whole.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// One thing that is wrong, or odd, in a configuration.
///
/// Prints as `FILE:LINE:COLUMN: what is wrong; what to write instead`, a form that editors jump to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as it was named to us.
    pub file: String,
    /// Where in the file.
    pub place: Place,
    /// What is wrong, and what to write instead: one line, never with a secret in it.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place;
        write!(f, "{}:{line}:{column}: {}", self.file, self.message)
    }
}

/// Collects faults and warnings while a configuration is checked.
///
/// Checking goes on after a fault, so that all of them come at once.
#[derive(Debug, Default)]
pub(crate) struct Report {
    faults: Vec<(Place, String)>,
    warnings: Vec<(Place, String)>,
}

impl Report {
    pub(crate) fn fault(&mut self, place: Place, message: impl Into<String>) {
        self.faults.push((place, message.into()));
    }

    pub(crate) fn warn(&mut self, place: Place, message: impl Into<String>) {
        self.warnings.push((place, message.into()));
    }

    /// Returns the faults and the warnings, each in file order and none of them twice.
    ///
    /// The same fault comes twice when an alias repeats what is wrong at its anchor.
    pub(crate) fn finish(self, file: &str) -> (Vec<Fault>, Vec<Fault>) {
        (in_order(self.faults, file), in_order(self.warnings, file))
    }
}

fn in_order(mut found: Vec<(Place, String)>, file: &str) -> Vec<Fault> {
    // The sort is stable: what is found first at a place is said first.
    found.sort_by_key(|(place, _)| *place);
    let mut faults: Vec<Fault> = Vec::with_capacity(found.len());
    for (place, message) in found {
        let said = |fault: &Fault| fault.place == place && fault.message == message;
        if !faults
            .iter()
            .rev()
            .take_while(|fault| fault.place == place)
            .any(said)
        {
            faults.push(Fault {
                file: file.to_owned(),
                place,
                message: one_line(&message),
            });
        }
    }
    faults
}

/// Causes that come from other crates may run over several lines.
fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
