//! Delivering: the stored plan is carried out, and nothing else is read for it.

mod bulk;
mod look;
mod rest;
mod saas;
mod run_log;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use mapping::Mapping;
use oomnitza::{Reader, Writer};
use store::{
    Action, Fault, Form, Group, Notice, PlannedChange, RunKey, Settled, Settlement, Store,
};
use transport::Retry;

use crate::error::{Stop, chain, for_log};
use crate::guards::{Guards, TooMany};
use crate::halt::Halt;
use crate::insist::Insistence;
use crate::point::{Point, reach};
use crate::progress::{Phase, Publisher};
use crate::reason::Reason;
use crate::settings::{Delivery, Integration, Saas};

pub(crate) use bulk::{bulk_id, bulk_record, report_failed};
pub(crate) use look::{Look, look_up, members, people_of};
pub(crate) use run_log::{Patience, await_portion};
pub(crate) use saas::place_not_attempted;

/// A plan that is older than this is not carried out without a second look at the people it changes.
const FRESH: Duration = Duration::from_mins(10);

/// Whether people are read again before they are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecondLook {
    /// Always: the plan was made in another process, at another time.
    Always,
    /// Only when the plan has grown old meanwhile.
    WhenStale,
}

impl SecondLook {
    /// Whether people who were read at one time are read again at another.
    fn is_due(self, read_at: Timestamp, now: Timestamp) -> bool {
        self == Self::Always || now.duration_since(read_at).unsigned_abs() > FRESH
    }
}

/// How many writes of a run failed, for the guard that stops it.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    writes: AtomicU64,
    failed: AtomicU64,
    /// Set once too many have failed, whatever becomes of those that are under way.
    too_many: OnceLock<TooMany>,
}

impl Failures {
    fn note(&self, writes: usize, failed: usize) {
        self.writes.fetch_add(writes as u64, Ordering::Relaxed);
        self.failed.fetch_add(failed as u64, Ordering::Relaxed);
    }

    /// Refuses to go on once too many have failed.
    fn check(&self, guards: &Guards) -> Result<(), Stop> {
        let writes = self.writes.load(Ordering::Relaxed);
        let failed = self.failed.load(Ordering::Relaxed);
        if let Some(allowed) = guards.too_many_failed(writes, failed) {
            // What was found first stays.
            let _ = self.too_many.set(TooMany {
                failed,
                writes,
                allowed,
            });
        }
        match self.too_many.get() {
            None => Ok(()),
            Some(&too_many) => Err(Stop::TooManyFailed(too_many)),
        }
    }
}

/// Carries out the plan of a run.
pub(crate) struct Deliverer<'a> {
    pub(crate) integration: &'a Integration,
    pub(crate) delivery: &'a Delivery,
    pub(crate) store: &'a Store,
    pub(crate) key: RunKey,
    pub(crate) reader: &'a Reader,
    pub(crate) writer: &'a Writer,
    pub(crate) retry: Retry,
    pub(crate) read_at: Timestamp,
    pub(crate) second_look: SecondLook,
    pub(crate) failures: Failures,
    pub(crate) halt: &'a Halt,
    pub(crate) progress: &'a Publisher,
    /// The application to which the people are assigned, where the run writes that as well.
    pub(crate) saas: Option<&'a Saas>,
}

impl Deliverer<'_> {
    /// Delivers everything that is planned, and stores what became of it.
    ///
    /// What is left planned after an error is for the caller to withdraw.
    pub(crate) async fn deliver(&self) -> Result<(), Stop> {
        let groups = self.store.groups(self.key).await?;
        let places = match self.saas {
            Some(_) => self.store.saas_to_deliver(self.key).await?,
            None => 0,
        };
        if groups.is_empty() && places == 0 {
            return Ok(());
        }
        let application = match self.saas {
            Some(saas) => Some(bulk::Carried {
                id: self.application(saas).await?,
                name: &saas.name,
            }),
            None => None,
        };
        if !groups.is_empty() {
            let total = groups.iter().map(|group| group.count).sum();
            self.progress.begin(Phase::Delivering, Some(total));
            match self.delivery {
                Delivery::Rest => self.rest(&groups).await?,
                Delivery::Bulk(bulk) => self.bulk(bulk, application.as_ref(), &groups).await?,
            }
        }
        match application {
            Some(application) => self.saas_users(&application.id).await,
            None => Ok(()),
        }
    }

    fn mapping(&self) -> &Mapping {
        &self.integration.mapping
    }

    /// Reads the next changes of a group behind the row `after`, and moves it on; `None` when there are none left.
    async fn next_chunk(
        &self,
        group: &Group,
        after: &mut i64,
        limit: u32,
    ) -> Result<Option<Vec<PlannedChange>>, Stop> {
        self.halt.check()?;
        let chunk = self
            .store
            .next_changes(self.key, group, *after, limit)
            .await?;
        let Some(last) = chunk.last() else {
            return Ok(None);
        };
        *after = last.change;
        Ok(Some(self.without_conflicts(chunk).await?))
    }

    /// Whether what is about to be changed is looked at again before.
    fn looks_again(&self) -> bool {
        self.second_look.is_due(self.read_at, Timestamp::now())
    }

    /// Withdraws the changes of a chunk that somebody has made pointless since the plan; gives the others.
    async fn without_conflicts(
        &self,
        changes: Vec<PlannedChange>,
    ) -> Result<Vec<PlannedChange>, Stop> {
        let looking = look::conflicts(self.reader, self.mapping(), &changes, self.looks_again());
        let mut conflicts = self.halt.or_stop(looking).await?;
        if conflicts.is_empty() {
            return Ok(changes);
        }
        let (mut settled, mut rest) = (Vec::new(), Vec::new());
        for change in changes {
            match conflicts.remove(&change.change) {
                Some(fault) => {
                    settled.push(settle(&change, withdrawn(fault)));
                }
                None => rest.push(change),
            }
        }
        self.store_outcomes(&settled).await?;
        self.progress.advance(settled.len());
        Ok(rest)
    }

    /// Stores what became of changes.
    async fn store_outcomes(&self, settled: &[Settled]) -> Result<(), Stop> {
        let now = Timestamp::now();
        Insistence::new(self.retry, self.halt)
            .on(|| self.store.settle(self.key, settled, now))
            .await?;
        reach(Point::OutcomesStored);
        Ok(())
    }

    /// Remembers values that Oomnitza shows in another form than they were sent in, and says so once a field.
    async fn remember(&self, forms: &[Form]) -> Result<(), Stop> {
        if forms.is_empty() {
            return Ok(());
        }
        self.store
            .remember_forms(self.key.integration, forms)
            .await?;
        let mut fields: Vec<&str> = forms.iter().map(|form| form.field.as_str()).collect();
        fields.sort_unstable();
        fields.dedup();
        for field in fields {
            let message = format!(
                "Oomnitza shows values of `{field}` in another form than they are sent in; \
                 they count as unchanged while both stay as they are"
            );
            let notice = Notice::new("another_form", field, message.as_str());
            if self
                .store
                .begin_notice(Some(self.key.integration), &notice, Timestamp::now())
                .await?
            {
                tracing::warn!(integration.id = %self.integration.id, field, "{message}");
            }
        }
        Ok(())
    }
}

/// Says what became of a change.
fn settle(change: &PlannedChange, settlement: Settlement) -> Settled {
    Settled {
        change: change.change,
        person: change.person,
        settlement,
        status: None,
    }
}

/// Says what became of a change, and with what status it was answered.
fn answered(change: &PlannedChange, settlement: Settlement, status: Option<StatusCode>) -> Settled {
    Settled {
        status: status.map(|status| status.as_u16()),
        ..settle(change, settlement)
    }
}

/// Says that Oomnitza has a change; of a create it is told who that is.
pub(crate) fn done(change: &PlannedChange, id: Option<String>) -> Settlement {
    Settlement::Done(id.filter(|_| change.action == Action::Create))
}

/// Says that Oomnitza does not have a change, and why.
pub(crate) fn failed(fault: Fault) -> Settlement {
    Settlement::Failed(Box::new(fault))
}

/// Says that a change was not sent, and why.
fn withdrawn(fault: Fault) -> Settlement {
    Settlement::Withdrawn(Box::new(fault))
}

/// Says that the run ended before it came to a user.
pub(crate) fn not_attempted() -> Fault {
    Reason::NotAttempted.because("the run ended before it came to this user")
}

/// What a refusal says to the operator: the status and Oomnitza's words.
fn rejection(error: &oomnitza::Error) -> Settlement {
    failed(Reason::Rejected.in_words(chain(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_run_looks_again_once_its_read_is_older_than_ten_minutes() {
        let read_at: Timestamp = "2026-11-23T02:00:00Z".parse().unwrap();
        for (time, plain) in [("02:00:00", false), ("02:10:00", false), ("02:10:01", true)] {
            let now: Timestamp = format!("2026-11-23T{time}Z").parse().unwrap();
            assert_eq!(SecondLook::WhenStale.is_due(read_at, now), plain, "{time}");
            assert!(SecondLook::Always.is_due(read_at, now), "{time}");
        }
    }

    #[test]
    fn once_too_many_writes_failed_no_answer_that_is_under_way_takes_it_back() {
        let guards = Guards::default();
        let failures = Failures::default();
        failures.note(20, 5);
        failures.check(&guards).unwrap();
        failures.note(1, 1);
        failures.check(&guards).unwrap_err();
        failures.note(7, 0);
        let stop = failures.check(&guards).unwrap_err();
        assert_eq!(
            chain(&stop),
            "`failed`: 6 of 21 writes failed, and 5 pass; see why in the error log, mend it and run again"
        );
    }
}
