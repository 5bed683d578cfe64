//! Figures for Prometheus, as written.

use schemars::JsonSchema;
use serde::Deserialize;

/// Figures for Prometheus, and whether the loads are fine: `/metrics`, `/healthz` and `/readyz`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    /// The address and port on which they are served over HTTP, without encryption or password: they name
    /// integrations and credentials by their ids, and no person. Port 0: any that is free.
    #[schemars(required, extend("examples" = ["127.0.0.1:9464"]))]
    pub(crate) listen: Option<String>,
}
