//! What is remembered of places gives way to what the listing shows for certain.

use store::{Activity, Corrections, RememberedPlace, RunKey, Store};

use super::Application;
use crate::error::Stop;

/// Places that are looked at together.
const CHUNK: u32 = 5000;

/// Corrects what is remembered: a place with another id of its own was removed, and assigned anew by somebody else; and
/// what is shown as active is so, whoever activated it.
pub(crate) async fn correct(
    store: &Store,
    key: RunKey,
    application: &Application,
) -> Result<(), Stop> {
    let Some(id) = &application.id else {
        return Ok(());
    };
    let integration = key.integration;
    let mut after = String::new();
    loop {
        let chunk = store
            .remembered_places(integration, id.as_str(), &after, CHUNK)
            .await?;
        let Some(last) = chunk.last() else {
            return Ok(());
        };
        last.oomnitza_id.clone_into(&mut after);
        let corrections = corrections(chunk, application);
        if !corrections.is_empty() {
            store
                .correct_places(integration, id.as_str(), &corrections)
                .await?;
        }
    }
}

fn corrections(places: Vec<RememberedPlace>, application: &Application) -> Corrections {
    let mut corrections = Corrections::default();
    for known in places {
        let Some(place) = application.place(&known.oomnitza_id) else {
            continue;
        };
        match (&known.saas_user_id, &place.id) {
            (Some(own), Some(listed)) if known.is_read && own != listed.as_str() => {
                corrections.others.push(known.oomnitza_id);
                continue;
            }
            (None, Some(listed)) if known.is_read => {
                let listed = listed.as_str().to_owned();
                corrections.ids.push((known.oomnitza_id.clone(), listed));
            }
            _ => {}
        }
        let is_deactivated = matches!(known.activity, Activity::Deactivating | Activity::Inactive);
        if is_deactivated && place.active == Some(true) {
            corrections.active.push(known.oomnitza_id);
        }
    }
    corrections
}
