//! What became of a bulk load, as the instance logs it.
//!
//! A list of runs has one line for each portion; the details of a run have the counts by outcome
//! and the lines of its log. Only the list says which portion a line is about, and how the details
//! are asked for is not documented: they are used where they can be had and are of the same run,
//! and the list stands without them.

use serde_json::Value;
use transport::Client;

use crate::connector::ConnectorIdent;
use crate::error::Error;
use crate::ids::PortionId;

/// The number of runs that are asked for at once.
const LIMIT: usize = 100;
/// The most pages that are searched: the newest runs come first, and ours is among the newest.
const PAGES: usize = 5;
/// The most lines that are kept of a log.
const LINES: usize = 200;
/// The most characters that are kept of a line.
const LINE_LENGTH: usize = 500;

/// What the instance logged about one portion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunLog {
    /// The status in the instance's own words, such as "Completed with errors".
    pub status: String,
    /// The number of people created.
    pub added: u64,
    /// The number of people updated.
    pub updated: u64,
    /// The number of records that were left out on purpose.
    pub skipped: u64,
    /// The number of records that were refused.
    pub failed: u64,
    /// The number of records that changed nothing; 0 where the instance does not tell.
    pub unchanged: u64,
    /// The number of records that were dropped when somebody pressed Cancel.
    pub canceled: u64,
    /// The number of records that wait to be applied.
    pub processing: u64,
    /// What the log says about failures: at most 200 lines of at most 500 characters.
    pub words: Vec<String>,
    /// Whether the instance is done with the portion; before that no count is final.
    pub finished: bool,
}

/// Finds the log of a portion, with its details where they can be had.
pub(crate) async fn read(
    transport: &Client,
    idents: &[ConnectorIdent],
    portion: &PortionId,
) -> Result<Option<RunLog>, Error> {
    let mut unanswered = None;
    for ident in idents {
        match find(transport, ident, portion).await {
            Ok(Some(line)) => {
                let details = details(transport, &line, idents).await?;
                let tell = |words| transport.redact(words);
                return Ok(Some(RunLog::new(&line, details.as_ref(), tell)));
            }
            Ok(None) => {}
            Err(error) if error.is_unauthorized() => return Err(error),
            // What is asked for in a form that the instance does not know may be answered with a
            // 404 or a 500.
            Err(error) if error.is_refusal() => {}
            Err(error) => unanswered = Some(error),
        }
    }
    unanswered.map_or(Ok(None), Err)
}

/// Looks for the line of a portion in the list of one ident.
async fn find(
    transport: &Client,
    ident: &ConnectorIdent,
    portion: &PortionId,
) -> Result<Option<Value>, Error> {
    const OPERATION: &str = "read the list of run logs";
    let portion = portion.to_string();
    for page in 0..PAGES {
        let (lines, _) = transport
            .get("api/v3/connector_run_logs")
            .segment(ident.as_str())
            .query(&[
                ("limit", LIMIT.to_string()),
                ("skip", (page * LIMIT).to_string()),
            ])
            .operation(OPERATION)
            .send_json::<Vec<Value>>()
            .await
            .map_err(|error| Error::from_transport(OPERATION, error))?;
        let is_last = lines.is_empty();
        let ours =
            |line: &Value| text(line, "portion_correlation_id").eq_ignore_ascii_case(&portion);
        let found = lines.into_iter().find(ours);
        if found.is_some() || is_last {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Asks for the details of a run by everything that may identify it.
async fn details(
    transport: &Client,
    line: &Value,
    idents: &[ConnectorIdent],
) -> Result<Option<Value>, Error> {
    const OPERATION: &str = "read the details of a run log";
    let portion = match &line["portion_id"] {
        Value::Number(id) => id.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    let by_portion = (!portion.is_empty()).then_some((portion.as_str(), true));
    let by_ident = idents.iter().map(|ident| (ident.as_str(), false));
    for (key, names_the_portion) in by_portion.into_iter().chain(by_ident) {
        let answer = transport
            .get("api/v3/connector_run_logs/connectors")
            .segment(key)
            .operation(OPERATION)
            .send_json::<Value>()
            .await
            .map_err(|error| Error::from_transport(OPERATION, error));
        match answer {
            Ok((details, _)) if are_of_same_run(line, &details).unwrap_or(names_the_portion) => {
                return Ok(Some(details));
            }
            Err(error) if error.is_unauthorized() => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(None)
}

/// Whether details belong to a line, as far as their times tell: those of the list have fractions
/// of a second.
fn are_of_same_run(line: &Value, details: &Value) -> Option<bool> {
    let details_are_usable = details["objects"].is_object() || details["logs"].is_object();
    if !details_are_usable {
        return Some(false);
    }
    let (listed, detailed) = (
        number(&line["start_time"])?,
        number(&details["start_time"])?,
    );
    Some((listed - detailed).abs() < 2.0)
}

impl RunLog {
    /// Reads the log off both; `tell` cuts out what is secret.
    fn new(line: &Value, details: Option<&Value>, tell: impl Fn(String) -> String) -> Self {
        let nothing = Value::Null;
        let details = details.unwrap_or(&nothing);
        let objects = &details["objects"];
        let either =
            |object: &str, column: &str| count(&objects[object]).or_else(|| count(&line[column]));
        let processing = count(&objects["processing"]).unwrap_or(0);
        let statuses = [text(details, "status"), text(line, "status")];
        Self {
            status: statuses
                .iter()
                .find(|status| !status.is_empty())
                .map(|status| tell((*status).to_owned()))
                .unwrap_or_default(),
            added: either("added", "added_records_count").unwrap_or(0),
            updated: either("updated", "updated_records_count").unwrap_or(0),
            skipped: either("skipped", "skipped_records_count").unwrap_or(0),
            // The larger of the two: a failure that only one of them knows is one all the same.
            failed: count(&objects["failed"])
                .max(count(&line["error_logs_count"]))
                .unwrap_or(0),
            unchanged: count(&objects["unchanged"]).unwrap_or(0),
            canceled: count(&objects["canceled"]).unwrap_or(0),
            processing,
            words: words(&details["logs"], tell),
            finished: processing == 0
                && !statuses.into_iter().any(is_ongoing)
                && ![details, line].into_iter().any(has_no_end),
        }
    }
}

/// Whether a status says that there is more to come; which statuses exist is not documented.
fn is_ongoing(status: &str) -> bool {
    let status = status.to_lowercase();
    [
        "processing",
        "progress",
        "pending",
        "queued",
        "running",
        "waiting",
    ]
    .iter()
    .any(|word| status.contains(word))
}

/// Whether an end is shown, and is empty.
fn has_no_end(run: &Value) -> bool {
    match run.get("end_time") {
        None => false,
        Some(Value::String(end)) => end.is_empty(),
        Some(end) => number(end).is_none_or(|end| end == 0.0),
    }
}

fn words(logs: &Value, tell: impl Fn(String) -> String) -> Vec<String> {
    ["Fatal Error", "failed"]
        .into_iter()
        .filter_map(|kind| logs[kind].as_array())
        .flatten()
        .take(LINES)
        .map(|line| {
            let line = line
                .as_str()
                .map_or_else(|| line.to_string(), str::to_owned);
            let line = tell(line);
            line.chars()
                .take(LINE_LENGTH)
                .map(|character| {
                    if character.is_control() {
                        ' '
                    } else {
                        character
                    }
                })
                .collect()
        })
        .collect()
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

/// Reads a count, which may be written as a text.
fn count(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// Reads a number, which may be written as a text.
fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}
