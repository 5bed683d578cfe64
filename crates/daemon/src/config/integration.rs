//! Integrations: one source, one target, a mapping, a preference, a schedule each.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use load::Guards;
use mapping::{Definition, Mapping};
use url::Url;

use super::credentials::Credential;
use super::delivery::{self, Delivery};
use super::fault::Report;
use super::nearest::{either, nearest};
use super::saas::{self, Saas};
use super::schedule;
use super::spot::Spot;
use super::template::Variables;
use super::{Schedule, definition, guards, hash, template, written};

/// One source, one target, a mapping, a preference, a schedule.
#[derive(Clone, Debug)]
pub struct Integration {
    /// Its id: 1 to 64 of `a-z`, `0-9`, `_` and `-`, the first a letter or digit.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where the users come from.
    pub source: Source,
    /// Where the records go.
    pub target: Target,
    /// Which users are written.
    pub preference: Preference,
    /// What a record is made of, compiled.
    pub mapping: Arc<Mapping>,
    /// What the mapping was compiled from.
    pub definition: Definition,
    /// The mapped fields that hold what a person may do.
    pub role_fields: Vec<String>,
    /// What a load must keep.
    pub guards: Guards,
    /// When it runs.
    pub schedule: Schedule,
    /// All that decides what a run does, with defaults filled in and variables resolved, and
    /// without secrets.
    pub effective: serde_json::Value,
    /// The first 12 hexadecimal digits of SHA-256 over `effective`.
    pub config_hash: String,
}

/// Where the users come from: the users of a SentinelOne console.
#[derive(Clone, Debug)]
pub struct Source {
    /// The base of all requests, with a trailing slash.
    pub url: Url,
    /// The same without the trailing slash, as templates see it.
    pub console_url: String,
    /// Whether the console may be on any host.
    pub custom_domain: bool,
    /// The name of the credential.
    pub credential: String,
    /// Only these sites: digits, in numerical order; all if empty.
    pub site_ids: Vec<String>,
    /// Only these accounts: digits, in numerical order; all if empty.
    pub account_ids: Vec<String>,
    /// The expression that is true for the users in scope; without one all are.
    pub scope: Option<String>,
    /// The most requests a second: above 0, at most 1000.
    pub requests_per_second: f64,
}

/// Where the records go: the users of an Oomnitza instance.
#[derive(Clone, Debug)]
pub struct Target {
    /// The base of all requests, with a trailing slash.
    pub url: Url,
    /// The name of the credential.
    pub credential: String,
    /// How records are sent.
    pub delivery: Delivery,
    /// The application to which the people are assigned; `None`: they are people alone.
    pub saas: Option<Saas>,
    /// The most requests a second: above 0, at most 1000.
    pub requests_per_second: f64,
}

/// Which users are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// Those whom Oomnitza has.
    UpdateOnly,
    /// All.
    CreateAndUpdate,
    /// Those whom Oomnitza lacks.
    CreateOnly,
}

impl From<written::Preference> for Preference {
    fn from(written: written::Preference) -> Self {
        match written {
            written::Preference::UpdateOnly => Self::UpdateOnly,
            written::Preference::CreateAndUpdate => Self::CreateAndUpdate,
            written::Preference::CreateOnly => Self::CreateOnly,
        }
    }
}

/// What an integration refers to outside of itself.
pub(super) struct Surroundings<'a> {
    /// The section `credentials` as written, where there is one: names whose credential is wrong
    /// are there too.
    pub(super) credentials_spot: Option<Spot<'a>>,
    pub(super) credentials: &'a BTreeMap<String, Credential>,
    pub(super) variables: &'a Variables<'a>,
    pub(super) timezone: &'a TimeZone,
}

const DEFAULT_SOURCE_RATE: f64 = 10.0;
const DEFAULT_TARGET_RATE: f64 = 5.0;

/// Checks an integration; `None` when there is a fault.
pub(super) fn check(
    id: &str,
    written: &written::Integration,
    around: &Surroundings<'_>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Integration> {
    if !is_id(id) {
        report.fault(
            spot.key,
            format!(
                "`{id}` cannot be the id of an integration; \
                 write 1 to 64 of `a-z`, `0-9`, `_` and `-`, beginning with a letter or digit"
            ),
        );
    }
    let mapping = definition::check(id, written, &around.variables.known, spot, report);
    let source = written
        .source
        .as_ref()
        .and_then(|source| check_source(source, around, spot.at("source"), report));
    let target = written
        .target
        .as_ref()
        .and_then(|target| check_target(target, written, around, spot, report));
    let role_fields = check_role_fields(written, spot, report);
    let guards = guards::check(written.guards.as_ref(), spot.at("guards"), report);
    let schedule = match &written.schedule {
        None => Some(Schedule::daily(around.timezone.clone())),
        Some(schedule) => schedule::check(schedule, around.timezone, spot.at("schedule"), report),
    };
    let saas = saas::check(id, written, &around.variables.known, spot, report);
    warn_of_creates_that_must_fail(written, spot, report);
    let (definition, mapping) = mapping?;
    let mut integration = Integration {
        id: id.to_owned(),
        name: written.name.clone().unwrap_or_else(|| id.to_owned()),
        source: source?,
        target: Target {
            saas: saas.ok()?,
            ..target?
        },
        preference: written
            .preference
            .map_or(Preference::UpdateOnly, Preference::from),
        mapping,
        definition,
        role_fields,
        guards: guards?,
        schedule: schedule?,
        effective: serde_json::Value::Null,
        config_hash: String::new(),
    };
    integration.effective = hash::effective(&integration, around.credentials);
    integration.config_hash = hash::config_hash(&integration.effective);
    Some(integration)
}

impl Integration {
    /// Writes `effective` as YAML: what is kept of a configuration for each of its hashes.
    pub(crate) fn effective_yaml(&self) -> String {
        serde_yaml::to_string(&self.effective).expect("a JSON value can be written as YAML")
    }
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with(['-', '_'])
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        })
}

fn check_source(
    written: &written::Source,
    around: &Surroundings<'_>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Source> {
    let custom_domain = written.custom_domain.unwrap_or(false);
    let url = written.url.as_ref().and_then(|text| {
        let spot = spot.at("url");
        let text = template::render(text, around.variables, spot, report)?;
        sentinelone::normalise_base_url(&text, custom_domain)
            .map_err(|fault| report.fault(spot.value, fault.to_string()))
            .ok()
    });
    let credential = check_credential(written.credential.as_ref(), around, spot, report);
    let mut ids = |ids: Option<&Vec<written::Id>>, key| check_ids(ids, spot.at(key), report);
    let site_ids = ids(written.site_ids.as_ref(), "site_ids");
    let account_ids = ids(written.account_ids.as_ref(), "account_ids");
    let url = url?;
    Some(Source {
        console_url: url.as_str().trim_end_matches('/').to_owned(),
        url,
        custom_domain,
        credential: credential?,
        site_ids: site_ids?,
        account_ids: account_ids?,
        scope: written.scope.clone(),
        requests_per_second: written.requests_per_second.unwrap_or(DEFAULT_SOURCE_RATE),
    })
}

fn check_target(
    written: &written::Target,
    integration: &written::Integration,
    around: &Surroundings<'_>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Target> {
    let delivery = delivery::check(written, integration, spot, report);
    let spot = spot.at("target");
    let url = written.url.as_ref().and_then(|text| {
        let spot = spot.at("url");
        let text = template::render(text, around.variables, spot, report)?;
        oomnitza::normalise_base_url(&text)
            .map_err(|fault| report.fault(spot.value, fault.to_string()))
            .ok()
    });
    let credential = check_credential(written.credential.as_ref(), around, spot, report);
    Some(Target {
        url: url?,
        credential: credential?,
        delivery: delivery?,
        saas: None,
        requests_per_second: written.requests_per_second.unwrap_or(DEFAULT_TARGET_RATE),
    })
}

fn check_credential(
    written: Option<&String>,
    around: &Surroundings<'_>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<String> {
    let name = written?;
    let credentials = around.credentials_spot?;
    if credentials.has(name) {
        return Some(name.clone());
    }
    let names = || credentials.keys();
    let advice = match nearest(name, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names().next().is_none() => "add it under `credentials`".to_owned(),
        None => format!("add it under `credentials`, or write {}", either(names())),
    };
    report.fault(
        spot.at("credential").value,
        format!("there is no credential `{name}`; {advice}"),
    );
    None
}

/// Checks the ids of sites or accounts: a set, so their order does not matter.
fn check_ids(
    written: Option<&Vec<written::Id>>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Vec<String>> {
    let mut sound = true;
    let mut ids = Vec::new();
    for (index, id) in written.into_iter().flatten().enumerate() {
        let digits = match id {
            written::Id::Number(number) => number.to_string(),
            written::Id::Text(text) => text.trim().to_owned(),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            sound = false;
            report.fault(
                spot.item(index).value,
                format!("`{digits}` is not an id; write its digits, such as `225494730938493804`"),
            );
        }
        ids.push(digits);
    }
    ids.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    ids.dedup();
    sound.then_some(ids)
}

fn check_role_fields(
    written: &written::Integration,
    spot: Spot<'_>,
    report: &mut Report,
) -> Vec<String> {
    let mapped = spot.at("mapping");
    let Some(names) = &written.role_fields else {
        return mapped
            .keys()
            .filter(|name| *name == "role")
            .map(str::to_owned)
            .collect();
    };
    for (index, name) in names.iter().enumerate() {
        if written.mapping.is_some() && !mapped.has(name) {
            let advice = match nearest(name, mapped.keys()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "map it, or take it out".to_owned(),
            };
            let place = spot.at("role_fields").item(index).value;
            report.fault(
                place,
                format!("`{name}` is not among the mapped fields; {advice}"),
            );
        }
    }
    names.clone()
}

fn warn_of_creates_that_must_fail(
    written: &written::Integration,
    spot: Spot<'_>,
    report: &mut Report,
) {
    let creates = !matches!(
        written.preference,
        None | Some(written::Preference::UpdateOnly)
    );
    for needed in ["username", "role"] {
        if creates && written.mapping.is_some() && !spot.at("mapping").has(needed) {
            report.warn(
                spot.at("preference").value,
                format!("nobody can be created without `{needed}`, and `mapping` lacks it; map it"),
            );
        }
    }
}
