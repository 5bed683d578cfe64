//! What is changed of an application and its users.
//!
//! All of it is harmless to repeat but the making of an application.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use transport::{Repeat, Request, Response};

use super::model::id_text;
use crate::error::Error;
use crate::ids::{PersonId, SaasId, SaasUserId};
use crate::writer::{Writer, is_nothing, send, unless_refused, words_of};

/// Whether a `SaaS` user is to be active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// It is to be active.
    Active,
    /// It is to be inactive.
    Inactive,
}

/// What became of one item of a request that carries several; the words say why it was not done.
pub type ItemOutcome = Result<(), String>;

impl Writer {
    /// Makes an application.
    ///
    /// It is sent again only when it certainly did not arrive: whoever gets an error that
    /// [may have arrived](Error::may_have_arrived) looks the application up before trying again.
    ///
    /// # Errors
    ///
    /// When the instance refuses, or does not answer.
    pub async fn create_saas(&self, name: &str) -> Result<(), Error> {
        let request = self
            .reader
            .transport
            .post("api/v3/saas")
            .repeat(Repeat::OnlyIfNotArrived);
        let body = json!({ "saas_name": name });
        let body = body.to_string().into();
        send("make the SaaS application", request, body)
            .await
            .map(drop)
    }

    /// Assigns people to an application: 1 to [`SAAS_BATCH`](super::SAAS_BATCH) of them.
    ///
    /// # Errors
    ///
    /// When the instance refuses, also in the body of a 2xx, or does not answer; whether some were
    /// assigned is then not known.
    pub async fn assign_saas(&self, id: &SaasId, people: &[PersonId]) -> Result<(), Error> {
        let request = self
            .reader
            .transport
            .post("api/v3/saas")
            .segment(id.as_str())
            .segment("users")
            .repeat(Repeat::Harmless);
        let body = people.iter().map(PersonId::as_str);
        let body = body.map(|person| json!({ "user_id": person, "assign": true }));
        change(
            "assign people to the SaaS application",
            request,
            &body.collect(),
        )
        .await
    }

    /// Sets the id by which an application knows a person who is assigned to it.
    ///
    /// # Errors
    ///
    /// When the instance refuses, also in the body of a 2xx, or does not answer.
    pub async fn set_saas_external_id(
        &self,
        id: &SaasId,
        person: &PersonId,
        external_id: &str,
    ) -> Result<(), Error> {
        let request = self
            .reader
            .transport
            .post("api/v3/saas")
            .segment(id.as_str())
            .segment("users")
            .segment(person.as_str())
            .repeat(Repeat::Harmless);
        let body = json!({ "user_external_id": external_id });
        change("set the external id of the SaaS user", request, &body).await
    }

    /// Replaces the roles of a person who is assigned to an application; unknown ones are made.
    ///
    /// # Errors
    ///
    /// When the instance refuses, also in the body of a 2xx, or does not answer.
    pub async fn set_saas_roles(
        &self,
        id: &SaasId,
        person: &PersonId,
        roles: &[String],
    ) -> Result<(), Error> {
        let request = self
            .reader
            .transport
            .patch("api/v3/saas")
            .segment(id.as_str())
            .segment("roles")
            .segment("users")
            .repeat(Repeat::Harmless);
        let roles = roles.iter();
        let roles = roles
            .map(|role| json!({ "role_external_id": role, "role_external_label": role }))
            .collect::<Value>();
        let body = json!({ "users": person.as_str(), "roles": roles });
        change("set the roles of the SaaS user", request, &body).await
    }

    /// Activates or deactivates 1 to [`SAAS_BATCH`](super::SAAS_BATCH) `SaaS` users; says what
    /// became of each, in their order.
    ///
    /// A list in the answer counts: whoever it does not name has failed. An answer without a list
    /// is taken for consent.
    ///
    /// # Errors
    ///
    /// When the instance refuses the request as a whole, or does not answer.
    pub async fn set_saas_activity(
        &self,
        ids: &[SaasUserId],
        activity: Activity,
    ) -> Result<Vec<ItemOutcome>, Error> {
        let (operation, path) = match activity {
            Activity::Active => ("activate SaaS users", "api/v3/saas_users/activate"),
            Activity::Inactive => ("deactivate SaaS users", "api/v3/saas_users/deactivate"),
        };
        let request = self.reader.transport.patch(path).repeat(Repeat::Harmless);
        let list: Vec<&str> = ids.iter().map(SaasUserId::as_str).collect();
        let body = json!({ "saas_user_ids": list }).to_string();
        let response = send(operation, request, body.into()).await?;
        let items = serde_json::from_slice::<Vec<Item<'_>>>(&response.body);
        if items.is_err() {
            unless_refused(operation, &response)?;
        }
        Ok(outcomes(&response, ids, &items.unwrap_or_default()))
    }
}

/// What an answer says of one item.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default)]
    saas_user_id: Option<&'a RawValue>,
    #[serde(default)]
    error: Value,
}

fn outcomes(response: &Response, ids: &[SaasUserId], items: &[Item<'_>]) -> Vec<ItemOutcome> {
    let mut known: HashMap<String, ItemOutcome> = HashMap::with_capacity(items.len());
    for item in items {
        let Some(id) = item.saas_user_id.and_then(id_text) else {
            continue;
        };
        let outcome = if is_nothing(&item.error) {
            Ok(())
        } else {
            Err(words_of(response, &item.error))
        };
        let entry = known.entry(id.into_owned()).or_insert(Ok(()));
        if entry.is_ok() {
            *entry = outcome;
        }
    }
    let unnamed = || Err("the answer does not say that it was done".to_owned());
    ids.iter()
        .map(|id| known.get(id.as_str()).cloned().unwrap_or_else(unnamed))
        .collect()
}

/// Sends a change that stands or falls as a whole.
async fn change(operation: &'static str, request: Request, body: &Value) -> Result<(), Error> {
    let response = send(operation, request, body.to_string().into()).await?;
    unless_refused(operation, &response)
}
