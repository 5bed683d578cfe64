//! A typed client for the users of a SentinelOne console, Management API v2.1.
//!
//! [`Client`] reads: the users of a console as a stream of pages ([`UserPages`]), one user by id
//! or e-mail address, the names of roles, what the console is, and until when the token holds.
//! A user is kept as the JSON that came, without a copy; only what a load needs of it is parsed
//! and checked, all else may be of any type, and what is malformed fails alone.
//!
//! It knows nothing of Oomnitza, of the mapping or of the database, and it changes nothing.
//!
//! **Invariant:** a listing that ends has said whether it was complete, no user comes twice in
//! one pass over it, and ids are never numbers.

mod base_url;
mod client;
mod pages;
mod listing;
mod seen;
mod model;
mod fields;
mod ids;
mod time;
mod error;

pub use base_url::{UrlFault, api_base, console_url, normalise_base_url};
pub use client::{Client, UserFilter};
pub use error::Error;
pub use ids::{EmptyId, UserId};
pub use model::{Malformed, OwnToken, Role, ScopeRole, SystemInfo, TokenDetails, User};
pub use pages::{Completeness, Event, UserPage, UserPages};
pub use time::parse_time;
