//! Watching over: which notices stand, for how things are.
//!
//! Facts are gathered ([`facts`]), rules say which notices follow from them ([`rules`], pure), and the store makes
//! the standing notices be those: what is new begins, what is no more is over, and nothing is said in between.
//! `serve::watch` looks after each run and once a minute; a command that ran without a daemon looks once.
//!
//! `empty_source` and `unverified` are begun and ended by the load itself.

mod facts;
mod rules;
mod skews;
mod tokens;

use std::collections::BTreeSet;

use jiff::Timestamp;
use store::{Notice, Reconciled, Store};

pub(crate) use facts::{Facts, IntegrationFacts, Outlook};
pub(crate) use skews::{Skews, System};
pub(crate) use tokens::{TokenEnd, ends};

use crate::config::Config;

/// The kind of the notice of a clock that is off.
const CLOCK_SKEW: &str = "clock_skew";

/// The kinds that are made to follow how things are.
const KINDS: &[&str] = &[
    "another_form",
    CLOCK_SKEW,
    "config_refused",
    "database_large",
    "disk_low",
    "field_gone",
    "new_value",
    "no_success",
    "notify_failed",
    "odd_run",
    "run_failed",
    "run_parked",
    "slot_missed",
    "token_expiring",
    "two_writers",
];

/// Makes the notices be those that follow from facts, and logs what began and what is over.
///
/// # Errors
/// The database refused; then nothing has changed.
pub(crate) async fn tell(
    store: &Store,
    facts: &Facts,
    more: Vec<Notice>,
) -> Result<Reconciled, store::Error> {
    let mut wanted = rules::notices(facts);
    wanted.extend(more);
    let done = store.reconcile_notices(KINDS, &wanted, facts.now).await?;
    for row in &done.began {
        let notice = &row.notice;
        tracing::warn!(
            kind = notice.kind,
            integration.id = notice.integration,
            hint = notice.hint,
            "{}",
            notice.message
        );
    }
    for row in &done.ended {
        let notice = &row.notice;
        tracing::info!(
            kind = notice.kind,
            integration.id = notice.integration,
            since = %row.since,
            "It is over: {}",
            notice.message
        );
    }
    Ok(done)
}

/// Looks once, for a command that ran without a daemon; `failing` are the notices of those who cannot be told.
///
/// # Errors
/// The database refused.
pub(crate) async fn look_once(
    config: &Config,
    store: &Store,
    skews: &Skews,
    failing: Vec<Notice>,
    now: Timestamp,
) -> Result<Reconciled, store::Error> {
    let pauses = store.pauses().await?;
    let all = pauses.iter().any(|pause| pause.integration.is_none());
    let is_paused = |id: &str| {
        all || pauses
            .iter()
            .any(|pause| pause.integration.as_deref() == Some(id))
    };
    let ids = || {
        config
            .integrations
            .iter()
            .map(|integration| integration.id.clone())
    };
    let outlook = Outlook {
        paused: ids().filter(|id| is_paused(id)).collect(),
        active: BTreeSet::new(),
        faults: 0,
    };
    let mut facts = Facts::new(now);
    for integration in &config.integrations {
        facts.look_at(integration, store).await?;
    }
    facts.look_around(config, store, &outlook, skews).await?;
    tell(store, &facts, failing).await
}
