//! Schedules and instants, as tests write them.

use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use schedule::{Schedule, Timing};

pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const HOUR: Duration = Duration::from_hours(1);

pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).expect("a zone")
}

pub(crate) fn schedule(timing: Timing, zone_name: &str) -> Schedule {
    Schedule {
        timing,
        ..Schedule::daily(zone(zone_name))
    }
}

pub(crate) fn cron(expression: &str) -> Timing {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    Timing::Cron {
        expression: expression.to_owned(),
        cron: Box::new(parser.parse(expression).expect("a cron expression")),
    }
}

pub(crate) fn at(times: &[&str]) -> Timing {
    let times = times.iter();
    Timing::At(
        times
            .map(|time| Time::strptime("%H:%M", time).expect("a time"))
            .collect(),
    )
}

pub(crate) fn every(every: Duration) -> Timing {
    Timing::Every(every)
}

pub(crate) fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}
