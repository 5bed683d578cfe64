//! REST: person by person, several at a time within the pace, each answered at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{FutureExt as _, StreamExt as _};
use http::StatusCode;
use oomnitza::{Answer, Error, PersonId};
use store::{Action, Form, Group, PlannedChange, Settled, Settlement};

use super::{
    Deliverer, Look, answered, chain, done, failed, look_up, not_attempted, rejection, settle,
    withdrawn,
};
use crate::error::Stop;
use crate::point::{Point, reach};
use crate::reason::Reason;

/// Changes that are marked as sent, and whose outcomes are stored, together.
const CHUNK: u32 = 100;
/// Writes that are under way at a time.
const AT_A_TIME: usize = 8;
/// Writes that are given up in a row before the run is.
const PATIENCE: usize = 5;

/// What the writes of a run know of each other.
#[derive(Default)]
pub(super) struct Luck {
    /// Writes given up in a row.
    given_up: AtomicUsize,
    /// Set when no further write can succeed.
    refused_token: std::sync::OnceLock<Stop>,
}

impl Luck {
    pub(super) fn is_gone(&self) -> bool {
        self.refused_token.get().is_some() || self.given_up.load(Ordering::Relaxed) >= PATIENCE
    }

    /// Notes a token that is refused.
    pub(super) fn refuse(&self, error: Error) {
        // Whoever comes second has the same to say.
        let _ = self.refused_token.set(Stop::Target(error));
    }

    pub(super) fn note(&self, answered: bool) {
        if answered {
            self.given_up.store(0, Ordering::Relaxed);
        } else {
            self.given_up.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn verdict(self) -> Result<(), Stop> {
        let in_a_row = self.given_up.load(Ordering::Relaxed);
        match self.refused_token.into_inner() {
            Some(stop) => Err(stop),
            None if in_a_row >= PATIENCE => Err(Stop::Unreachable { in_a_row }),
            None => Ok(()),
        }
    }
}

impl Deliverer<'_> {
    pub(super) async fn rest(&self, groups: &[Group]) -> Result<(), Stop> {
        for group in groups {
            let mut after = 0;
            while let Some(chunk) = self.next_chunk(group, &mut after, CHUNK).await? {
                self.rest_chunk(chunk).await?;
            }
        }
        Ok(())
    }

    async fn rest_chunk(&self, chunk: Vec<PlannedChange>) -> Result<(), Stop> {
        let ids: Vec<i64> = chunk.iter().map(|change| change.change).collect();
        self.store.mark_sent(&ids).await?;
        reach(Point::ChangesMarked);
        let luck = Luck::default();
        // In a list, as with a closure in the stream the run could not be moved between threads. None has begun yet.
        let writes: Vec<_> = chunk
            .iter()
            .map(|change| self.write(change, &luck).boxed())
            .collect();
        let mut sent = futures_util::stream::iter(writes).buffer_unordered(AT_A_TIME);
        let (mut settled, mut looks) = (Vec::with_capacity(chunk.len()), HashMap::new());
        while let Some((one, look)) = sent.next().await {
            reach(Point::WriteAnswered);
            looks.extend(look.map(|look| (one.change, look)));
            settled.push(one);
            self.progress.advance(1);
        }
        drop(sent);
        self.look_closer(&chunk, &mut settled, &mut looks).await;
        let forms: Vec<Form> = looks
            .into_values()
            .flat_map(|look| look.forms(self.mapping()))
            .collect();
        self.store_outcomes(&settled).await?;
        self.remember(&forms).await?;
        self.failures.check(&self.integration.guards)?;
        luck.verdict().map_err(|stop| self.halt.explain(stop))
    }

    /// Reads people again whose answers did not show all that was sent, as an answer without a body does not, or showed
    /// that it was not taken: a value that is shown in another form would else be sent again by every run.
    async fn look_closer(
        &self,
        chunk: &[PlannedChange],
        settled: &mut [Settled],
        looks: &mut HashMap<i64, Look>,
    ) {
        let is_done = |one: &&mut Settled| matches!(one.settlement, Settlement::Done(_));
        let mut unseen: HashMap<i64, &mut Settled> = settled
            .iter_mut()
            .filter(is_done)
            .filter(|one| {
                looks
                    .get(&one.change)
                    .is_none_or(|look| look.unseen.is_some() || look.dropped().is_some())
            })
            .map(|one| (one.change, one))
            .collect();
        let changes: Vec<PlannedChange> = chunk
            .iter()
            .filter(|change| unseen.contains_key(&change.change))
            .cloned()
            .collect();
        if changes.is_empty() {
            return;
        }
        let looking = look_up(self.reader, self.mapping(), &changes);
        match self.halt.or_stop(looking).await {
            Ok(found) => {
                for change in &changes {
                    if let (Some(look), Some(one)) =
                        (found.get(&change.change), unseen.remove(&change.change))
                    {
                        one.settlement = taken(change, look);
                    }
                }
                looks.extend(found);
            }
            // They were accepted all the same; the next run compares.
            Err(stop) => {
                tracing::warn!(error = %stop.for_log(), "Could not read again what was written");
            }
        }
    }

    /// Makes one write, unless the run is stopped or nothing can be written any more; with what its answer shows.
    async fn write(&self, change: &PlannedChange, luck: &Luck) -> (Settled, Option<Look>) {
        let stops = self.failures.check(&self.integration.guards).is_err();
        if self.halt.is_stopped() || luck.is_gone() || stops {
            return (settle(change, withdrawn(not_attempted())), None);
        }
        let person = change
            .oomnitza_id
            .as_deref()
            .and_then(|id| PersonId::try_from(id).ok());
        let answer = match (change.action, person) {
            (Action::Update, Some(id)) => {
                self.writer.update(&id, change.after.clone().into()).await
            }
            (Action::Create, _) => self.create(change).await,
            (Action::Update, None) => {
                let fault = Reason::Rejected.because("the plan names nobody to update");
                return (settle(change, failed(fault)), None);
            }
        };
        luck.note(!matches!(answer, Err(Error::Transport(_))));
        let settled = self.settled(change, answer, luck);
        let has_failed = matches!(settled.0.settlement, Settlement::Failed(_));
        self.failures.note(1, usize::from(has_failed));
        settled
    }

    /// Says what became of a write by its answer.
    fn settled(
        &self,
        change: &PlannedChange,
        answer: Result<Answer, Error>,
        luck: &Luck,
    ) -> (Settled, Option<Look>) {
        let status = match &answer {
            Ok(answer) => Some(answer.status),
            Err(error) => error.status(),
        };
        match answer {
            Ok(Answer {
                person: Some(person),
                ..
            }) => {
                let look = Look::at(self.mapping(), change, &person);
                let id = Some(person.id.as_str().to_owned());
                (answered(change, done(change, id), status), Some(look))
            }
            Ok(Answer { person: None, .. }) => {
                (answered(change, Settlement::Done(None), status), None)
            }
            Err(error) if error.is_unauthorized() => {
                let fault = Reason::Rejected.in_words(chain(&error));
                luck.refuse(error);
                (answered(change, failed(fault), status), None)
            }
            Err(error) if error.is_refusal() => (answered(change, rejection(&error), status), None),
            Err(error) if self.halt.is_stopped() && !error.may_have_arrived() => {
                (settle(change, withdrawn(not_attempted())), None)
            }
            Err(error) => {
                let fault = Reason::Unreachable.in_words(chain(&error));
                (answered(change, failed(fault), status), None)
            }
        }
    }

    /// Makes a person: before a second try it is looked up, so that nobody is made twice.
    async fn create(&self, change: &PlannedChange) -> Result<Answer, Error> {
        let mut delays = self.retry.delays();
        loop {
            let error = match self.writer.create(change.after.clone().into()).await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.may_have_arrived() => error,
                Err(error) => return Err(error),
            };
            let Some(delay) = delays.next() else {
                return Err(error);
            };
            let looking = async {
                tokio::time::sleep(delay).await;
                look_up(self.reader, self.mapping(), std::slice::from_ref(change)).await
            };
            match self.halt.or_stop(looking).await {
                Ok(mut found) => {
                    if let Some(look) = found.remove(&change.change) {
                        tracing::warn!(person.id = %look.id, "A create was applied although its answer was lost");
                        return Ok(self.reread(&look.id).await);
                    }
                }
                // Without knowing whether it is there, it must not be made again.
                Err(_) => return Err(error),
            }
        }
    }

    /// Reads a person who is there for certain, as an answer would show it; of nobody where that does not work.
    async fn reread(&self, id: &str) -> Answer {
        let ids: Vec<PersonId> = PersonId::try_from(id).into_iter().collect();
        let reading = self.halt.or_stop(self.reader.people_by_ids(&ids)).await;
        let people = reading.unwrap_or_default();
        Answer {
            status: StatusCode::OK,
            person: people.into_iter().next(),
        }
    }
}

/// Says that Oomnitza has a change, unless it shows that it took it without taking all of it.
fn taken(change: &PlannedChange, look: &Look) -> Settlement {
    match look.dropped() {
        Some(field) if change.action == Action::Update => {
            let message = format!(
                "Oomnitza accepted the write, and does not show `{field}` as it was sent; see in Oomnitza whether the \
                 token's user may edit it and what it takes"
            );
            failed(Reason::Rejected.because_of(field, message))
        }
        _ => done(change, Some(look.id.clone())),
    }
}
