//! The sections that this version reads and refuses: what they would do is not there yet.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Secret, Share};

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

/// Who is told of what: exactly one of `webhook`, `command` and `ping`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the section is refused after its shape was checked"
)]
pub(crate) struct Notify {
    /// An address to which a message is posted.
    pub(crate) webhook: Option<Webhook>,
    /// A program that is started, with its arguments.
    #[schemars(
        length(min = 1),
        extend("examples" = [["/usr/local/bin/page", "--from=rollcall"]])
    )]
    pub(crate) command: Option<Vec<String>>,
    /// An address that is asked at the start, at the end and at a failure of every run.
    #[schemars(extend("format" = "uri", "examples" = ["https://hc.example.com/ping/uuid"]))]
    pub(crate) ping: Option<String>,
    /// Of what.
    #[schemars(extend("examples" = [["failed", "recovered"]]))]
    pub(crate) on: Option<Vec<Occasion>>,
}

/// An address to which a message is posted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "the section is refused after its shape was checked"
)]
pub(crate) struct Webhook {
    /// Where the address is found: it is a secret.
    #[schemars(required, extend("examples" = [{ "env": "SLACK_URL" }]))]
    pub(crate) url: Option<Secret>,
    /// How the message is written.
    pub(crate) format: Option<WebhookFormat>,
}

/// How a message is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WebhookFormat {
    /// As Slack reads it.
    Slack,
    /// As plain JSON.
    Generic,
}

/// Of what somebody is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Occasion {
    /// A run failed.
    Failed,
    /// A run waits for a release.
    Parked,
    /// A run was missed.
    Missed,
    /// A run was not like those before.
    Odd,
    /// A token ends soon.
    TokenExpiring,
    /// What was wrong is right again.
    Recovered,
}
