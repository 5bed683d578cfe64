//! Bulk: in batches, accepted at once and applied later.

mod verify;

use std::time::Duration;

use bytes::Bytes;
use mapping::Mapping;
use oomnitza::{Batch, Connector, FieldId, Mode, Portion, PortionId, SaasId, Sentence, Writer};
use serde_json::json;
use store::{Action, Group, PlannedChange, Settled, State};

use self::verify::{Sent, Witnesses};
use super::{
    Deliverer, Patience, chain, failed, for_log, not_attempted, rejection, settle, withdrawn,
};
use crate::decide::Object;
use crate::deliver::look::members;
use crate::error::Stop;
use crate::point::{Point, reach};
use crate::reason::Reason;
use crate::settings::Bulk;

/// Changes that are read from the plan, and marked as sent, together.
const CHUNK: u32 = 1000;

/// Records that are refused, without any that is accepted, before the load is taken for refused as a whole:
/// each costs a request of its own, and what is wrong then is no record.
const HOPELESS: usize = 100;

/// What all records of a load go by.
#[derive(Clone, Copy)]
struct Load<'a> {
    bulk: &'a Bulk,
    carried: Option<&'a Carried<'a>>,
}

/// A change as the record of a batch.
struct Prepared<'a> {
    change: &'a PlannedChange,
    record: Bytes,
}

/// The application that each record of a load carries, so that its person is assigned to it.
pub(super) struct Carried<'a> {
    pub(super) id: SaasId,
    pub(super) name: &'a str,
}

impl Carried<'_> {
    /// The member `SAAS` of a record.
    fn json(&self) -> String {
        // Oomnitza's own integration was seen to send this key, whatever the load's own keys are.
        let (id, name) = (self.id.as_str(), self.name);
        json!({ "sync_key": "email", "selected_saas_id": id, "name": name }).to_string()
    }
}

impl Deliverer<'_> {
    pub(super) async fn bulk(
        &self,
        bulk: &Bulk,
        carried: Option<&Carried<'_>>,
        groups: &[Group],
    ) -> Result<(), Stop> {
        let id = PortionId::random();
        self.store.open_portion(self.key, id.into()).await?;
        reach(Point::PortionRecorded);
        let mut portion = self.writer.portion(id, bulk.connector.clone());
        let mut sent = Sent::default();
        let load = Load { bulk, carried };
        let result = self.upload(load, groups, &mut portion, &mut sent).await;
        let result = result.map_err(|stop| self.halt.explain(stop));
        if let Err(stop) = &result
            && stop.state() == State::Failed
        {
            report_broken(&mut portion, bulk, self.writer, stop).await;
        }
        reach(Point::Uploaded);
        let canceled = matches!(result, Err(Stop::Canceled));
        if let Err(error) = self.finalize(portion, canceled).await? {
            self.leave_sent().await?;
            return result.and(Err(self.halt.explain(error.into())));
        }
        let patience = match &result {
            Ok(()) | Err(Stop::Canceled) => Patience::LONG,
            // Who talks to nobody does not wait.
            Err(_) => Patience::NONE,
        };
        let verified = self.verify(bulk, id, &sent, patience).await;
        result.and(verified)
    }

    async fn upload(
        &self,
        load: Load<'_>,
        groups: &[Group],
        portion: &mut Portion,
        sent: &mut Sent,
    ) -> Result<(), Stop> {
        for group in groups {
            let mut after = 0;
            while let Some(chunk) = self.next_chunk(group, &mut after, CHUNK).await? {
                self.upload_chunk(load, group, &chunk, portion, sent)
                    .await?;
            }
        }
        Ok(())
    }

    async fn upload_chunk(
        &self,
        load: Load<'_>,
        group: &Group,
        chunk: &[PlannedChange],
        portion: &mut Portion,
        sent: &mut Sent,
    ) -> Result<(), Stop> {
        let ids: Vec<i64> = chunk.iter().map(|change| change.change).collect();
        self.store.mark_sent(&ids).await?;
        if let Some(carried) = load.carried {
            let saas_id = carried.id.as_str();
            self.store
                .mark_saas_carried(self.key, saas_id, &ids)
                .await?;
        }
        reach(Point::ChangesMarked);
        let bulk = load.bulk;
        let prepared: Vec<Prepared<'_>> = chunk
            .iter()
            .map(|change| Prepared {
                change,
                record: self.record(load, change, &mut sent.witnesses),
            })
            .collect();
        let mut batches = prepared.chunks(bulk.batch);
        let result = loop {
            let Some(batch) = batches.next() else {
                break Ok(());
            };
            if let Err(stop) = self.may_go_on(portion).await {
                // This batch is not sent either.
                self.unsend(batch).await?;
                break Err(stop);
            }
            if let Err(stop) = self.upload_batch(bulk, group, batch, portion, sent).await {
                break Err(stop);
            }
            self.progress.advance(batch.len());
        };
        for batch in batches {
            self.unsend(batch).await?;
        }
        result
    }

    /// Says whether the next batch may be sent.
    async fn may_go_on(&self, portion: &mut Portion) -> Result<(), Stop> {
        let canceled = self.halt.or_stop(portion.is_canceled()).await;
        match canceled {
            Ok(true) => Err(Stop::Canceled),
            Ok(false) => Ok(()),
            Err(Stop::Target(error)) if !error.is_unauthorized() => {
                tracing::warn!(error = %for_log(&error), "Could not ask whether the load was canceled");
                Ok(())
            }
            Err(stop) => Err(stop),
        }
    }

    /// Takes back that changes were sent, for they were not.
    async fn unsend(&self, batch: &[Prepared<'_>]) -> Result<(), Stop> {
        let settled: Vec<Settled> = batch
            .iter()
            .map(|one| settle(one.change, withdrawn(not_attempted())))
            .collect();
        self.store_outcomes(&settled).await
    }

    /// Sends one batch; what is refused is split until the records are found that are to blame.
    async fn upload_batch(
        &self,
        bulk: &Bulk,
        group: &Group,
        batch: &[Prepared<'_>],
        portion: &mut Portion,
        sent: &mut Sent,
    ) -> Result<(), Stop> {
        let mode = match group.action {
            Action::Create => Mode::InsertOnly,
            Action::Update => Mode::UpdateOnly,
        };
        let mut parts = vec![batch];
        let mut refused = Vec::new();
        let mut result = Ok(());
        while let Some(part) = parts.pop() {
            let records = part.iter().map(|one| one.record.clone()).collect();
            let Ok(records) = Batch::new(self.sync_field(bulk, group), mode, records) else {
                // The size of a batch is checked with the configuration, and an empty part is none.
                continue;
            };
            match portion.send(&records).await {
                Ok(()) => {
                    reach(Point::BatchSent);
                    match group.action {
                        Action::Create => sent.creates += part.len() as u64,
                        Action::Update => sent.updates += part.len() as u64,
                    }
                }
                Err(error) if error.is_refusal() => match part {
                    [one] => refused.push(settle(one.change, rejection(&error))),
                    part => {
                        let (first, second) = part.split_at(part.len() / 2);
                        parts.extend([second, first]);
                    }
                },
                Err(error) => {
                    let settlement = if self.halt.is_stopped() && !error.may_have_arrived() {
                        withdrawn(not_attempted())
                    } else if error.is_unauthorized() {
                        rejection(&error)
                    } else {
                        failed(Reason::Unreachable.in_words(format!(
                            "{}; it may have been applied, which the next run sees",
                            chain(&error)
                        )))
                    };
                    refused.extend(
                        part.iter()
                            .map(|one| settle(one.change, settlement.clone())),
                    );
                    result = Err(Stop::Target(error));
                    break;
                }
            }
        }
        // After an error, the parts that were not tried were not sent.
        for part in parts {
            self.unsend(part).await?;
        }
        self.store_outcomes(&refused).await?;
        sent.refused += refused.len();
        self.failures.note(batch.len(), refused.len());
        if result.is_ok() && sent.creates + sent.updates == 0 && sent.refused >= HOPELESS {
            return Err(Stop::RefusesAll {
                records: sent.refused,
            });
        }
        result?;
        self.failures.check(&self.integration.guards)
    }

    fn sync_field(&self, bulk: &Bulk, group: &Group) -> Vec<FieldId> {
        bulk_id(self.mapping(), bulk, &group.key_field)
            .into_iter()
            .cloned()
            .collect()
    }

    fn record(&self, load: Load<'_>, change: &PlannedChange, witnesses: &mut Witnesses) -> Bytes {
        let Load { bulk, carried } = load;
        let note = |place, value: &str| witnesses.note(place, value.len(), change);
        let mut record = bulk_record(self.mapping(), bulk, change, note);
        if let Some(carried) = carried {
            record.push("SAAS", &carried.json());
        }
        record.close().into()
    }

    /// Finalizes the portion; one that cannot be finalized now, and why, is for the next run.
    async fn finalize(
        &self,
        portion: Portion,
        canceled: bool,
    ) -> Result<Result<(), oomnitza::Error>, Stop> {
        let id = portion.id();
        let unopened = !portion.is_open();
        let mut finalized = self.try_to_finalize(portion).await;
        if canceled && unopened {
            // Oomnitza knows the portion all the same, for somebody canceled it there.
            finalized = self.writer.finalize_abandoned(id).await;
        }
        if finalized.is_ok() {
            reach(Point::PortionFinalized);
            self.store.portion_finalized(self.key.run).await?;
            reach(Point::FinalizeRecorded);
        }
        Ok(finalized)
    }

    /// Settles what was sent in a portion that is not finalized: Oomnitza does not apply it before it is.
    async fn leave_sent(&self) -> Result<(), Stop> {
        const WHY: &str = "it was sent, and the bulk load could not be finalized; the next run finalizes it, upon which \
                           Oomnitza applies it, and compares";
        loop {
            let chunk = self.store.sent_changes(self.key, 0, CHUNK).await?;
            if chunk.is_empty() {
                return Ok(());
            }
            let left = |change| settle(change, failed(Reason::Unreachable.because(WHY)));
            let settled: Vec<Settled> = chunk.iter().map(left).collect();
            self.store_outcomes(&settled).await?;
        }
    }

    async fn try_to_finalize(&self, mut portion: Portion) -> Result<(), oomnitza::Error> {
        let mut pauses = BEFORE_LEAVING.into_iter();
        loop {
            let error = match portion.finalize().await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            portion = *error.portion;
            let Some(pause) = pauses.next().filter(|_| self.halt.is_stopped()) else {
                tracing::warn!(portion.id = %portion.id(), error = %for_log(&error.source), "Could not finalize the portion; the next run tries again");
                portion.leave_open();
                return Err(error.source);
            };
            tokio::time::sleep(pause).await;
        }
    }
}

/// The id of a mapped field in bulk.
pub(crate) fn bulk_id<'b>(mapping: &Mapping, bulk: &'b Bulk, name: &str) -> Option<&'b FieldId> {
    let mut fields = mapping.fields().iter();
    let place = fields.position(|field| field.name() == name)?;
    bulk.field_ids.get(place)
}

/// Writes a change as a record: its key, as Oomnitza has it, and the fields that are sent, of each of which is said
/// where it is in the mapping, and its value.
pub(crate) fn bulk_record(
    mapping: &Mapping,
    bulk: &Bulk,
    change: &PlannedChange,
    mut note: impl FnMut(usize, &str),
) -> Object {
    let mut record = Object::with_room(change.after.len() * 2);
    let sent = members(&change.after);
    if !sent.iter().any(|(name, _)| *name == change.key_field)
        && let Some(id) = bulk_id(mapping, bulk, &change.key_field)
    {
        record.push(id.as_str(), &mapping::exact(&change.key_value));
    }
    for (name, value) in sent {
        let mut fields = mapping.fields().iter();
        let place = fields.position(|field| field.name() == name);
        if let Some((place, id)) = place.and_then(|place| Some((place, bulk.field_ids.get(place)?)))
        {
            record.push(id.as_str(), value);
            note(place, value);
        }
    }
    record
}

/// The pauses before a finalize is tried again in a run that is stopped, whose requests are not repeated otherwise.
const BEFORE_LEAVING: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(700)];

/// Tells Oomnitza that the load broke off, as far as it can be told.
async fn report_broken(portion: &mut Portion, bulk: &Bulk, writer: &Writer, stop: &Stop) {
    if !portion.is_open() {
        report_failed(writer, bulk, &portion.id(), stop).await;
        return;
    }
    if let Err(error) = portion.report_broken(&Sentence::of(stop)).await {
        tracing::warn!(error = %for_log(&error), "Could not report to Oomnitza that the load broke off");
    }
}

/// Tells Oomnitza of a load that broke off before anything was sent, where it takes such a report.
pub(crate) async fn report_failed(writer: &Writer, bulk: &Bulk, id: &PortionId, stop: &Stop) {
    let Connector::Id(connector) = bulk.connector else {
        return;
    };
    if let Err(error) = writer
        .report_failed(connector, id, &Sentence::of(stop))
        .await
    {
        tracing::warn!(error = %for_log(&error), "Could not report to Oomnitza that the load failed");
    }
}
