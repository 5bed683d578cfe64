//! A test of those who are told: `rollcall notify --test`.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::message::{Words, host};
use super::tell::{reach, tell};
use super::{pings, tell::Untold};
use crate::config::{self, Config};

/// Whoever waits for the answer has no more patience than this.
const LONGEST: Duration = Duration::from_secs(20);

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    /// Who was to be told.
    pub(crate) channel: String,
    /// Why it could not be.
    pub(crate) error: Option<String>,
}

/// Sends a test to everybody whom a configuration names, in its order.
pub(crate) async fn try_all(config: &Config) -> Vec<Trial> {
    all(&config.notify, &reach(config)).await
}

/// Sends a test to everybody, all at once; what came of it is in the order of the configuration.
pub(super) async fn all(notify: &config::Notify, way: &transport::Way) -> Vec<Trial> {
    let mut trying = JoinSet::new();
    for (place, channel) in notify.channels.iter().cloned().enumerate() {
        let way = way.clone();
        trying.spawn(async move {
            let words = Words::of_a_test(Timestamp::now());
            (place, tell(&channel, &way, &words, LONGEST).await)
        });
    }
    for (place, ping) in notify.pings.iter().cloned().enumerate() {
        let (way, place) = (way.clone(), notify.channels.len() + place);
        trying.spawn(async move {
            // An event that a switch notes without taking it for the state of a load.
            let body = format!("this is a test from {}\n", host());
            (place, pings::send(&ping, &way, "log", body).await)
        });
    }
    let mut results: Vec<(usize, Result<(), Untold>)> = trying.join_all().await;
    results.sort_by_key(|(place, _)| *place);
    notify
        .names()
        .zip(results)
        .map(|(name, (_, result))| Trial {
            channel: name.to_owned(),
            error: result.err().map(|untold| untold.sentence()),
        })
        .collect()
}
