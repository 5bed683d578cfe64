//! One bulk load, from its first batch to its finalize.

use std::thread;
use std::time::{Duration, Instant};

use http::StatusCode;
use tracing::{Instrument as _, debug_span, error, warn};
use transport::{Repeat, Request};

use crate::batch::{Batch, Mode};
use crate::connector::Connector;
use crate::error::Error;
use crate::fields::FieldId;
use crate::ids::PortionId;
use crate::sentence::Sentence;
use crate::writer::{Writer, json_string, unless_refused};

/// The least time between two questions whether somebody pressed Cancel.
const BETWEEN_ASKS: Duration = Duration::from_secs(5);

/// A bulk load of one run: batches go in, and it is finalized once, last, whatever happened before.
///
/// It is open from the first batch or report that was sent, answered or not. An open portion that
/// is dropped is a fault in the program and an error in the log; whoever cannot finalize one says
/// so with [`Portion::leave_open`].
#[derive(Debug)]
#[must_use = "a portion that was opened must be finalized"]
pub struct Portion {
    writer: Writer,
    id: PortionId,
    target: Connector,
    state: State,
    is_canceled: bool,
    asked_at: Option<Instant>,
    between_asks: Duration,
}

/// How far a portion has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was sent.
    Unused,
    /// Something was sent, and the instance may know of the portion.
    Sent,
    /// Something was accepted, and the instance knows of the portion.
    Accepted,
    /// It was finalized, or is left to be finalized later.
    Settled,
}

/// A finalize that did not succeed, and the portion, so that it can be tried again.
#[derive(Debug, thiserror::Error)]
#[error("could not finalize portion {}", portion.id)]
pub struct FinalizeError {
    /// The portion, still open.
    pub portion: Box<Portion>,
    /// Why it could not be finalized.
    pub source: Error,
}

impl Portion {
    pub(crate) fn new(writer: Writer, id: PortionId, target: Connector) -> Self {
        Self {
            writer,
            id,
            target,
            state: State::Unused,
            is_canceled: false,
            asked_at: None,
            between_asks: BETWEEN_ASKS,
        }
    }

    /// Returns the id by which the run log and [`Writer::finalize_abandoned`] know the portion.
    pub fn id(&self) -> PortionId {
        self.id
    }

    /// Whether anything was sent, so that the portion must be finalized.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Sent | State::Accepted)
    }

    /// Uploads a batch. An answer means that it was accepted; what became of it is in the run log.
    ///
    /// It is sent again after a time-out or a 5xx: the sync key identifies each record.
    ///
    /// # Errors
    ///
    /// When the instance refuses the batch, also in the body of a 2xx, or does not answer.
    pub async fn send(&mut self, batch: &Batch) -> Result<(), Error> {
        let records = batch.records().len();
        let span = debug_span!("oomnitza.upload", portion.id = %self.id, batch.records = records);
        let body = self.envelope(
            batch.sync_field(),
            Some(batch.mode()),
            batch.records(),
            None,
        );
        let request = self.request(body);
        self.post("upload a batch of records", request)
            .instrument(span)
            .await
    }

    /// Asks whether somebody pressed Cancel in Oomnitza; then no more is to be sent.
    ///
    /// It can be called before each batch: it really asks at most every five seconds,
    /// and never again once the answer was yes.
    ///
    /// # Errors
    ///
    /// When the instance does not answer. That it does not know the portion (yet) is no error.
    pub async fn is_canceled(&mut self) -> Result<bool, Error> {
        const OPERATION: &str = "ask whether the load was canceled";
        let is_due = self
            .asked_at
            .is_none_or(|asked_at| asked_at.elapsed() >= self.between_asks);
        if self.is_canceled || !is_due {
            return Ok(self.is_canceled);
        }
        let answer = self
            .writer
            .reader
            .transport
            .get(&format!("api/v3/bulk/{}", self.id))
            .operation(OPERATION)
            .send()
            .await
            .map_err(|error| Error::from_transport(OPERATION, error));
        self.asked_at = Some(Instant::now());
        match answer {
            Ok(answer) => {
                // A body of another form does not say that it was canceled.
                let status =
                    serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default();
                self.is_canceled = status["canceled"] == true;
                Ok(self.is_canceled)
            }
            Err(Error::Refused {
                status: StatusCode::NOT_FOUND,
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reports that the load broke off; then it is to be finalized.
    ///
    /// # Errors
    ///
    /// When the instance refuses the report or does not answer.
    pub async fn report_broken(&mut self, sentence: &Sentence) -> Result<(), Error> {
        let body = self.envelope(&[], None, &["{}"], Some(sentence));
        let request = self.request(body).concluding();
        self.post("report that the load broke off", request).await
    }

    /// Says that nothing more comes. Where nothing was sent, there is nothing to finalize, and
    /// nothing is sent.
    ///
    /// # Errors
    ///
    /// When the instance refuses or does not answer. The error holds the portion, to be finalized
    /// later.
    pub async fn finalize(mut self) -> Result<(), FinalizeError> {
        if self.is_open() {
            let span = debug_span!("oomnitza.finalize", portion.id = %self.id);
            let result = if self.state == State::Accepted {
                self.writer.finalize(self.id).instrument(span).await
            } else {
                // When all was refused, there may be nothing to finalize.
                self.writer
                    .finalize_abandoned(self.id)
                    .instrument(span)
                    .await
            };
            if let Err(source) = result {
                let portion = Box::new(self);
                return Err(FinalizeError { portion, source });
            }
            self.state = State::Settled;
        }
        Ok(())
    }

    /// Gives up finalizing here and now, and returns the id, under which
    /// [`Writer::finalize_abandoned`] does it later.
    pub fn leave_open(mut self) -> PortionId {
        if self.is_open() {
            warn!(portion.id = %self.id, "A portion is left open, to be finalized later");
            self.state = State::Settled;
        }
        self.id
    }

    fn request(&self, body: Vec<u8>) -> Request {
        let transport = &self.writer.reader.transport;
        transport
            .post("api/v3/bulk")
            .json_body(body)
            .repeat(Repeat::Harmless)
    }

    async fn post(&mut self, operation: &'static str, request: Request) -> Result<(), Error> {
        let before = self.state;
        // Even a request that is given up half-way may have opened it.
        if before == State::Unused {
            self.state = State::Sent;
        }
        let response = match request.operation(operation).send().await {
            Ok(response) => response,
            Err(error) => {
                if error.attempts() == 0 {
                    self.state = before;
                }
                return Err(Error::from_transport(operation, error));
            }
        };
        unless_refused(operation, &response)?;
        self.state = State::Accepted;
        Ok(())
    }

    /// Writes the body of a bulk request, in the form and order that Oomnitza's own connector
    /// sends.
    fn envelope(
        &self,
        sync_field: &[FieldId],
        mode: Option<Mode>,
        records: &[impl AsRef<[u8]>],
        broken: Option<&Sentence>,
    ) -> Vec<u8> {
        let length: usize = records.iter().map(|record| record.as_ref().len() + 1).sum();
        let mut body = Vec::with_capacity(length + 512);
        let sync_field: Vec<String> = sync_field
            .iter()
            .map(|field| format!("\"{field}\""))
            .collect();
        body.extend_from_slice(
            concat!(
                r#"{"connector_version":""#,
                env!("CARGO_PKG_VERSION"),
                r#"","sync_field":["#
            )
            .as_bytes(),
        );
        body.extend_from_slice(sync_field.join(",").as_bytes());
        body.extend_from_slice(br#"],"records":["#);
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(record.as_ref());
        }
        let rest = format!(
            concat!(
                r#"],"portion":"{portion}","data_type":"users","#,
                r#""insert_only":{insert_only},"update_only":{update_only},"#,
                r#""error":{error},"test_run":false,"multi_str_input_value":null,"#,
                r#"{target}{error_type}}}"#,
            ),
            portion = self.id,
            insert_only = mode == Some(Mode::InsertOnly),
            update_only = mode == Some(Mode::UpdateOnly),
            error = broken.map_or_else(
                || "null".to_owned(),
                |sentence| json_string(sentence.as_str())
            ),
            target = match &self.target {
                Connector::Id(id) => format!(r#""connector_id":{id}"#),
                Connector::Name(name) => format!(r#""connector_name":{}"#, json_string(name)),
            },
            error_type = if broken.is_some() {
                r#","error_type":"Fatal Error""#
            } else {
                ""
            },
        );
        body.extend_from_slice(rest.as_bytes());
        body
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        if self.is_open() {
            error!(portion.id = %self.id, "A portion was dropped before it was finalized");
            debug_assert!(thread::panicking(), "portion {} was dropped open", self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::json;
    use transport::{Client, Rate, Settings};
    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::client::Reader;

    #[tokio::test]
    async fn canceled_is_asked_again_in_time_until_it_is_so() {
        let server = MockServer::start().await;
        let answer = |canceled: bool| {
            Mock::given(any()).respond_with(
                ResponseTemplate::new(200).set_body_json(json!({"canceled": canceled})),
            )
        };
        answer(false).up_to_n_times(2).mount(&server).await;
        answer(true).mount(&server).await;
        let client = Client::new(Settings::new(
            server.uri().parse().unwrap(),
            http::HeaderName::from_static("authorization2"),
            SecretString::from("oomtok"),
            Rate::try_from(1000.0).unwrap(),
        ));
        let writer = Writer::new(Reader::new(client.unwrap()));
        let mut portion = writer.portion(PortionId::random(), Connector::Id(268));
        portion.between_asks = Duration::ZERO;
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(portion.is_canceled().await.unwrap());
        }
        assert_eq!(answers, [false, false, true, true, true]);
        assert_eq!(server.received_requests().await.unwrap().len(), 3);
    }
}
