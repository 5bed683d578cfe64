//! The SaaS applications to which integrations assign people: whether they are there, and what their listings show.

use load::Missing;
use oomnitza::{Error, Reader};

use super::finding::{Finding, State};
use crate::config::{Integration, Saas};

const CHECK: &str = "saas";

/// Looks at the application of an integration; nothing is found where it has none.
pub(super) async fn examine(reader: &Reader, integration: &Integration) -> Option<Finding> {
    let saas = integration.target.saas.as_ref()?;
    let finding = match look(reader, saas).await {
        Ok(finding) => finding,
        Err(error) => Finding::told(
            CHECK,
            State::Fail,
            &load::chain(&error),
            "see what the token's user may do with SaaS applications",
        ),
    };
    Some(finding.of(&integration.id))
}

async fn look(reader: &Reader, saas: &Saas) -> Result<Finding, Error> {
    let name = &saas.name;
    let ids = reader.saas_named(name).await?;
    let id = match ids.as_slice() {
        [id] => id,
        [] if saas.create => {
            let message =
                format!("Oomnitza has no application `{name}` yet: the next load makes it");
            return Ok(Finding::ok(CHECK, message));
        }
        [] => {
            let message = format!("Oomnitza has no SaaS application `{name}`");
            let hint = "make it there under Software > SaaS, correct `saas.name`, or set `saas.create: true`";
            return Ok(Finding::fail(CHECK, message, hint));
        }
        several => {
            let message = format!("Oomnitza has {} SaaS applications `{name}`", several.len());
            return Ok(Finding::fail(
                CHECK,
                message,
                "rename or delete all but one",
            ));
        }
    };
    let users = reader.saas_users(id).await?.users;
    let message = format!("the token may read the {} users of `{name}`", users.len());
    let nameless = users.iter().filter(|user| user.id.is_none()).count();
    if saas.missing == Missing::Deactivate && nameless > 0 {
        let message = format!("{message}, of whom {nameless} are listed without `saas_user_id`");
        let hint = "such users cannot be deactivated by Rollcall; deactivate them in Oomnitza";
        return Ok(Finding::warn(CHECK, message, hint));
    }
    Ok(Finding::ok(CHECK, message))
}
