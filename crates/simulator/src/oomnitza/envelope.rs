//! The body of a bulk POST, checked key by key.

use serde_json::Value;
use serde_json::value::RawValue;
use uuid::{Uuid, Version};

use super::schema::Schema;
use crate::exchange::Refusal;
use crate::object::{Members, plain};

/// The most records in a batch.
const LARGEST_BATCH: usize = 100;

/// The keys that every bulk POST has, beside one of `connector_id` and `connector_name`.
const KEYS: [&str; 10] = [
    "connector_version",
    "sync_field",
    "records",
    "portion",
    "data_type",
    "insert_only",
    "update_only",
    "error",
    "test_run",
    "multi_str_input_value",
];

/// A bulk POST that keeps the rules.
#[derive(Debug)]
pub(super) struct Envelope<'a> {
    pub(super) portion: String,
    pub(super) connector: Connector,
    /// The fields that identify a record; empty for those set up in Oomnitza.
    pub(super) sync_fields: Vec<usize>,
    pub(super) mode: Mode,
    pub(super) records: Vec<&'a RawValue>,
    /// What a load reports of a record that could not be mapped, or of itself.
    pub(super) error: Option<String>,
}

/// The integration in Oomnitza that a load speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Connector {
    Id(u64),
    Name(String),
}

/// Whom the records may make or change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    InsertOnly,
    UpdateOnly,
    CreateAndUpdate,
}

impl<'a> Envelope<'a> {
    pub(super) fn read(body: &'a str, schema: &Schema) -> Result<Self, Refusal> {
        let members = Members::of(body)
            .map_err(|error| Refusal::rule(400, format!("the body is no JSON object: {error}")))?;
        check_keys(&members)?;
        let error: Option<String> = read(&members, "error", "a text or null")?;
        let envelope = Self {
            portion: portion_id(&read::<String>(&members, "portion", "a text")?)?,
            connector: connector(&members)?,
            sync_fields: sync_fields(&members, schema)?,
            mode: mode(&members)?,
            records: read(&members, "records", "a list")?,
            error,
        };
        let version: String = read(&members, "connector_version", "a text")?;
        ensure(!version.is_empty(), "`connector_version` is empty")?;
        let data_type: String = read(&members, "data_type", "a text")?;
        ensure(data_type == "users", "`data_type` must be users")?;
        ensure(
            !read::<bool>(&members, "test_run", "false")?,
            "`test_run` must be false",
        )?;
        let input = members.get("multi_str_input_value").map(RawValue::get);
        ensure(
            input == Some("null"),
            "`multi_str_input_value` must be null",
        )?;
        ensure(
            members.get("error_type").is_none() || envelope.error.is_some(),
            "`error_type` belongs to an `error`",
        )?;
        ensure(
            (1..=LARGEST_BATCH).contains(&envelope.records.len()),
            &format!(
                "a batch has 1 to {LARGEST_BATCH} records, got {}",
                envelope.records.len()
            ),
        )?;
        if envelope.error.is_none() {
            envelope
                .records
                .iter()
                .try_for_each(|record| check_record(record, schema))?;
        }
        Ok(envelope)
    }
}

fn check_keys(members: &Members<'_>) -> Result<(), Refusal> {
    for key in KEYS {
        ensure(members.get(key).is_some(), &format!("`{key}` is missing"))?;
    }
    for (place, (key, _)) in members.0.iter().enumerate() {
        let known = KEYS.contains(&key.as_ref())
            || matches!(
                key.as_ref(),
                "connector_id" | "connector_name" | "error_type"
            );
        ensure(known, &format!("`{key}` does not belong into a bulk body"))?;
        let twice = members.0[..place].iter().any(|(earlier, _)| earlier == key);
        ensure(!twice, &format!("`{key}` stands twice"))?;
    }
    Ok(())
}

fn connector(members: &Members<'_>) -> Result<Connector, Refusal> {
    match (members.get("connector_id"), members.get("connector_name")) {
        (Some(_), None) => Ok(Connector::Id(read(
            members,
            "connector_id",
            "a whole number",
        )?)),
        (None, Some(_)) => {
            let name: String = read(members, "connector_name", "a text")?;
            ensure(!name.is_empty(), "`connector_name` is empty")?;
            Ok(Connector::Name(name))
        }
        _ => Err(Refusal::rule(
            400,
            "exactly one of `connector_id` and `connector_name` must be there",
        )),
    }
}

fn sync_fields(members: &Members<'_>, schema: &Schema) -> Result<Vec<usize>, Refusal> {
    let ids: Vec<String> = read(members, "sync_field", "a list of field ids")?;
    let places = ids.iter().map(|id| {
        let place = schema.bulk_place(id);
        place.ok_or_else(|| Refusal::rule(400, format!("`sync_field`: there is no field `{id}`")))
    });
    places.collect()
}

fn mode(members: &Members<'_>) -> Result<Mode, Refusal> {
    match (
        read(members, "insert_only", "a boolean")?,
        read(members, "update_only", "a boolean")?,
    ) {
        (true, true) => Err(Refusal::rule(
            400,
            "`insert_only` and `update_only` are both true",
        )),
        (true, false) => Ok(Mode::InsertOnly),
        (false, true) => Ok(Mode::UpdateOnly),
        (false, false) => Ok(Mode::CreateAndUpdate),
    }
}

/// A record is an object of known field ids, perhaps with a `SAAS` part.
fn check_record(record: &RawValue, schema: &Schema) -> Result<(), Refusal> {
    let members = Members::of(record.get())
        .map_err(|_| Refusal::rule(400, format!("a record is no object: {}", record.get())))?;
    ensure(!members.0.is_empty(), "a record is empty")?;
    for (place, (id, raw)) in members.0.iter().enumerate() {
        let twice = members.0[..place].iter().any(|(earlier, _)| earlier == id);
        ensure(!twice, &format!("`{id}` stands twice in a record"))?;
        if id == "SAAS" {
            let saas: Value = serde_json::from_str(raw.get()).unwrap_or_default();
            let complete = ["sync_key", "selected_saas_id", "name"]
                .iter()
                .all(|key| saas[key].is_string());
            ensure(
                complete,
                "`SAAS` must have `sync_key`, `selected_saas_id` and `name` as texts",
            )?;
        } else {
            ensure(
                schema.bulk_place(id).is_some(),
                &format!("there is no field `{id}`"),
            )?;
        }
    }
    Ok(())
}

/// The portion's id, which must be a UUID of version 4.
pub(super) fn portion_id(text: &str) -> Result<String, Refusal> {
    match Uuid::parse_str(text) {
        Ok(id)
            if id.get_version() == Some(Version::Random)
                && id.to_string() == text.to_lowercase() =>
        {
            Ok(text.to_owned())
        }
        _ => Err(Refusal::rule(
            400,
            format!("a portion is a UUID of version 4, got `{text}`"),
        )),
    }
}

fn read<'a, T: serde::Deserialize<'a>>(
    members: &Members<'a>,
    key: &str,
    wanted: &str,
) -> Result<T, Refusal> {
    let raw = members.get(key).map_or("null", RawValue::get);
    serde_json::from_str(raw).map_err(|_| {
        let excerpt: String = plain(raw).chars().take(40).collect();
        Refusal::rule(400, format!("`{key}` must be {wanted}, got `{excerpt}`"))
    })
}

fn ensure(holds: bool, rule: &str) -> Result<(), Refusal> {
    if holds {
        Ok(())
    } else {
        Err(Refusal::rule(400, rule))
    }
}
