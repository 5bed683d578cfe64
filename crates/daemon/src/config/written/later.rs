//! The sections that this version reads and refuses: what they would do is not there yet.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Share;

/// Limits that a load must keep, or it writes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the section is refused after its shape was checked"
)]
pub(crate) struct Guards {
    /// How many users may be created.
    pub(crate) create: Option<Share>,
    /// How many users may be updated.
    pub(crate) update: Option<Share>,
    /// How many users may get another role.
    pub(crate) role_change: Option<Share>,
    /// How many users may be deactivated in the application.
    pub(crate) deactivate: Option<Share>,
    /// How many values may be cleared.
    pub(crate) blank: Option<Share>,
    /// How much smaller than before the source may be.
    pub(crate) source_shrink: Option<Share>,
    /// How many users may fail while they are written.
    pub(crate) failed: Option<Share>,
    /// As many always pass.
    #[schemars(extend("examples" = [5]))]
    pub(crate) at_least: Option<u64>,
}

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
