//! `SaaS` users: after their people, each is assigned, named by its id and given its roles; who is gone is deactivated.
//!
//! Bulk assigns those whom it carries; the rest, and all roles, go person by person, several at a time.

mod application;
mod gone;
mod people;

use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use oomnitza::{Error, PersonId, SaasId, SaasUserId};
use store::{Fault, SaasAction, SaasChange, SaasDone, SaasSettled, SaasSettlement};

use super::rest::Luck;
use super::{Deliverer, chain};
use crate::error::Stop;
use crate::insist::Insistence;
use crate::point::{Point, reach};
use crate::progress::Phase;
use crate::reason::Reason;
use crate::saas::{After, Application, FIELD, Place};

/// Changes that are marked as sent, and whose outcomes are stored, together: as many as one request assigns.
const CHUNK: u32 = 100;
const _: () = assert!(CHUNK as usize <= oomnitza::SAAS_BATCH);
/// People whose places are written at a time.
const AT_A_TIME: usize = 8;

impl Deliverer<'_> {
    /// Delivers what is planned of `SaaS` users, and stores what became of it.
    pub(super) async fn saas_users(&self, id: &SaasId) -> Result<(), Stop> {
        self.store.withdraw_saas_of_unloaded(self.key).await?;
        let total = self.store.saas_to_deliver(self.key).await?;
        if total == 0 {
            return Ok(());
        }
        self.progress.begin(Phase::Delivering, Some(total));
        let listing = Application::listed(self.reader, id.clone());
        let application = self.halt.or_stop(listing).await?;
        self.update_places(id, &application).await?;
        self.deactivate_places(id, &application).await?;
        self.keep_what_is_shown(id).await
    }

    async fn update_places(&self, id: &SaasId, application: &Application) -> Result<(), Stop> {
        let mut after = 0;
        loop {
            self.halt.check()?;
            let chunk = self
                .store
                .next_saas_changes(self.key, SaasAction::Update, after, CHUNK)
                .await?;
            let Some(last) = chunk.last() else {
                return Ok(());
            };
            after = last.change;
            self.update_chunk(id, application, chunk).await?;
        }
    }

    async fn update_chunk(
        &self,
        id: &SaasId,
        application: &Application,
        chunk: Vec<SaasChange>,
    ) -> Result<(), Stop> {
        let size = chunk.len();
        let (visits, mut settled) = self.visits(application, chunk).await?;
        let changes: Vec<i64> = visits.iter().map(|visit| visit.change.change).collect();
        let assigning: Vec<_> = visits
            .iter()
            .filter(|visit| visit.is_assigned_by_us)
            .map(|visit| (visit.change.person, visit.person.as_str().to_owned()))
            .collect();
        self.store
            .mark_saas_sent(self.key, id.as_str(), &changes, &assigning)
            .await?;
        reach(Point::PlacesMarked);
        let luck = Luck::default();
        let mut visits = self.assign(id, visits, &mut settled, &luck).await;
        self.look_at_assigned(id, &mut visits).await;
        let writes: Vec<_> = visits
            .iter()
            .map(|visit| self.write_place(id, visit, &luck).boxed())
            .collect();
        let mut written = futures_util::stream::iter(writes).buffer_unordered(AT_A_TIME);
        while let Some(one) = written.next().await {
            reach(Point::PlaceWritten);
            settled.push(one);
        }
        drop(written);
        self.activate(&visits, &mut settled, &luck).await;
        let failed = settled
            .iter()
            .filter(|one| {
                matches!(
                    one.settlement,
                    SaasSettlement::Failed(_) | SaasSettlement::Unassigned { .. }
                )
            })
            .count();
        self.failures.note(settled.len(), failed);
        self.store_places(id, settled).await?;
        self.progress.advance(size);
        self.failures.check(&self.integration.guards)?;
        luck.verdict().map_err(|stop| self.halt.explain(stop))
    }

    /// Prepares the changes of a chunk; settles those that are pointless by now.
    async fn visits(
        &self,
        application: &Application,
        chunk: Vec<SaasChange>,
    ) -> Result<(Vec<Visit>, Vec<SaasSettled>), Stop> {
        let look_again = self.looks_again();
        let made = self.people_who_were_made(&chunk).await?;
        let mut own_ids = self.own_ids(application, &chunk).await?;
        let (mut visits, mut settled) = (Vec::with_capacity(chunk.len()), Vec::new());
        for change in chunk {
            let oomnitza_id = change.oomnitza_id.as_ref().or(made.get(&change.person));
            let person = oomnitza_id.and_then(|id| PersonId::try_from(id.as_str()).ok());
            let Some(person) = person else {
                let fault = Reason::Unreachable.because_of(
                    FIELD,
                    "the person was made, and Oomnitza does not show it by its keys, so that it could not be assigned",
                );
                settled.push(settle(&change, failed(fault)));
                continue;
            };
            let place = application.place(person.as_str());
            let after = After::parse(&change.after);
            if look_again && is_edited(&change, &after, place) {
                let fault = Reason::Conflict.because_of(
                    FIELD,
                    "somebody has changed the SaaS user in Oomnitza since the plan was made",
                );
                settled.push(settle(&change, SaasSettlement::Withdrawn(Box::new(fault))));
                continue;
            }
            visits.push(Visit {
                is_to_be_assigned: after.assigned && place.is_none(),
                // A bulk load has assigned those whom it carried.
                is_assigned_by_us: after.assigned && (place.is_none() || change.sent),
                id: place
                    .and_then(|place| place.id.clone())
                    .or_else(|| own_ids.remove(person.as_str())),
                left: after.left(place),
                after,
                change,
                person,
            });
        }
        Ok((visits, settled))
    }

    /// Makes the place of one person what it is to be, but for its activity.
    async fn write_place(&self, id: &SaasId, visit: &Visit, luck: &Luck) -> SaasSettled {
        let mut status = None;
        let result = async {
            if let Some(external_id) = &visit.left.external_id {
                self.may_write(luck)?;
                let writing = self
                    .writer
                    .set_saas_external_id(id, &visit.person, external_id);
                self.answered(writing.await, &mut status, luck)?;
            }
            if let Some(roles) = &visit.left.roles {
                self.may_write(luck)?;
                let writing = self.writer.set_saas_roles(id, &visit.person, roles);
                self.answered(writing.await, &mut status, luck)?;
            }
            Ok(())
        };
        let settlement = match result.await {
            Ok(()) => SaasSettlement::Done(SaasDone {
                assigned: visit.is_assigned_by_us,
                // Else that is still to be asked for.
                active: visit.after.active == Some(true) && visit.left.active.is_none(),
                ..visit.after.done(visit.person.as_str())
            }),
            Err(settlement) => settlement,
        };
        SaasSettled {
            status,
            ..settle(&visit.change, settlement)
        }
    }

    /// Says why nothing more may be written, if so.
    fn may_write(&self, luck: &Luck) -> Result<(), SaasSettlement> {
        let stops = self.failures.check(&self.integration.guards).is_err();
        if self.halt.is_stopped() || luck.is_gone() || stops {
            return Err(SaasSettlement::Withdrawn(Box::new(place_not_attempted())));
        }
        Ok(())
    }

    /// Notes the answer to a write.
    fn answered(
        &self,
        answer: Result<(), Error>,
        status: &mut Option<u16>,
        luck: &Luck,
    ) -> Result<(), SaasSettlement> {
        luck.note(!matches!(answer, Err(Error::Transport(_))));
        let Err(error) = answer else {
            return Ok(());
        };
        *status = error.status().map(|status| status.as_u16());
        if self.halt.is_stopped() && !error.may_have_arrived() && !error.is_refusal() {
            return Err(SaasSettlement::Withdrawn(Box::new(place_not_attempted())));
        }
        Err(failed(fault_of(error, luck)))
    }

    /// Stores what became of places.
    async fn store_places(&self, id: &SaasId, settled: Vec<SaasSettled>) -> Result<(), Stop> {
        let now = Timestamp::now();
        Insistence::new(self.retry, self.halt)
            .on(|| self.store.settle_saas(self.key, id.as_str(), &settled, now))
            .await?;
        reach(Point::PlacesStored);
        Ok(())
    }
}

/// A change that is under way.
struct Visit {
    change: SaasChange,
    person: PersonId,
    /// The place's own id, as it is listed or, of one that is not, as it was when it was deactivated.
    id: Option<SaasUserId>,
    /// What is to be there.
    after: After,
    /// What of it is to be written.
    left: After,
    is_to_be_assigned: bool,
    /// Whether the place is this integration's by this run.
    is_assigned_by_us: bool,
}

/// Whether somebody has changed what a change is about since it was planned, and not to what it is to be.
fn is_edited(change: &SaasChange, after: &After, place: Option<&Place>) -> bool {
    let is_as_before = || {
        let parse = |json: &str| serde_json::from_str::<serde_json::Value>(json).ok();
        parse(&after.shown(place)) == parse(&change.before)
    };
    let is_settled = after.left(place).is_nothing() || (after.assigned && place.is_some());
    !is_settled && !is_as_before()
}

fn settle(change: &SaasChange, settlement: SaasSettlement) -> SaasSettled {
    SaasSettled {
        change: change.change,
        person: change.person,
        settlement,
        status: None,
    }
}

fn failed(fault: Fault) -> SaasSettlement {
    SaasSettlement::Failed(Box::new(fault))
}

/// Says that the run ended before it came to the `SaaS` user of somebody who is loaded otherwise.
pub(crate) fn place_not_attempted() -> Fault {
    let message = "the run ended before it came to the SaaS user of this user";
    Reason::NotAttempted.because_of(FIELD, message)
}

/// Why a write failed; notes a token that is refused, after which nothing can be written.
fn fault_of(error: Error, luck: &Luck) -> Fault {
    let reason = if error.is_unauthorized() || error.is_refusal() {
        Reason::Rejected
    } else {
        Reason::Unreachable
    };
    let fault = Fault {
        field: Some(FIELD.to_owned()),
        ..reason.in_words(chain(&error))
    };
    if error.is_unauthorized() {
        luck.refuse(error);
    }
    fault
}
