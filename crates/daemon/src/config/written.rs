//! The configuration as written: what `serde` reads, and what the JSON Schema is made from.
//!
//! The doc comments here are the descriptions that an editor shows. Every key is an `Option`, also
//! those that the schema requires: the structure of a file is checked against the schema first
//! ([`super::structure`]), and what is left of it can then always be read.

mod integration;
mod guards;
mod saas;
mod metrics;
mod notify;
mod schedule;
mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use guards::Guards;
pub(crate) use integration::{
    Delivery, Empty, Field, FieldId, Integration, Missing, Preference, Records, Source, Target,
    Write,
};
pub(crate) use metrics::Metrics;
pub(crate) use notify::{Notify, Occasion, Webhook, WebhookFormat};
pub(crate) use saas::Saas;
pub(crate) use schedule::{At, DateText, Exclude, Overlap, Retry, Schedule};
pub(crate) use words::{DurationText, Id, Share};

/// The configuration of Rollcall, a daemon that loads SentinelOne console users into Oomnitza.
///
/// Durations are a whole number with a unit: `30s`, `10m`, `12h`, `7d`.
/// Relative paths start at the folder of this file.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Rollcall")]
pub(crate) struct Config {
    /// The time zone of every schedule that names none, and of the times that people are shown: an
    /// IANA name.
    #[schemars(extend("default" = "UTC", "examples" = ["Europe/Dublin"]))]
    pub(crate) timezone: Option<String>,

    /// The folder of the database, locks and logs; made if it is not there. Another one counts when the
    /// service is restarted.
    #[schemars(
        length(min = 1),
        extend("default" = "/var/lib/rollcall", "examples" = ["/var/lib/rollcall"])
    )]
    pub(crate) state_dir: Option<String>,

    /// How many loads may run at the same time.
    #[schemars(range(min = 1, max = 64), extend("default" = 2, "examples" = [2]))]
    pub(crate) max_concurrent_runs: Option<u32>,

    /// Texts that templates and addresses may use, as `variables['NAME']`.
    pub(crate) variables: Option<BTreeMap<String, String>>,

    /// What is sent to prove who we are, by a name of your own; never the secret itself.
    #[schemars(required, extend("minProperties" = 1))]
    pub(crate) credentials: Option<BTreeMap<String, Credential>>,

    /// How both systems are reached.
    pub(crate) http: Option<Http>,

    /// What is loaded from where to where, by an id of your own: it stands in the database, on the
    /// command line and in addresses.
    #[schemars(
        required,
        extend(
            "minProperties" = 1,
            "propertyNames" = { "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$" }
        )
    )]
    pub(crate) integrations: Option<BTreeMap<String, Integration>>,

    /// Who is told of what.
    pub(crate) notify: Option<Vec<Notify>>,

    /// Figures for Prometheus; without this section they are not served.
    pub(crate) metrics: Option<Metrics>,

    /// How long the history is kept. The latest of each person and the last run of each integration
    /// stay, however old they are.
    pub(crate) retention: Option<Retention>,

    /// What is written to the log.
    pub(crate) log: Option<Log>,
}

/// The header that proves who we are, and where the secret in it is found.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credential {
    /// The name of the header: SentinelOne wants `Authorization`, Oomnitza `Authorization2`.
    #[schemars(required, extend("examples" = ["Authorization"]))]
    pub(crate) header: Option<String>,

    /// The value of the header, with `{{ secret }}` where the secret goes.
    #[schemars(extend("default" = "{{ secret }}", "examples" = ["ApiToken {{ secret }}"]))]
    pub(crate) value: Option<String>,

    /// Where the secret is found: exactly one of the three.
    #[schemars(required, extend("examples" = [{ "systemd": "sentinelone-token" }]))]
    pub(crate) secret: Option<Secret>,

    /// The last day on which the secret works, where the API will not say.
    #[schemars(extend("format" = "date", "examples" = ["2027-05-01"]))]
    pub(crate) expires: Option<String>,
}

/// Where a secret is found: exactly one of the three.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("maxProperties" = 1))]
pub(crate) struct Secret {
    /// The name of a systemd credential (`LoadCredential=` of the service). It is handed over when the
    /// service starts: restart it after a new secret.
    #[schemars(extend("examples" = ["sentinelone-token"]))]
    pub(crate) systemd: Option<String>,

    /// A file of one line that nobody but its owner can read. Every run reads it anew.
    #[schemars(extend("examples" = ["/etc/rollcall/sentinelone.token"]))]
    pub(crate) file: Option<String>,

    /// An environment variable.
    #[schemars(extend("examples" = ["SENTINELONE_TOKEN"]))]
    pub(crate) env: Option<String>,
}

/// How both systems are reached.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Http {
    /// The proxy; by default the one that the environment names (`HTTPS_PROXY`, `NO_PROXY`).
    #[schemars(extend("format" = "uri", "examples" = ["http://proxy.acme.com:3128"]))]
    pub(crate) proxy: Option<String>,

    /// PEM files of certificate authorities that are trusted besides the system's.
    #[schemars(extend("examples" = [["/etc/ssl/acme-ca.pem"]]))]
    pub(crate) ca_files: Option<Vec<String>>,

    /// How long a connection may take to open.
    #[schemars(extend("default" = "10s"))]
    pub(crate) connect_timeout: Option<DurationText>,

    /// How long a whole request may take.
    #[schemars(extend("default" = "60s"))]
    pub(crate) timeout: Option<DurationText>,
}

/// What is written to the log.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`, or by crate: `info,load=debug`.
    #[schemars(extend("default" = "info", "examples" = ["info,load=debug"]))]
    pub(crate) level: Option<String>,

    /// How many daily log files are kept.
    #[schemars(range(min = 1, max = 3650), extend("default" = 30, "examples" = [30]))]
    pub(crate) keep_files: Option<u32>,
}

/// How long the history is kept: a day at least, each.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    /// Runs, each with its errors and changes, and what became of the due times.
    #[schemars(extend("default" = "400d"))]
    pub(crate) runs: Option<DurationText>,

    /// Users who were skipped or failed.
    #[schemars(extend("default" = "400d"))]
    pub(crate) errors: Option<DurationText>,

    /// What was written, with the values before and after.
    #[schemars(extend("default" = "90d"))]
    pub(crate) changes: Option<DurationText>,

    /// People who are gone from the console.
    #[schemars(extend("default" = "400d"))]
    pub(crate) gone_people: Option<DurationText>,
}
