//! Checks of when an integration runs.

use std::str::FromStr;
use std::time::Duration;

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, Time, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use schedule::{Exclusion, Overlap, Retry, Schedule, Timing};

use super::duration;
use super::fault::Report;
use super::nearest::nearest;
use super::spot::Spot;
use super::written::{self, At, Exclude};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// Checks a schedule; `None` when there is a fault.
pub(super) fn check(
    written: &written::Schedule,
    default_zone: &TimeZone,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Schedule> {
    let timing = check_timing(written, spot, report);
    let timezone = match &written.timezone {
        None => Some(default_zone.clone()),
        Some(name) => check_zone(name, spot.at("timezone"), report),
    };
    let mut duration =
        |text, key, default, allowed| duration::check(text, default, allowed, spot.at(key), report);
    let jitter = duration(
        written.jitter.as_ref(),
        "jitter",
        Duration::ZERO,
        duration::ANY,
    );
    let catch_up = duration(
        written.catch_up.as_ref(),
        "catch_up",
        Schedule::DEFAULT_CATCH_UP,
        duration::ANY,
    );
    let max_duration = duration(
        written.max_duration.as_ref(),
        "max_duration",
        Schedule::DEFAULT_MAX_DURATION,
        MINUTE..=Duration::MAX,
    );
    let retry = match &written.retry {
        None => Some(None),
        Some(retry) => check_retry(retry, spot.at("retry"), report)
            .map(|retry| (retry.times > 0).then_some(retry)),
    };
    let exclude = written
        .exclude
        .iter()
        .flatten()
        .enumerate()
        .map(|(index, excluded)| check_exclusion(excluded, spot.at("exclude").item(index), report));
    // All of them are checked before the first that is wrong ends it.
    let exclude: Option<Vec<_>> = exclude.collect::<Vec<_>>().into_iter().collect();
    if written
        .paused
        .as_ref()
        .is_some_and(|reason| reason.trim().is_empty())
    {
        let place = spot.at("paused").value;
        report.fault(
            place,
            "a pause wants its reason; write for example `until the merger is done`",
        );
    }
    Some(Schedule {
        timing: timing?,
        timezone: timezone?,
        jitter: jitter?,
        catch_up: catch_up?,
        overlap: match written.overlap {
            None | Some(written::Overlap::Skip) => Overlap::Skip,
            Some(written::Overlap::Queue) => Overlap::Queue,
        },
        retry: retry?,
        exclude: exclude?,
        paused: written.paused.clone(),
        max_duration: max_duration?,
    })
}

fn check_timing(
    written: &written::Schedule,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Timing> {
    if ["cron", "at", "every"]
        .into_iter()
        .filter(|key| spot.has(key))
        .count()
        != 1
    {
        report.fault(
            spot.key,
            "`schedule` wants exactly one of `cron`, `at` and `every`; \
             write for example `at: \"02:00\"`",
        );
        return None;
    }
    if let Some(expression) = &written.cron {
        return check_cron(expression, spot.at("cron"), report);
    }
    if let Some(at) = &written.at {
        return check_times(at, spot.at("at"), report);
    }
    let every = written.every.as_ref()?;
    check_every(every, spot.at("every"), report)
}

fn check_every(
    written: &written::DurationText,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Timing> {
    let allowed = MINUTE..=Duration::MAX;
    let every = duration::check(Some(written), MINUTE, allowed, spot, report)?;
    // It is counted from local midnight, so no day can hold what is left of a longer one.
    if every > DAY && !every.as_secs().is_multiple_of(DAY.as_secs()) {
        report.fault(
            spot.value,
            format!(
                "`{}` is more than a day and not a number of whole days; \
                 write up to `24h`, or days, such as `2d`",
                written.0
            ),
        );
        return None;
    }
    Some(Timing::Every(every))
}

fn check_cron(written: &str, spot: Spot<'_>, report: &mut Report) -> Option<Timing> {
    let fields: Vec<&str> = written.split_whitespace().collect();
    if fields.len() != 5 {
        report.fault(
            spot.value,
            format!(
                "`{written}` has {} fields where cron has five: minute, hour, day of the month, \
                 month, day of the week; write for example `0 2 * * *`",
                fields.len()
            ),
        );
        return None;
    }
    let expression = fields.join(" ");
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let cron = match parser.parse(&expression) {
        Ok(cron) => cron,
        Err(error) => {
            let error = error.to_string();
            let error = error.trim_end_matches('.');
            report.fault(
                spot.value,
                format!(
                    "`{written}` is not a cron expression ({error}); write for example `0 2 * * *`"
                ),
            );
            return None;
        }
    };
    // Whether it ever comes due depends on no clock: 400 years hold every calendar there is.
    let some_day = date(2000, 1, 1).at(0, 0, 0, 0);
    if cron.find_next_occurrence(&some_day, true).is_err() {
        report.fault(
            spot.value,
            format!("`{written}` never comes due; write a day that there is, such as `0 2 1 * *`"),
        );
        return None;
    }
    Some(Timing::Cron {
        expression,
        cron: Box::new(cron),
    })
}

fn check_times(written: &At, spot: Spot<'_>, report: &mut Report) -> Option<Timing> {
    let times: Option<Vec<Time>> = match written {
        At::One(text) => check_time(&text.0, spot, report).map(|time| vec![time]),
        At::Several(texts) => {
            let times = texts.iter().enumerate();
            let times = times.map(|(index, text)| check_time(&text.0, spot.item(index), report));
            times.collect::<Vec<_>>().into_iter().collect()
        }
    };
    let mut times = times.filter(|times| !times.is_empty())?;
    times.sort_unstable();
    times.dedup();
    Some(Timing::At(times))
}

fn check_time(text: &str, spot: Spot<'_>, report: &mut Report) -> Option<Time> {
    let time = (text.len() == "02:00".len())
        .then(|| Time::strptime("%H:%M", text).ok())
        .flatten();
    if time.is_none() {
        report.fault(
            spot.value,
            format!("`{text}` is not a time of day; write `00:00` to `23:59`, in quotes"),
        );
    }
    time
}

fn check_retry(written: &written::Retry, spot: Spot<'_>, report: &mut Report) -> Option<Retry> {
    let after = written.after.as_ref()?;
    let after = duration::check(
        Some(after),
        Duration::ZERO,
        duration::ANY,
        spot.at("after"),
        report,
    )?;
    let times = written.times?;
    Some(Retry { times, after })
}

fn check_exclusion(written: &Exclude, spot: Spot<'_>, report: &mut Report) -> Option<Exclusion> {
    match written {
        Exclude::Day(text) => {
            let day = check_day(&text.0, spot, report)?;
            Some(Exclusion {
                from: day,
                to: day,
                note: None,
            })
        }
        Exclude::Days(days) => {
            let mut day = |text: Option<&written::DateText>, key| {
                text.and_then(|text| check_day(&text.0, spot.at(key), report))
            };
            let (from, to) = (day(days.from.as_ref(), "from"), day(days.to.as_ref(), "to"));
            let (from, to) = (from?, to?);
            if to < from {
                report.fault(
                    spot.at("to").value,
                    format!("`{to}` is before `{from}`; write the earlier day in `from`"),
                );
                return None;
            }
            Some(Exclusion {
                from,
                to,
                note: days.note.clone(),
            })
        }
    }
}

/// Checks a day; `None` when there is a fault.
pub(super) fn check_day(text: &str, spot: Spot<'_>, report: &mut Report) -> Option<Date> {
    let day = Date::from_str(text)
        .ok()
        .filter(|day| day.to_string() == text);
    if day.is_none() {
        report.fault(
            spot.value,
            format!("`{text}` is not a day; write year, month and day, such as `2026-12-24`"),
        );
    }
    day
}

/// Checks the name of a time zone; `None` when there is a fault.
///
/// The zones are those that were built in, not the system's, which may be out of date.
pub(super) fn check_zone(name: &str, spot: Spot<'_>, report: &mut Report) -> Option<TimeZone> {
    let zones = TimeZoneDatabase::bundled();
    match zones.get(name) {
        // A zone is found in any case; what is shown and hashed is its own spelling.
        Ok(zone) if zone.iana_name().is_some() => Some(zone),
        _ => {
            let names: Vec<String> = zones.available().map(|name| name.to_string()).collect();
            let names = || names.iter().map(String::as_str);
            // Often only the city is written.
            let city = |zone: &str| zone.rsplit('/').next().map(str::to_lowercase);
            let meant = names().find(|zone| city(zone) == Some(name.to_lowercase()));
            let advice = match meant.or_else(|| nearest(name, names())) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "write an IANA name, such as `Europe/Dublin` or `UTC`".to_owned(),
            };
            report.fault(spot.value, format!("`{name}` is not a time zone; {advice}"));
            None
        }
    }
}
