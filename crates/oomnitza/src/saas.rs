//! `SaaS` applications and who uses them: what is read, and what is written.
//!
//! What a listing shows of roles and of activity is not described, so roles are kept as they came,
//! and only who is listed is relied on.

mod model;
mod write;

use serde::de::Error as _;
use serde_json::value::RawValue;
use transport::Response;

use crate::client::Reader;
use crate::error::Error;
use crate::filter;
use crate::ids::SaasId;

pub use model::{SaasUser, SaasUsers};
pub use write::{Activity, ItemOutcome};

/// The most people or `SaaS` users that one request carries.
pub const SAAS_BATCH: usize = 100;

impl Reader {
    /// Finds the applications that have exactly this name: mostly one or none.
    ///
    /// # Errors
    ///
    /// When the instance does not answer, or answers with such an application that has no usable
    /// id.
    pub async fn saas_named(&self, name: &str) -> Result<Vec<SaasId>, Error> {
        const OPERATION: &str = "look for a SaaS application";
        let filter = filter::by_name("saas_name", name);
        self.transport
            .get("api/v3/saas")
            .query(&[("filter", filter)])
            .operation(OPERATION)
            .send_checked(|response| named(response, name))
            .await
            .map_err(|error| Error::from_transport(OPERATION, error))
    }

    /// Lists the users of an application.
    ///
    /// # Errors
    ///
    /// When the instance does not answer, or does not know the application.
    pub async fn saas_users(&self, id: &SaasId) -> Result<SaasUsers, Error> {
        const OPERATION: &str = "list the users of the SaaS application";
        self.transport
            .get("api/v3/saas")
            .segment(id.as_str())
            .segment("users")
            .operation(OPERATION)
            .send_checked(SaasUsers::read)
            .await
            .map_err(|error| Error::from_transport(OPERATION, error))
    }
}

/// Picks the applications of a name, however the instance understood the filter.
fn named(response: &Response, name: &str) -> Result<Vec<SaasId>, serde_json::Error> {
    let elements: Vec<&RawValue> = serde_json::from_slice(&response.body)?;
    let mut ids = Vec::new();
    for element in elements {
        let application: model::Application<'_> = serde_json::from_str(element.get())?;
        if application.name.as_deref() != Some(name) {
            continue;
        }
        let id = application.id.and_then(model::id_text);
        let id = id.and_then(|id| SaasId::try_from(&*id).ok());
        let no_id = || serde_json::Error::custom("a SaaS application has no usable `saas_id`");
        let id = id.ok_or_else(no_id)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}
