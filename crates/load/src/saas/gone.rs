//! Whose places are to be deactivated: this integration's own, of users who are gone from a complete read.

use std::collections::HashSet;

use store::{Activity, AssignedPlace, Presence, RunKey, Store};

use super::Application;
use crate::error::Stop;

/// Places that are looked at together.
const CHUNK: u32 = 5000;

/// The places of users who are gone.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    /// Those that are to be deactivated.
    pub(crate) places: Vec<AssignedPlace>,
    /// How many cannot be, as the listing does not show by what id.
    pub(crate) nameless: u64,
}

/// Finds the places of users whom a complete read did not see.
pub(crate) async fn places_of_the_gone(
    store: &Store,
    key: RunKey,
    application: &Application,
    population: &str,
    presence: &Presence,
) -> Result<Gone, Stop> {
    let Some(id) = &application.id else {
        return Ok(Gone::default());
    };
    let integration = key.integration;
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let chunk = store
            .places_of_the_gone(integration, id.as_str(), population, &after, CHUNK)
            .await?;
        let Some(last) = chunk.last() else { break };
        last.oomnitza_id.clone_into(&mut after);
        found.extend(
            chunk
                .into_iter()
                .filter(|place| !presence.has(place.person)),
        );
    }
    found.retain(|place| is_active(place, application));
    if found.is_empty() {
        return Ok(Gone::default());
    }
    // Whoever is in the console under another id keeps the place.
    let ids: Vec<&str> = found
        .iter()
        .map(|place| place.oomnitza_id.as_str())
        .collect();
    let matched = store.matched_to(integration, &ids).await?;
    let kept: HashSet<String> = matched
        .into_iter()
        .filter(|(_, person)| presence.has(*person))
        .map(|(oomnitza_id, _)| oomnitza_id)
        .collect();
    found.retain(|place| !kept.contains(&place.oomnitza_id));
    let has_id = |place: &AssignedPlace| {
        let place = application.place(&place.oomnitza_id);
        place.is_some_and(|place| place.id.is_some())
    };
    let (places, nameless): (Vec<_>, Vec<_>) = found.into_iter().partition(has_id);
    Ok(Gone {
        places,
        nameless: nameless.len() as u64,
    })
}

/// Whether a place is there and active, by the listing where that says it, else by what is remembered.
fn is_active(place: &AssignedPlace, application: &Application) -> bool {
    let is_remembered = place.activity != Activity::Inactive;
    match application.place(&place.oomnitza_id) {
        Some(listed) => listed.active.unwrap_or(is_remembered),
        // Who is not in a whole listing has no place any more.
        None => !application.is_complete && is_remembered,
    }
}
