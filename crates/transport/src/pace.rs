//! When the next request may go out: not faster than promised, and not while the system said no.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock as _};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::{meter::Meter, request::Stopping, settings::Rate};

/// The pace of one client, shared by all its requests.
pub(crate) struct Pace {
    limiter: DefaultDirectRateLimiter,
    hold: Mutex<Hold>,
    meter: Arc<Meter>,
}

/// The stop that answers with 429 asked for.
#[derive(Clone, Copy, Default)]
struct Hold {
    until: Option<Instant>,
    total: Duration,
}

impl Pace {
    pub(crate) fn new(rate: Rate, meter: Arc<Meter>) -> Self {
        Self {
            limiter: RateLimiter::direct(quota(burst(rate), rate)),
            hold: Mutex::default(),
            meter,
        }
    }

    /// Waits until a request may go out; says whether it may.
    ///
    /// Once `stopped` is cancelled, a hold is not waited out; a turn is by who goes out all the same.
    pub(crate) async fn ready(&self, stopped: &CancellationToken, stopping: Stopping) -> bool {
        let never = CancellationToken::new();
        let turn_lost = match stopping {
            Stopping::GivesUp => stopped,
            Stopping::GoesOutOnce => &never,
        };
        loop {
            while let Some(until) = self.held_until() {
                let _waiting = self.meter.throttling();
                if !passes(sleep_until(until), stopped).await {
                    return false;
                }
            }
            while let Some(wait) = time_left(&self.limiter) {
                let _waiting = self.meter.pacing();
                if !passes(sleep(wait), turn_lost).await {
                    return false;
                }
            }
            // A 429 may have come in while this request waited for its turn.
            if self.held_until().is_none() {
                return !turn_lost.is_cancelled();
            }
        }
    }

    /// Holds every request back for a time, and says whether none was held back before.
    pub(crate) fn hold(&self, delay: Duration) -> bool {
        let now = Instant::now();
        let mut hold = self.lock();
        let is_first = hold.until.is_none_or(|until| until <= now);
        let from = hold.until.map_or(now, |until| until.max(now));
        let until = from.max(now + delay);
        hold.total += until - from;
        hold.until = Some(until);
        is_first
    }

    /// How long requests were held back in all.
    pub(crate) fn held_back(&self) -> Duration {
        self.lock().total
    }

    fn held_until(&self) -> Option<Instant> {
        self.lock().until.filter(|until| *until > Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, Hold> {
        // Nothing panics while the lock is held, and the two values are right at any moment.
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many at once, and then so many a second: the pace of what goes out other than through a client.
#[derive(Debug)]
pub struct Allowance(DefaultDirectRateLimiter);

impl Allowance {
    /// Allows `burst` at once, and `rate` after that.
    pub fn new(burst: NonZeroU32, rate: Rate) -> Self {
        Self(RateLimiter::direct(quota(burst, rate)))
    }

    /// Waits until one more may go out.
    pub async fn ready(&self) {
        while let Some(wait) = time_left(&self.0) {
            sleep(wait).await;
        }
    }
}

fn quota(burst: NonZeroU32, rate: Rate) -> Quota {
    Quota::with_period(rate.interval())
        .expect("a rate is at most 10,000 a second, so its interval is not zero")
        .allow_burst(burst)
}

/// Takes a turn; or says how long there is none. The sleep is tokio's, as governor's own starts a thread.
fn time_left(limiter: &DefaultDirectRateLimiter) -> Option<Duration> {
    let early = limiter.check().err()?;
    Some(early.wait_time_from(limiter.clock().now()))
}

/// Waits; says whether the time passed before `stopped` was cancelled.
pub(crate) async fn passes(wait: Sleep, stopped: &CancellationToken) -> bool {
    stopped.run_until_cancelled(wait).await.is_some()
}

/// What may go out at once: a hundredth of a second's worth, as timers are no finer than that.
fn burst(rate: Rate) -> NonZeroU32 {
    (1_u32..=100)
        .rev()
        .find(|burst| f64::from(*burst) * 100.0 <= rate.per_second())
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_is_at_most_a_hundredth_of_a_second() {
        for (per_second, expected) in [(0.5, 1), (10.0, 1), (199.0, 1), (200.0, 2), (10_000.0, 100)]
        {
            let rate = Rate::try_from(per_second).unwrap();
            assert_eq!(burst(rate).get(), expected, "{per_second}");
        }
    }

    #[test]
    fn rates_outside_the_rule_are_refused() {
        for per_second in [0.0, -1.0, 10_000.1, f64::NAN, f64::INFINITY, 1e-300] {
            assert!(Rate::try_from(per_second).is_err(), "{per_second}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn overlapping_holds_are_counted_once() {
        let pace = Pace::new(Rate::try_from(10_000.0).unwrap(), Arc::default());
        assert!(pace.hold(Duration::from_millis(80)));
        assert!(!pace.hold(Duration::from_millis(50)));
        assert!(!pace.hold(Duration::from_millis(100)));
        assert_eq!(pace.held_back(), Duration::from_millis(100));
        sleep(Duration::from_millis(200)).await;
        assert!(pace.hold(Duration::from_millis(30)));
        assert_eq!(pace.held_back(), Duration::from_millis(130));
    }

    #[tokio::test]
    async fn no_second_holds_more_requests_than_promised() {
        let pace = Pace::new(Rate::try_from(100.0).unwrap(), Arc::default());
        let started = Instant::now();
        for _ in 0..21 {
            assert!(
                pace.ready(&CancellationToken::new(), Stopping::GivesUp)
                    .await
            );
        }
        assert!(started.elapsed() >= Duration::from_millis(199));
    }
}
