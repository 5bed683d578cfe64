//! The one way to send HTTP: paced, retried, timed out, bounded, traced and redacted.
//!
//! A [`Client`] stands for one system and one credential. It keeps to a promised number of
//! requests a second, holds every request back when the system answers 429, repeats what is
//! transient, and tells a caller of a failure whether the request may have taken effect.
//!
//! It knows nothing of either vendor: no path, no field, no meaning of a body. It is the only
//! crate that opens connections.
//!
//! A [`Hook`] is the one thing besides: an address that is itself a secret, and is posted to once.
//!
//! **Invariant:** no secret, no URL with a query and no body of a request reaches an error or a
//! log. Of the bodies of answers only a short excerpt does, in the error of a refused request.

mod settings;
mod client;
mod request;
mod send;
mod attempt;
#[cfg(feature = "scripted")]
mod script;
mod hook;
mod pace;
mod retry;
mod redact;
mod error;
mod obstacle;
mod skew;
mod calls;
mod meter;

pub use calls::Calls;
pub use client::Client;
pub use error::{Error, Fault, Refusal};
pub use hook::Hook;
pub use meter::{Meter, Reading};
pub use obstacle::Obstacle;
pub use pace::Allowance;
pub use request::{Repeat, Request, Response};
pub use retry::Retry;
pub use settings::{Rate, RateError, Settings, SetupError, Way};
