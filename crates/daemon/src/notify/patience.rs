//! How long to wait before telling again what could not be told, and when to give it up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::tell::{Fault, Untold};

/// The waits after the first failures in a row, in seconds; after them it is an hour.
const WAITS: [u64; 5] = [1, 5, 30, 120, 600];
/// The wait after all further ones.
const AN_HOUR: Duration = Duration::from_hours(1);
/// Somebody who asks for more patience than this is asked again all the same.
const LONGEST: Duration = Duration::from_hours(24);
/// What happened so long ago is given up.
const TOO_OLD: SignedDuration = SignedDuration::from_hours(3 * 24);
/// A message that the other side refuses for what it says is given up after so many tries, some twelve minutes.
const REFUSALS: u32 = 6;

/// The wait after so many failures in a row.
pub(super) fn wait(failures: u32, untold: &Untold) -> Duration {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let own = WAITS
        .get(index)
        .map_or(AN_HOUR, |&wait| Duration::from_secs(wait));
    own.max(untold.retry_after.unwrap_or_default()).min(LONGEST)
}

/// Whether what happened at an instant, and could not be told so many times, is given up.
pub(super) fn is_given_up(
    tries: u32,
    untold: &Untold,
    happened_at: Timestamp,
    now: Timestamp,
) -> bool {
    let refused = untold.fault == Fault::Message && tries >= REFUSALS;
    refused || now.duration_since(happened_at) > TOO_OLD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn untold(fault: Fault, retry_after: Option<u64>) -> Untold {
        Untold {
            fault,
            retry_after: retry_after.map(Duration::from_secs),
            ..Untold::new("it did not work")
        }
    }

    #[test]
    fn waits_grow_to_an_hour_and_stay_there() {
        let untold = untold(Fault::Channel, None);
        let waits: Vec<u64> = (1..9)
            .map(|failures| wait(failures, &untold).as_secs())
            .collect();
        assert_eq!(waits, [1, 5, 30, 120, 600, 3600, 3600, 3600]);
    }

    #[test]
    fn whoever_asks_for_patience_gets_it_for_a_day_at_most() {
        for (failures, asked, expected) in [(1, 7, 7), (5, 7, 600), (1, 1_000_000, 86_400)] {
            let untold = untold(Fault::Channel, Some(asked));
            assert_eq!(wait(failures, &untold).as_secs(), expected);
        }
    }

    #[test]
    fn a_channel_has_three_days_and_a_message_that_is_refused_six_tries() {
        let happened_at: Timestamp = "2026-11-23T02:00:00Z".parse().unwrap();
        let given_up = |fault, tries, days: i64| {
            let now = happened_at + SignedDuration::from_hours(24 * days);
            is_given_up(tries, &untold(fault, None), happened_at, now)
        };
        assert!(!given_up(Fault::Channel, 60, 3));
        assert!(given_up(Fault::Channel, 1, 4));
        assert!(!given_up(Fault::Message, 5, 0));
        assert!(given_up(Fault::Message, 6, 0));
    }
}
