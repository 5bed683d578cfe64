//! How things are, as far as the rules want to know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use jiff::{SignedDuration, Timestamp};
use mapping::Write;
use schedule::Schedule;
use store::{Learned, Missed, Notice, PastRun, Store};
use url::Url;

use super::{CLOCK_SKEW, Skews, System, TokenEnd, tokens};
use crate::config::{Config, Integration};

/// Runs that are looked back on: ten that completed, and those that did not in between.
const RUNS: u32 = 40;

/// What the driver knows and nobody else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlook {
    /// The integrations that make no scheduled runs now.
    pub(crate) paused: BTreeSet<String>,
    /// The integrations of which a run goes on, or waits for its turn.
    pub(crate) active: BTreeSet<String>,
    /// How many faults the text of the configuration has that is not in force.
    pub(crate) faults: usize,
}

/// How things are.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) now: Timestamp,
    pub(crate) integrations: BTreeMap<String, IntegrationFacts>,
    pub(crate) tokens: Vec<TokenEnd>,
    pub(crate) disk: Option<Disk>,
    /// The size of the database with what is beside it, in bytes.
    pub(crate) database: u64,
    /// How far a system is ahead, by integration.
    pub(crate) skews: Vec<(String, System, SignedDuration)>,
    /// The notices that stand of clocks of which this process has heard nothing.
    pub(crate) unheard: Vec<Notice>,
    /// Integrations that write the same fields of the people of one target.
    pub(crate) writers: Vec<Writers>,
    pub(crate) faults: usize,
}

/// How an integration is.
#[derive(Debug, Clone, Default)]
pub(crate) struct IntegrationFacts {
    /// Its latest loads that are over, the latest first.
    pub(crate) runs: Vec<PastRun>,
    /// When it last completed a load.
    pub(crate) last_success: Option<Timestamp>,
    /// When it will have been without success for twice its interval; `None`: it need not succeed.
    pub(crate) overdue_at: Option<Timestamp>,
    /// Due times that were missed since the latest that was run.
    pub(crate) missed: Option<Missed>,
    /// What its latest complete read shows.
    pub(crate) learned: Learned,
    /// Fields whose values Oomnitza shows in another form.
    pub(crate) another_form: Vec<String>,
    pub(crate) paused: bool,
}

/// Several integrations that write the same fields of the people of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writers {
    /// The host of the target.
    pub(crate) target: String,
    /// Their ids, in order.
    pub(crate) integrations: Vec<String>,
    /// The fields that at least two of them write, in order.
    pub(crate) fields: Vec<String>,
}

/// The disk that holds the state, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) free: u64,
    pub(crate) total: u64,
}

impl Facts {
    /// Knows nothing yet.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            now,
            integrations: BTreeMap::new(),
            tokens: Vec::new(),
            disk: None,
            database: 0,
            skews: Vec::new(),
            unheard: Vec::new(),
            writers: Vec::new(),
            faults: 0,
        }
    }

    /// Looks at what the runs of an integration left in the database.
    ///
    /// # Errors
    /// The database refused.
    pub(crate) async fn look_at(
        &mut self,
        integration: &Integration,
        store: &Store,
    ) -> Result<(), store::Error> {
        let id = &integration.id;
        let (last_success, ledger_from) = store.last_success(id).await?;
        let mapped: BTreeSet<&str> = integration
            .mapping
            .fields()
            .iter()
            .map(mapping::Field::name)
            .collect();
        let mut another_form = store.fields_in_another_form(id).await?;
        another_form.retain(|field| mapped.contains(field.as_str()));
        let facts = IntegrationFacts {
            runs: store.past_runs(id, RUNS).await?,
            last_success,
            overdue_at: last_success
                .or(ledger_from)
                .and_then(|since| overdue_at(&integration.schedule, since)),
            missed: store.missed_slots(id).await?,
            learned: store
                .learn(id, &integration.mapping.source_fields())
                .await?,
            another_form,
            // `look_around` says.
            paused: false,
        };
        self.integrations.insert(id.clone(), facts);
        Ok(())
    }

    /// Looks at everything that changes without a run.
    ///
    /// # Errors
    /// The database refused.
    pub(crate) async fn look_around(
        &mut self,
        config: &Config,
        store: &Store,
        outlook: &Outlook,
        skews: &Skews,
    ) -> Result<(), store::Error> {
        self.integrations
            .retain(|id, _| config.integration(id).is_some());
        for (id, facts) in &mut self.integrations {
            let in_yaml = config
                .integration(id)
                .and_then(|one| one.schedule.paused.as_ref());
            facts.paused = in_yaml.is_some() || outlook.paused.contains(id);
        }
        self.tokens = tokens::ends(config, &store.tokens().await?);
        self.disk = disk(config);
        self.database = ["rollcall.db", "rollcall.db-wal"]
            .iter()
            .filter_map(|name| fs::metadata(config.state_dir.join(name)).ok())
            .map(|file| file.len())
            .sum();
        self.skews = skews.all();
        self.skews
            .retain(|(id, ..)| config.integration(id).is_some());
        let standing = store.standing_notices().await?.into_iter();
        self.unheard = standing
            .map(|row| row.notice)
            .filter(|notice| is_unheard(notice, config, &self.skews))
            .collect();
        self.writers = writers(config);
        self.faults = outlook.faults;
        Ok(())
    }
}

/// Whether a notice is of a clock of which nothing was heard, and that is still asked.
fn is_unheard(
    notice: &Notice,
    config: &Config,
    skews: &[(String, System, SignedDuration)],
) -> bool {
    let integration = notice.integration.as_deref().unwrap_or_default();
    let is_heard = |(id, system, _): &(String, System, SignedDuration)| {
        id == integration && system.name() == notice.subject
    };
    notice.kind == CLOCK_SKEW
        && config.integration(integration).is_some()
        && !skews.iter().any(is_heard)
}

/// When an integration that last succeeded at an instant has been without success for twice its interval.
fn overdue_at(schedule: &Schedule, since: Timestamp) -> Option<Timestamp> {
    let first = schedule.next_included(since)?;
    let second = schedule.next_included(first)?;
    let interval = second.duration_since(first);
    let twice = since.checked_add(interval.checked_mul(2)?).ok()?;
    // After a long gap, as over a weekend, two of its due times must have passed.
    Some(twice.max(second))
}

fn disk(config: &Config) -> Option<Disk> {
    let found = nix::sys::statvfs::statvfs(&config.state_dir).ok()?;
    let block = found.fragment_size();
    Some(Disk {
        free: found.blocks_available() * block,
        total: found.blocks() * block,
    })
}

/// Finds the targets of which several integrations write the same fields.
fn writers(config: &Config) -> Vec<Writers> {
    let mut targets = BTreeMap::<&str, BTreeMap<String, Vec<&str>>>::new();
    for integration in &config.integrations {
        let fields = targets.entry(integration.target.url.as_str()).or_default();
        for field in written(integration) {
            fields.entry(field).or_default().push(&integration.id);
        }
    }
    let shared = targets.into_iter().filter_map(|(url, mut fields)| {
        fields.retain(|_, writers| writers.len() > 1);
        let integrations: BTreeSet<&str> = fields.values().flatten().copied().collect();
        let host = Url::parse(url).ok()?.host_str()?.to_owned();
        (!fields.is_empty()).then(|| Writers {
            target: host,
            integrations: integrations.into_iter().map(str::to_owned).collect(),
            fields: fields.into_keys().collect(),
        })
    });
    shared.collect()
}

/// The fields that an integration writes again and again, but for those that it finds people by.
fn written(integration: &Integration) -> BTreeSet<String> {
    let mapping = &integration.mapping;
    let fields = mapping.fields().iter().enumerate();
    fields
        .filter(|(index, field)| {
            field.write() == Write::Always && !mapping.sync_keys().contains(index)
        })
        .map(|(_, field)| field.name().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn twice_the_interval_is_two_due_times_and_twice_the_time_between_them() {
        let daily = Schedule::daily(TimeZone::UTC);
        assert_eq!(
            overdue_at(&daily, at("2026-11-23T02:00:30Z")),
            Some(at("2026-11-25T02:00:30Z"))
        );
        assert_eq!(
            overdue_at(&daily, at("2026-11-23T14:00:00Z")),
            Some(at("2026-11-25T14:00:00Z")),
            "a load by hand in between"
        );
    }
}
