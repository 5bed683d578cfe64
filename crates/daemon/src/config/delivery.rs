//! How records are sent, and what bulk wants to know for it.

use std::collections::BTreeMap;

use oomnitza::{Connector, FieldId, FieldName};

use super::fault::Report;
use super::nearest::nearest;
use super::spot::Spot;
use super::written;

/// How records are sent.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// One by one, each answered at once.
    Rest,
    /// In batches, answered later in Oomnitza's run log.
    Bulk(Bulk),
}

/// What bulk wants to know.
#[derive(Clone, Debug)]
pub struct Bulk {
    /// The integration in Oomnitza under which the records come.
    pub connector: Connector,
    /// How many records are sent at once: 1 to 100.
    pub batch: usize,
    /// The ids of custom fields; with the built-in ones, every mapped field has one.
    pub fields: BTreeMap<FieldName, FieldId>,
}

const DEFAULT_BATCH: u32 = 100;

/// Checks how records are sent; `None` when there is a fault.
pub(super) fn check(
    written: &written::Target,
    integration: &written::Integration,
    integration_spot: Spot<'_>,
    report: &mut Report,
) -> Option<Delivery> {
    let spot = integration_spot.at("target");
    match written.delivery {
        // A word that is none of the choices leaves open which keys belong to it.
        None if spot.has("delivery") => None,
        None | Some(written::Delivery::Rest) => {
            for key in ["connector_id", "connector_name", "batch", "fields"] {
                if spot.has(key) {
                    report.fault(
                        spot.at(key).key,
                        format!(
                            "`{key}` goes only with `delivery: bulk`; take it out, or write that"
                        ),
                    );
                }
            }
            Some(Delivery::Rest)
        }
        Some(written::Delivery::Bulk) => {
            warn_of_clearing(integration, integration_spot, report);
            let connector = check_connector(written, spot, report);
            let fields = check_fields(written, integration, integration_spot, report);
            Some(Delivery::Bulk(Bulk {
                connector: connector?,
                batch: written.batch.unwrap_or(DEFAULT_BATCH) as usize,
                fields: fields?,
            }))
        }
    }
}

fn check_connector(
    written: &written::Target,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Connector> {
    if spot.has("connector_id") == spot.has("connector_name") {
        let place = if spot.has("connector_id") {
            spot.at("connector_name")
                .key
                .max(spot.at("connector_id").key)
        } else {
            spot.at("delivery").value
        };
        report.fault(
            place,
            "`delivery: bulk` wants exactly one of `connector_id` and `connector_name`; \
             write the number of the integration in Oomnitza: `connector_id: 268`",
        );
        return None;
    }
    match (&written.connector_id, &written.connector_name) {
        (Some(id), _) => Some(Connector::Id(*id)),
        (None, Some(name)) => Some(Connector::Name(name.clone())),
        (None, None) => None,
    }
}

fn check_fields(
    written: &written::Target,
    integration: &written::Integration,
    integration_spot: Spot<'_>,
    report: &mut Report,
) -> Option<BTreeMap<FieldName, FieldId>> {
    let mapped = integration_spot.at("mapping");
    let fields_spot = integration_spot.at("target").at("fields");
    let spot = fields_spot;
    let mut sound = true;
    let mut fields = BTreeMap::new();
    for (name, written::FieldId(id)) in written.fields.iter().flatten() {
        let spot = spot.at(name);
        match (
            FieldName::try_from(name.as_str()),
            FieldId::try_from(id.as_str()),
        ) {
            (Ok(name), Ok(id)) => {
                fields.insert(name, id);
            }
            (Err(rule), _) => {
                sound = false;
                report.fault(
                    spot.key,
                    format!("{rule}; write the name of a mapped field"),
                );
            }
            (_, Err(rule)) => {
                sound = false;
                report.fault(
                    spot.value,
                    format!("{rule}; write for example `24DCF85294E411E38A52066B556BA4EE`"),
                );
            }
        }
        if integration.mapping.is_some() && !mapped.has(name) {
            let lacking = mapped.keys().filter(|field| {
                !fields_spot.has(field) && !oomnitza::built_in_fields().any(|known| known == *field)
            });
            let advice = match nearest(name, lacking) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "take it out".to_owned(),
            };
            report.warn(
                spot.key,
                format!("`{name}` is not mapped, so its id is not needed; {advice}"),
            );
        }
    }
    for name in mapped.keys() {
        // A name that breaks the rule, or an id that does, has its own fault.
        let Ok(field) = FieldName::try_from(name) else {
            continue;
        };
        if !spot.has(name) && oomnitza::field_id(&field, &fields).is_none() {
            sound = false;
            let built_in: Vec<&str> = oomnitza::built_in_fields().collect();
            let known = spot.keys().chain(built_in.iter().copied());
            let meant = match nearest(name, known.filter(|known| !mapped.has(known))) {
                Some(meant) => format!("did you mean `{meant}`? If not, "),
                None => String::new(),
            };
            report.fault(
                mapped.at(name).key,
                format!(
                    "bulk knows no field `{name}`; {meant}add `{name}:` with its id, \
                     32 hexadecimal digits, under `target.fields`"
                ),
            );
        }
    }
    sound.then_some(fields)
}

fn warn_of_clearing(integration: &written::Integration, spot: Spot<'_>, report: &mut Report) {
    for (name, field) in integration.mapping.iter().flatten() {
        let written::Field::Long(field) = field else {
            continue;
        };
        if field.empty == Some(written::Empty::Clear) {
            report.warn(
                spot.at("mapping").at(name).at("empty").value,
                format!(
                    "whether bulk clears a field is not known: `{name}` may keep its value; \
                     write `delivery: rest` to be sure"
                ),
            );
        }
    }
}
