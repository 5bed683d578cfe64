//! What was to be sent, in outline, and the answer.

use store::Action;

use super::model::{Raw, RequestExplained};
use super::past::Told;
use crate::deliver::{bulk_id, bulk_record};
use crate::settings::Delivery;

pub(super) fn explain(told: &Told<'_>) -> Option<RequestExplained> {
    let change = told.change()?;
    let planned = &change.planned;
    let request = RequestExplained {
        action: planned.action.as_str(),
        method: "POST",
        path: "/api/v3/users".to_owned(),
        portion: None,
        sync_field: None,
        body: Raw::new(&planned.after),
        state: change.state.clone(),
        status: change.status,
        oomnitza_id: planned.oomnitza_id.clone(),
    };
    let delivery = told
        .conditions
        .map(|conditions| (&conditions.mapping, &conditions.delivery));
    // What takes back writes person by person, whatever the delivery.
    match delivery.filter(|_| !told.is_undo()) {
        Some((mapping, Delivery::Bulk(bulk))) => Some(RequestExplained {
            path: "/api/v3/bulk".to_owned(),
            portion: told.run.portion.clone(),
            sync_field: bulk_id(mapping, bulk, &planned.key_field).map(|id| id.as_str().to_owned()),
            body: Raw::new(&bulk_record(mapping, bulk, planned, |_, _| {}).close()),
            ..request
        }),
        None if told.run.portion.is_some() => Some(RequestExplained {
            path: "/api/v3/bulk".to_owned(),
            portion: told.run.portion.clone(),
            ..request
        }),
        _ => Some(match planned.action {
            Action::Create => request,
            Action::Update => RequestExplained {
                method: "PATCH",
                path: format!(
                    "/api/v3/users/{}",
                    planned.oomnitza_id.as_deref().unwrap_or_default()
                ),
                ..request
            },
        }),
    }
}
