//! How far the clock of a system is from ours, as the `Date` of its answers shows.

use std::{
    sync::atomic::{AtomicI64, Ordering::Relaxed},
    time::{Duration, SystemTime},
};

use http::{HeaderMap, header};
use jiff::SignedDuration;

/// The latest measure, in milliseconds.
#[derive(Debug)]
pub(crate) struct Skew(AtomicI64);

/// Stands for no measure at all.
const NONE: i64 = i64::MIN;

impl Default for Skew {
    fn default() -> Self {
        Self(AtomicI64::new(NONE))
    }
}

impl Skew {
    /// Takes the measure of an answer that was asked for at one instant and had begun at another, both of our clock.
    pub(crate) fn measure(&self, headers: &HeaderMap, asked: SystemTime, answered: SystemTime) {
        let date = headers
            .get(header::DATE)
            .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        // What a cache answers has the date at which it was put there.
        let is_fresh = !headers.contains_key(header::AGE);
        if let Some(date) = date.filter(|_| is_fresh) {
            self.0
                .store(milliseconds_ahead(date, asked, answered), Relaxed);
        }
    }

    /// The latest measure, if there was one.
    pub(crate) fn latest(&self) -> Option<SignedDuration> {
        let ahead = self.0.load(Relaxed);
        (ahead != NONE).then(|| SignedDuration::from_millis(ahead))
    }
}

/// How far a date is ahead of our clock at the least; negative: behind.
///
/// The date was written at some instant between the two, and says no more than the second in which it was:
/// what that explains is no skew.
fn milliseconds_ahead(date: SystemTime, asked: SystemTime, answered: SystemTime) -> i64 {
    let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let end_of_its_second = date + Duration::from_secs(1);
    if let Ok(ahead) = date.duration_since(answered) {
        milliseconds(ahead)
    } else if let Ok(behind) = asked.duration_since(end_of_its_second) {
        -milliseconds(behind)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Measures an answer of 02:00:00 that was asked for and begun so many milliseconds after that.
    fn measured(asked: i64, answered: i64, age: Option<&'static str>) -> Option<i64> {
        let date = "Mon, 23 Nov 2026 02:00:00 GMT";
        let mut headers = HeaderMap::new();
        headers.insert(header::DATE, HeaderValue::from_static(date));
        if let Some(age) = age {
            headers.insert(header::AGE, HeaderValue::from_static(age));
        }
        let date = httpdate::parse_http_date(date).unwrap();
        let at = |milliseconds: i64| {
            let time = Duration::from_millis(milliseconds.unsigned_abs());
            if milliseconds < 0 {
                date - time
            } else {
                date + time
            }
        };
        let skew = Skew::default();
        skew.measure(&headers, at(asked), at(answered));
        let latest = skew.latest()?;
        Some(i64::try_from(latest.as_millis()).unwrap())
    }

    #[test]
    fn a_clock_that_goes_right_has_no_skew_however_slow_the_answer_is() {
        for (asked, answered) in [(0, 0), (999, 999), (-20_000, 40_000), (500, 60_000)] {
            assert_eq!(measured(asked, answered, None), Some(0), "{asked}");
        }
    }

    #[test]
    fn a_clock_that_is_ahead_or_behind_shows_by_how_much_at_the_least() {
        assert_eq!(measured(-45_100, -45_000, None), Some(45_000));
        assert_eq!(measured(46_000, 46_100, None), Some(-45_000));
    }

    #[test]
    fn nothing_is_measured_by_an_answer_of_a_cache_or_without_a_date() {
        assert_eq!(measured(46_000, 46_100, Some("45")), None);
        let skew = Skew::default();
        let now = SystemTime::now();
        skew.measure(&HeaderMap::new(), now, now);
        assert_eq!(skew.latest(), None);
    }
}
