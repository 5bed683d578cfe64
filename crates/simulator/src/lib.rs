//! A SentinelOne console and an Oomnitza instance on loopback, for demonstrations, tests and benchmarks.
//!
//! Both behave as the vendors' descriptions and the project's contracts say, and are strict: a wrong
//! parameter, type, header, batch size or order gets the error that the real system would give, and is
//! kept as a violation, a sentence that a test can assert on. Both are stateful: what is written is read
//! back. Populations of any size are made on the fly from a seed, with the oddities of real ones, and
//! faults can be ordered for any call, in the process through [`Control`] or from another one over HTTP.
//!
//! ```
//! use simulator::{Effect, Fault, Options, Simulator, System};
//!
//! let simulator = Simulator::launch(Options::demo())?;
//! let control = simulator.control();
//! let fault = Fault::new(System::Oomnitza, "PATCH /api/v3/users/*", Effect::Status(503));
//! control.order(fault.after(10).times(2));
//! // … point a load at `simulator.sentinelone_url()` and `simulator.oomnitza_url()`, and then:
//! assert!(control.violations().is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! It is no mock that is told what to answer, and nothing of Rollcall is used here: a fault in Rollcall's
//! clients cannot hide behind the same fault in their peer.
//!
//! **Invariant:** for the same [`Options`] two simulators have the same users and people, byte for byte.

// What users of the crate hold.
mod admin;
mod control;
mod options;
mod server;

// The way of a call.
mod answering;
mod exchange;
mod faults;
mod line;
mod recording;
mod shared;

// The two systems.
mod oomnitza;
mod sentinelone;

// What they are filled with.
mod object;
mod population;
mod rows;

pub use crate::control::Control;
pub use crate::faults::{Effect, Fault, FaultId, Times};
pub use crate::oomnitza::{PortionState, bulk_field_id};
pub use crate::options::{
    ActivityShown, BulkDrop, BulkNull, BulkTiming, Idents, Letters, Options, People, Ports,
    RolesShown, SaasListing, ShownForm, Users,
};
pub use crate::recording::{Recorded, System, Token};
pub use crate::server::Simulator;
