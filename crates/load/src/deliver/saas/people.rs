//! Assigning and activating: several people with one request.

use std::collections::HashMap;

use oomnitza::{Activity, PersonId, SaasId, SaasUserId};
use store::{PersonRow, PlannedChange, SaasChange, SaasSettled, SaasSettlement};

use super::{Deliverer, Luck, Visit, failed, fault_of, place_not_attempted, settle};
use crate::deliver::look_up;
use crate::error::Stop;
use crate::point::{Point, reach};
use crate::reason::Reason;
use crate::saas::{After, Application, FIELD};

impl Deliverer<'_> {
    /// Looks up who the people are whom this run made, where it has not learnt that yet.
    pub(super) async fn people_who_were_made(
        &self,
        chunk: &[SaasChange],
    ) -> Result<HashMap<PersonRow, String>, Stop> {
        let unknown: Vec<PersonRow> = chunk
            .iter()
            .filter(|change| change.oomnitza_id.is_none())
            .map(|change| change.person)
            .collect();
        if unknown.is_empty() {
            return Ok(HashMap::new());
        }
        let changes: Vec<PlannedChange> = self.store.changes_of(self.key, &unknown).await?;
        let looking = look_up(self.reader, self.mapping(), &changes);
        let mut looks = self.halt.or_stop(looking).await?;
        let made = changes
            .iter()
            .filter_map(|change| Some((change.person, looks.remove(&change.change)?.id)));
        Ok(made.collect())
    }

    /// The ids by which those were deactivated who are back, by `user_id`.
    pub(super) async fn own_ids(
        &self,
        application: &Application,
        chunk: &[SaasChange],
    ) -> Result<HashMap<String, SaasUserId>, Stop> {
        let back: Vec<&str> = chunk
            .iter()
            .filter(|change| After::parse(&change.after).active == Some(true))
            .filter_map(|change| change.oomnitza_id.as_deref())
            .collect();
        let Some(id) = application.id.as_ref().filter(|_| !back.is_empty()) else {
            return Ok(HashMap::new());
        };
        let integration = self.key.integration;
        let known = self
            .store
            .known_places(integration, id.as_str(), &back)
            .await?;
        let ids = known.into_iter().filter_map(|(oomnitza_id, known)| {
            let id = SaasUserId::try_from(known.saas_user_id?.as_str()).ok()?;
            Some((oomnitza_id, id))
        });
        Ok(ids.collect())
    }

    /// Assigns those who are to be assigned; gives everybody who has a place after that.
    pub(super) async fn assign(
        &self,
        id: &SaasId,
        visits: Vec<Visit>,
        settled: &mut Vec<SaasSettled>,
        luck: &Luck,
    ) -> Vec<Visit> {
        let (mut parts, mut there): (Vec<Vec<Visit>>, Vec<Visit>) = {
            let (assign, there): (Vec<_>, Vec<_>) = visits
                .into_iter()
                .partition(|visit| visit.is_to_be_assigned);
            (vec![assign], there)
        };
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            if let Err(withdrawn) = self.may_write(luck) {
                settled.extend(
                    part.iter()
                        .map(|visit| settle(&visit.change, withdrawn.clone())),
                );
                continue;
            }
            let people: Vec<PersonId> = part.iter().map(|visit| visit.person.clone()).collect();
            let answer = self.writer.assign_saas(id, &people).await;
            reach(Point::PlacesAssigned);
            match answer {
                Ok(()) => {
                    luck.note(true);
                    there.append(&mut part);
                }
                // What is refused is split until those are found who are to blame.
                Err(error) if error.is_refusal() && part.len() > 1 => {
                    luck.note(true);
                    let rest = part.split_off(part.len() / 2);
                    parts.extend([rest, part]);
                }
                Err(error) => {
                    luck.note(error.is_refusal() || error.is_unauthorized());
                    let status = error.status().map(|status| status.as_u16());
                    let (stopped, refused) = (
                        self.halt.is_stopped() && !error.may_have_arrived(),
                        error.is_refusal(),
                    );
                    let fault = if stopped {
                        place_not_attempted()
                    } else {
                        fault_of(error, luck)
                    };
                    settled.extend(part.iter().map(|visit| {
                        let fault = Box::new(fault.clone());
                        let settlement = if stopped {
                            SaasSettlement::Withdrawn(fault)
                        } else if refused {
                            SaasSettlement::Unassigned {
                                oomnitza_id: visit.person.as_str().to_owned(),
                                fault,
                            }
                        } else {
                            SaasSettlement::Failed(fault)
                        };
                        SaasSettled {
                            status,
                            ..settle(&visit.change, settlement)
                        }
                    }));
                }
            }
        }
        there
    }

    /// Looks at those who are back and were not listed, now that they are assigned: the place may be another one, which
    /// is active, and the id by which the old one was deactivated is nobody's.
    pub(super) async fn look_at_assigned(&self, id: &SaasId, visits: &mut [Visit]) {
        let mut back: Vec<&mut Visit> = visits
            .iter_mut()
            .filter(|visit| visit.is_to_be_assigned && visit.left.active == Some(true))
            .collect();
        if back.is_empty() {
            return;
        }
        let listing = Application::listed(self.reader, id.clone());
        let application = match self.halt.or_stop(listing).await {
            Ok(application) => application,
            Err(stop) => {
                tracing::warn!(error = %stop.for_log(), "Could not read what was assigned of SaaS users");
                return;
            }
        };
        for visit in &mut back {
            let Some(place) = application.place(visit.person.as_str()) else {
                continue;
            };
            let is_new = place.id.is_some() && place.id != visit.id;
            if place.active.unwrap_or(is_new) {
                visit.left.active = None;
            }
            visit.id = place.id.clone().or(visit.id.take());
        }
    }

    /// Activates those whom this integration had deactivated and who are back.
    pub(super) async fn activate(
        &self,
        visits: &[Visit],
        settled: &mut [SaasSettled],
        luck: &Luck,
    ) {
        let back: HashMap<i64, Option<SaasUserId>> = visits
            .iter()
            .filter(|visit| visit.left.active == Some(true))
            .map(|visit| (visit.change.change, visit.id.clone()))
            .collect();
        let (mut waiting, mut ids) = (Vec::new(), Vec::new());
        for one in settled.iter_mut() {
            match (back.get(&one.change), &one.settlement) {
                (Some(Some(id)), SaasSettlement::Done(_)) => {
                    ids.push(id.clone());
                    waiting.push(one);
                }
                (Some(None), SaasSettlement::Done(_)) => {
                    one.settlement = failed(Reason::Rejected.because_of(
                        FIELD,
                        "the SaaS user is back and was deactivated, and Oomnitza's listing does not show its `saas_user_id`",
                    ));
                }
                _ => {}
            }
        }
        if ids.is_empty() {
            return;
        }
        if let Err(withdrawn) = self.may_write(luck) {
            for one in waiting {
                one.settlement = withdrawn.clone();
            }
            return;
        }
        let outcomes = self.set_activity(&ids, Activity::Active, luck).await;
        for (one, outcome) in waiting.into_iter().zip(outcomes) {
            match (&mut one.settlement, outcome) {
                (SaasSettlement::Done(done), Ok(())) => done.active = true,
                (settlement, Err(fault)) => *settlement = failed(*fault),
                (_, Ok(())) => {}
            }
        }
    }
}
