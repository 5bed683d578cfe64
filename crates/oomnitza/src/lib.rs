//! The client of an Oomnitza instance: its people, one at a time or in bulk, and who of them uses a `SaaS` application.
//!
//! A [`Reader`] reads people and run logs. A [`Writer`], made from a reader, creates and updates
//! people, and opens the [`Portion`]s through which whole batches are loaded. What the instance
//! does is written down in Oomnitza's public API description and was seen on the wire from its own
//! connector; where neither says anything, this crate copes with every answer it can think of and
//! relies on none.
//!
//! It does not know what a person is compared with, which fields a mapping fills, or where a plan
//! is kept. It does not pace, repeat or time out requests: `transport` does.
//!
//! **Invariant:** a [`Reader`] sends nothing but `GET`. Only a [`Writer`] changes anything,
//! so whoever holds none cannot write.
//!
//! **Invariant:** a [`Portion`] to which anything was sent is finalized once, last, or given up in
//! the open; it cannot be forgotten without an error in the log.

mod ids;
mod model;

mod client;
mod filter;
mod pages;
mod seen;

mod writer;

mod saas;

mod batch;
mod connector;
mod fields;
mod portion;
mod run_log;

mod base_url;
mod error;
mod sentence;

pub use base_url::{UrlFault, normalise_base_url};
pub use batch::{Batch, BatchFault, Mode};
pub use client::Reader;
pub use connector::{Connector, ConnectorIdent};
pub use error::Error;
pub use fields::{FieldId, FieldName, InvalidFieldId, InvalidFieldName, built_in_fields, field_id};
pub use ids::{
    InvalidPersonId, InvalidPortionId, InvalidSaasId, PersonId, PortionId, SaasId, SaasUserId,
};
pub use model::{Answer, Malformed, Person};
pub use pages::{Completeness, PeoplePage, PeoplePages};
pub use portion::{FinalizeError, Portion};
pub use run_log::RunLog;
pub use saas::{Activity, ItemOutcome, SAAS_BATCH, SaasUser, SaasUsers};
pub use sentence::Sentence;
pub use writer::Writer;
