//! What a dead run left of `SaaS` users: what was sent and not answered is looked up in the application's listing.

use jiff::Timestamp;
use store::{
    Deactivated, Deactivation, PersonRow, RunKey, SaasAction, SaasChange, SaasSettled,
    SaasSettlement,
};

use super::{CHUNK, Recovery};
use crate::deliver::look_up;
use crate::error::Stop;
use crate::reason::Reason;
use crate::saas::{After, Application};

/// What is said of what was sent and is not there.
const NOT_THERE: &str =
    "it was sent, the process ended before an answer came, and Oomnitza does not show it";

impl Recovery<'_> {
    pub(super) async fn settle_sent_places(&self, key: RunKey) -> Result<(), Stop> {
        // Who was not loaded has an error already.
        self.store.withdraw_saas_of_unloaded(key).await?;
        let sent = |action| self.store.sent_saas_changes(key, action, CHUNK);
        let first = sent(SaasAction::Update).await?;
        if first.is_empty() && sent(SaasAction::Deactivate).await?.is_empty() {
            return Ok(());
        }
        let application = match &self.integration.saas {
            Some(saas) => {
                let reading = Application::read(self.reader, saas);
                self.halt.or_stop(reading).await?
            }
            // The integration has nothing to do with it any more.
            None => Application::default(),
        };
        let id = application.id.as_ref().map_or("", |id| id.as_str());
        loop {
            let chunk = sent(SaasAction::Update).await?;
            if chunk.is_empty() {
                break;
            }
            self.remember_assigned(key, id, &application, &chunk)
                .await?;
            let settled = chunk.iter().map(|change| updated(change, &application));
            let settled: Vec<SaasSettled> = settled.collect();
            self.store
                .settle_saas(key, id, &settled, Timestamp::now())
                .await?;
        }
        loop {
            let chunk = sent(SaasAction::Deactivate).await?;
            if chunk.is_empty() {
                return Ok(());
            }
            let settled: Vec<Deactivated> = chunk
                .iter()
                .map(|change| deactivated(change, &application))
                .collect();
            self.store.settle_deactivated(key, id, &settled).await?;
        }
    }

    /// Remembers as assigned whom a bulk load made and assigned, and whose batch was never answered: who is by now as
    /// that load made it is this integration's.
    pub(super) async fn claim_places(&self, integration: i64) -> Result<(), Stop> {
        let Some(saas) = &self.integration.saas else {
            return Ok(());
        };
        let mut application = None;
        let mut after = 0;
        loop {
            let reason = Reason::Unreachable.code();
            let chunk = self
                .store
                .carried_creates_failed_for(integration, reason, after, CHUNK)
                .await?;
            let Some(last) = chunk.last() else {
                return Ok(());
            };
            after = last.change;
            let application = if let Some(application) = &application {
                application
            } else {
                let reading = Application::read(self.reader, saas);
                application.insert(self.halt.or_stop(reading).await?)
            };
            let Some(id) = &application.id else {
                return Ok(());
            };
            let looking = look_up(self.reader, &self.integration.mapping, &chunk);
            let looks = self.halt.or_stop(looking).await?;
            let claimed: Vec<(PersonRow, String)> = chunk
                .iter()
                .filter_map(|change| Some((change.person, looks.get(&change.change)?)))
                .filter(|(_, look)| look.is_as_sent() && application.place(&look.id).is_some())
                .map(|(person, look)| (person, look.id.clone()))
                .collect();
            self.store
                .claim_places(integration, id.as_str(), &claimed)
                .await?;
        }
    }

    /// Remembers whom the dead run assigned, before it is said what became of the rest of it.
    async fn remember_assigned(
        &self,
        key: RunKey,
        id: &str,
        application: &Application,
        chunk: &[SaasChange],
    ) -> Result<(), Stop> {
        let assigned: Vec<(PersonRow, String)> = chunk
            .iter()
            .filter(|change| After::parse(&change.after).assigned)
            .filter_map(|change| Some((change.person, change.oomnitza_id.clone()?)))
            .filter(|(_, oomnitza_id)| application.place(oomnitza_id).is_some())
            .collect();
        Ok(self
            .store
            .claim_places(key.integration, id, &assigned)
            .await?)
    }
}

/// Settles the place of somebody who was loaded.
fn updated(change: &SaasChange, application: &Application) -> SaasSettled {
    let after = After::parse(&change.after);
    let oomnitza_id = change.oomnitza_id.as_deref();
    let place = oomnitza_id.and_then(|id| application.place(id));
    let settlement = match (oomnitza_id, place) {
        (Some(id), Some(_)) if after.left(place).is_nothing() => {
            SaasSettlement::Done(after.done(id))
        }
        _ => SaasSettlement::Failed(Box::new(
            Reason::Unreachable.because_of(crate::saas::FIELD, NOT_THERE),
        )),
    };
    SaasSettled {
        change: change.change,
        person: change.person,
        settlement,
        status: None,
    }
}

/// Settles the place of somebody who is gone.
fn deactivated(change: &SaasChange, application: &Application) -> Deactivated {
    let place = change
        .oomnitza_id
        .as_deref()
        .and_then(|id| application.place(id));
    let outcome = match place {
        Some(place) if place.active == Some(false) => Deactivation::Done,
        _ => Deactivation::Unanswered(NOT_THERE.to_owned()),
    };
    Deactivated {
        change: change.change,
        oomnitza_id: change.oomnitza_id.clone().unwrap_or_default(),
        outcome,
    }
}
