//! When the tokens in use end, and who says so.

use jiff::Timestamp;

use super::System;
use crate::config::Config;

/// When a token ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenEnd {
    /// The name of its credential.
    pub(crate) credential: String,
    /// Which system takes it.
    pub(crate) system: System,
    /// The address of that system.
    pub(crate) url: String,
    /// When it ends; `None`: nobody says, or it does not.
    pub(crate) at: Option<Timestamp>,
    /// Who says so.
    pub(crate) source: &'static str,
    /// The id of the user that it belongs to.
    pub(crate) owner_id: Option<String>,
    /// The name and address of that user.
    pub(crate) owner: Option<String>,
}

impl TokenEnd {
    /// How many whole days it still works; less than nothing: it has ended.
    pub(crate) fn days_left(&self, now: Timestamp) -> Option<i64> {
        Some(self.at?.duration_since(now).as_hours().div_euclid(24))
    }
}

/// Lists the tokens that integrations use, by the names of their credentials.
pub(crate) fn ends(config: &Config, known: &[store::Token]) -> Vec<TokenEnd> {
    let used = config.credentials.iter().filter_map(|(name, credential)| {
        let (system, url) = config.integrations.iter().find_map(|integration| {
            if &integration.source.credential == name {
                Some((System::SentinelOne, &integration.source.url))
            } else if &integration.target.credential == name {
                Some((System::Oomnitza, &integration.target.url))
            } else {
                None
            }
        })?;
        Some((name, credential, system, url))
    });
    let ends = used.map(|(name, credential, system, url)| {
        let known = known.iter().find(|token| &token.credential == name);
        let told = known.and_then(|token| token.expires_at);
        let written = credential.ends_at(&config.timezone);
        let (at, source) = match (told, written) {
            (Some(told), _) => (Some(told), "the console says"),
            (None, Some(written)) => (Some(written), "`expires` in the YAML"),
            (None, None) => (None, "nobody says"),
        };
        TokenEnd {
            credential: name.clone(),
            system,
            url: url.to_string(),
            at,
            source,
            owner_id: known.and_then(|token| token.owner_id.clone()),
            owner: known.and_then(|token| token.owner.clone()),
        }
    });
    ends.collect()
}
