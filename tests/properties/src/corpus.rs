//! Seeds, and what comes of them when they are damaged.

use std::fs;
use std::path::PathBuf;

use fastrand::Rng;

/// What has a meaning to one of the readers; pieces like these find more than bytes by chance.
const PIECES: &[&str] = &[
    "",
    " ",
    "\n",
    "\t",
    "\0",
    ":",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "}}",
    "{%",
    "%}",
    "\"",
    "'",
    "\\",
    "\\u0000",
    "\\ud800",
    "#",
    "&a ",
    "*a",
    "!t ",
    "<<: ",
    "---\n",
    "\n---\n",
    "\n===\n",
    "~",
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "-0",
    ".5",
    "9007199254740993",
    "99999999999999999999",
    "é",
    "ς",
    "\u{feff}",
    "\u{202e}",
    ",",
    "email",
    "id",
    "user_id",
    "data",
    "errors",
    "error",
    "nextCursor",
    "200",
    "429",
    "500",
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:60+23:59",
    "Mon, 23 Nov 2026 02:00:30 GMT",
    " | ",
    "(",
    ")",
    "==",
    "none",
    "for",
    "range(9)",
];

/// The seeds of a property: the files in its folder of the corpus, in the order of their names.
///
/// # Panics
///
/// If the folder cannot be read.
pub fn seeds(property: &str) -> Vec<Vec<u8>> {
    let folder = [env!("CARGO_MANIFEST_DIR"), "..", "fuzz", "corpus", property];
    let folder: PathBuf = folder.iter().collect();
    let files = fs::read_dir(&folder).expect("each property has a folder of seeds");
    let mut paths: Vec<PathBuf> = files
        .map(|file| file.expect("the folder of seeds can be read").path())
        .collect();
    paths.sort();
    let read = |path| fs::read(path).expect("a seed can be read");
    paths.iter().map(read).collect()
}

/// An input as it can be pasted into a test.
pub fn shown(input: &[u8]) -> String {
    format!("b\"{}\"", input.escape_ascii())
}

/// Damages seeds: the same way for the same number.
#[derive(Debug)]
pub struct Dice(Rng);

impl Dice {
    /// Dice that fall the same way for the same number.
    pub fn new(number: u64) -> Self {
        Self(Rng::with_seed(number))
    }

    /// One of some seeds, with one to eight damages.
    pub fn damaged(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.one_of(seeds).cloned().unwrap_or_default();
        for _ in 0..self.0.u8(1..=8) {
            self.damage(&mut input, seeds);
        }
        input
    }

    fn damage(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let start = self.0.usize(..=input.len());
        let end = input.len().min(start + self.0.usize(..20));
        match self.0.u8(..7) {
            0 => drop(input.drain(start..end)),
            1 => input[start..end]
                .iter_mut()
                .for_each(|byte| *byte = self.0.u8(..)),
            2 => {
                let again = input[start..end].repeat(self.0.usize(1..6));
                input.splice(start..start, again);
            }
            3 => {
                let other = self.one_of(seeds).cloned().unwrap_or_default();
                let from = self.0.usize(..=other.len());
                let to = other.len().min(from + self.0.usize(..200));
                input.splice(start..end, other[from..to].iter().copied());
            }
            4 => {
                if let Some(byte) = input.get_mut(start) {
                    *byte ^= 1 << self.0.u8(..8);
                }
            }
            _ => {
                let piece = PIECES[self.0.usize(..PIECES.len())];
                let end = if self.0.bool() { start } else { end };
                input.splice(start..end, piece.bytes());
            }
        }
    }

    fn one_of<'s>(&mut self, seeds: &'s [Vec<u8>]) -> Option<&'s Vec<u8>> {
        let place = self.0.usize(..seeds.len().max(1));
        seeds.get(place)
    }
}
