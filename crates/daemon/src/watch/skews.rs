//! How far the clocks of both systems are from this one, as their latest answers said.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;

/// One of the two systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum System {
    SentinelOne,
    Oomnitza,
}

impl System {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SentinelOne => "SentinelOne",
            Self::Oomnitza => "Oomnitza",
        }
    }
}

/// The latest of each system, by integration; how far it is ahead of this machine.
#[derive(Debug, Default)]
pub(crate) struct Skews(Mutex<BTreeMap<(String, System), SignedDuration>>);

impl Skews {
    /// Keeps what the latest answers of a system said; a way on which none came changes nothing.
    pub(crate) fn keep(&self, integration: &str, system: System, way: &transport::Client) {
        let Some(ahead) = way.clock_skew() else {
            return;
        };
        let mut skews = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        skews.insert((integration.to_owned(), system), ahead);
    }

    /// Lists them all.
    pub(crate) fn all(&self) -> Vec<(String, System, SignedDuration)> {
        let skews = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        skews
            .iter()
            .map(|((integration, system), ahead)| (integration.clone(), *system, *ahead))
            .collect()
    }
}
