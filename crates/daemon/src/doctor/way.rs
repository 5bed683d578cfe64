//! A way to a system: its URL with one credential, for all integrations that go by it.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use transport::{Obstacle, Retry};
use url::Url;

use super::finding::{Finding, State};
use crate::config::{Config, Integration};
use crate::{app, exit};

/// A try, and opening a connection, may take so long at the most: a doctor is not patient.
const TRY: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// Clocks that differ by more are told.
const SKEW: SignedDuration = SignedDuration::from_secs(30);

/// A way to a system.
#[derive(Debug, Clone)]
pub(super) struct Way {
    config: Arc<Config>,
    system: &'static str,
    base: Url,
    credential: String,
    /// The places of the integrations in the configuration.
    members: Vec<usize>,
    rate: f64,
}

impl Way {
    pub(super) fn new(
        config: &Arc<Config>,
        system: &'static str,
        base: Url,
        credential: &str,
    ) -> Self {
        Self {
            config: Arc::clone(config),
            system,
            base,
            credential: credential.to_owned(),
            members: Vec::new(),
            rate: f64::INFINITY,
        }
    }

    /// Whether it leads to the same URL with the same credential.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.base == other.base && self.credential == other.credential
    }

    /// Adds the integration at a place, with the pace that it keeps; the slowest counts.
    pub(super) fn add(&mut self, place: usize, rate: f64) {
        self.members.push(place);
        self.rate = self.rate.min(rate);
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn credential(&self) -> &str {
        &self.credential
    }

    /// The integrations that go by it.
    pub(super) fn integrations(&self) -> impl Iterator<Item = &Integration> {
        self.members
            .iter()
            .map(|&place| &self.config.integrations[place])
    }

    /// The system and where it is, in words.
    pub(super) fn name(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port() {
            Some(port) => format!("{} (`{host}:{port}`)", self.system),
            None => format!("{} (`{host}`)", self.system),
        }
    }

    /// A finding of this way, and so of its integration where there is just one.
    pub(super) fn found(&self, finding: Finding) -> Finding {
        match self.members.as_slice() {
            [place] => finding.of(&self.config.integrations[*place].id),
            _ => finding,
        }
    }

    /// Makes the connection; reads the secret, and contacts nobody.
    pub(super) fn connect(&self) -> Result<transport::Client, Finding> {
        let settings = app::settings(&self.config, self.base.clone(), &self.credential, self.rate);
        let mut settings = settings.map_err(|error| {
            let hint = format!(
                "put the secret where `credentials.{}.secret` says",
                self.credential
            );
            let sentence = exit::sentence(&error);
            self.found(Finding::told("token", State::Fail, &sentence, &hint))
        })?;
        impatient(&mut settings);
        transport::Client::new(settings).map_err(|error| {
            let sentence = load::chain(&error);
            self.found(Finding::told("reachable", State::Fail, &sentence, ""))
        })
    }

    /// The system answered.
    pub(super) fn answers(&self, how: &str) -> Finding {
        self.found(Finding::ok("reachable", format!("{} {how}", self.name())))
    }

    /// No usable answer came, and why.
    pub(super) fn unreachable(
        &self,
        transport: &transport::Client,
        error: &transport::Error,
    ) -> Finding {
        let (message, hint) = obstacle(&self.name(), transport.proxy(), error);
        self.found(Finding::fail("reachable", message, hint))
    }

    /// The system did not answer in the time that there is.
    pub(super) fn silent(&self, check: &str, what: &str) -> Finding {
        let message = format!("{} did not {what} in the time that there is", self.name());
        self.found(Finding::fail(
            check,
            message,
            "look again; if it stays so, ask those who run it",
        ))
    }

    /// How its clock compares with ours, where an answer told.
    pub(super) fn clock(&self, transport: &transport::Client) -> Option<Finding> {
        let skew = transport.clock_skew()?;
        let name = self.name();
        let finding = if skew.abs() > SKEW {
            let (seconds, how) = (
                skew.as_secs().abs(),
                if skew.is_positive() {
                    "behind"
                } else {
                    "ahead of"
                },
            );
            Finding::warn(
                "clock",
                format!("the clock of this machine is {seconds} s {how} that of {name}"),
                "let it follow a time server: see `timedatectl`",
            )
        } else {
            Finding::ok(
                "clock",
                format!("the clocks of this machine and of {name} agree"),
            )
        };
        Some(self.found(finding))
    }
}

/// Limits within which even a system that hangs comes to its end in time.
pub(crate) fn impatient(settings: &mut transport::Settings) {
    settings.timeout = settings.timeout.min(TRY);
    settings.connect_timeout = settings.connect_timeout.min(CONNECT);
    settings.retry = Retry {
        tries: 2,
        first: Duration::from_millis(500),
        longest: Duration::from_secs(2),
        patience: Duration::from_secs(5),
    };
}

/// What stood in the way, and what to do about it.
fn obstacle(name: &str, proxy: Option<&str>, error: &transport::Error) -> (String, String) {
    let cause = load::chain(error.fault());
    let through = proxy.map_or_else(String::new, |proxy| format!(" through the proxy `{proxy}`"));
    let (message, hint) = match (error.fault().obstacle(), proxy) {
        (Some(Obstacle::Name), Some(proxy)) => (
            format!("DNS: the name of the proxy `{proxy}` cannot be resolved on the way to {name}"),
            "see `http.proxy` and HTTPS_PROXY, and the name servers of this machine",
        ),
        (Some(Obstacle::Name), None) => (
            format!("DNS: the name of {name} cannot be resolved"),
            "see the URL, and the name servers of this machine: `getent hosts NAME`",
        ),
        (Some(Obstacle::Proxy), _) => (
            format!(
                "proxy: `{}` does not connect to {name}",
                proxy.unwrap_or("it")
            ),
            "let it allow that host and port; one that wants a password is named by HTTPS_PROXY",
        ),
        (Some(Obstacle::Tls), _) => (
            format!("TLS: no secure connection to {name}{through} was made"),
            "if a proxy of yours opens connections, name its authority under `http.ca_files`",
        ),
        (Some(Obstacle::Refused), Some(proxy)) => (
            format!("proxy: nobody listens at `{proxy}` on the way to {name}"),
            "see `http.proxy` and HTTPS_PROXY",
        ),
        (Some(Obstacle::Refused), None) => (
            format!("connection refused: nobody listens at {name}"),
            "see the URL and its port",
        ),
        (Some(_), _) => (
            format!("network: no connection to {name}{through} was made"),
            "see the firewall, and whether a proxy is wanted: `http.proxy`",
        ),
        (None, _) => (
            format!("{name}{through} gave no usable answer"),
            "look again; if it stays so, ask those who run it",
        ),
    };
    (format!("{message} ({cause})"), hint.to_owned())
}
