//! An application and its users, as the instance shows them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::warn;
use transport::Response;

use crate::ids::{PersonId, SaasUserId};

/// Everybody whom the instance lists for an application.
#[derive(Debug, Clone, Default)]
pub struct SaasUsers {
    /// The users; the same person can be among them twice.
    pub users: Vec<SaasUser>,
    /// False where the instance says that there are more than it shows: who is missing may be there.
    pub complete: bool,
}

/// A person's place in an application.
#[derive(Clone, PartialEq, Eq)]
pub struct SaasUser {
    /// Whose place it is.
    pub person: PersonId,
    /// The place's own id, where the instance shows it.
    pub id: Option<SaasUserId>,
    /// The user's id in the application; empty where there is none.
    pub external_id: String,
    /// The roles as they came: any JSON, empty where there are none.
    pub roles: String,
    /// Whether the place is active, where the instance shows that.
    pub active: Option<bool>,
}

impl fmt::Debug for SaasUser {
    /// Shows ids alone: the rest is personal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SaasUser")
            .field("person", &self.person)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SaasUsers {
    pub(super) fn read(response: &Response) -> Result<Self, serde_json::Error> {
        let elements: Vec<&RawValue> = serde_json::from_slice(&response.body)?;
        let promised = response.headers.get("x-total-count");
        let promised = promised.and_then(|total| total.to_str().ok()?.trim().parse::<usize>().ok());
        let listed = elements.len();
        let users: Vec<SaasUser> = elements.into_iter().filter_map(SaasUser::read).collect();
        if users.len() < listed {
            let nameless = listed - users.len();
            warn!(
                nameless,
                "The users of the SaaS application are listed with some who have no usable `user_id`"
            );
        }
        Ok(Self {
            users,
            complete: promised.is_none_or(|promised| promised <= listed),
        })
    }
}

impl SaasUser {
    fn read(element: &RawValue) -> Option<Self> {
        if !element.get().starts_with('{') {
            return None;
        }
        let known: Known<'_> = serde_json::from_str(element.get()).ok()?;
        let text = |raw: Option<&RawValue>| raw.and_then(id_text).unwrap_or_default().into_owned();
        let id = known.saas_user_id.and_then(id_text);
        Some(Self {
            person: PersonId::try_from(&*known.user_id.and_then(id_text)?).ok()?,
            id: id.and_then(|id| SaasUserId::try_from(&*id).ok()),
            external_id: text(known.user_external_id),
            roles: match known.roles.map_or("null", RawValue::get) {
                "null" | "\"\"" | "[]" | "{}" => String::new(),
                roles => roles.to_owned(),
            },
            active: known
                .active
                .or(known.is_active)
                .and_then(crate::model::truth),
        })
    }
}

/// The fields of an application that matter here.
#[derive(Deserialize)]
pub(super) struct Application<'a> {
    #[serde(borrow, default, rename = "saas_name")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "saas_id")]
    pub(super) id: Option<&'a RawValue>,
}

/// The fields of a user that matter here, whatever their types.
#[derive(Deserialize)]
struct Known<'a> {
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    saas_user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    user_external_id: Option<&'a RawValue>,
    #[serde(borrow)]
    roles: Option<&'a RawValue>,
    #[serde(borrow)]
    active: Option<&'a RawValue>,
    #[serde(borrow)]
    is_active: Option<&'a RawValue>,
}

/// Reads an id from a text, or from a number by its literal digits.
pub(super) fn id_text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let json = raw.get();
    if json.starts_with('"') {
        serde_json::from_str::<String>(json).ok().map(Cow::Owned)
    } else if json.bytes().all(|byte| byte.is_ascii_digit()) {
        Some(Cow::Borrowed(json))
    } else {
        None
    }
}
