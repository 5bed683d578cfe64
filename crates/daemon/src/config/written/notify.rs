//! Who is told of what.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Secret;

/// Who is told of what: exactly one of `webhook`, `command` and `ping`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notify {
    /// An address to which each message is posted.
    pub(crate) webhook: Option<Webhook>,

    /// A program that is started for each message, with its arguments; it gets the message as JSON on stdin.
    #[schemars(
        length(min = 1),
        extend("examples" = [["/usr/local/bin/page", "--from=rollcall"]])
    )]
    pub(crate) command: Option<Vec<String>>,

    /// An address that is posted to for every load: with `/start` at its end when the load starts, as it is when the
    /// load succeeded, with `/fail` when it did not.
    #[schemars(extend("format" = "uri", "examples" = ["https://hc.example.com/ping/uuid"]))]
    pub(crate) ping: Option<String>,

    /// Of what; of all if absent. `started` and `succeeded` go with `ping`, `failed` with all three, the others with
    /// `webhook` and `command`.
    #[schemars(length(min = 1), extend("examples" = [["failed", "recovered"]]))]
    pub(crate) on: Option<Vec<Occasion>>,

    /// True: messages also name people, where there is more to say of them.
    #[schemars(extend("default" = false))]
    pub(crate) details: Option<bool>,
}

/// An address to which each message is posted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Where the address is found: it is a secret.
    #[schemars(required, extend("examples" = [{ "env": "SLACK_URL" }]))]
    pub(crate) url: Option<Secret>,

    /// How messages are written.
    #[schemars(extend("default" = "generic"))]
    pub(crate) format: Option<WebhookFormat>,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WebhookFormat {
    /// As Slack reads them.
    Slack,
    /// As plain JSON.
    Generic,
}

/// Of what somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Occasion {
    /// A run failed.
    Failed,
    /// A run waits for a release.
    Parked,
    /// A due time was missed, or there was no success for too long.
    Missed,
    /// A run, what it read, or what Oomnitza made of it was not like before.
    Odd,
    /// A token ends soon.
    TokenExpiring,
    /// Something is wrong with this installation: its disk, its clock, its configuration, who is told.
    System,
    /// What was told of is over.
    Recovered,
    /// A load starts.
    Started,
    /// A load succeeded.
    Succeeded,
}
