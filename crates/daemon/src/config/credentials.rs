//! Credentials: what is sent to prove who we are, and where the secret in it is found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use http::HeaderName;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::fault::Report;
use super::schedule::check_day;
use super::spot::Spot;
use super::written;
use crate::secrets;

/// The header that proves who we are, and where the secret in it is found.
///
/// The secret itself is never part of a configuration: [`crate::secrets::read`] gets it when it is
/// needed.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The name of the header.
    pub header: HeaderName,
    /// The value of the header, but for the secret.
    pub value: HeaderTemplate,
    /// Where the secret is found.
    pub secret: SecretSource,
    /// The last day on which the secret works, where the operator knows it.
    pub expires: Option<Date>,
}

impl Credential {
    /// Returns when the secret stops to work, by `expires`: the last day counts to its end in a zone.
    pub(crate) fn ends_at(&self, zone: &TimeZone) -> Option<Timestamp> {
        let end = self.expires?.tomorrow().ok()?.at(0, 0, 0, 0);
        let end = end.to_zoned(zone.clone()).ok()?;
        Some(end.timestamp())
    }
}

/// Where a secret is found; prints as in the file: `env: SLACK_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A systemd credential: the file of that name in `$CREDENTIALS_DIRECTORY`.
    Systemd(String),
    /// A file that nobody but its owner can read.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Systemd(name) => write!(f, "systemd: {name}"),
            Self::File(path) => write!(f, "file: {}", path.display()),
            Self::Env(name) => write!(f, "env: {name}"),
        }
    }
}

/// The value of a header with a place for the secret: `ApiToken {{ secret }}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTemplate {
    before: String,
    after: String,
}

/// The rule that a text breaks when it is no header value with a place for the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must be one line of ASCII with exactly one `{{{{ secret }}}}` in it, where the secret \
     goes; write for example `ApiToken {{{{ secret }}}}`"
)]
pub struct InvalidHeaderTemplate;

impl HeaderTemplate {
    /// Returns the value with a secret in its place.
    pub fn with(&self, secret: &str) -> String {
        format!("{}{secret}{}", self.before, self.after)
    }
}

impl Default for HeaderTemplate {
    /// The secret and nothing else.
    fn default() -> Self {
        Self {
            before: String::new(),
            after: String::new(),
        }
    }
}

impl TryFrom<&str> for HeaderTemplate {
    type Error = InvalidHeaderTemplate;

    fn try_from(text: &str) -> Result<Self, InvalidHeaderTemplate> {
        let text = text.trim();
        let (before, rest) = text.split_once("{{").ok_or(InvalidHeaderTemplate)?;
        let (name, after) = rest.split_once("}}").ok_or(InvalidHeaderTemplate)?;
        let plain = |part: &str| {
            part.bytes().all(|byte| (b' '..=b'~').contains(&byte))
                && !["{{", "}}", "{%", "{#"]
                    .iter()
                    .any(|mark| part.contains(mark))
        };
        if name.trim() == "secret" && plain(before) && plain(after) {
            Ok(Self {
                before: before.to_owned(),
                after: after.to_owned(),
            })
        } else {
            Err(InvalidHeaderTemplate)
        }
    }
}

pub(super) fn check(
    written: &BTreeMap<String, written::Credential>,
    folder: &Path,
    spot: Spot<'_>,
    report: &mut Report,
) -> BTreeMap<String, Credential> {
    written
        .iter()
        .filter_map(|(name, credential)| {
            let checked = check_one(credential, folder, spot.at(name), report)?;
            Some((name.clone(), checked))
        })
        .collect()
}

fn check_one(
    written: &written::Credential,
    folder: &Path,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Credential> {
    let header = written.header.as_ref().and_then(|name| {
        HeaderName::try_from(name.as_str())
            .map_err(|_| {
                report.fault(
                    spot.at("header").value,
                    format!(
                        "`{name}` cannot be the name of a header; write for example `Authorization`"
                    ),
                );
            })
            .ok()
    });
    // The text is not repeated: somebody may have put the secret there.
    let value = match &written.value {
        None => Some(HeaderTemplate::default()),
        Some(text) => HeaderTemplate::try_from(text.as_str())
            .map_err(|rule| {
                report.fault(
                    spot.at("value").value,
                    format!("this is no header value: {rule}"),
                );
            })
            .ok(),
    };
    let secret = written
        .secret
        .as_ref()
        .and_then(|secret| check_secret(secret, folder, spot.at("secret"), report));
    let expires = match &written.expires {
        None => Some(None),
        Some(text) => check_day(text, spot.at("expires"), report).map(Some),
    };
    Some(Credential {
        header: header?,
        value: value?,
        secret: secret?,
        expires: expires?,
    })
}

/// Checks where a secret is found; `None` when there is a fault.
pub(super) fn check_secret(
    written: &written::Secret,
    folder: &Path,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<SecretSource> {
    check_only_one(spot, report);
    if let Some(name) = &written.systemd {
        let well_formed = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'/')
            && name != "."
            && name != "..";
        if !well_formed {
            report.fault(
                spot.at("systemd").value,
                "this cannot be the name of a systemd credential; \
                 write the name that `LoadCredential=` gives it, such as `sentinelone-token`",
            );
            return None;
        }
        return Some(SecretSource::Systemd(name.clone()));
    }
    if let Some(file) = &written.file {
        let spot = spot.at("file");
        if file.trim().is_empty() {
            report.fault(spot.value, "the path is empty; write the path of the file");
            return None;
        }
        let path = folder.join(file);
        check_file(&path, spot, report);
        return Some(SecretSource::File(path));
    }
    let name = written.env.as_ref()?;
    let well_formed = !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !well_formed {
        // The text is not repeated: somebody may have put the secret there.
        report.fault(
            spot.at("env").value,
            "this cannot be the name of an environment variable; \
             write letters, digits and `_`, such as `SENTINELONE_TOKEN`",
        );
        return None;
    }
    Some(SecretSource::Env(name.clone()))
}

/// Checks that a secret is to be found in one place.
fn check_only_one(spot: Spot<'_>, report: &mut Report) {
    let given = ["systemd", "file", "env"]
        .into_iter()
        .filter(|key| spot.has(key))
        .count();
    // A key that is none of them has its own fault, and may well have been meant as one.
    if given > 1 || spot.keys().next().is_none() {
        report.fault(
            spot.key,
            "a secret wants exactly one of `systemd`, `file` and `env`; \
             write for example `{ file: /etc/rollcall/sentinelone.token }`",
        );
    }
}

/// Checks what can be seen of a secret's file without reading it.
fn check_file(path: &Path, spot: Spot<'_>, report: &mut Report) {
    match fs::metadata(path) {
        Ok(metadata) => {
            if let Err(refusal) = secrets::refuse_open_file(path, &metadata) {
                report.fault(spot.value, refusal.to_string());
            }
        }
        Err(error) => report.warn(
            spot.value,
            format!(
                "`{}` cannot be seen from here ({error}); it is needed to run",
                path.display()
            ),
        ),
    }
}
