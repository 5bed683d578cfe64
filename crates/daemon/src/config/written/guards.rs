//! The limits that a load must keep.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Share;

/// Limits that a load must keep, or it writes nothing and waits for a release. Shares are of the
/// users in scope, if nothing else is said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guards {
    /// How many users may be created.
    #[schemars(extend("default" = "10%"))]
    pub(crate) create: Option<Share>,
    /// How many users may be updated; changes of volatile fields alone do not count.
    #[schemars(extend("default" = "50%"))]
    pub(crate) update: Option<Share>,
    /// How many users may get another value in a field of `role_fields`.
    #[schemars(extend("default" = "5%"))]
    pub(crate) role_change: Option<Share>,
    /// How many SaaS users may be deactivated; a share of those whom this integration assigned.
    #[schemars(extend("default" = "5%"))]
    pub(crate) deactivate: Option<Share>,
    /// Of how many users a field may go from a value to nothing.
    #[schemars(extend("default" = "5%"))]
    pub(crate) blank: Option<Share>,
    /// How many users fewer than usual the source may have; a share of the median of its last
    /// seven complete reads.
    #[schemars(extend("default" = "20%"))]
    pub(crate) source_shrink: Option<Share>,
    /// How many writes may fail, after the first 20; a share of the writes so far. Then the load
    /// stops.
    #[schemars(extend("default" = "25%"))]
    pub(crate) failed: Option<Share>,
    /// As many always pass where a share is written. Left out, it yields to `0%` and to a smaller number; written beside
    /// one of them it contradicts it, and is refused.
    #[schemars(extend("default" = 5, "examples" = [5]))]
    pub(crate) at_least: Option<u64>,
}
