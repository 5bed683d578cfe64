//! The application to which the people are assigned.

use schemars::JsonSchema;
use serde::Deserialize;

use super::integration::Field;

/// The application to which the people are assigned, with `records: user_and_saas_user`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saas {
    /// Its name in Oomnitza.
    #[schemars(required, extend("examples" = ["SentinelOne"]))]
    pub(crate) name: Option<String>,
    /// True: it is made if it is not there.
    #[schemars(extend("default" = false))]
    pub(crate) create: Option<bool>,
    /// The roles of a person in it, a list of texts or one: like a field of `mapping`, without `write` and `volatile`.
    #[schemars(extend("default" = "role_names", "examples" = ["role_names"]))]
    pub(crate) roles: Option<Field>,
}
