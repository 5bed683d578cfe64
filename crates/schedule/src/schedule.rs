//! When an integration is due, and the rules that go with it.

use std::fmt;
use std::time::Duration;

use croner::Cron;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use xxhash_rust::xxh3::xxh3_64;

/// When an integration is due, and the rules that go with it.
///
/// What it holds was checked where it was read: nothing here can be wrong, only odd.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The due times.
    pub timing: Timing,
    /// The time zone in which `cron` and `at` are read, and in which days begin.
    pub timezone: TimeZone,
    /// The runs of an integration start up to so much later, always by the same; see
    /// [`Schedule::offset`].
    pub jitter: Duration,
    /// How late a run that was missed is still made up for; zero: it never is.
    pub catch_up: Duration,
    /// What becomes of a run that is due while one is going on.
    pub overlap: Overlap,
    /// How a run that failed is tried again; `None`: it is not.
    pub retry: Option<Retry>,
    /// The days on which nothing runs: those of the due times, before jitter.
    pub exclude: Vec<Exclusion>,
    /// Why nothing runs for now; `None` while it does.
    pub paused: Option<String>,
    /// A run that takes longer is stopped, and has failed.
    pub max_duration: Duration,
}

/// The due times of a schedule.
#[derive(Clone)]
pub enum Timing {
    /// Those of a cron expression of five fields, in local time.
    Cron {
        /// The expression as written, with single spaces.
        expression: String,
        /// The expression, ready to be asked.
        cron: Box<Cron>,
    },
    /// The same local times every day: at least one, in order, none twice, whole minutes.
    At(Vec<Time>),
    /// Again and again after this time, counted anew from each local midnight.
    ///
    /// It is a minute at least, of whole seconds, and of whole days when it is longer than one: then
    /// it is due at every second, third … local midnight, counted from that of 1970-01-01.
    Every(Duration),
}

/// What becomes of a run that is due while one is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// It is skipped.
    Skip,
    /// It runs after the other has ended; one waits at most.
    Queue,
}

/// How a run that failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often: once at least.
    pub times: u32,
    /// After what time; each further try waits twice as long as the one before.
    pub after: Duration,
}

/// Days in a row on which nothing runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// The first of them.
    pub from: Date,
    /// The last of them: not before the first.
    pub to: Date,
    /// Why.
    pub note: Option<String>,
}

impl Schedule {
    /// How late a run is still made up for where nothing is said of it.
    pub const DEFAULT_CATCH_UP: Duration = Duration::from_hours(12);
    /// How long a run may take where nothing is said of it.
    pub const DEFAULT_MAX_DURATION: Duration = Duration::from_hours(6);

    /// Makes the schedule of an integration that has none: daily at 02:00.
    pub fn daily(timezone: TimeZone) -> Self {
        Self {
            timing: Timing::At(vec![Time::constant(2, 0, 0, 0)]),
            timezone,
            jitter: Duration::ZERO,
            catch_up: Self::DEFAULT_CATCH_UP,
            overlap: Overlap::Skip,
            retry: None,
            exclude: Vec::new(),
            paused: None,
            max_duration: Self::DEFAULT_MAX_DURATION,
        }
    }

    /// Finds the exclusion that the local day of a due time falls into.
    pub fn excluded(&self, due_at: Timestamp) -> Option<&Exclusion> {
        if self.exclude.is_empty() {
            return None;
        }
        let day = self.timezone.to_datetime(due_at).date();
        self.exclude.iter().find(|days| days.contains(day))
    }

    /// Returns how much later than due the runs of an integration start: at least nothing and less
    /// than `jitter`, in whole milliseconds.
    ///
    /// It depends on the id alone, so that the distance between two integrations never changes, and
    /// neither a restart nor another machine moves a run.
    pub fn offset(&self, integration: &str) -> Duration {
        let spread = u64::try_from(self.jitter.as_millis()).unwrap_or(u64::MAX);
        // The hash is a fraction of 2^64: the same fraction of the spread, which is less than it.
        let share = (u128::from(xxh3_64(integration.as_bytes())) * u128::from(spread)) >> 64;
        Duration::from_millis(u64::try_from(share).unwrap_or(spread))
    }
}

impl Exclusion {
    /// Whether nothing runs on a day because of it.
    pub fn contains(&self, day: Date) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

/// Writes `2026-12-24 to 2026-12-27, Christmas freeze`.
impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.from)?;
        if self.to != self.from {
            write!(f, " to {}", self.to)?;
        }
        match &self.note {
            Some(note) => write!(f, ", {note}"),
            None => Ok(()),
        }
    }
}

/// Writes `cron "0 2 * * *"`, `at 02:00, 14:00` or `every 6h`.
impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron { expression, .. } => write!(f, "cron \"{expression}\""),
            Self::At(times) => {
                f.write_str("at ")?;
                for (index, time) in times.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", time.strftime("%H:%M"))?;
                }
                Ok(())
            }
            Self::Every(every) => write!(f, "every {}", Span(*every)),
        }
    }
}

/// Writes what it was made from: an expression that was read is thousands of numbers.
impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A duration as the YAML writes it: whole seconds in the largest unit that fits.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
        let fitting = units
            .into_iter()
            .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
        let (unit, name) = fitting.unwrap_or((1, 's'));
        write!(f, "{}{name}", seconds / unit)
    }
}
