//! What must hold for every input, whoever wrote it: each property is a function of some bytes that panics where it
//! does not hold.
//!
//! The fuzz targets in `tests/fuzz` call these functions with what a fuzzer makes up; `tests/corpus.rs` calls them with
//! the same seeds, and with some thousand damaged ones, in every test run.
//! Bytes that are no input of a property hold by themselves.
//!
//! | property | of what |
//! |---|---|
//! | [`yaml`] | the reader of the configuration |
//! | [`misplaced_secret`] | the same, with a secret where none belongs |
//! | [`mapping()`] | the compiler of the mapping, its templates, and records |
//! | [`dates`] | times and addresses in all their spellings |
//! | [`retry_after`] | what an answer says of waiting |
//! | [`sentinelone()`], [`oomnitza()`] | whole conversations with either API, answer by answer |

mod answers;
mod corpus;
mod dates;
mod expressions;
mod retry_after;
mod told;
mod yaml;

pub use answers::{oomnitza, sentinelone};
pub use corpus::{Dice, seeds, shown};
pub use dates::dates;
pub use expressions::mapping;
pub use retry_after::retry_after;
pub use yaml::{misplaced_secret, yaml};

/// A property, as fuzzers and tests call it.
pub type Property = fn(&[u8]);

/// All properties with their names, which are those of the fuzz targets and of the folders of seeds.
pub const ALL: [(&str, Property); 7] = [
    ("dates", dates),
    ("mapping", mapping),
    ("misplaced_secret", misplaced_secret),
    ("oomnitza", oomnitza),
    ("retry_after", retry_after),
    ("sentinelone", sentinelone),
    ("yaml", yaml),
];
