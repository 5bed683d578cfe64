//! What a run shows while it goes on.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// Where a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Both sides are being read.
    #[default]
    Reading,
    /// The plan is being made.
    Planning,
    /// The plan is being carried out.
    Delivering,
    /// What was sent is being verified.
    Verifying,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where it is.
    pub phase: Phase,
    /// Users read, planned, delivered or verified so far.
    pub done: u64,
    /// Of how many, where that is known.
    pub total: Option<u64>,
}

/// Where a run publishes its progress; who looks, looks at the latest.
#[derive(Debug, Clone)]
pub struct Publisher(watch::Sender<Progress>);

impl Publisher {
    /// Makes a publisher, and what is looked at.
    pub fn new() -> (Self, watch::Receiver<Progress>) {
        let (sender, receiver) = watch::channel(Progress::default());
        (Self(sender), receiver)
    }

    pub(crate) fn begin(&self, phase: Phase, total: Option<u64>) {
        self.0.send_replace(Progress {
            phase,
            done: 0,
            total,
        });
    }

    pub(crate) fn advance(&self, by: usize) {
        self.0.send_modify(|progress| progress.done += by as u64);
    }

    pub(crate) fn expect(&self, total: Option<u64>) {
        self.0
            .send_modify(|progress| progress.total = total.or(progress.total));
    }
}
