//! When an integration runs.

use schemars::JsonSchema;
use serde::Deserialize;

use super::DurationText;

/// When an integration runs: exactly one of `cron`, `at` and `every`, and what goes with it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schedule {
    /// Five fields: minute, hour, day of the month, month, day of the week. A local time that the
    /// clocks skip is due at the first instant after; one that comes twice is due once.
    #[schemars(extend("examples" = ["0 2 * * *"]))]
    pub(crate) cron: Option<String>,

    /// A time of day, or several; at clock changes as with `cron`.
    #[schemars(extend("examples" = ["02:00", ["02:00", "14:00"]]))]
    pub(crate) at: Option<At>,

    /// The time from one due time to the next, counted anew from each local midnight in time that
    /// passes: up to `24h`, or whole days.
    pub(crate) every: Option<DurationText>,

    /// The time zone in which times are read and days begin: an IANA name; that of the file if
    /// absent.
    #[schemars(extend("examples" = ["Europe/Dublin"]))]
    pub(crate) timezone: Option<String>,

    /// Integrations that are due together are spread over this time: each starts later by a share of
    /// it that is its own and always the same.
    #[schemars(extend("default" = "0s"))]
    pub(crate) jitter: Option<DurationText>,

    /// How late a due time that was missed, since the service was down, is still made up for; of
    /// several the last alone. `0s`: never.
    #[schemars(extend("default" = "12h"))]
    pub(crate) catch_up: Option<DurationText>,

    /// What becomes of a due time while an earlier run is going on.
    #[schemars(extend("default" = "skip"))]
    pub(crate) overlap: Option<Overlap>,

    /// How often, and after what time, a run that failed is tried again; the time doubles with each
    /// try.
    #[schemars(extend("examples" = [{ "times": 3, "after": "15m" }]))]
    pub(crate) retry: Option<Retry>,

    /// Days on which nothing runs.
    #[schemars(extend("examples" = [[{ "from": "2026-12-24", "to": "2026-12-27" }]]))]
    pub(crate) exclude: Option<Vec<Exclude>>,

    /// Why nothing runs for now. Take it out to go on: `rollcall resume` does not end it.
    #[schemars(extend("examples" = ["until the merger is done"]))]
    pub(crate) paused: Option<String>,

    /// A run that takes longer is stopped, and has failed.
    #[schemars(extend("default" = "6h"))]
    pub(crate) max_duration: Option<DurationText>,
}

/// A time of day, or several.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum At {
    /// One time of day.
    One(TimeText),
    /// Several times of day.
    Several(#[schemars(length(min = 1))] Vec<TimeText>),
}

/// A time of day, from `00:00` to `23:59`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    rename = "Time",
    extend("pattern" = r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples" = ["02:00"])
)]
pub(crate) struct TimeText(pub(crate) String);

/// What becomes of a run that is due while one is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Overlap {
    /// It is skipped.
    Skip,
    /// It runs after the other has ended; one waits at most.
    Queue,
}

/// How often, and after what time, a run that failed is tried again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retry {
    /// How often.
    #[schemars(required, range(min = 0, max = 100), extend("examples" = [3]))]
    pub(crate) times: Option<u32>,

    /// After what time; each further try waits twice as long as the one before.
    #[schemars(required, extend("examples" = ["15m"]))]
    pub(crate) after: Option<DurationText>,
}

/// A day, or days in a row, on which nothing runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("examples" = ["2026-12-25"]))]
pub(crate) enum Exclude {
    /// One day.
    Day(DateText),
    /// Days in a row.
    Days(ExcludedDays),
}

/// Days in a row on which nothing runs, the first and the last included.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExcludedDays {
    /// The first day.
    #[schemars(required, extend("examples" = ["2026-12-24"]))]
    pub(crate) from: Option<DateText>,

    /// The last day.
    #[schemars(required, extend("examples" = ["2026-12-27"]))]
    pub(crate) to: Option<DateText>,

    /// Why.
    #[schemars(extend("examples" = ["Christmas freeze"]))]
    pub(crate) note: Option<String>,
}

/// A day: year, month, day.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    rename = "Date",
    extend("pattern" = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "examples" = ["2026-12-24"])
)]
pub(crate) struct DateText(pub(crate) String);
