//! The sync keys, and what each found.

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
    let sighted = match looked {
        Looked::NotLookedUp | Looked::NotOnRecord => None,
        _ => told.sighting.as_ref(),
    };
    let found_by = |number: u8| -> Option<Vec<String>> {
        let bit = 1_u8.checked_shl(number.into()).unwrap_or_default();
        let people = sighted.map(|sighted| sighted.found.iter());
        match (looked, people) {
            (Looked::NotLookedUp | Looked::NotOnRecord, _) => None,
            (_, None) => Some(Vec::new()),
            (_, Some(people)) => Some(
                people
                    .filter(|(_, FoundBy(keys))| keys & bit != 0)
                    .map(|(id, _)| id.clone())
                    .collect(),
            ),
        }
    };
    let mut keys = Vec::new();
    let mapping = told.conditions.map(|conditions| &conditions.mapping);
    if let Some(mapping) = mapping.filter(|_| !told.is_undo()) {
        for (number, &place) in (0_u8..).zip(mapping.sync_keys()) {
            let field = &mapping.fields()[place];
            let value = told.value(field, told.traces.get(place));
            keys.push(KeyExplained {
                field: field.name().to_owned(),
                found: found_by(number).filter(|_| !value.is_empty()),
                value: Raw::new(&value),
            });
        }
    }
    let matched = matched(told, looked, sighted, &keys);
    Keys { keys, matched }
}

fn matched(
    told: &Told<'_>,
    looked: Looked,
    sighted: Option<&Sighted>,
    keys: &[KeyExplained],
) -> MatchExplained {
    let change = told.change().map(|change| &change.planned);
    let first = sighted.and_then(|sighted| sighted.found.first());
    let is_one = looked == Looked::One;
    // Of an update it is on record with the change too, which there was before sightings were.
    let planned = change.filter(|change| change.action == store::Action::Update);
    let oomnitza_id = planned
        .and_then(|change| change.oomnitza_id.clone())
        .or_else(|| first.filter(|_| is_one).map(|(id, _)| id.clone()));
    let by_key = first.filter(|_| is_one).and_then(|(_, found)| {
        let key = keys.get(usize::from(found.earliest()));
        key.map(|key| key.field.clone())
    });
    MatchExplained {
        looked,
        oomnitza_id,
        key_field: planned.map(|change| change.key_field.clone()).or(by_key),
        found: sighted.map_or_else(Vec::new, |sighted| {
            let found = sighted.found.iter();
            found.map(|(id, _)| id.clone()).collect()
        }),
        behind: sighted
            .filter(|_| looked == Looked::Duplicate)
            .and_then(|sighted| sighted.behind.clone()),
    }
}

/// What looking up came to, by the outcome of the user.
fn looked(told: &Told<'_>) -> Looked {
    let kept = |looked| match told.sighting {
        Some(_) => looked,
        None => Looked::NotOnRecord,
    };
    let planned = told.change().map(|change| change.planned.action);
    match planned {
        _ if told.is_undo() => Looked::NotLookedUp,
        Some(store::Action::Create) => Looked::Nobody,
        Some(store::Action::Update) => kept(Looked::One),
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
        None => {
            let mapping = told.conditions.map(|conditions| &conditions.mapping);
            let has_key = mapping.is_some_and(|mapping| {
                let mut keys = mapping.sync_keys().iter();
                keys.any(|&place| {
                    told.traces
                        .get(place)
                        .is_some_and(|trace| !trace.value.is_empty())
                })
            });
            if has_key && told.scope().in_scope == Some(true) {
                Looked::Nobody
            } else {
                Looked::NotLookedUp
            }
        }
    }
}
