//! What is changed in the instance, one call at a time.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tracing::debug;
use transport::{Repeat, Request, Response};

use crate::client::Reader;
use crate::connector::Connector;
use crate::error::Error;
use crate::ids::{PersonId, PortionId};
use crate::model::{Answer, Person};
use crate::portion::Portion;
use crate::sentence::Sentence;

/// The half of the client that writes.
///
/// It is the only type with methods that change anything, so a dry run is one in which none is
/// made.
#[derive(Debug, Clone)]
pub struct Writer {
    pub(crate) reader: Reader,
}

impl Writer {
    /// Makes a writer to the instance of a reader.
    pub fn new(reader: Reader) -> Self {
        Self { reader }
    }

    /// Creates a person from a JSON object of fields by name.
    ///
    /// It is sent again only when it certainly did not arrive: whoever gets an error that
    /// [may have arrived](Error::may_have_arrived) looks the person up before trying again.
    ///
    /// # Errors
    ///
    /// When the instance refuses the person, also in the body of a 2xx, or does not answer.
    pub async fn create(&self, record: Bytes) -> Result<Answer, Error> {
        let request = self
            .reader
            .transport
            .post("api/v3/users")
            .repeat(Repeat::OnlyIfNotArrived);
        write("create a person", request, record).await
    }

    /// Changes a person to what a JSON object of fields by name says; other fields stay as they
    /// are.
    ///
    /// # Errors
    ///
    /// When the instance refuses the changes, also in the body of a 2xx, or does not answer.
    pub async fn update(&self, id: &PersonId, changes: Bytes) -> Result<Answer, Error> {
        let request = self
            .reader
            .transport
            .patch("api/v3/users")
            .segment(id.as_str())
            .repeat(Repeat::Harmless);
        write("update a person", request, changes).await
    }

    /// Makes a portion, through which the batches of one run are loaded; nothing is sent yet.
    pub fn portion(&self, id: PortionId, target: Connector) -> Portion {
        Portion::new(self.clone(), id, target)
    }

    /// Reports a run that had nothing to send, and so opened no portion.
    ///
    /// Oomnitza takes this for integrations with a number only.
    ///
    /// # Errors
    ///
    /// When the instance refuses the report or does not answer.
    pub async fn report_empty(
        &self,
        connector_id: u64,
        correlation: &PortionId,
    ) -> Result<(), Error> {
        let body = format!(r#"{{"correlation_id":"{correlation}","is_empty_run":true}}"#);
        self.report("report an empty load", connector_id, body)
            .await
    }

    /// Reports a run that broke off before it sent anything, and so opened no portion.
    ///
    /// Oomnitza takes this for integrations with a number only.
    ///
    /// # Errors
    ///
    /// When the instance refuses the report or does not answer.
    pub async fn report_failed(
        &self,
        connector_id: u64,
        correlation: &PortionId,
        sentence: &Sentence,
    ) -> Result<(), Error> {
        let message = json_string(sentence.as_str());
        let body = format!(
            concat!(
                r#"{{"correlation_id":"{correlation}","failed":1,"#,
                r#""error_message":{message},"error_type":"Fatal Error"}}"#,
            ),
            correlation = correlation,
            message = message,
        );
        self.report("report a failed load", connector_id, body)
            .await
    }

    /// Finalizes the portion of a process that died; a portion that the instance does not know
    /// needs none.
    ///
    /// # Errors
    ///
    /// When the instance refuses or does not answer; it is to be tried again later.
    pub async fn finalize_abandoned(&self, id: PortionId) -> Result<(), Error> {
        match self.finalize(id).await {
            Err(Error::Refused {
                status: StatusCode::NOT_FOUND,
                ..
            }) => {
                debug!(portion.id = %id, "Nothing was there to finalize");
                Ok(())
            }
            result => result,
        }
    }

    /// Finalizes a portion. An instance that says that it was finalized before is taken by its
    /// word: the first answer may have been lost.
    pub(crate) async fn finalize(&self, id: PortionId) -> Result<(), Error> {
        const OPERATION: &str = "finalize a portion";
        let finalized = self
            .reader
            .transport
            .post(&format!("api/v3/bulk/{id}/finalize"))
            .json_body("{}")
            // Whether it arrived or not, what is wanted is that it was done.
            .repeat(Repeat::Harmless)
            .concluding()
            .operation(OPERATION)
            .send()
            .await
            .map_err(|error| Error::from_transport(OPERATION, error));
        match finalized {
            Ok(_)
            | Err(Error::Refused {
                status: StatusCode::CONFLICT | StatusCode::GONE,
                ..
            }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn report(
        &self,
        operation: &'static str,
        connector_id: u64,
        body: String,
    ) -> Result<(), Error> {
        self.reader
            .transport
            .post(&format!("api/v3/bulk/{connector_id}/add_ready_portion"))
            .json_body(body)
            // The correlation id says that it is the same report.
            .repeat(Repeat::Harmless)
            .concluding()
            .operation(operation)
            .send()
            .await
            .map_err(|error| Error::from_transport(operation, error))
            .and_then(|response| unless_refused(operation, &response))
    }
}

/// Sends a write of one person and reads the answer.
async fn write(operation: &'static str, request: Request, body: Bytes) -> Result<Answer, Error> {
    // Without it the instance refuses fields that people may not edit on its screen.
    const IGNORE_META: HeaderName = HeaderName::from_static("oomnitza-ignore-meta-restriction");
    let request = request.header(IGNORE_META, HeaderValue::from_static("1"));
    let response = send(operation, request, body).await?;
    unless_refused(operation, &response)?;
    Ok(Answer {
        status: response.status,
        person: Person::whole(&response.body).ok(),
    })
}

/// Sends a write; an answer without a body is one, anything else that is no JSON comes from a proxy.
pub(crate) async fn send(
    operation: &'static str,
    request: Request,
    body: Bytes,
) -> Result<Response, Error> {
    request
        .json_body(body)
        .operation(operation)
        .send_checked(|response| {
            if !response.body.trim_ascii().is_empty() {
                serde_json::from_slice::<&RawValue>(&response.body)?;
            }
            Ok(response.clone())
        })
        .await
        .map_err(|error| Error::from_transport(operation, error))
}

/// Looks for an `error` or `errors` in the body of a 2xx, in an object or in a list of them.
pub(crate) fn unless_refused(operation: &'static str, response: &Response) -> Result<(), Error> {
    let answers = match response.body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(&response.body).map(|answer| vec![answer]),
        Some(b'[') => serde_json::from_slice::<Vec<Outcome>>(&response.body),
        _ => return Ok(()),
    };
    let words = answers
        .unwrap_or_default()
        .into_iter()
        .flat_map(|answer: Outcome| [answer.error, answer.errors])
        .find(|words| !is_nothing(words));
    match words {
        None => Ok(()),
        Some(words) => Err(Error::Refused {
            operation,
            status: response.status,
            words: words_of(response, &words),
        }),
    }
}

/// What an error in the body of a 2xx says: its beginning, on one line, secrets cut out.
pub(crate) fn words_of(response: &Response, error: &Value) -> String {
    let words = error
        .as_str()
        .map_or_else(|| error.to_string(), str::to_owned);
    let plain = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    let words = response.redact(words);
    words.chars().map(plain).take(500).collect()
}

/// What the body of a 2xx says about failures.
#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    error: Value,
    #[serde(default)]
    errors: Value,
}

pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is_error) => !is_error,
        Value::Number(count) => count.as_f64() == Some(0.0),
        Value::String(words) => words.trim().is_empty(),
        Value::Array(list) => list.iter().all(is_nothing),
        Value::Object(fields) => fields.is_empty(),
    }
}

/// Writes a text as JSON.
pub(crate) fn json_string(text: &str) -> String {
    Value::from(text).to_string()
}
