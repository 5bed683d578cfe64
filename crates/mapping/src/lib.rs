//! What the YAML's mapping means: it is compiled once, turns a user of the console into a record
//! for Oomnitza, and compares a record with what Oomnitza has.
//!
//! The story, in the order of the modules: a [`Definition`] is compiled to a [`Mapping`]; a
//! [`Subject`] is one user, split but not decoded; [`Mapping::apply`] writes the values of all
//! fields into a [`Record`]; [`Mapping::compare`] names the fields that an update would change.
//! Before a load, [`Mapping::check_samples`] tries every expression on sample users.
//!
//! Absent here on purpose: input and output, a clock, YAML, and the decision what becomes of a
//! user. Everything is a function of its arguments, so the same user gives the same record today
//! and tomorrow.
//!
//! **Invariant:** absent, null and `""` are one empty value. A [`Record`] holds it as `""`,
//! templates see it as undefined, and it never becomes a text such as `None`.
//!
//! **Invariant:** no digit of an integer is lost. One beyond 2^53, which Oomnitza may read as a
//! double and round, is never written as a number: it becomes the text of its digits.

mod definition;

mod compile;
mod fault;
mod field;
mod lexer;
mod mapping;
mod path;
mod template;

mod filters;
mod raw;
mod value;

mod alike;
mod issue;
mod load;
mod record;
mod subject;

mod apply;

mod canonical;
mod compare;

mod check;
mod samples;
mod vocabulary;

pub use alike::{alike, alike_but_values};
pub use apply::{Input, Lookup, ScopeTrace, Trace};
pub use canonical::{Compared, Kind, canonical, compared, equal, fold};
pub use check::Findings;
pub use compare::{Difference, Standing};
pub use compile::MOST_SYNC_KEYS;
pub use definition::{Definition, Empty, FieldDefinition, Source, Write};
pub use fault::{Fault, Part};
pub use field::Field;
pub use issue::{Issue, Reason};
pub use load::Load;
pub use mapping::Mapping;
pub use raw::exact;
pub use record::Record;
pub use subject::{MalformedUser, Subject};
