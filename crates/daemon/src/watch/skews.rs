//! How far the clocks of both systems are from this one, as their latest answers said.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use load::Loader;

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
    /// Keeps what the latest answers to a load said; a system that gave none changes nothing.
    pub(crate) fn keep(&self, loader: &Loader) {
        let mut skews = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (system, way) in [
            (System::SentinelOne, &loader.source),
            (System::Oomnitza, &loader.target),
        ] {
            if let Some(ahead) = way.clock_skew() {
                skews.insert((loader.integration.id.clone(), system), ahead);
            }
        }
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
