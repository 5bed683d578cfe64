//! The real binary against the simulator: what an operator does, and what must come of it.
//!
//! Here is the harness: [`Rollcall`] is an installation in a folder of its own, its methods are the commands
//! that an operator types, and what it left behind is read from the database with SQL.
//! [`Oracle`] computes the same load a second time, naively and from the rules as they are written down,
//! so that counts, reasons and every value in Oomnitza are compared with something independent.
//! The tests themselves are in `tests/suite`.
//!
//! **Invariant:** nothing of Rollcall's own crates is used: only the binary, its files and its database.

mod binary;
mod config;
mod rollcall;
mod process;
mod serving;
mod systemd;
mod http;
mod scrape;
mod clock;
mod listening;
mod receiver;
mod peer;
mod database;

mod values;
mod oracle;
mod agreement;

pub use agreement::{Agreement, Snapshot};
pub use clock::{HOUR, MINUTE, Minute};
pub use config::{Config, Delivery, INTEGRATION};
pub use database::Database;
pub use http::{HttpAnswer, ask};
pub use oracle::{Expected, Oracle, Outcome};
pub use peer::Peer;
pub use process::{Ended, Going};
pub use receiver::{Answer, Received, Receiver};
pub use rollcall::{Rollcall, SlotRow};
pub use scrape::Scrape;
pub use serving::Serving;
pub use systemd::Systemd;
