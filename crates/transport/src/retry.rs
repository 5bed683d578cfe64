//! How long to wait before repeating a request, and for how long to go on.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};
use tokio::time::Instant;

use crate::{error::Fault, request::Repeat};

/// The schedule of repeated tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How many tries a request gets, those that were answered 429 not counted; 0 counts as 1.
    pub tries: u32,
    /// The delay after the first try; each one after it is twice as long.
    pub first: Duration,
    /// The longest delay, also of those that the system asks for.
    pub longest: Duration,
    /// How long a request is repeated that is answered 429 again and again.
    pub patience: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            tries: 6,
            first: Duration::from_secs(1),
            longest: Duration::from_mins(1),
            patience: Duration::from_mins(10),
        }
    }
}

impl Retry {
    /// The delays between the tries of one request: one fewer than tries, with jitter.
    pub fn delays(self) -> impl Iterator<Item = Duration> + Send {
        (1..self.tries).map(move |tries| self.delay(tries))
    }

    /// The delay after so many failures.
    fn delay(self, failures: u32) -> Duration {
        let doubled = self
            .first
            .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
        // Jitter only lengthens, so that the promised time is waited at least.
        doubled
            .min(self.longest)
            .mul_f64(1.0 + fastrand::f64() / 5.0)
            .min(self.longest)
    }
}

/// How far one request has come in the schedule.
pub(crate) struct Progress {
    retry: Retry,
    failures: u32,
    throttles: u32,
    throttled_since: Option<Instant>,
}

/// Who waits before the next try, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Only the request that failed.
    Alone(Duration),
    /// Every request of the client, as the system asked for fewer of them.
    Everyone(Duration),
}

impl Progress {
    pub(crate) fn new(retry: Retry) -> Self {
        Self {
            retry,
            failures: 0,
            throttles: 0,
            throttled_since: None,
        }
    }

    /// The wait after a fault, or nothing when the request is to be given up.
    pub(crate) fn wait_after(&mut self, fault: &Fault, repeat: Repeat) -> Option<Wait> {
        let longest = self.retry.longest;
        if fault.is_throttled() {
            // A 429 costs time, not one of the tries: nobody looked at the request.
            self.throttles = self.throttles.saturating_add(1);
            let since = *self.throttled_since.get_or_insert_with(Instant::now);
            let own = || self.retry.delay(self.throttles);
            let delay = fault.retry_after().unwrap_or_else(own).min(longest);
            let has_time = since.elapsed().saturating_add(delay) <= self.retry.patience;
            return has_time.then_some(Wait::Everyone(delay));
        }
        self.failures = self.failures.saturating_add(1);
        let may_repeat = repeat == Repeat::Harmless || !fault.may_have_arrived();
        if !fault.is_transient() || !may_repeat || self.failures >= self.retry.tries {
            return None;
        }
        let own = || self.retry.delay(self.failures);
        Some(Wait::Alone(
            fault.retry_after().unwrap_or_else(own).min(longest),
        ))
    }
}

/// The delay that an answer asks for: in seconds, or until a date.
///
/// A delay that is missing, unreadable, zero or in the past is `None`: then our own schedule
/// holds, for a zero that is taken literally would repeat without an end at full speed.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        let seconds: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    } else {
        // The date is the system's, so it is compared with the system's own clock if that is given.
        let now = headers
            .get(header::DATE)
            .and_then(|value| httpdate::parse_http_date(value.to_str().ok()?).ok())
            .unwrap_or_else(SystemTime::now);
        let until = httpdate::parse_http_date(text).ok()?;
        until.duration_since(now).ok()?
    };
    Some(delay).filter(|delay| !delay.is_zero())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn asked(value: &'static str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::DATE,
            HeaderValue::from_static("Mon, 23 Nov 2026 02:00:00 GMT"),
        );
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
        retry_after(&headers)
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(asked("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(
            asked("Mon, 23 Nov 2026 02:00:30 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            asked("99999999999999999999999999"),
            Some(Duration::MAX),
            "a number too large for anything is a very long delay"
        );
    }

    #[test]
    fn a_delay_that_cannot_be_meant_is_none() {
        for value in [
            "0",
            "-5",
            "",
            "soon",
            "inf",
            "1.2.3",
            "Mon, 23 Nov 2026 01:00:00 GMT",
        ] {
            assert_eq!(asked(value), None, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn default_delays_double_and_leave_six_tries() {
        let delays: Vec<_> = Retry::default().delays().collect();
        assert_eq!(delays.len(), 5);
        for (delay, seconds) in delays.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0]) {
            let ratio = delay.as_secs_f64() / seconds;
            assert!((1.0..=1.2).contains(&ratio), "{delay:?}");
        }
    }

    #[test]
    fn delays_never_exceed_the_longest() {
        let retry = Retry {
            tries: 100,
            ..Retry::default()
        };
        assert!(retry.delays().all(|delay| delay <= retry.longest));
    }
}
