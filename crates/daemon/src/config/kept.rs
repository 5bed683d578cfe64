//! A configuration that is on record: read back as far as it decides about a user.
//!
//! It was checked when it was kept, so what cannot be read now was kept by another version, and is a fault of nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use load::Conditions;
use mapping::{Definition, FieldDefinition, Mapping, Source};
use oomnitza::{Connector, FieldName};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::delivery::{Bulk, Delivery};
use super::written;
use crate::app;

/// What [`effective`](super::hash) wrote down, as far as it decides about a user.
#[derive(Debug, Deserialize)]
struct Kept {
    id: String,
    source: KeptSource,
    target: KeptTarget,
    preference: written::Preference,
    sync_keys: Vec<String>,
    mapping: Map<String, Value>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct KeptSource {
    url: String,
    #[serde(rename = "where")]
    scope: Option<String>,
}

#[derive(Debug, Deserialize)]
struct KeptTarget {
    delivery: Value,
}

#[derive(Debug, Deserialize)]
struct KeptField {
    #[serde(default)]
    table: Option<Map<String, Value>>,
    empty: written::Empty,
    write: written::Write,
    volatile: bool,
}

#[derive(Debug, Deserialize)]
struct KeptBulk {
    connector: Value,
    batch: usize,
    fields: BTreeMap<String, String>,
}

/// Reads a configuration that is on record.
pub(crate) fn conditions(yaml: &str) -> anyhow::Result<Conditions> {
    let kept: Kept = serde_yaml::from_str(yaml)?;
    let definition = definition(&kept)?;
    let mapping = Mapping::compile(&definition).map_err(|faults| {
        let fault = faults.into_iter().next().map(|fault| fault.message);
        anyhow!("its mapping has a fault: {}", fault.unwrap_or_default())
    })?;
    Ok(Conditions {
        console_url: kept.source.url.trim_end_matches('/').to_owned(),
        delivery: delivery(&kept.target.delivery, &mapping)?,
        mapping: Arc::new(mapping),
        preference: app::preference(kept.preference.into()),
    })
}

fn definition(kept: &Kept) -> anyhow::Result<Definition> {
    let fields = kept.mapping.iter();
    Ok(Definition {
        integration: kept.id.clone(),
        scope: kept.source.scope.clone(),
        sync_keys: kept.sync_keys.clone(),
        fields: fields
            .map(|(name, kept)| field(name, kept))
            .collect::<anyhow::Result<_>>()?,
        variables: kept.variables.clone(),
    })
}

fn field(name: &str, kept: &Value) -> anyhow::Result<FieldDefinition> {
    let source = match (kept.get("from").and_then(Value::as_str), kept.get("value")) {
        (Some(expression), _) => Source::Expression(expression.to_owned()),
        (None, Some(constant)) => Source::Value(constant.clone()),
        (None, None) => anyhow::bail!("the field `{name}` has no source"),
    };
    // No `otherwise`, and one that is null, are two things.
    let otherwise = kept.get("otherwise").cloned();
    let rest = KeptField::deserialize(kept)?;
    Ok(FieldDefinition {
        field: name.to_owned(),
        source,
        table: rest.table.map(|table| table.into_iter().collect()),
        otherwise,
        empty: rest.empty.into(),
        write: rest.write.into(),
        volatile: rest.volatile,
    })
}

fn delivery(kept: &Value, mapping: &Mapping) -> anyhow::Result<load::Delivery> {
    let Some(bulk) = kept.get("bulk") else {
        return app::delivery(&Delivery::Rest, mapping);
    };
    let bulk = KeptBulk::deserialize(bulk)?;
    let connector = match &bulk.connector {
        Value::String(name) => Connector::Name(name.clone()),
        number => Connector::Id(number.as_u64().context("the connector has no number")?),
    };
    let mut fields = BTreeMap::new();
    for (name, id) in &bulk.fields {
        fields.insert(FieldName::try_from(name.as_str())?, id.as_str().try_into()?);
    }
    let bulk = Bulk {
        connector,
        batch: bulk.batch,
        fields,
    };
    app::delivery(&Delivery::Bulk(bulk), mapping)
}
