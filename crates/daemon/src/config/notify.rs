//! Who is told of what: the section `notify`.

mod check;

use std::collections::BTreeSet;
use std::fmt;

use url::Url;

use super::credentials::SecretSource;
use super::written::Occasion as Written;

pub(super) use check::check;

/// Who is told of what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// Those who are told of notices, in the order of the file.
    pub channels: Vec<Channel>,
    /// Those who are told of loads, in the order of the file.
    pub pings: Vec<Ping>,
}

/// Somebody who is told of notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// What it is called in the database and in messages: always the same, whatever else changes in the file, and
    /// never with a secret in it.
    pub name: String,
    /// How it is told.
    pub way: Way,
    /// Of what: at least one.
    pub occasions: BTreeSet<Occasion>,
    /// Whether messages may name people.
    pub details: bool,
}

/// How somebody is told of notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a POST to an address that is a secret.
    Webhook {
        /// Where the address is found.
        url: SecretSource,
        /// How messages are written.
        format: Format,
    },
    /// By a program and its arguments: at least the program.
    Command(Vec<String>),
}

/// How messages to a webhook are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As Slack reads them.
    Slack,
    /// As plain JSON.
    Generic,
}

/// Of what somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// A run failed.
    Failed,
    /// A run waits for a release.
    Parked,
    /// A due time was missed, or there was no success for too long.
    Missed,
    /// Something was not like before.
    Odd,
    /// A token ends soon.
    TokenExpiring,
    /// Something is wrong with the installation.
    System,
    /// What was told of is over.
    Recovered,
}

/// An address that is told how loads go: a dead-man's switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// What it is called in messages; without what only those know who may ping it.
    pub name: String,
    /// The address.
    pub url: PingUrl,
    /// Of what: at least one.
    pub moments: BTreeSet<Moment>,
}

/// The address of a ping. Whoever knows it can feign a success, so `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PingUrl(pub(crate) Url);

/// When a load is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It starts.
    Started,
    /// It succeeded.
    Succeeded,
    /// It did not.
    Failed,
}

impl Notify {
    /// Says whether nobody is told of anything.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.pings.is_empty()
    }

    /// Returns the names of all, the channels first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let channels = self.channels.iter().map(|channel| channel.name.as_str());
        channels.chain(self.pings.iter().map(|ping| ping.name.as_str()))
    }

    /// Returns the names of the systemd credentials that hold addresses.
    pub(super) fn systemd_credentials(&self) -> impl Iterator<Item = &str> {
        self.channels
            .iter()
            .filter_map(|channel| match &channel.way {
                Way::Webhook {
                    url: SecretSource::Systemd(name),
                    ..
                } => Some(name.as_str()),
                _ => None,
            })
    }
}

impl Occasion {
    const ALL: [Self; 7] = [
        Self::Failed,
        Self::Parked,
        Self::Missed,
        Self::Odd,
        Self::TokenExpiring,
        Self::System,
        Self::Recovered,
    ];

    /// Returns the occasion to which the beginning of a kind of notice belongs.
    pub fn of_kind(kind: &str) -> Self {
        match kind {
            "run_failed" => Self::Failed,
            "run_parked" => Self::Parked,
            "slot_missed" | "no_success" => Self::Missed,
            "odd_run" | "empty_source" | "saas_ids_missing" | "unverified" | "another_form"
            | "new_value" | "field_gone" | "two_writers" => Self::Odd,
            "token_expiring" => Self::TokenExpiring,
            // Of what is not known here somebody should hear rather than nobody.
            _ => Self::System,
        }
    }

    /// Returns the word of the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Parked => "parked",
            Self::Missed => "missed",
            Self::Odd => "odd",
            Self::TokenExpiring => "token_expiring",
            Self::System => "system",
            Self::Recovered => "recovered",
        }
    }

    fn read(written: Written) -> Option<Self> {
        Some(match written {
            Written::Failed => Self::Failed,
            Written::Parked => Self::Parked,
            Written::Missed => Self::Missed,
            Written::Odd => Self::Odd,
            Written::TokenExpiring => Self::TokenExpiring,
            Written::System => Self::System,
            Written::Recovered => Self::Recovered,
            Written::Started | Written::Succeeded => return None,
        })
    }
}

impl Moment {
    const ALL: [Self; 3] = [Self::Started, Self::Succeeded, Self::Failed];

    /// Returns the word of the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    fn read(written: Written) -> Option<Self> {
        match written {
            Written::Started => Some(Self::Started),
            Written::Succeeded => Some(Self::Succeeded),
            Written::Failed => Some(Self::Failed),
            _ => None,
        }
    }
}

impl fmt::Debug for PingUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PingUrl")
    }
}
