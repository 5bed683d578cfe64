//! What became of the portions.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::bulk::Bulk;
use super::envelope::Connector;
use super::people::OomnitzaPeople;
use super::portion::Portion;
use super::saas::Saas;
use crate::exchange::{Answer, Asked, Refusal};
use crate::options::Idents;

impl Bulk {
    /// `GET /api/v3/connector_run_logs/{ident}`: the runs of an integration, newest first.
    pub(super) fn run_logs(
        &mut self,
        asked: &Asked,
        ident: &str,
        people: &mut OomnitzaPeople,
        saas: &mut Saas,
    ) -> Result<Answer, Refusal> {
        asked.only_params(&["limit", "skip", "sortby", "filter"])?;
        let limit = usize::try_from(asked.number("limit", 1..=500, 200)?).expect("at most 500");
        let skip = usize::try_from(asked.number("skip", 0..=1_000_000, 0)?).expect("20 bits");
        if !self.is_ident(ident) {
            return Err(no_such_connector());
        }
        self.poll(None, people, saas);
        let newest_first = self
            .portions
            .iter()
            .rev()
            .filter(|portion| !portion.state.ignored);
        let logs: Vec<Value> = newest_first
            .skip(skip)
            .take(limit)
            .map(|portion| self.log(portion))
            .collect();
        Ok(Answer::json(&Value::from(logs)))
    }

    /// `GET /api/v3/connector_run_logs/connectors/{ident}`: one run, by its portion's number, or the newest
    /// of an integration.
    pub(super) fn run_log_details(
        &mut self,
        asked: &Asked,
        ident: &str,
        people: &mut OomnitzaPeople,
        saas: &mut Saas,
    ) -> Result<Answer, Refusal> {
        asked.only_params(&[])?;
        let is_connector = self.is_ident(ident);
        let place = self.portions.iter().rposition(|portion| {
            !portion.state.ignored && (is_connector || portion.number.to_string() == ident)
        });
        let place = place.ok_or_else(no_such_connector)?;
        self.poll(Some(place), people, saas);
        let portion = &self.portions[place];
        let state = &portion.state;
        Ok(Answer::json(&json!({
            "connector": self.connector_of(portion),
            "deployment": "local",
            "start_time": portion.started.as_second(),
            "end_time": portion.ended.map_or(0, Timestamp::as_second),
            "status": portion.status(),
            "ipv4_address": "127.0.0.1",
            "objects": {
                "updated": state.updated, "added": state.added, "failed": state.failed,
                "skipped": state.skipped, "unchanged": state.unchanged,
                "canceled": portion.canceled_records, "processing": portion.processing(),
            },
            "logs": {
                "Fatal Error": portion.fatal, "failed": portion.failures, "updated": [], "added": [],
                "skipped": [], "unchanged": [], "canceled": [], "processing": [],
            },
            "file_attachment": null,
            "test_run": false,
            "test_run_payload": [],
        })))
    }

    /// A look at the run log lets time pass: finalized portions come nearer to being applied.
    fn poll(&mut self, only: Option<usize>, people: &mut OomnitzaPeople, saas: &mut Saas) {
        for place in 0..self.portions.len() {
            let portion = &mut self.portions[place];
            if only.is_some_and(|only| only != place)
                || portion.state.finalized == 0
                || portion.state.applied
            {
                continue;
            }
            if portion.polls_left > 0 {
                portion.polls_left -= 1;
                continue;
            }
            self.apply(place, people, saas);
            self.portions[place].close();
        }
    }

    fn is_ident(&self, ident: &str) -> bool {
        let by_number = ident == self.connector_id.to_string();
        let by_name = ident.strip_prefix("connector_") == Some(&self.connector_name);
        match self.idents {
            Idents::Both => by_number || by_name,
            Idents::Number => by_number,
            Idents::Name => by_name,
        }
    }

    fn log(&self, portion: &Portion) -> Value {
        let state = &portion.state;
        json!({
            "portion_id": portion.number,
            "portion_correlation_id": state.id,
            "start_time": seconds(portion.started),
            "end_time": portion.ended.map_or(0.0, seconds),
            "connector": self.connector_of(portion),
            "is_media_storage_service": false,
            "status": portion.status(),
            "test_run": false,
            "deployment": "local",
            "ipv4_address": "127.0.0.1",
            "added_records_count": state.added,
            "updated_records_count": state.updated,
            "skipped_records_count": state.skipped,
            "error_logs_count": state.failed + portion.fatal.len() as u64,
        })
    }

    fn connector_of(&self, portion: &Portion) -> String {
        match &portion.sent_for {
            Connector::Id(_) => self.connector_name.clone(),
            Connector::Name(name) => name.clone(),
        }
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

fn no_such_connector() -> Refusal {
    Refusal::data(404, "there are no run logs of this connector")
}
