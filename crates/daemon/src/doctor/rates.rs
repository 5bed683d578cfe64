//! Requests a second, added up for each token, against what the vendor allows.

use std::collections::BTreeMap;

use super::finding::Finding;
use crate::config::{Config, Integration, SecretSource};

/// What the console allows one token at `/users`, a second. Oomnitza documents no limit.
const USERS: f64 = 40.0;

/// Adds up what can go on at the same time with each token of a console.
pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut tokens: BTreeMap<(&str, String), Vec<&Integration>> = BTreeMap::new();
    for integration in &config.integrations {
        let source = &integration.source;
        let credential = config.credentials.get(&source.credential);
        // Two credentials may send one secret.
        let secret = match credential.map(|credential| &credential.secret) {
            Some(SecretSource::Systemd(name)) => format!("systemd {name}"),
            Some(SecretSource::File(path)) => format!("file {}", path.display()),
            Some(SecretSource::Env(name)) => format!("env {name}"),
            None => source.credential.clone(),
        };
        let token = (source.console_url.as_str(), secret);
        tokens.entry(token).or_default().push(integration);
    }
    let found = tokens
        .iter()
        .map(|((url, _), integrations)| judge(url, integrations, config.max_concurrent_runs));
    found.collect()
}

fn judge(url: &str, integrations: &[&Integration], at_a_time: usize) -> Finding {
    let mut rates: Vec<f64> = integrations
        .iter()
        .map(|integration| integration.source.requests_per_second)
        .collect();
    rates.sort_by(|one, other| other.total_cmp(one));
    rates.truncate(at_a_time);
    let sum: f64 = rates.iter().sum();
    let message = match rates.as_slice() {
        [_] => format!("up to {sum} requests a second go to `{url}` with one token"),
        _ => format!(
            "up to {sum} requests a second go to `{url}` with one token, by {} loads at a time",
            rates.len()
        ),
    };
    let found = if sum > USERS {
        let hint = format!(
            "the console allows {USERS} and answers 429 to more: lower `requests_per_second` of {}",
            names(integrations)
        );
        Finding::warn("rate", message, hint)
    } else {
        Finding::ok("rate", format!("{message}, the console allows {USERS}"))
    };
    match integrations {
        [one] => found.of(&one.id),
        _ => found,
    }
}

fn names(integrations: &[&Integration]) -> String {
    let names: Vec<String> = integrations
        .iter()
        .map(|integration| format!("`{}`", integration.id))
        .collect();
    names.join(", ")
}
