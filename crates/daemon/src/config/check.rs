//! The checks of the file as a whole, and of the sections that are not an integration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::fault::Report;
use super::integration::Surroundings;
use super::nearest::nearest;
use super::spot::Spot;
use super::template::Variables;
use super::{
    Config, Http, Log, credentials, duration, integration, metrics, notify, retention, schedule,
    written,
};

pub(super) const DEFAULT_STATE_DIR: &str = "/var/lib/rollcall";
const DEFAULT_MAX_CONCURRENT_RUNS: u32 = 2;
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);
const DEFAULT_LOG_LEVEL: &str = "info";
const DEFAULT_KEEP_FILES: u32 = 30;

/// Checks a file of which the structure is sound, as far as it is; `None` when there is a fault.
///
/// Relative paths in it start at `folder`.
pub(super) fn check(
    written: &written::Config,
    folder: &Path,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Config> {
    let timezone = match &written.timezone {
        None => Some(TimeZone::UTC),
        Some(name) => schedule::check_zone(name, spot.at("timezone"), report),
    };
    let default_zone = timezone.clone().unwrap_or(TimeZone::UTC);
    let no_credentials = BTreeMap::new();
    let credentials = credentials::check(
        written.credentials.as_ref().unwrap_or(&no_credentials),
        folder,
        spot.at("credentials"),
        report,
    );
    let variables = Variables {
        known: written.variables.clone().unwrap_or_default(),
        spot: (written.variables.is_some() || !spot.has("variables")).then(|| spot.at("variables")),
    };
    let around = Surroundings {
        credentials_spot: written
            .credentials
            .is_some()
            .then(|| spot.at("credentials")),
        credentials: &credentials,
        variables: &variables,
        timezone: &default_zone,
    };
    let integrations: Vec<_> = written
        .integrations
        .iter()
        .flatten()
        .map(|(id, integration)| {
            integration::check(
                id,
                integration,
                &around,
                spot.at("integrations").at(id),
                report,
            )
        })
        .collect();
    let http = check_http(written.http.as_ref(), folder, spot.at("http"), report);
    let log = check_log(written.log.as_ref(), spot.at("log"), report);
    let retention = retention::check(written.retention.as_ref(), spot.at("retention"), report);
    let metrics = metrics::check(written.metrics.as_ref(), spot.at("metrics"), report);
    let notify = notify::check(written.notify.as_deref(), folder, spot.at("notify"), report);
    warn_of_unused_credentials(written, spot, report);
    Some(Config {
        timezone: timezone?,
        state_dir: folder.join(written.state_dir.as_deref().unwrap_or(DEFAULT_STATE_DIR)),
        max_concurrent_runs: written
            .max_concurrent_runs
            .unwrap_or(DEFAULT_MAX_CONCURRENT_RUNS) as usize,
        http: http?,
        log: log?,
        retention: retention?,
        metrics: metrics?,
        notify: notify?,
        credentials,
        integrations: integrations.into_iter().collect::<Option<_>>()?,
    })
}

fn check_http(
    written: Option<&written::Http>,
    folder: &Path,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Http> {
    let default = written::Http::default();
    let written = written.unwrap_or(&default);
    let proxy = match &written.proxy {
        None => Some(None),
        Some(text) => check_proxy(text, spot.at("proxy"), report).map(Some),
    };
    let ca_files: Vec<PathBuf> = written
        .ca_files
        .iter()
        .flatten()
        .map(|file| folder.join(file))
        .collect();
    for (index, file) in ca_files.iter().enumerate() {
        if !file.is_file() {
            report.fault(
                spot.at("ca_files").item(index).value,
                format!(
                    "there is no file `{}`; write the path of a PEM file",
                    file.display()
                ),
            );
        }
    }
    let mut timeout = |text, key, default| {
        let allowed = Duration::from_secs(1)..=Duration::from_hours(1);
        duration::check(text, default, allowed, spot.at(key), report)
    };
    let connect_timeout = timeout(
        written.connect_timeout.as_ref(),
        "connect_timeout",
        DEFAULT_CONNECT_TIMEOUT,
    );
    let timeout = timeout(written.timeout.as_ref(), "timeout", DEFAULT_TIMEOUT);
    Some(Http {
        proxy: proxy?,
        ca_files,
        connect_timeout: connect_timeout?,
        timeout: timeout?,
    })
}

fn check_proxy(text: &str, spot: Spot<'_>, report: &mut Report) -> Option<Url> {
    let url = Url::parse(text.trim())
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    match url {
        None => {
            // The text is not repeated: it may hold a password.
            report.fault(
                spot.value,
                "this is not the URL of a proxy; write `http://` or `https://` \
                 with a host and a port, such as `http://proxy.acme.com:3128`",
            );
            None
        }
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            report.fault(
                spot.value,
                "no user and password can stand here; take them out, or take `proxy` out and set \
                 `HTTPS_PROXY` in the environment of the service",
            );
            None
        }
        Some(url) => Some(url),
    }
}

fn check_log(written: Option<&written::Log>, spot: Spot<'_>, report: &mut Report) -> Option<Log> {
    let level = written
        .and_then(|log| log.level.as_deref())
        .unwrap_or(DEFAULT_LOG_LEVEL);
    let keep_files = written
        .and_then(|log| log.keep_files)
        .unwrap_or(DEFAULT_KEEP_FILES);
    if let Err(wrong) = check_level(level) {
        report.fault(spot.at("level").value, wrong);
        return None;
    }
    Some(Log {
        level: level.to_owned(),
        keep_files: keep_files as usize,
    })
}

/// The filter takes any single word for a crate whose every event is wanted: a misspelt level would
/// turn the log off.
fn check_level(text: &str) -> Result<(), String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for directive in text.split(',').map(str::trim) {
        let level = match directive.rsplit_once('=') {
            Some((_, level)) => level.trim(),
            None => directive,
        };
        if !LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level)) {
            let advice = match nearest(level, LEVELS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "write `error`, `warn`, `info`, `debug` or `trace`, \
                     or by crate: `info,load=debug`"
                    .to_owned(),
            };
            return Err(format!("`{level}` is not a level of the log; {advice}"));
        }
    }
    EnvFilter::try_new(text).map(drop).map_err(|error| {
        format!("`{text}` cannot filter the log ({error}); write for example `info,load=debug`")
    })
}

fn warn_of_unused_credentials(written: &written::Config, spot: Spot<'_>, report: &mut Report) {
    let integrations = || {
        written
            .integrations
            .iter()
            .flatten()
            .map(|(_, integration)| integration)
    };
    let used: Vec<&String> = integrations()
        .flat_map(|integration| {
            let source = integration
                .source
                .as_ref()
                .and_then(|source| source.credential.as_ref());
            let target = integration
                .target
                .as_ref()
                .and_then(|target| target.credential.as_ref());
            source.into_iter().chain(target)
        })
        .collect();
    let credentials = spot.at("credentials");
    for name in credentials.keys() {
        if !used.iter().any(|used| *used == name) {
            report.warn(
                credentials.at(name).key,
                format!("no integration uses the credential `{name}`; take it out if nothing will"),
            );
        }
    }
}
