//! The effective configuration of an integration, and its hash.
//!
//! It is made from what was checked, not from what was written: comments, spacing, the order of
//! keys and defaults that are spelled out make no difference.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mapping::{Empty, FieldDefinition, Source, Write};
use schedule::{Overlap, Schedule, Timing};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::credentials::Credential;
use super::delivery::{Bulk, Delivery};
use super::duration;
use super::guards;
use super::integration::{Integration, Preference};
use super::saas;

/// Writes down all that decides what a run of an integration does.
///
/// The secrets are not part of it, nor where they are found: moving one changes nothing.
pub(super) fn effective(
    integration: &Integration,
    credentials: &BTreeMap<String, Credential>,
) -> Value {
    let Integration {
        source,
        target,
        definition,
        ..
    } = integration;
    let fields: Map<String, Value> = definition
        .fields
        .iter()
        .map(|written| (written.field.clone(), field(written)))
        .collect();
    let mut effective = json!({
        "id": integration.id,
        "name": integration.name,
        "source": {
            "kind": "sentinelone.users",
            "url": source.url,
            "custom_domain": source.custom_domain,
            "credential": credential(&source.credential, credentials),
            "site_ids": source.site_ids,
            "account_ids": source.account_ids,
            "where": source.scope,
            "requests_per_second": source.requests_per_second,
        },
        "target": {
            "kind": "oomnitza.users",
            "url": target.url,
            "credential": credential(&target.credential, credentials),
            "records": if target.saas.is_some() { "user_and_saas_user" } else { "user" },
            "delivery": delivery(&target.delivery),
            "requests_per_second": target.requests_per_second,
        },
        "preference": match integration.preference {
            Preference::UpdateOnly => "update_only",
            Preference::CreateAndUpdate => "create_and_update",
            Preference::CreateOnly => "create_only",
        },
        "sync_keys": definition.sync_keys,
        "mapping": fields,
        "missing": match target.saas.as_ref().map(|saas| saas.missing) {
            None | Some(load::Missing::Keep) => "keep",
            Some(load::Missing::Deactivate) => "deactivate",
        },
        "role_fields": integration.role_fields,
        "guards": guards::effective(&integration.guards),
        "schedule": schedule(&integration.schedule),
    });
    // Not as null: the hash of what has none stays what it was.
    if let Some(saas) = &target.saas {
        effective["target"]["saas"] = saas::effective(saas);
    }
    // Which variables a template will look up cannot be told for sure, only whether it can at all.
    if effective.to_string().contains("variables") {
        effective["variables"] = json!(definition.variables);
    }
    effective
}

/// Returns the first 12 hexadecimal digits of SHA-256 over the JSON with its keys in order.
pub(super) fn config_hash(effective: &Value) -> String {
    let mut text = String::new();
    write_canonical(effective, &mut text);
    short_digest(&text)
}

/// Returns a hash of the same kind over those of all integrations.
pub(super) fn overall_hash(integrations: &[Integration]) -> String {
    let mut text = String::new();
    for Integration {
        id, config_hash, ..
    } in integrations
    {
        writeln!(text, "{id} {config_hash}").expect("a String takes all that is written to it");
    }
    short_digest(&text)
}

fn short_digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest
        .iter()
        .take(6)
        .fold(String::with_capacity(12), |mut hash, byte| {
            write!(hash, "{byte:02x}").expect("a String takes all that is written to it");
            hash
        })
}

/// Whether the maps of `serde_json` keep their keys in order depends on what else is built with it.
fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            let entries: BTreeMap<&String, &Value> = entries.iter().collect();
            text.push('{');
            for (index, (key, value)) in entries.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                write_canonical(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_canonical(item, text);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn credential(name: &str, credentials: &BTreeMap<String, Credential>) -> Value {
    // One that is wrong is not among them, and then nothing of the configuration is used.
    credentials.get(name).map_or(Value::Null, |credential| {
        json!({
            "header": credential.header.as_str(),
            "value": credential.value.with("{{ secret }}"),
        })
    })
}

fn delivery(delivery: &Delivery) -> Value {
    match delivery {
        Delivery::Rest => json!("rest"),
        Delivery::Bulk(Bulk {
            connector,
            batch,
            fields,
        }) => {
            let fields: Map<String, Value> = fields
                .iter()
                .map(|(name, id)| (name.to_string(), Value::String(id.to_string())))
                .collect();
            let connector = match connector {
                oomnitza::Connector::Id(id) => json!(id),
                oomnitza::Connector::Name(name) => json!(name),
            };
            json!({ "bulk": { "connector": connector, "batch": batch, "fields": fields } })
        }
    }
}

pub(super) fn field(field: &FieldDefinition) -> Value {
    let table = field
        .table
        .as_ref()
        .map(|table| table.iter().cloned().collect::<Map<_, _>>());
    let mut value = json!({
        "table": table,
        "empty": match field.empty {
            Empty::Keep => "keep",
            Empty::Clear => "clear",
        },
        "write": match field.write {
            Write::Always => "always",
            Write::OnCreate => "on_create",
            Write::IfEmpty => "if_empty",
        },
        "volatile": field.volatile,
    });
    match &field.source {
        Source::Expression(expression) => value["from"] = json!(expression.trim()),
        Source::Value(constant) => value["value"] = constant.clone(),
    }
    // `otherwise: null` and no `otherwise` are two things.
    if let Some(otherwise) = &field.otherwise {
        value["otherwise"] = otherwise.clone();
    }
    value
}

fn schedule(schedule: &Schedule) -> Value {
    let timing = match &schedule.timing {
        Timing::Cron { expression, .. } => json!({ "cron": expression }),
        Timing::At(times) => {
            let times: Vec<String> = times
                .iter()
                .map(|time| time.strftime("%H:%M").to_string())
                .collect();
            json!({ "at": times })
        }
        Timing::Every(every) => json!({ "every": duration::print(*every) }),
    };
    let retry = schedule
        .retry
        .map(|retry| json!({ "times": retry.times, "after": duration::print(retry.after) }));
    let exclude: Vec<Value> = schedule
        .exclude
        .iter()
        .map(|days| {
            let (from, to) = (days.from.to_string(), days.to.to_string());
            json!({ "from": from, "to": to, "note": days.note })
        })
        .collect();
    json!({
        "timing": timing,
        "timezone": schedule.timezone.iana_name(),
        "jitter": duration::print(schedule.jitter),
        "catch_up": duration::print(schedule.catch_up),
        "overlap": match schedule.overlap {
            Overlap::Skip => "skip",
            Overlap::Queue => "queue",
        },
        "retry": retry,
        "exclude": exclude,
        "paused": schedule.paused,
        "max_duration": duration::print(schedule.max_duration),
    })
}
