//! Forgetting: one person out of the history, by the daemon or without it.

use std::path::Path;

use load::{Address, Lock, Point, reach};
use serde::{Deserialize, Serialize};
use store::{Somebody, State, Store};

use crate::exit::Usage;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forgotten {
    /// Who it was, one for each integration; nobody: the database was still to be rid of who was forgotten before.
    pub(crate) people: Vec<Gone>,
    /// Whether the log of the database is rid of them too, which a reader that does not end holds up.
    pub(crate) log_is_rid: bool,
}

/// Somebody who is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gone {
    /// The integration.
    pub(crate) integration: String,
    /// The id in the console.
    pub(crate) source_id: String,
    /// Changes that went.
    pub(crate) changes: u64,
    /// Rows of the error log that went.
    pub(crate) errors: u64,
}

/// Forgets everybody with an address, and finishes what an earlier one could not.
///
/// # Errors
/// Nobody has it; a run goes on, or a plan waits, that needs what is on record; the database refused.
pub(crate) async fn forget(
    store: &Store,
    state_dir: &Path,
    email: &str,
) -> anyhow::Result<Forgotten> {
    let address = Address::new(email);
    let mut people = store.everybody().await?;
    people.retain(|one| address.is(one.email.as_deref()));
    if people.is_empty() && !store.awaits_rewrite().await? {
        return Err(Usage(format!(
            "nobody on record has the address `{email}`; `rollcall people` lists who is"
        ))
        .into());
    }
    let gone = from_the_history(store, state_dir, &people).await?;
    reach(Point::Forgotten);
    Ok(Forgotten {
        people: gone,
        log_is_rid: store.rewrite().await?,
    })
}

async fn from_the_history(
    store: &Store,
    state_dir: &Path,
    people: &[Somebody],
) -> anyhow::Result<Vec<Gone>> {
    // While they are locked, no run reads who is on record.
    let mut locks = Vec::new();
    let mut integrations: Vec<&str> = people.iter().map(|one| one.integration.as_str()).collect();
    integrations.dedup();
    for integration in integrations {
        locks.push(Lock::take(state_dir, integration)?);
    }
    if let Some((run_id, state)) = store.needed_by(people, mapping::fold).await? {
        return Err(Usage(needed(&run_id, state)).into());
    }
    let mut gone = Vec::new();
    for somebody in people {
        let forgotten = store.forget(somebody, mapping::fold).await?;
        gone.push(Gone {
            integration: somebody.integration.clone(),
            source_id: somebody.source_id.clone(),
            changes: forgotten.changes,
            errors: forgotten.errors,
        });
    }
    Ok(gone)
}

/// Says what is in the way, and what to do.
fn needed(run_id: &str, state: State) -> String {
    match state {
        State::Running => format!(
            "run `{run_id}` goes on, or was cut off, and may have this person in its plan; wait for its end, or let \
             the next run of its integration close it"
        ),
        _ => format!(
            "the plan of run `{run_id}` waits and has this person in it; carry it out, or drop it with \
             `rollcall discard {run_id}`"
        ),
    }
}
