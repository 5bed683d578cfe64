//! The rest of the calendar: rare days, long intervals, exclusions, jitter, its own ends.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;
use schedule::{Exclusion, Schedule, Timing};

use crate::given::{HOUR, MINUTE, at, cron, every, instant, schedule, zone};

fn next(timing: Timing, after: &str) -> Option<String> {
    let next = schedule(timing, "UTC").next_due(instant(after));
    next.map(|due_at| due_at.to_string())
}

#[test]
fn a_due_time_comes_strictly_after() {
    let two = "2026-11-23T02:00:00Z";
    for timing in [cron("0 2 * * *"), at(&["02:00"])] {
        let schedule = schedule(timing, "UTC");
        let next = |after| schedule.next_due(instant(after)).unwrap().to_string();
        assert_eq!(next("2026-11-23T01:59:59.999999999Z"), two);
        assert_eq!(next(two), "2026-11-24T02:00:00Z");
        assert_eq!(
            next("2026-11-23T02:00:00.000000001Z"),
            "2026-11-24T02:00:00Z"
        );
    }
    let hourly = |after| next(every(HOUR), after).unwrap();
    assert_eq!(hourly("2026-11-23T01:59:59.999999999Z"), two);
    assert_eq!(hourly(two), "2026-11-23T03:00:00Z");
    assert_eq!(
        hourly("2026-11-23T02:00:00.000000001Z"),
        "2026-11-23T03:00:00Z"
    );
}

#[test]
fn a_rare_day_is_found_and_a_day_that_never_comes_is_not() {
    assert_eq!(
        next(cron("0 2 29 2 *"), "2026-11-23T00:00:00Z").unwrap(),
        "2028-02-29T02:00:00Z"
    );
    // 29 February on a Monday, which comes every 28 years.
    assert_eq!(
        next(cron("0 2 29 2 +1"), "2026-11-23T00:00:00Z").unwrap(),
        "2044-02-29T02:00:00Z"
    );
    assert_eq!(next(cron("0 2 30 2 *"), "2026-11-23T00:00:00Z"), None);
}

#[test]
fn an_interval_that_does_not_divide_a_day_begins_anew_at_midnight() {
    let schedule = schedule(every(7 * HOUR), "UTC");
    let due = schedule.due_between(
        instant("2026-11-23T00:00:00Z"),
        instant("2026-11-24T07:00:00Z"),
    );
    let hours: Vec<String> = due
        .map(|due_at| due_at.strftime("%d %H").to_string())
        .collect();
    assert_eq!(hours, ["23 07", "23 14", "23 21", "24 00", "24 07"]);
}

#[test]
fn several_days_are_counted_from_the_same_day_for_ever() {
    let schedule = schedule(every(48 * HOUR), "Europe/Dublin");
    // 20,538 days after 1970-01-01, and summer time begins the day before.
    let due = schedule.due_between(
        instant("2026-03-26T12:00:00Z"),
        instant("2026-04-02T00:00:00Z"),
    );
    let due: Vec<String> = due.map(|due_at| due_at.to_string()).collect();
    assert_eq!(
        due,
        [
            "2026-03-28T00:00:00Z",
            "2026-03-29T23:00:00Z",
            "2026-03-31T23:00:00Z"
        ]
    );
}

#[test]
fn the_ends_of_the_calendar_are_no_due_times_and_no_panics() {
    let timings = [
        cron("* * * * *"),
        cron("0 2 29 2 *"),
        at(&["00:00", "23:59"]),
        every(MINUTE),
        every(HOUR * 24),
        every(HOUR * 24 * 3650),
    ];
    for timing in timings {
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let schedule = schedule(timing.clone(), zone);
            for edge in [Timestamp::MIN, Timestamp::MAX] {
                for second in -90_000..=90_000_i64 {
                    if second % 4_999 == 0
                        && let Ok(after) = edge.checked_add(jiff::SignedDuration::from_secs(second))
                        && let Some(due_at) = schedule.next_due(after)
                    {
                        assert!(due_at > after);
                    }
                }
            }
            assert_eq!(schedule.next_due(Timestamp::MAX), None);
        }
    }
}

#[test]
fn a_year_of_every_minute_lacks_the_hour_that_comes_twice() {
    let schedule = schedule(cron("* * * * *"), "Europe/Dublin");
    let (after, until) = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let due = schedule.due_between(instant(after), instant(until));
    assert_eq!(due.count(), 525_600 - 60);
}

#[test]
fn a_day_is_excluded_by_its_local_date() {
    let freeze = Exclusion {
        from: date(2026, 12, 24),
        to: date(2026, 12, 27),
        note: Some("Christmas freeze".to_owned()),
    };
    let schedule = Schedule {
        exclude: vec![freeze],
        ..schedule(every(HOUR), "America/New_York")
    };
    let excluded = |text| schedule.excluded(instant(text)).map(ToString::to_string);
    let freeze = Some("2026-12-24 to 2026-12-27, Christmas freeze".to_owned());
    assert_eq!(excluded("2026-12-24T04:00:00Z"), None);
    assert_eq!(excluded("2026-12-24T05:00:00Z"), freeze);
    assert_eq!(excluded("2026-12-28T04:59:00Z"), freeze);
    assert_eq!(excluded("2026-12-28T05:00:00Z"), None);
}

#[test]
fn an_exclusion_of_one_day_without_a_note_is_its_date() {
    let day = date(2026, 12, 24);
    let exclusion = Exclusion {
        from: day,
        to: day,
        note: None,
    };
    assert_eq!(exclusion.to_string(), "2026-12-24");
}

#[test]
fn a_timing_is_written_as_in_the_configuration() {
    assert_eq!(cron("0 2 * * *").to_string(), "cron \"0 2 * * *\"");
    assert_eq!(at(&["02:00", "14:00"]).to_string(), "at 02:00, 14:00");
    for (seconds, text) in [(90, "90s"), (2_700, "45m"), (21_600, "6h"), (172_800, "2d")] {
        assert_eq!(
            every(Duration::from_secs(seconds)).to_string(),
            format!("every {text}")
        );
    }
}

#[test]
fn offsets_are_spread_over_the_whole_jitter_and_stay() {
    let schedule = Schedule {
        jitter: 10 * MINUTE,
        ..Schedule::daily(zone("UTC"))
    };
    let offsets = (0..1_000).map(|number| schedule.offset(&format!("users-{number}")));
    let mut minutes = [0; 10];
    for offset in offsets {
        assert_eq!(offset.subsec_nanos() % 1_000_000, 0);
        minutes[usize::try_from(offset.as_secs() / 60).unwrap()] += 1;
    }
    assert!(
        minutes.iter().all(|count| (60..140).contains(count)),
        "{minutes:?}"
    );
    // The same in every version and on every machine.
    assert_eq!(
        schedule.offset("sentinelone-users"),
        Duration::from_millis(287_421)
    );
    assert_eq!(Schedule::daily(zone("UTC")).offset("users"), Duration::ZERO);
}

proptest! {
    #[test]
    fn an_offset_is_less_than_the_jitter(id in ".{0,40}", jitter in 1_u64..=u64::MAX) {
        let schedule = Schedule {
            jitter: Duration::from_millis(jitter),
            ..Schedule::daily(zone("UTC"))
        };
        prop_assert!(schedule.offset(&id) < schedule.jitter);
    }
}
