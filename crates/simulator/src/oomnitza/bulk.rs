//! Bulk: batches that are accepted now and applied later.

mod apply;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};

use super::envelope::{Connector, Envelope, portion_id};
use super::people::OomnitzaPeople;
use super::portion::{Batch, Portion, PortionState};
use super::saas::Saas;
use crate::exchange::{Answer, Asked, Refusal};
use crate::options::{BulkDrop, BulkNull, BulkTiming, Idents, Options};

/// Asking for the Cancel button more often breaks the rule of "every few seconds"; half a second is for
/// timers that are early.
const BETWEEN_CANCEL_ASKS: Duration = Duration::from_millis(4_500);

/// The portions and the rules by which they are applied.
#[derive(Debug)]
pub(crate) struct Bulk {
    pub(super) portions: Vec<Portion>,
    places: HashMap<String, usize>,
    pub(super) connector_id: u64,
    pub(super) connector_name: String,
    pub(super) idents: Idents,
    timing: BulkTiming,
    null: BulkNull,
    pub(crate) drops: Vec<BulkDrop>,
    sync_keys: Vec<String>,
    /// For the next portion that is opened.
    cancel_next_after: Option<usize>,
    /// When each portion was last asked for, opened or not.
    cancel_asked: HashMap<String, Instant>,
    /// Breaches of a rule that were answered all the same.
    pub(crate) breaches: Vec<String>,
}

impl Bulk {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            portions: Vec::new(),
            places: HashMap::new(),
            connector_id: options.connector_id,
            connector_name: options.connector_name.clone(),
            idents: options.run_log_idents,
            timing: options.bulk_timing,
            null: options.bulk_null,
            drops: options.bulk_drops.clone(),
            sync_keys: options.sync_keys.clone(),
            cancel_next_after: None,
            cancel_asked: HashMap::new(),
            breaches: Vec::new(),
        }
    }

    pub(crate) fn states(&self) -> Vec<PortionState> {
        self.portions
            .iter()
            .map(|portion| portion.state.clone())
            .collect()
    }

    /// Presses Cancel once the open portion, or the next that is opened, has so many batches.
    pub(crate) fn cancel(&mut self, after_batches: usize) {
        let open = self
            .portions
            .iter_mut()
            .rev()
            .find(|portion| portion.state.finalized == 0);
        match open {
            Some(portion) => {
                portion.cancel_after = Some(after_batches);
                portion.state.canceled |= portion.state.batches >= after_batches;
            }
            None => self.cancel_next_after = Some(after_batches),
        }
    }

    /// Applies all portions that are finalized.
    pub(crate) fn settle(&mut self, people: &mut OomnitzaPeople, saas: &mut Saas) {
        for place in 0..self.portions.len() {
            if self.portions[place].state.finalized > 0 && !self.portions[place].state.applied {
                self.apply(place, people, saas);
                self.portions[place].close();
            }
        }
    }

    pub(super) fn lose_answer(&mut self, asked: &Asked) {
        let segments = asked.segments_below("/api/v3").unwrap_or_default();
        if let ["bulk", id, "finalize"] = segments.as_slice()
            && let Some(place) = self.places.get(*id)
        {
            self.portions[*place].finalize_lost = true;
        }
    }

    pub(super) fn answer(
        &mut self,
        asked: &Asked,
        below: &[&str],
        people: &mut OomnitzaPeople,
        saas: &mut Saas,
    ) -> Result<Answer, Refusal> {
        asked.only_params(&[])?;
        match (&asked.method, below) {
            (&Method::POST, []) => self.post(asked, people, saas),
            (&Method::GET, [id]) => self.is_canceled(id),
            (&Method::POST, [id, "finalize"]) => self.finalize(asked, id, people, saas),
            (&Method::POST, [connector, "add_ready_portion"]) => self.add_ready(asked, connector),
            _ => Err(Refusal::rule(404, "there is no such operation")),
        }
    }

    /// `POST /api/v3/bulk`.
    fn post(
        &mut self,
        asked: &Asked,
        people: &mut OomnitzaPeople,
        saas: &mut Saas,
    ) -> Result<Answer, Refusal> {
        let envelope = Envelope::read(asked.json_text()?, &people.schema)?;
        let place = self.open(&envelope.portion, envelope.connector.clone())?;
        let defaults = self.default_sync_fields(people);
        let portion = &mut self.portions[place];
        if portion.state.finalized > 0 {
            return Err(Refusal::rule(
                409,
                "the portion is finalized: nothing comes after that",
            ));
        }
        let records = envelope.records.len();
        if let Some(error) = envelope.error {
            portion.state.reported = Some(error.clone());
            // One empty record stands for the load itself.
            if envelope.records.iter().all(|record| record.get() == "{}") {
                portion.fatal.push(error);
            } else {
                portion.state.failed += records as u64;
                portion.failures.push(error);
            }
            return Ok(accepted());
        }
        if portion.state.canceled {
            portion.canceled_records += records as u64;
        } else if !portion.state.ignored {
            portion.waiting.push(Batch {
                sync_fields: if envelope.sync_fields.is_empty() {
                    defaults
                } else {
                    envelope.sync_fields
                },
                mode: envelope.mode,
                records: envelope
                    .records
                    .iter()
                    .map(|record| record.get().into())
                    .collect(),
            });
        }
        portion.state.batches += 1;
        portion.state.records += records;
        portion.state.canceled |= portion
            .cancel_after
            .is_some_and(|batches| portion.state.batches >= batches);
        if self.timing == BulkTiming::AtOnce {
            self.apply(place, people, saas);
        }
        Ok(accepted())
    }

    /// `GET /api/v3/bulk/<portion>`: whether somebody pressed Cancel.
    fn is_canceled(&mut self, id: &str) -> Result<Answer, Refusal> {
        let id = portion_id(id)?;
        let open = self
            .places
            .get(&id)
            .map(|place| self.portions[*place].state.canceled);
        let canceled = open.unwrap_or(self.cancel_next_after == Some(0));
        let now = Instant::now();
        let last = self.cancel_asked.insert(id, now);
        if last.is_some_and(|last| now.duration_since(last) < BETWEEN_CANCEL_ASKS) {
            let breach = "the Cancel button is asked for more often than every 5 s";
            self.breaches.push(breach.to_owned());
        }
        Ok(Answer::json(&json!({ "canceled": canceled })))
    }

    /// `POST /api/v3/bulk/<portion>/finalize`.
    fn finalize(
        &mut self,
        asked: &Asked,
        id: &str,
        people: &mut OomnitzaPeople,
        saas: &mut Saas,
    ) -> Result<Answer, Refusal> {
        let id = portion_id(id)?;
        let body: Value = asked.json()?;
        if body != json!({}) {
            return Err(Refusal::rule(400, "finalize takes `{}` and nothing else"));
        }
        let place = self.places.get(&id).copied();
        let place =
            place.ok_or_else(|| Refusal::data(404, "nothing was sent with this portion"))?;
        let portion = &mut self.portions[place];
        if portion.finalize_lost {
            portion.finalize_lost = false;
            return Ok(accepted());
        }
        portion.state.finalized += 1;
        if portion.state.finalized > 1 {
            return Err(Refusal::rule(409, "the portion is finalized already"));
        }
        match self.timing {
            BulkTiming::AfterPolls(polls) => portion.polls_left = polls,
            BulkTiming::AtOnce => {
                self.apply(place, people, saas);
                self.portions[place].close();
            }
        }
        Ok(accepted())
    }

    /// `POST /api/v3/bulk/<connector_id>/add_ready_portion`: a load of which nothing was sent.
    fn add_ready(&mut self, asked: &Asked, connector: &str) -> Result<Answer, Refusal> {
        let body: Value = asked.json()?;
        let id = portion_id(body["correlation_id"].as_str().unwrap_or_default())?;
        if connector != self.connector_id.to_string() {
            return Err(Refusal::rule(
                404,
                format!("there is no integration {connector}"),
            ));
        }
        if self.places.contains_key(&id) {
            return Err(Refusal::rule(
                409,
                "records were sent with this portion: finalize it instead",
            ));
        }
        let known = [
            "correlation_id",
            "is_empty_run",
            "failed",
            "error_message",
            "error_type",
            "test_run",
            "multi_str_input_value",
        ];
        let members = body.as_object().into_iter().flatten();
        if let Some((unknown, _)) = members
            .clone()
            .find(|(name, _)| !known.contains(&name.as_str()))
        {
            return Err(Refusal::rule(
                400,
                format!("`{unknown}` does not belong there"),
            ));
        }
        let failed = body["failed"].as_u64() == Some(1) && body["error_type"] == "Fatal Error";
        let place = match (
            body["is_empty_run"].as_bool(),
            body["error_message"].as_str(),
        ) {
            (Some(true), None) => {
                let place = self.open(&id, Connector::Id(self.connector_id))?;
                self.portions[place].state.reported = Some("empty run".to_owned());
                place
            }
            (None, Some(message)) if failed => {
                let place = self.open(&id, Connector::Id(self.connector_id))?;
                self.portions[place].state.reported = Some(message.to_owned());
                self.portions[place].fatal.push(message.to_owned());
                place
            }
            _ => {
                return Err(Refusal::rule(
                    400,
                    "neither an empty run nor a failed one is described",
                ));
            }
        };
        self.portions[place].state.finalized = 1;
        self.portions[place].close();
        Ok(accepted())
    }

    /// The portion of this id, opened if it is new.
    fn open(&mut self, id: &str, connector: Connector) -> Result<usize, Refusal> {
        if let Some(place) = self.places.get(id) {
            return if self.portions[*place].sent_for == connector {
                Ok(*place)
            } else {
                Err(Refusal::rule(
                    400,
                    "the portion was opened for another integration",
                ))
            };
        }
        let ignored = match &connector {
            Connector::Id(id) if *id == self.connector_id => false,
            Connector::Id(id) => {
                return Err(Refusal::data(404, format!("there is no integration {id}")));
            }
            Connector::Name(name) => *name != self.connector_name,
        };
        let place = self.portions.len();
        let mut portion = Portion::new(id, 1_001 + place as u64, connector, ignored);
        portion.cancel_after = self.cancel_next_after.take();
        portion.state.canceled = portion.cancel_after == Some(0);
        self.portions.push(portion);
        self.places.insert(id.to_owned(), place);
        Ok(place)
    }

    fn default_sync_fields(&self, people: &OomnitzaPeople) -> Vec<usize> {
        self.sync_keys
            .iter()
            .filter_map(|id| people.schema.bulk_place(id))
            .collect()
    }
}

fn accepted() -> Answer {
    Answer::json(&json!({}))
}
