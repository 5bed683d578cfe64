//! The sections that this version reads and refuses: what they would do is not there yet.

use schemars::JsonSchema;
use serde::Deserialize;

/// The application to which the people belong.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the section is refused after its shape was checked"
)]
pub(crate) struct Saas {
    /// Its name in Oomnitza.
    #[schemars(required, extend("examples" = ["SentinelOne"]))]
    pub(crate) name: Option<String>,
    /// True: it is made if it is not there.
    pub(crate) create: Option<bool>,
    /// A path or template for the roles of a person in it.
    #[schemars(extend("examples" = ["role_names"]))]
    pub(crate) roles: Option<String>,
}
