//! Comparing a place as it is to be with what Oomnitza shows of it and with what is remembered of it.
//!
//! Whether a listing shows roles as they were sent is not described, and so is much else of it: what is shown in
//! another form counts as the same while it stays what it was after it was sent.

use store::{Activity, KnownPlace, SaasPlan, Shown};

use super::roles::same;
use super::{After, Application, Place};

/// What a place is to be.
pub(crate) struct Wanted<'a> {
    /// The user's id in the console.
    pub(crate) external_id: &'a str,
    /// `None`: they stay as they are.
    pub(crate) roles: Option<Vec<String>>,
}

/// Says what is to be changed of the place of a person; `oomnitza_id` is `None` of one who is yet to be made.
pub(crate) fn difference(
    wanted: Wanted<'_>,
    oomnitza_id: Option<&str>,
    known: Option<&KnownPlace>,
    application: &Application,
) -> Option<SaasPlan> {
    let place = oomnitza_id.and_then(|id| application.place(id));
    let after = if is_there(known, place, application.is_complete) {
        After {
            assigned: false,
            external_id: (!has_external_id(wanted.external_id, known, place))
                .then(|| wanted.external_id.to_owned()),
            roles: wanted.roles.filter(|roles| !has_roles(roles, known, place)),
            active: (!is_active(known, place)).then_some(true),
        }
    } else {
        After {
            assigned: true,
            external_id: Some(wanted.external_id.to_owned()),
            roles: wanted.roles,
            // A listing may leave out who is not active.
            active: (is_deactivated(known) && has_own_id(known)).then_some(true),
        }
    };
    (!after.is_nothing()).then(|| SaasPlan {
        oomnitza_id: oomnitza_id.map(str::to_owned),
        before: after.shown(place),
        after: after.json(),
    })
}

/// Whether a place is there; one that is remembered as active and not listed is, where the listing is not whole, or
/// never had it.
fn is_there(known: Option<&KnownPlace>, place: Option<&Place>, is_complete: bool) -> bool {
    let is_remembered = known.is_some_and(|known| {
        known.activity == Activity::Active && (!is_complete || known.shown == Some(Shown::Nothing))
    });
    place.is_some() || is_remembered
}

fn has_external_id(wanted: &str, known: Option<&KnownPlace>, place: Option<&Place>) -> bool {
    let was_sent = || known.is_some_and(|known| known.external_id.as_deref() == Some(wanted));
    let Some(place) = place else {
        return was_sent();
    };
    let is_unmoved = || shown_then(known).is_some_and(|(shown, _)| shown == place.external_id);
    place.external_id == wanted || was_sent() && is_unmoved()
}

fn has_roles(wanted: &[String], known: Option<&KnownPlace>, place: Option<&Place>) -> bool {
    let was_sent = || {
        let roles = known.and_then(|known| known.roles.as_deref());
        roles.is_some_and(|roles| same(wanted, roles))
    };
    let Some(place) = place else {
        return was_sent();
    };
    let is_unmoved = || shown_then(known).is_some_and(|(_, shown)| shown == place.roles);
    same(wanted, &place.roles) || was_sent() && is_unmoved()
}

/// The external id and the roles of a place as they were shown after the last write, if they were.
fn shown_then(known: Option<&KnownPlace>) -> Option<(&str, &str)> {
    match known?.shown.as_ref()? {
        Shown::Nothing => None,
        Shown::Place { external_id, roles } => Some((external_id, roles)),
    }
}

/// Whether a place is active, as far as that is this integration's to see to: what somebody else has deactivated stays so.
fn is_active(known: Option<&KnownPlace>, place: Option<&Place>) -> bool {
    !is_deactivated(known) || place.is_some_and(|place| place.active == Some(true))
}

/// Whether this integration has deactivated a place, or was about to.
fn is_deactivated(known: Option<&KnownPlace>) -> bool {
    known.is_some_and(|known| {
        known.assigned && matches!(known.activity, Activity::Deactivating | Activity::Inactive)
    })
}

fn has_own_id(known: Option<&KnownPlace>) -> bool {
    known.is_some_and(|known| known.saas_user_id.is_some())
}

#[cfg(test)]
mod tests;
