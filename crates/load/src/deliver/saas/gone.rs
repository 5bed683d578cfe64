//! Deactivating those who are gone; what Oomnitza says of single ones counts for these alone.

use oomnitza::{Activity, SaasId, SaasUserId};
use store::{Deactivated, Deactivation, Fault, KnownPlace, SaasAction, SaasChange};

use super::{CHUNK, Deliverer, Luck, fault_of, place_not_attempted};
use crate::error::Stop;
use crate::insist::Insistence;
use crate::point::{Point, reach};
use crate::reason::Reason;
use crate::saas::{Application, FIELD};

impl Deliverer<'_> {
    pub(super) async fn deactivate_places(
        &self,
        id: &SaasId,
        application: &Application,
    ) -> Result<(), Stop> {
        let mut after = 0;
        loop {
            self.halt.check()?;
            let chunk = self
                .store
                .next_saas_changes(self.key, SaasAction::Deactivate, after, CHUNK)
                .await?;
            let Some(last) = chunk.last() else {
                return Ok(());
            };
            after = last.change;
            self.deactivate_chunk(id, application, &chunk).await?;
            self.progress.advance(chunk.len());
        }
    }

    async fn deactivate_chunk(
        &self,
        id: &SaasId,
        application: &Application,
        chunk: &[SaasChange],
    ) -> Result<(), Stop> {
        let (mut settled, mut changes, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        let people: Vec<&str> = chunk
            .iter()
            .filter_map(|change| change.oomnitza_id.as_deref())
            .collect();
        let known = self
            .store
            .known_places(self.key.integration, id.as_str(), &people)
            .await?;
        for change in chunk {
            let known = change.oomnitza_id.as_ref().and_then(|id| known.get(id));
            match to_deactivate(application, change, known) {
                Ok(id) => {
                    changes.push(change);
                    ids.push(id);
                }
                Err(outcome) => settled.push(deactivated(change, outcome)),
            }
        }
        let luck = Luck::default();
        if !ids.is_empty() {
            let rows: Vec<(i64, &str)> = changes
                .iter()
                .zip(&ids)
                .map(|(change, id)| (change.change, id.as_str()))
                .collect();
            self.store
                .mark_deactivating(self.key, id.as_str(), &rows)
                .await?;
            reach(Point::DeactivationsMarked);
            let outcomes = self.set_activity(&ids, Activity::Inactive, &luck).await;
            reach(Point::PlacesDeactivated);
            let failed = outcomes.iter().filter(|outcome| outcome.is_err()).count();
            self.failures.note(outcomes.len(), failed);
            settled.extend(changes.into_iter().zip(outcomes).map(|(change, outcome)| {
                let outcome = match outcome {
                    Ok(()) => Deactivation::Done,
                    Err(fault) if fault.reason == Reason::Rejected.code() => {
                        Deactivation::Refused(fault.message)
                    }
                    Err(fault) if fault.reason == Reason::NotAttempted.code() => {
                        Deactivation::Withdrawn(fault.message)
                    }
                    Err(fault) => Deactivation::Unanswered(fault.message),
                };
                deactivated(change, outcome)
            }));
        }
        Insistence::new(self.retry, self.halt)
            .on(|| {
                self.store
                    .settle_deactivated(self.key, id.as_str(), &settled)
            })
            .await?;
        self.failures.check(&self.integration.guards)?;
        luck.verdict().map_err(|stop| self.halt.explain(stop))
    }

    /// Activates or deactivates places; says of each, in their order, why it was not done, if it was not.
    pub(super) async fn set_activity(
        &self,
        ids: &[SaasUserId],
        activity: Activity,
        luck: &Luck,
    ) -> Vec<Result<(), Box<Fault>>> {
        let mut outcomes = Vec::with_capacity(ids.len());
        let mut parts = vec![ids];
        // From the first on, so that the outcomes are in their order.
        while let Some(part) = parts.pop() {
            if self.may_write(luck).is_err() {
                outcomes.extend(part.iter().map(|_| Err(Box::new(place_not_attempted()))));
                continue;
            }
            match self.writer.set_saas_activity(part, activity).await {
                Ok(items) => {
                    luck.note(true);
                    outcomes.extend(
                        items
                            .into_iter()
                            .map(|item| item.map_err(|words| Box::new(refused(&words)))),
                    );
                }
                Err(error) if error.is_refusal() && part.len() > 1 => {
                    luck.note(true);
                    let (first, rest) = part.split_at(part.len() / 2);
                    parts.extend([rest, first]);
                }
                Err(error) => {
                    luck.note(error.is_refusal() || error.is_unauthorized());
                    let fault = if self.halt.is_stopped() && !error.may_have_arrived() {
                        place_not_attempted()
                    } else {
                        fault_of(error, luck)
                    };
                    let fault = Box::new(fault);
                    outcomes.extend(part.iter().map(|_| Err(fault.clone())));
                }
            }
        }
        outcomes
    }
}

fn deactivated(change: &SaasChange, outcome: Deactivation) -> Deactivated {
    Deactivated {
        change: change.change,
        oomnitza_id: change.oomnitza_id.clone().unwrap_or_default(),
        outcome,
    }
}

/// The id by which a place is deactivated; else what becomes of that now.
fn to_deactivate(
    application: &Application,
    change: &SaasChange,
    known: Option<&KnownPlace>,
) -> Result<SaasUserId, Deactivation> {
    let place = change.oomnitza_id.as_deref();
    let place = place.and_then(|id| application.place(id));
    let is_own = known.is_some_and(|known| {
        let listed = place.and_then(|place| place.id.as_ref());
        let pair = known.saas_user_id.as_deref().zip(listed);
        known.assigned && pair.is_none_or(|(own, listed)| own == listed.as_str())
    });
    match place {
        None if application.is_complete => Err(Deactivation::Withdrawn(
            "the person is not assigned in Oomnitza any more".to_owned(),
        )),
        _ if !is_own => Err(Deactivation::Withdrawn(
            "somebody else has assigned the person in Oomnitza since".to_owned(),
        )),
        Some(place) if place.active == Some(false) => Err(Deactivation::Withdrawn(
            "somebody has deactivated it in Oomnitza".to_owned(),
        )),
        place => place.and_then(|place| place.id.clone()).ok_or_else(|| {
            Deactivation::Withdrawn(
                "Oomnitza's listing does not show its `saas_user_id`".to_owned(),
            )
        }),
    }
}

/// What Oomnitza says of one place in an answer that carries several.
fn refused(words: &str) -> Fault {
    Fault {
        field: Some(FIELD.to_owned()),
        ..Reason::Rejected.in_words(format!("Oomnitza refused: {words}"))
    }
}
