//! The sync keys, and what each found.

use mapping::Mapping;
use store::Action;

use super::fields::Comparison;
use super::model::{KeyExplained, Looked, MatchExplained, Raw};
use super::past::{Sighted, Told};
use crate::matching::FoundBy;
use crate::reason::Reason;

/// The sync keys of a user, and whom they found.
pub(super) struct Keys {
    pub(super) keys: Vec<KeyExplained>,
    pub(super) matched: MatchExplained,
}

pub(super) fn explain(told: &Told<'_>) -> Keys {
    let looked = looked(told);
    let sighted = told.sighting.as_ref();
    let sighted = sighted.filter(|_| !matches!(looked, Looked::NotLookedUp | Looked::NotOnRecord));
    let mapping = told
        .conditions
        .map(|conditions| &*conditions.mapping)
        .filter(|_| !told.is_undo());
    let found = match (sighted, mapping) {
        (None, _) => Vec::new(),
        (Some(sighted), Some(mapping)) => found(told, mapping, sighted),
        (Some(sighted), None) => sighted.found.clone(),
    };
    let mut keys = Vec::new();
    for (number, &place) in (0_u8..).zip(mapping.map_or(&[][..], Mapping::sync_keys)) {
        let Some(field) = mapping.map(|mapping| &mapping.fields()[place]) else {
            continue;
        };
        let value = told.value(field, told.traces.get(place));
        let by_it = found
            .iter()
            .filter(|(_, keys)| keys.has(number))
            .map(|(id, _)| id.clone());
        let is_known = !matches!(looked, Looked::NotLookedUp | Looked::NotOnRecord);
        keys.push(KeyExplained {
            field: field.name().to_owned(),
            found: (is_known && !value.is_empty()).then(|| by_it.collect()),
            value: Raw::new(&value),
        });
    }
    let matched = matched(told, looked, sighted, &found, &keys);
    Keys { keys, matched }
}

/// Lists who was found, and by which keys.
fn found(told: &Told<'_>, mapping: &Mapping, sighted: &Sighted) -> Vec<(String, FoundBy)> {
    let Some(id) = &sighted.matched else {
        return sighted.found.clone();
    };
    // Those keys found the match in which it had the same.
    let by = Comparison::of(told, mapping).equal_keys();
    vec![(id.clone(), by)]
}

fn matched(
    told: &Told<'_>,
    looked: Looked,
    sighted: Option<&Sighted>,
    found: &[(String, FoundBy)],
    keys: &[KeyExplained],
) -> MatchExplained {
    let change = told.change().map(|change| &change.planned);
    let first = found.first().filter(|_| looked == Looked::One);
    // Of an update it is on record with the change too, which there was before sightings were.
    let planned = change.filter(|change| change.action == Action::Update);
    let by_key = first.and_then(|(_, found)| {
        let key = keys.get(usize::from(found.earliest()));
        key.map(|key| key.field.clone())
    });
    MatchExplained {
        looked,
        oomnitza_id: planned
            .and_then(|change| change.oomnitza_id.clone())
            .or_else(|| sighted.and_then(|sighted| sighted.matched.clone()))
            .or_else(|| first.map(|(id, _)| id.clone())),
        key_field: planned.map(|change| change.key_field.clone()).or(by_key),
        found: found.iter().map(|(id, _)| id.clone()).collect(),
        behind: sighted
            .filter(|_| looked == Looked::Duplicate)
            .and_then(|sighted| sighted.behind.clone()),
    }
}

/// What looking up came to, by the outcome of the user.
pub(super) fn looked(told: &Told<'_>) -> Looked {
    let kept = |looked| match told.sighting {
        Some(_) => looked,
        None => Looked::NotOnRecord,
    };
    let planned = told.change().map(|change| change.planned.action);
    match planned {
        _ if told.is_undo() => Looked::NotLookedUp,
        Some(Action::Create) => Looked::Nobody,
        Some(Action::Update) => kept(Looked::One),
        None if told.fault().is_none() || told.is(Reason::AlreadyInOomnitza) => kept(Looked::One),
        None if told.is(Reason::OutOfScope) || told.is(Reason::NoSyncKey) => Looked::NotLookedUp,
        None if told.is(Reason::DuplicateInSource) => kept(Looked::Duplicate),
        None if told.is(Reason::AmbiguousInOomnitza) => kept(Looked::Ambiguous),
        None if told.is(Reason::NotInOomnitza) => Looked::Nobody,
        None => unmapped(told),
    }
}

/// Of a user of whom no record could be made: it is looked up all the same, where it has a key and is in scope.
fn unmapped(told: &Told<'_>) -> Looked {
    if told.record.is_some() {
        // What it lacks is needed to make somebody.
        return Looked::Nobody;
    }
    match &told.sighting {
        Some(sighted) if sighted.behind.is_some() => Looked::Duplicate,
        Some(sighted) if sighted.found.len() > 1 => Looked::Ambiguous,
        Some(_) => Looked::One,
        None if told.scope().in_scope == Some(true) && has_key(told) => Looked::Nobody,
        None => Looked::NotLookedUp,
    }
}

fn has_key(told: &Told<'_>) -> bool {
    let mapping = told.conditions.map(|conditions| &conditions.mapping);
    let mut keys = mapping
        .map_or(&[][..], |mapping| mapping.sync_keys())
        .iter();
    keys.any(|&place| {
        let trace = told.traces.get(place);
        trace.is_some_and(|trace| !trace.value.is_empty())
    })
}
