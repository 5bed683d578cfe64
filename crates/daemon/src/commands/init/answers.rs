//! What has to be known for a first configuration: from options, and what they lack by asking.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use super::questions::Questions;
use crate::arguments::Init;
use crate::exit::Usage;

/// Where the state is where nothing else is said: in the service's own folder.
pub(super) const STATE_DIR: &str = "/var/lib/rollcall";

/// What has to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answers {
    pub(super) sentinelone_url: String,
    pub(super) custom_domain: bool,
    pub(super) sentinelone_secret: Whereabouts,
    pub(super) oomnitza_url: String,
    pub(super) oomnitza_secret: Whereabouts,
    pub(super) state_dir: String,
}

/// Where a secret is, as it is written behind `secret:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whereabouts {
    pub(super) key: &'static str,
    pub(super) value: String,
}

/// The rule that a text breaks when it names no place of a secret; the text may be a secret, and is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write where the secret is, and never the secret itself: systemd:NAME, file:PATH or env:NAME"
)]
pub(super) struct NoWhereabouts;

impl TryFrom<&str> for Whereabouts {
    type Error = NoWhereabouts;

    fn try_from(text: &str) -> Result<Self, NoWhereabouts> {
        let (key, value) = text.trim().split_once(':').ok_or(NoWhereabouts)?;
        let key = ["systemd", "file", "env"]
            .into_iter()
            .find(|known| *known == key.trim())
            .ok_or(NoWhereabouts)?;
        let value = value.trim();
        if value.is_empty() {
            return Err(NoWhereabouts);
        }
        let value = match key {
            // It is typed where the command is, and read where the file is.
            "file" => std::path::absolute(value)
                .unwrap_or_else(|_| PathBuf::from(value))
                .display()
                .to_string(),
            _ => value.to_owned(),
        };
        Ok(Self { key, value })
    }
}

impl Answers {
    /// Takes the answers from the options, and asks for those that lack where there is somebody to ask.
    ///
    /// # Errors
    /// An option cannot be used, or some lack and nobody is there: then all of them are named.
    pub(super) fn take<R: BufRead, W: Write>(
        options: &Init,
        mut questions: Option<&mut Questions<R, W>>,
    ) -> anyhow::Result<Self> {
        if questions.is_none() {
            all_there(options)?;
        }
        let custom = options.custom_domain;
        let console = |text: &str| {
            sentinelone::normalise_base_url(text, custom)
                .map(|url| url.as_str().trim_end_matches('/').to_owned())
                .map_err(|fault| fault.to_string())
        };
        let instance = |text: &str| {
            oomnitza::normalise_base_url(text)
                .map(|url| url.as_str().trim_end_matches('/').to_owned())
                .map_err(|fault| fault.to_string())
        };
        let secret = |text: &str| Whereabouts::try_from(text).map_err(|rule| rule.to_string());
        let state_dir = options.state_dir.as_ref().map(|folder| {
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            folder.display().to_string()
        });
        Ok(Self {
            sentinelone_url: one(
                ("--sentinelone-url", options.sentinelone_url.as_deref()),
                questions.as_deref_mut(),
                "Address of the SentinelOne console, such as https://acme.sentinelone.net",
                None,
                console,
            )?,
            custom_domain: custom,
            sentinelone_secret: one(
                (
                    "--sentinelone-secret",
                    options.sentinelone_secret.as_deref(),
                ),
                questions.as_deref_mut(),
                "Where its token is, never the token itself: systemd:NAME, file:PATH or env:NAME",
                Some("systemd:sentinelone-token"),
                secret,
            )?,
            oomnitza_url: one(
                ("--oomnitza-url", options.oomnitza_url.as_deref()),
                questions.as_deref_mut(),
                "Address of the Oomnitza instance, such as https://acme.oomnitza.com",
                None,
                instance,
            )?,
            oomnitza_secret: one(
                ("--oomnitza-secret", options.oomnitza_secret.as_deref()),
                questions.as_deref_mut(),
                "Where its token is, never the token itself: systemd:NAME, file:PATH or env:NAME",
                Some("systemd:oomnitza-token"),
                secret,
            )?,
            state_dir: match (state_dir, questions) {
                (Some(folder), _) => folder,
                (None, None) => STATE_DIR.to_owned(),
                (None, Some(questions)) => questions.ask(
                    "Folder of the database and the logs",
                    Some(STATE_DIR),
                    |text| Ok::<_, String>(text.to_owned()),
                )?,
            },
        })
    }
}

/// Demands all options that nobody can be asked for.
fn all_there(options: &Init) -> Result<(), Usage> {
    let needed = [
        ("--sentinelone-url URL", options.sentinelone_url.is_some()),
        (
            "--sentinelone-secret WHERE",
            options.sentinelone_secret.is_some(),
        ),
        ("--oomnitza-url URL", options.oomnitza_url.is_some()),
        ("--oomnitza-secret WHERE", options.oomnitza_secret.is_some()),
    ];
    let lacking: Vec<&str> = needed
        .iter()
        .filter(|(_, is_there)| !is_there)
        .map(|(option, _)| *option)
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(Usage(format!(
        "there is no terminal to ask at, so add {}; WHERE is systemd:NAME, file:PATH or env:NAME",
        lacking.join(", ")
    )))
}

/// Takes one answer from its option, or asks for it until it can be used.
fn one<T, R: BufRead, W: Write>(
    (option, given): (&str, Option<&str>),
    questions: Option<&mut Questions<R, W>>,
    question: &str,
    default: Option<&str>,
    read: impl Fn(&str) -> Result<T, String>,
) -> anyhow::Result<T> {
    match (given, questions) {
        (Some(text), _) => {
            read(text).map_err(|rule| Usage(format!("`{option}` cannot be used: {rule}")).into())
        }
        (None, Some(questions)) => questions.ask(question, default, read),
        (None, None) => Err(Usage(format!("`{option}` is missing")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_place_is_taken_for_a_place() {
        let place = |text: &str| Whereabouts::try_from(text).map(|place| (place.key, place.value));
        assert_eq!(
            place(" systemd: s1-token "),
            Ok(("systemd", "s1-token".to_owned()))
        );
        assert_eq!(place("env:TOKEN"), Ok(("env", "TOKEN".to_owned())));
        assert_eq!(place("file:/etc/a:b"), Ok(("file", "/etc/a:b".to_owned())));
        let (_, path) = place("file:s1.token").unwrap();
        assert!(
            path.starts_with('/') && path.ends_with("/s1.token"),
            "{path}"
        );
        for text in ["", "eyJhbGciOi:s3cr3t", "env:", "secret", "vault:x"] {
            assert_eq!(place(text), Err(NoWhereabouts), "{text}");
        }
        assert!(!NoWhereabouts.to_string().contains("eyJ"));
    }
}
