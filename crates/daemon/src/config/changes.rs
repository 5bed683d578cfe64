//! What another configuration changes: told in sentences, for the log of a reload.
//!
//! Values are shown where they are settings. They are not where they may hold more than that: the
//! values of `variables`, expressions (in which people may be named), and what stands around a
//! secret.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::credentials::{Credential, SecretSource};
use super::duration::print;
use super::{Config, Integration, Notify, Way};

/// Keys of which only is told that their values changed.
const NOT_SHOWN: [&str; 2] = ["where", "value"];

impl Config {
    /// Tells what is not as it was in `old`, a sentence each; empty: nothing is that matters.
    pub fn changes(&self, old: &Self) -> Vec<String> {
        let mut told = Vec::new();
        compare_integrations(old, self, &mut told);
        compare_credentials(old, self, &mut told);
        compare_variables(old, self, &mut told);
        compare_notify(&old.notify, &self.notify, &mut told);
        compare("", &settings(old), &settings(self), &mut told);
        told
    }

    /// Tells what is not as it was in `old` and cannot change while the service runs, a sentence
    /// each.
    pub fn needs_restart(&self, old: &Self) -> Vec<String> {
        let mut told = Vec::new();
        if self.state_dir != old.state_dir {
            told.push(format!(
                "`state_dir` stays `{}` until the service is restarted; then it is `{}`",
                old.state_dir.display(),
                self.state_dir.display()
            ));
        }
        for (name, credential) in &self.credentials {
            let SecretSource::Systemd(given) = &credential.secret else {
                continue;
            };
            if old.credentials.get(name).map(|old| &old.secret) != Some(&credential.secret) {
                told.push(handed_over(
                    &format!("the secret of `credentials.{name}`"),
                    given,
                ));
            }
        }
        for given in self.notify.systemd_credentials() {
            if old.notify.systemd_credentials().all(|old| old != given) {
                told.push(handed_over("the address of a webhook", given));
            }
        }
        told
    }
}

fn handed_over(what: &str, given: &str) -> String {
    format!(
        "{what} is the systemd credential `{given}`, and systemd hands credentials over only when \
         it starts the service: restart it"
    )
}

fn compare_integrations(old: &Config, new: &Config, told: &mut Vec<String>) {
    let by_id = |config: &Config| -> BTreeMap<String, Integration> {
        let integrations = config.integrations.iter();
        integrations
            .map(|integration| (integration.id.clone(), integration.clone()))
            .collect()
    };
    let (old, new) = (by_id(old), by_id(new));
    for id in union(old.keys(), new.keys()) {
        match (old.get(id), new.get(id)) {
            (Some(old), Some(new)) => compare_integration(old, new, told),
            (None, _) => told.push(format!("integration `{id}` added")),
            (_, None) => told.push(format!("integration `{id}` removed")),
        }
    }
}

fn compare_integration(old: &Integration, new: &Integration, told: &mut Vec<String>) {
    let id = &new.id;
    let timing = |integration: &Integration| {
        let schedule = &integration.schedule;
        let zone = schedule.timezone.iana_name().unwrap_or("UTC");
        format!("{} ({zone})", schedule.timing)
    };
    let (before, after) = (timing(old), timing(new));
    if before != after {
        told.push(format!("schedule of `{id}`: from {before} to {after}"));
    }
    compare_fields(
        id,
        &old.effective["mapping"],
        &new.effective["mapping"],
        told,
    );
    let path = format!("integrations.{id}");
    compare(&path, &shown(old), &shown(new), told);
}

/// The mapped fields by their names alone: expressions may name people.
fn compare_fields(id: &str, old: &Value, new: &Value, told: &mut Vec<String>) {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        return;
    };
    let changes: Vec<String> = union(old.keys(), new.keys())
        .filter_map(|field| match (old.get(field), new.get(field)) {
            (None, _) => Some(format!("`{field}` added")),
            (_, None) => Some(format!("`{field}` removed")),
            (old, new) => (old != new).then(|| format!("`{field}` changed")),
        })
        .collect();
    if !changes.is_empty() {
        told.push(format!("mapping of `{id}`: {}", changes.join(", ")));
    }
}

/// What is compared of an integration key by key, in the words of the file.
fn shown(integration: &Integration) -> Value {
    let mut shown = integration.effective.clone();
    shown["source"]["credential"] = json!(integration.source.credential);
    let target = &mut shown["target"];
    target["credential"] = json!(integration.target.credential);
    if let Some(Value::Object(mut bulk)) = target["delivery"].get_mut("bulk").map(Value::take) {
        let connector = bulk.remove("connector").unwrap_or_default();
        let key = if connector.is_string() {
            "connector_name"
        } else {
            "connector_id"
        };
        target[key] = connector;
        for (key, value) in bulk {
            target[key] = value;
        }
        target["delivery"] = json!("bulk");
    }
    // These are told by themselves.
    take_out(&mut shown, &["mapping", "variables"]);
    take_out(&mut shown["schedule"], &["timing", "timezone"]);
    shown
}

fn take_out(value: &mut Value, keys: &[&str]) {
    if let Value::Object(entries) = value {
        entries.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

fn compare_credentials(old: &Config, new: &Config, told: &mut Vec<String>) {
    let (old, new) = (&old.credentials, &new.credentials);
    for name in union(old.keys(), new.keys()) {
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => {
                let path = format!("credentials.{name}");
                compare(&path, &credential(old), &credential(new), told);
            }
            (None, _) => told.push(format!("credential `{name}` added")),
            (_, None) => told.push(format!("credential `{name}` removed")),
        }
    }
}

fn credential(credential: &Credential) -> Value {
    json!({
        "header": credential.header.as_str(),
        "value": credential.value.with("{{ secret }}"),
        "secret": credential.secret.to_string(),
        "expires": credential.expires.map(|day| day.to_string()),
    })
}

fn compare_variables(old: &Config, new: &Config, told: &mut Vec<String>) {
    // Every integration has those of the whole file.
    let variables = |config: &Config| {
        let integration = config.integrations.first();
        integration
            .map(|integration| integration.definition.variables.clone())
            .unwrap_or_default()
    };
    let (old, new) = (variables(old), variables(new));
    for name in union(old.keys(), new.keys()) {
        match (old.get(name), new.get(name)) {
            (None, _) => told.push(format!("variable `{name}` added")),
            (_, None) => told.push(format!("variable `{name}` removed")),
            (old, new) if old != new => told.push(format!("variable `{name}` changed")),
            _ => {}
        }
    }
}

/// Who is told is told by name: addresses and arguments may hold what is not for a log.
fn compare_notify(old: &Notify, new: &Notify, told: &mut Vec<String>) {
    let by_name = |notify: &Notify| -> BTreeMap<String, Value> {
        let channels = notify.channels.iter().map(|channel| {
            let on: Vec<_> = channel.occasions.iter().map(|on| on.as_str()).collect();
            let format = match &channel.way {
                Way::Webhook { format, .. } => format!("{format:?}").to_lowercase(),
                Way::Command(_) => String::new(),
            };
            let shown = json!({"on": on.join(", "), "details": channel.details, "format": format});
            (channel.name.clone(), shown)
        });
        let pings = notify.pings.iter().map(|ping| {
            let on: Vec<_> = ping.moments.iter().map(|on| on.as_str()).collect();
            (ping.name.clone(), json!({"on": on.join(", ")}))
        });
        channels.chain(pings).collect()
    };
    let (old, new) = (by_name(old), by_name(new));
    for name in union(old.keys(), new.keys()) {
        match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => compare(&format!("notify.{name}"), old, new, told),
            (None, _) => told.push(format!("notify `{name}` added")),
            (_, None) => told.push(format!("notify `{name}` removed")),
        }
    }
}

/// What concerns the whole file, but for what only a restart changes.
fn settings(config: &Config) -> Value {
    let ca_files: Vec<String> = config
        .http
        .ca_files
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    json!({
        "timezone": config.timezone.iana_name(),
        "max_concurrent_runs": config.max_concurrent_runs,
        "http": {
            "proxy": config.http.proxy.as_ref().map(url::Url::as_str),
            "ca_files": ca_files,
            "connect_timeout": print(config.http.connect_timeout),
            "timeout": print(config.http.timeout),
        },
        "metrics": {
            "listen": config.metrics.listen.map(|listen| listen.to_string()),
        },
        "retention": {
            "runs": print(config.retention.runs),
            "errors": print(config.retention.errors),
            "changes": print(config.retention.changes),
            "gone_people": print(config.retention.gone_people),
        },
        "log": {
            "level": config.log.level,
            "keep_files": config.log.keep_files,
        },
    })
}

/// Compares two trees; `path` is where they are in the file.
fn compare(path: &str, old: &Value, new: &Value, told: &mut Vec<String>) {
    if old == new {
        return;
    }
    if old.is_object() || new.is_object() {
        // A section that is not there has nothing in it.
        let none = Map::new();
        let entries = |value| Value::as_object(value).unwrap_or(&none);
        let (old, new) = (entries(old), entries(new));
        for key in union(old.keys(), new.keys()) {
            let inner = match path {
                "" => key.clone(),
                path => format!("{path}.{key}"),
            };
            let value = |entries: &Map<String, Value>| entries.get(key).cloned();
            let (old, new) = (value(old), value(new));
            compare(
                &inner,
                &old.unwrap_or_default(),
                &new.unwrap_or_default(),
                told,
            );
        }
        return;
    }
    let key = path.rsplit('.').next().unwrap_or(path);
    told.push(if NOT_SHOWN.contains(&key) {
        format!("{path} changed")
    } else {
        format!("{path}: from {} to {}", word(old), word(new))
    });
}

/// A value as a person reads it.
fn word(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("`{text}`"),
        // 5 and 5.0 are one rate.
        Value::Number(number) => number
            .as_f64()
            .map_or_else(|| number.to_string(), |number| number.to_string()),
        other => other.to_string(),
    }
}

fn union<'a>(
    old: impl Iterator<Item = &'a String>,
    new: impl Iterator<Item = &'a String>,
) -> impl Iterator<Item = &'a String> {
    old.chain(new).collect::<BTreeSet<_>>().into_iter()
}
