//! The alarm: set to one instant of the machine's clock, looked at twice a second, rung once that instant has come.
//!
//! Looking so often also shows what the clock does in between: that it was set, or that the machine slept.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

/// Two looks are half a second apart; from here on the machine slept, stood still, or had its clock set.
const LEAP: SignedDuration = SignedDuration::from_secs(30);
/// Clocks are slewed by small steps; due times stand against those by themselves.
const STEP_BACK: SignedDuration = SignedDuration::from_secs(-1);

/// What the clock did between two looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// What it showed at the look before.
    pub(crate) from: Timestamp,
    /// What it showed next: later than expected, or earlier than `from`.
    pub(crate) to: Timestamp,
}

/// The alarm of the daemon; there is one.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    state: Mutex<State>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct State {
    set_to: Option<Timestamp>,
    last_look: Option<(Timestamp, Instant)>,
    gap: Option<Gap>,
}

impl Alarm {
    /// Sets the alarm to an instant, or to none.
    pub(crate) fn set(&self, at: Option<Timestamp>) {
        self.state().set_to = at;
    }

    /// Looks at the clock; says whether the bell is to be rung.
    pub(crate) fn look(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        if let Some((before, _)) = state.last_look.replace((now, Instant::now())) {
            let passed = now.duration_since(before);
            if passed > LEAP || passed < STEP_BACK {
                // Several in a row, before anybody heard the first, are one.
                let from = state.gap.map_or(before, |gap| gap.from);
                state.gap = Some(Gap { from, to: now });
            }
        }
        state.gap.is_some() || state.set_to.is_some_and(|at| at <= now)
    }

    /// Rings: whoever waits goes on.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }

    /// Waits until it rings.
    pub(crate) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Takes what the clock did since this was last asked, if it did anything.
    pub(crate) fn take_gap(&self) -> Option<Gap> {
        self.state().gap.take()
    }

    /// Says whether the clock was looked at within this time: then the trigger is alive.
    pub(crate) fn is_looked_at(&self, within: Duration) -> bool {
        let last = self.state().last_look;
        last.is_some_and(|(_, at)| at.elapsed() <= within)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing is done under the lock that could leave it half done.
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn it_rings_from_its_instant_on_until_it_is_set_anew() {
        let alarm = Alarm::default();
        assert!(!alarm.look(at(100)));
        alarm.set(Some(at(102)));
        assert!(!alarm.look(at(101)));
        assert!(alarm.look(at(102)));
        assert!(alarm.look(at(103)), "nobody has heard it yet");
        alarm.set(None);
        assert!(!alarm.look(at(104)));
    }

    #[test]
    fn sleep_and_a_clock_that_is_set_ring_it() {
        for (before, after) in [(100, 7_300), (7_300, 100)] {
            let alarm = Alarm::default();
            assert!(!alarm.look(at(before)));
            assert!(alarm.look(at(after)));
            let gap = Gap {
                from: at(before),
                to: at(after),
            };
            assert_eq!(alarm.take_gap(), Some(gap));
            assert!(!alarm.look(at(after + 1)));
            assert_eq!(alarm.take_gap(), None);
        }
    }

    #[test]
    fn a_slow_look_and_a_small_step_are_nothing() {
        let alarm = Alarm::default();
        for look in [100, 130, 129, 130] {
            assert!(!alarm.look(at(look)));
        }
        assert_eq!(alarm.take_gap(), None);
    }

    #[test]
    fn it_says_whether_anybody_looks() {
        let alarm = Alarm::default();
        assert!(!alarm.is_looked_at(Duration::from_mins(1)));
        alarm.look(at(100));
        assert!(alarm.is_looked_at(Duration::from_mins(1)));
        assert!(!alarm.is_looked_at(Duration::ZERO));
    }
}
