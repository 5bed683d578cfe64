//! One load through bulk: what was sent, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::envelope::{Connector, Mode};

/// How a portion stands, as a test would look at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortionState {
    /// The UUID that the load gave it.
    pub id: String,
    /// The integration that it was sent for: its number or its name.
    pub connector: String,
    /// Bulk POSTs that carried records and were accepted.
    pub batches: usize,
    /// Records in them.
    pub records: usize,
    /// How many times it was finalized: once is right.
    pub finalized: u32,
    /// Whether somebody pressed Cancel.
    pub canceled: bool,
    /// What the load reported: the error of a load that broke off, or `empty run`.
    pub reported: Option<String>,
    /// Whether its records were ignored, as the integration is unknown.
    pub ignored: bool,
    /// Whether all records were dealt with.
    pub applied: bool,
    /// Records that made a person.
    pub added: u64,
    /// Records that changed a person.
    pub updated: u64,
    /// Records that found their person equal already.
    pub unchanged: u64,
    /// Records that the preference passed over.
    pub skipped: u64,
    /// Records that were refused, and those reported as failed.
    pub failed: u64,
}

/// A portion and the records that wait.
#[derive(Debug)]
pub(super) struct Portion {
    pub(super) state: PortionState,
    /// Its number in the run logs.
    pub(super) number: u64,
    pub(super) sent_for: Connector,
    pub(super) waiting: Vec<Batch>,
    /// How many more looks at the run log find it processing, once it is finalized.
    pub(super) polls_left: u32,
    /// Cancel it once it has so many batches.
    pub(super) cancel_after: Option<usize>,
    /// Whether the answer to finalize was lost, so that it may come again without blame.
    pub(super) finalize_lost: bool,
    pub(super) started: Timestamp,
    pub(super) ended: Option<Timestamp>,
    /// Records that came after the Cancel button.
    pub(super) canceled_records: u64,
    pub(super) fatal: Vec<String>,
    pub(super) failures: Vec<String>,
}

/// Records that wait to be applied.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) sync_fields: Vec<usize>,
    pub(super) mode: Mode,
    pub(super) records: Vec<Box<str>>,
}

impl Portion {
    pub(super) fn new(id: &str, number: u64, sent_for: Connector, ignored: bool) -> Self {
        let connector = match &sent_for {
            Connector::Id(id) => id.to_string(),
            Connector::Name(name) => name.clone(),
        };
        Self {
            state: PortionState {
                id: id.to_owned(),
                connector,
                batches: 0,
                records: 0,
                finalized: 0,
                canceled: false,
                reported: None,
                ignored,
                applied: false,
                added: 0,
                updated: 0,
                unchanged: 0,
                skipped: 0,
                failed: 0,
            },
            number,
            sent_for,
            waiting: Vec::new(),
            polls_left: 0,
            cancel_after: None,
            finalize_lost: false,
            started: Timestamp::now(),
            ended: None,
            canceled_records: 0,
            fatal: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Records that are not dealt with yet.
    pub(super) fn processing(&self) -> u64 {
        self.waiting
            .iter()
            .map(|batch| batch.records.len() as u64)
            .sum()
    }

    /// The word that the run log shows.
    pub(super) fn status(&self) -> &'static str {
        let state = &self.state;
        match () {
            () if !state.applied => "Processing",
            () if !self.fatal.is_empty() => "Failed",
            () if state.canceled => "Canceled",
            () if state.failed > 0 => "Completed with errors",
            () => "Completed",
        }
    }

    pub(super) fn close(&mut self) {
        self.state.applied = true;
        self.ended = Some(Timestamp::now());
    }
}
