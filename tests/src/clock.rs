//! Minutes of the clock: what schedules name, and what ledgers show.

use std::time::Duration;

use jiff::Timestamp;

/// A minute.
pub const MINUTE: Duration = Duration::from_mins(1);
/// An hour.
pub const HOUR: Duration = Duration::from_hours(1);

/// The beginning of a minute, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minute {
    /// Since 1970.
    minutes: i64,
}

impl Minute {
    /// The minute that is going on.
    pub fn now() -> Self {
        let minutes = Timestamp::now().as_second() / 60;
        Self { minutes }
    }

    /// The minute so many before this.
    #[must_use]
    pub fn before(self, minutes: i64) -> Self {
        let minutes = self.minutes - minutes;
        Self { minutes }
    }

    /// Whether it begins later than after this time.
    ///
    /// # Panics
    /// The time is longer than the calendar.
    pub fn is_further_than(self, time: Duration) -> bool {
        let time = jiff::SignedDuration::try_from(time).expect("a short time");
        self.instant().duration_since(Timestamp::now()) > time
    }

    /// `02:00`: as `at` of a schedule has it.
    pub fn time_of_day(self) -> String {
        self.instant().strftime("%H:%M").to_string()
    }

    /// `2026-11-23`: as `exclude` of a schedule has it.
    pub fn day(self) -> String {
        self.instant().strftime("%Y-%m-%d").to_string()
    }

    /// `2026-11-23T02:00:00.000Z`: as the views have it.
    pub fn in_views(self) -> String {
        format!("{:.3}", self.instant())
    }

    fn instant(self) -> Timestamp {
        Timestamp::from_second(self.minutes * 60).expect("a minute of this age")
    }
}
