//! The mapping of an integration: handed to the crate `mapping`, and its faults given their places.

use std::collections::BTreeMap;
use std::sync::Arc;

use mapping::{Definition, Empty, Fault, FieldDefinition, Mapping, Part, Source, Write};
use oomnitza::FieldName;

use super::fault::{Place, Report};
use super::spot::Spot;
use super::written;

/// Compiles the mapping of an integration and tries it on sample users.
///
/// `None` when there is a fault, here or in the structure of the mapping.
pub(super) fn check(
    id: &str,
    written: &written::Integration,
    variables: &BTreeMap<String, String>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<(Definition, Arc<Mapping>)> {
    let mut definition = Definition {
        integration: id.to_owned(),
        scope: written
            .source
            .as_ref()
            .and_then(|source| source.scope.clone()),
        sync_keys: written.sync_keys.clone().unwrap_or_default(),
        fields: fields(written.mapping.as_ref()?, spot.at("mapping"), report),
        variables: variables.clone(),
    };
    match Mapping::compile(&definition) {
        Ok(mapping) => {
            let sound = try_on_samples(&mapping, |fault| place(fault, spot), report);
            sound.then(|| (definition, Arc::new(mapping)))
        }
        Err(faults) => {
            for fault in faults {
                cut_out(&fault, &mut definition);
                // A list is empty because its keys were wrong, or has a fault for being empty.
                if fault.part != Part::SyncKeys
                    || written
                        .sync_keys
                        .as_ref()
                        .is_some_and(|keys| !keys.is_empty())
                {
                    report.fault(place(&fault, spot), fault.message);
                }
            }
            // What is left may still be wrong on the samples.
            if let Ok(mapping) = Mapping::compile(&definition) {
                try_on_samples(&mapping, |fault| place(fault, spot), report);
            }
            None
        }
    }
}

/// Whether every expression works on sample users; `place` says where in the file a fault is.
pub(super) fn try_on_samples(
    mapping: &Mapping,
    place: impl Fn(&Fault) -> Place,
    report: &mut Report,
) -> bool {
    let found = mapping.check_samples();
    let sound = found.faults.is_empty();
    for fault in found.faults {
        report.fault(place(&fault), fault.message);
    }
    for warning in found.warnings {
        report.warn(place(&warning), warning.message);
    }
    sound
}

/// Puts what has no fault in the place of what has one.
fn cut_out(fault: &Fault, definition: &mut Definition) {
    match (&fault.field, fault.part) {
        (Some(name), _) => {
            for field in definition
                .fields
                .iter_mut()
                .filter(|field| field.field == *name)
            {
                *field = FieldDefinition::new(name, STAND_IN);
            }
        }
        (None, Part::Where) => definition.scope = None,
        (None, _) => {
            definition.sync_keys = vec![STAND_IN.to_owned()];
            if definition
                .fields
                .iter()
                .all(|field| field.field != STAND_IN)
            {
                definition
                    .fields
                    .push(FieldDefinition::new(STAND_IN, STAND_IN));
            }
        }
    }
}

/// A field of every user.
const STAND_IN: &str = "id";

/// All fields of the file in its order; those that are wrong by themselves with a stand-in, so that
/// what refers to them is not wrong as well.
fn fields(
    written: &[(String, written::Field)],
    spot: Spot<'_>,
    report: &mut Report,
) -> Vec<FieldDefinition> {
    spot.keys()
        .map(|name| {
            let spot = spot.at(name);
            if let Err(rule) = FieldName::try_from(name) {
                report.fault(
                    spot.key,
                    format!("{rule}; write the name that Oomnitza's REST API has for it"),
                );
            }
            let field = written.iter().find(|(written, _)| written == name);
            field
                .and_then(|(_, field)| one(name, field, spot, report))
                .unwrap_or_else(|| FieldDefinition::new(name, STAND_IN))
        })
        .collect()
}

/// Reads one field of a mapping; `None` when there is a fault.
pub(super) fn one(
    name: &str,
    field: &written::Field,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<FieldDefinition> {
    let field = match field {
        written::Field::Short(expression) => return Some(FieldDefinition::new(name, expression)),
        written::Field::Long(field) => field,
    };
    if spot.has("from") == spot.has("value") {
        report.fault(
            spot.key,
            format!(
                "`{name}` wants exactly one of `from` and `value`; \
                 write for example `{name}: {{ from: email }}`"
            ),
        );
        return None;
    }
    let source = match (&field.from, &field.value) {
        (Some(expression), _) => Source::Expression(expression.clone()),
        (None, Some(value)) => Source::Value(value.clone()),
        (None, None) => return None,
    };
    if spot.has("table") && field.table.is_none() {
        return None;
    }
    let table = field.table.as_ref().map(|table| {
        table
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    });
    Some(FieldDefinition {
        field: name.to_owned(),
        source,
        table,
        otherwise: field.otherwise.clone(),
        empty: field.empty.map_or(Empty::Keep, Empty::from),
        write: field.write.map_or(Write::Always, Write::from),
        volatile: field.volatile.unwrap_or(false),
    })
}

impl From<written::Empty> for Empty {
    fn from(written: written::Empty) -> Self {
        match written {
            written::Empty::Keep => Self::Keep,
            written::Empty::Clear => Self::Clear,
        }
    }
}

impl From<written::Write> for Write {
    fn from(written: written::Write) -> Self {
        match written {
            written::Write::Always => Self::Always,
            written::Write::OnCreate => Self::OnCreate,
            written::Write::IfEmpty => Self::IfEmpty,
        }
    }
}

/// Where in the file a fault of the mapping is.
fn place(fault: &Fault, spot: Spot<'_>) -> Place {
    let part = fault.part.to_string();
    match &fault.field {
        None if fault.part == Part::Where => spot.at("source").at("where").value,
        None => spot.at(&part).value,
        Some(name) => place_in_field(fault, spot.at("mapping").at(name)),
    }
}

/// Where in a field a fault of it is.
pub(super) fn place_in_field(fault: &Fault, field: Spot<'_>) -> Place {
    let part = fault.part.to_string();
    if field.has(&part) {
        field.at(&part).value
    } else {
        field.value
    }
}
