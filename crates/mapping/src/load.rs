//! What one load knows besides the user.

use std::borrow::Cow;
use std::collections::HashMap;

use minijinja::Value;

use crate::raw;

/// What a load brings to every template: its own names, and the names of custom roles.
#[derive(Clone, Debug)]
pub struct Load {
    customer_domain_url: Constant,
    connector_sync_time: Constant,
    role_names: HashMap<String, String>,
}

/// A text in the two forms in which it is needed for every user.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    pub(crate) raw: String,
    pub(crate) value: Value,
}

impl Constant {
    pub(crate) fn new(text: &str) -> Self {
        let mut raw = String::new();
        raw::push_string(&mut raw, text);
        Self {
            raw,
            value: Value::from(text),
        }
    }
}

impl Load {
    /// A load from the console at `customer_domain_url` with the instant `connector_sync_time`.
    ///
    /// `role_names` gives the name of each role of the console's role list by its id; it may be
    /// empty where the token cannot read the list, or where [`crate::Mapping::uses_role_names`]
    /// says that nobody asks for it.
    pub fn new(
        customer_domain_url: &str,
        connector_sync_time: &str,
        role_names: HashMap<String, String>,
    ) -> Self {
        Self {
            customer_domain_url: Constant::new(customer_domain_url),
            connector_sync_time: Constant::new(connector_sync_time),
            role_names,
        }
    }

    pub(crate) fn customer_domain_url(&self) -> &Constant {
        &self.customer_domain_url
    }

    pub(crate) fn connector_sync_time(&self) -> &Constant {
        &self.connector_sync_time
    }

    /// The names of the roles in the raw `scopeRoles` of a user: distinct, in order.
    ///
    /// `roleName` is right only for predefined roles, so the name in the role list goes first,
    /// and where both are unknown the id stands for the role.
    pub(crate) fn role_names_of<'a>(&'a self, scope_roles: &'a str) -> Vec<Cow<'a, str>> {
        let mut names: Vec<Cow<'a, str>> = Vec::new();
        for role in raw::items(scope_roles).unwrap_or_default() {
            let Ok(members) = raw::members(role) else {
                continue;
            };
            let text = |name| {
                let raw = raw::member(&members, name);
                raw::text(raw).filter(|text| !text.is_empty())
            };
            // The list of roles has ids as texts, so one that came as a number is its digits.
            let id = match raw::member(&members, "roleId") {
                digits if digits.starts_with(|first: char| first.is_ascii_digit()) => {
                    Some(Cow::Borrowed(digits))
                }
                _ => text("roleId"),
            };
            let listed = id.as_deref().and_then(|id| self.role_names.get(id));
            let listed = listed.filter(|name| !name.is_empty());
            let name = match listed {
                Some(name) => Cow::Borrowed(name.as_str()),
                None => match text("roleName").or(id) {
                    Some(name) => name,
                    None => continue,
                },
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}
