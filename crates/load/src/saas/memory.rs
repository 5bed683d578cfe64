//! What is remembered of places gives way to what the listing shows for certain.

use store::{Activity, Corrections, RunKey, Store};

use super::Application;
use crate::error::Stop;

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
    let mut corrections = Corrections::default();
    for known in store
        .remembered_places(key.integration, id.as_str())
        .await?
    {
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
    if corrections.is_empty() {
        return Ok(());
    }
    Ok(store
        .correct_places(key.integration, id.as_str(), &corrections)
        .await?)
}
