//! The rules: which notices follow from how things are. Pure; each of the modules is one subject.

mod installation;
mod loads;
mod odd;
mod tokens;

use store::Notice;

use super::Facts;

/// Lists all notices that stand for facts, in a stable order.
pub(super) fn notices(facts: &Facts) -> Vec<Notice> {
    let mut notices = tokens::notices(facts);
    for (id, integration) in &facts.integrations {
        notices.extend(loads::notices(id, integration, facts.now));
        notices.extend(odd::notices(id, integration));
    }
    notices.extend(installation::notices(facts));
    notices
}
