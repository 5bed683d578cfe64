//! How the daemon and its integrations are: what `rollcall status` shows, and prints as JSON.

use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use load::{Counts, Progress, State};
use serde::{Deserialize, Serialize};

/// How the daemon is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The id of its process.
    pub(crate) pid: u32,
    /// The version of Rollcall.
    pub(crate) version: String,
    /// When it was started.
    #[serde(with = "instant")]
    pub(crate) since: Timestamp,
    /// The configuration in force.
    pub(crate) config: ConfigStatus,
    /// Its integrations, in the order of their ids.
    pub(crate) integrations: Vec<IntegrationStatus>,
    /// The credentials that integrations name, in the order of their names.
    pub(crate) tokens: Vec<TokenStatus>,
    /// What an operator should know and what still stands.
    pub(crate) notices: Vec<NoticeStatus>,
    /// Sentences on what is wrong with the daemon itself; empty when nothing is.
    pub(crate) health: Vec<String>,
    /// Where metrics are served; `None`: nowhere.
    #[serde(default)]
    pub(crate) metrics: Option<SocketAddr>,
    /// Which time zone data is used.
    pub(crate) timezones: String,
}

/// The configuration in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfigStatus {
    /// Its file.
    pub(crate) path: PathBuf,
    /// The hash of the hashes of all integrations.
    pub(crate) hash: String,
    /// When it was read.
    #[serde(with = "instant")]
    pub(crate) loaded_at: Timestamp,
    /// The faults of a newer text that was refused; empty: the file is in force.
    pub(crate) faults: Vec<String>,
    /// The zone of the times that people are shown, by its IANA name.
    pub(crate) timezone: String,
    /// What was changed and only a restart brings into force.
    pub(crate) restart: Vec<String>,
}

/// How an integration is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct IntegrationStatus {
    /// Its id in the YAML.
    pub(crate) id: String,
    /// Its name for people.
    pub(crate) name: String,
    /// The hash of the configuration in force.
    pub(crate) config_hash: String,
    /// Its schedule in words.
    pub(crate) schedule: String,
    /// Why, since when and by whom it is paused; `None`: it is not.
    pub(crate) paused: Option<String>,
    /// When it is due next; `None`: never.
    pub(crate) next: Option<NextDue>,
    /// The run that goes on.
    pub(crate) running: Option<RunningRun>,
    /// What it waits for, such as a place among the runs that go on, or to try again.
    pub(crate) waiting: Option<String>,
    /// The latest run that is over.
    pub(crate) last: Option<LastRun>,
}

/// A due time to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NextDue {
    /// When it is due.
    #[serde(with = "instant")]
    pub(crate) due_at: Timestamp,
    /// When its run starts: later by the integration's share of `jitter`.
    #[serde(with = "instant")]
    pub(crate) start_at: Timestamp,
}

/// A run that goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunningRun {
    /// Its id.
    pub(crate) run_id: String,
    /// What started it: `manual`, `schedule`.
    pub(crate) trigger: String,
    /// When it began.
    #[serde(with = "instant")]
    pub(crate) since: Timestamp,
    /// How far it is.
    pub(crate) progress: Progress,
}

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    /// Its id.
    pub(crate) run_id: String,
    /// The state that it ended in.
    pub(crate) state: State,
    /// What started it: `manual`, `schedule`.
    pub(crate) trigger: String,
    /// When it began.
    #[serde(with = "instant")]
    pub(crate) started_at: Timestamp,
    /// When it ended.
    #[serde(with = "instant")]
    pub(crate) finished_at: Timestamp,
    /// How many users had each outcome.
    pub(crate) counts: Counts,
    /// Why it could not go on.
    pub(crate) error: Option<String>,
}

/// How long a credential works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenStatus {
    /// Its name in the YAML.
    pub(crate) credential: String,
    /// When it ends; `None`: nobody says, or it does not.
    #[serde(with = "instant::optional")]
    pub(crate) expires_at: Option<Timestamp>,
    /// Whole days until then; negative: it has ended.
    pub(crate) days_left: Option<i64>,
    /// Who says so: `the console says`, `expires in the YAML`, `nobody says`.
    pub(crate) source: String,
}

/// Something that an operator should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NoticeStatus {
    /// Its kind, as in `v_notices`.
    pub(crate) kind: String,
    /// The integration that it is about; `None`: all of them.
    pub(crate) integration: Option<String>,
    /// What it is about within the integration.
    pub(crate) subject: Option<String>,
    /// What to know, for a person.
    pub(crate) message: String,
    /// Since when it stands.
    #[serde(with = "instant")]
    pub(crate) since: Timestamp,
}

/// Instants as the views write them: `2026-11-23T02:00:00.000Z`.
pub(super) mod instant {
    use jiff::Timestamp;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    const FORM: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

    pub(crate) fn serialize<S: Serializer>(
        instant: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&instant.strftime(FORM))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }

    /// The same where there may be none.
    pub(crate) mod optional {
        use jiff::Timestamp;
        use serde::de::Error as _;
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        #[expect(
            clippy::ref_option,
            reason = "serde hands over a reference to the field"
        )]
        pub(crate) fn serialize<S: Serializer>(
            instant: &Option<Timestamp>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            instant
                .map(|instant| instant.strftime(super::FORM).to_string())
                .serialize(serializer)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            Option::<String>::deserialize(deserializer)?
                .map(|text| text.parse().map_err(D::Error::custom))
                .transpose()
        }
    }
}
