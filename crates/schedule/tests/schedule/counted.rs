//! Due times counted minute by minute, by clocks that are only read.
//!
//! Nothing here is shared with the crate but the zone that says what a clock shows: a clock is
//! followed through its minutes, and a time of day is due when the clock shows it, or a later one,
//! for the first time.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use schedule::Timing;

use crate::given::{HOUR, MINUTE, at, cron, every, schedule, zone};

const ONE_MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A clock that was followed for some time.
struct Clock {
    /// What it shows at each minute.
    minutes: Vec<(Timestamp, DateTime)>,
    /// The times of day that it shows, or passes over, for the first time, and when.
    news: Vec<(Timestamp, DateTime)>,
}

impl Clock {
    fn follow(zone: &TimeZone, from: Timestamp, minutes: i64) -> Self {
        let minutes = (0..=minutes).map(|minute| from + SignedDuration::from_mins(minute));
        let minutes: Vec<_> = minutes.map(|now| (now, zone.to_datetime(now))).collect();
        let mut latest = minutes[0].1;
        let mut news = Vec::new();
        for (now, shown) in &minutes[1..] {
            while latest < *shown {
                latest += ONE_MINUTE;
                news.push((*now, latest));
            }
        }
        Self { minutes, news }
    }

    /// The minutes at which times of day that fit are shown, or passed over, for the first time.
    fn first_shown(&self, fits: impl Fn(DateTime) -> bool) -> Vec<Timestamp> {
        let fitting = self.news.iter().filter(|(_, shown)| fits(*shown));
        let mut due: Vec<Timestamp> = fitting.map(|(now, _)| *now).collect();
        due.dedup();
        due
    }

    /// The minutes that are whole multiples of `every` after the latest first minute of a day.
    fn elapsed(&self, every: Duration) -> Vec<Timestamp> {
        let every = every.as_secs().cast_signed();
        let days = every / 86_400;
        let mut today = self.minutes[0].1.date();
        let mut begun = None;
        let mut due = Vec::new();
        for (now, shown) in &self.minutes[1..] {
            let mut fits = false;
            while today < shown.date() {
                today = today.tomorrow().expect("a day");
                begun = Some(*now);
                fits |= days == 0 || number(today) % days == 0;
            }
            let elapsed = begun.map(|begun| now.as_second() - begun.as_second());
            let goes_on = elapsed.is_some_and(|elapsed| elapsed > 0 && elapsed % every == 0);
            if fits || (days == 0 && goes_on) {
                due.push(*now);
            }
        }
        // What came before the first midnight was not counted.
        due
    }
}

/// The number of a day, 1970-01-01 being 0.
fn number(day: Date) -> i64 {
    i64::from((day - date(1970, 1, 1)).get_days())
}

/// A cron expression as sets of numbers.
struct Fields {
    sets: Vec<BTreeSet<i8>>,
    any_day: bool,
    any_weekday: bool,
}

impl Fields {
    fn read(expression: &str) -> Self {
        const MONTHS: &[&str] = &[
            "", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ];
        const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
        let fields: Vec<&str> = expression.split(' ').collect();
        let bounds: [(i8, i8, &[&str]); 5] = [
            (0, 59, &[]),
            (0, 23, &[]),
            (1, 31, &[]),
            (1, 12, MONTHS),
            (0, 7, DAYS),
        ];
        let sets = fields
            .iter()
            .zip(bounds)
            .map(|(field, (least, most, names))| {
                let number = |text: &str| {
                    let name = names.iter().position(|name| *name == text.to_lowercase());
                    match name {
                        Some(position) => i8::try_from(position).expect("a small number"),
                        None => text.parse().expect("a number"),
                    }
                };
                let parts = field.split(',').flat_map(|part| {
                    let (range, step) = part.split_once('/').unwrap_or((part, "1"));
                    let (from, to) = match range.split_once('-') {
                        _ if range == "*" => (least, if most == 7 { 6 } else { most }),
                        Some((from, to)) => (number(from), number(to)),
                        None => (number(range), number(range)),
                    };
                    (from..=to).step_by(step.parse().expect("a number"))
                });
                parts.collect()
            });
        Self {
            sets: sets.collect(),
            any_day: fields[2] == "*",
            any_weekday: fields[4] == "*",
        }
    }

    fn fit(&self, time: DateTime) -> bool {
        let weekday = time.weekday().to_sunday_zero_offset();
        let day = self.sets[2].contains(&time.day());
        let is_sunday = weekday == 0 && self.sets[4].contains(&7);
        let weekday = self.sets[4].contains(&weekday) || is_sunday;
        self.sets[0].contains(&time.minute())
            && self.sets[1].contains(&time.hour())
            && self.sets[3].contains(&time.month())
            && match (self.any_day, self.any_weekday) {
                (false, false) => day || weekday,
                _ => day && weekday,
            }
    }
}

fn count(timing: &Timing, clock: &Clock) -> Vec<Timestamp> {
    match timing {
        Timing::Cron { expression, .. } => {
            let fields = Fields::read(expression);
            clock.first_shown(|time| fields.fit(time))
        }
        Timing::At(times) => {
            clock.first_shown(|shown| times.iter().any(|time| *time == shown.time()))
        }
        Timing::Every(every) => clock.elapsed(*every),
    }
}

#[track_caller]
fn compare(timing: &Timing, zone_name: &str, clock: &Clock) {
    let (from, until) = (clock.minutes[0].0, clock.minutes.last().expect("minutes").0);
    let schedule = schedule(timing.clone(), zone_name);
    // Intervals can only be counted from a midnight that was seen.
    let from = match timing {
        Timing::Every(_) => from + SignedDuration::from_hours(49),
        _ => from,
    };
    let due: Vec<Timestamp> = schedule.due_between(from, until).collect();
    let mut counted = count(timing, clock);
    counted.retain(|due_at| *due_at > from);
    assert_eq!(due, counted, "{timing} in {zone_name} after {from}");
}

fn compare_a_year(zone_name: &str, year: i16) {
    let zone = zone(zone_name);
    let from = date(year, 1, 1).to_zoned(zone.clone()).expect("a year");
    let clock = Clock::follow(&zone, from.timestamp(), 366 * 24 * 60);
    let timings = [
        cron("*/5 * * * *"),
        cron("0 2 * * *"),
        cron("30 1 * * *"),
        cron("*/15 0-3 * * *"),
        cron("15,45 2 * * 0"),
        cron("0 0 1 * *"),
        cron("0 */6 * * mon-fri"),
        cron("30 2 13 * FRI"),
        cron("59 23 31 jan,mar,DEC *"),
        cron("1-59/7 1,2,3 * 3-4,10-11 5-7"),
        at(&["02:00"]),
        at(&["00:00", "00:30", "01:00", "01:30", "02:15", "23:30"]),
        every(5 * MINUTE),
        every(45 * MINUTE),
        every(6 * HOUR),
        every(7 * HOUR),
        every(24 * HOUR),
        every(72 * HOUR),
    ];
    for timing in &timings {
        compare(timing, zone_name, &clock);
    }
}

/// One test a zone, so that they run side by side.
macro_rules! years {
    ($($name:ident: $zone:literal in $year:literal,)*) => {
        $(
            #[test]
            fn $name() {
                compare_a_year($zone, $year);
            }
        )*
    };
}

years! {
    a_year_in_dublin_is_as_counted: "Europe/Dublin" in 2026,
    a_year_in_new_york_is_as_counted: "America/New_York" in 2026,
    a_year_on_lord_howe_is_as_counted: "Australia/Lord_Howe" in 2026,
    a_leap_year_without_changes_is_as_counted: "UTC" in 2028,
    a_year_with_skipped_midnights_is_as_counted: "America/Santiago" in 2026,
    a_year_with_midnights_that_come_twice_is_as_counted: "America/Havana" in 2020,
    a_year_with_changes_at_midnight_is_as_counted: "Africa/Cairo" in 2026,
    a_year_with_changes_for_ramadan_is_as_counted: "Africa/Casablanca" in 2026,
    a_year_with_changes_a_minute_after_midnight_is_as_counted: "America/St_Johns" in 2006,
    a_year_that_lacks_a_day_is_as_counted: "Pacific/Apia" in 2011,
}

fn field(least: u8, most: u8) -> impl Strategy<Value = String> {
    let one = (least..=most).prop_map(|number| number.to_string());
    let range = (least..=most, least..=most, 1_u8..9).prop_map(|(one, other, step)| {
        let (from, to) = (one.min(other), one.max(other));
        format!("{from}-{to}/{step}")
    });
    let stepped = (2_u8..20).prop_map(move |step| format!("{least}-{most}/{step}"));
    let list = proptest::collection::btree_set(least..=most, 2..5).prop_map(|numbers| {
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        numbers.join(",")
    });
    prop_oneof![3 => Just("*".to_owned()), 2 => one, 1 => range, 1 => stepped, 1 => list]
}

fn timing() -> impl Strategy<Value = Timing> {
    let expression = (
        field(0, 59),
        field(0, 23),
        field(1, 31),
        field(1, 12),
        field(0, 7),
    );
    let expression = expression.prop_map(|(minute, hour, day, month, weekday)| {
        cron(&format!("{minute} {hour} {day} {month} {weekday}"))
    });
    let minutes = (1_u64..1_440).prop_map(|minutes| every(Duration::from_mins(minutes)));
    let days = (1_u64..10).prop_map(|days| every(Duration::from_hours(24 * days)));
    prop_oneof![4 => expression, 1 => minutes, 1 => days]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_schedule_in_any_zone_is_as_counted(
        timing in timing(),
        zone_name in select(vec![
            "Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "America/Santiago",
            "Africa/Cairo", "Africa/Casablanca", "America/Havana", "Asia/Kathmandu",
            "Pacific/Chatham", "Antarctica/Troll", "Asia/Beirut", "UTC",
        ]),
        // Whole minutes of 1990 to 2090.
        minute in 10_519_200_i64..63_115_200,
    ) {
        let from = Timestamp::from_second(minute * 60).unwrap();
        let clock = Clock::follow(&zone(zone_name), from, 40 * 24 * 60);
        compare(&timing, zone_name, &clock);
    }
}
