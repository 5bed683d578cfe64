//! Both clock changes of a year, in zones that change them each in its own way.

use schedule::{Schedule, Timing};

use crate::given::{HOUR, MINUTE, at, cron, every, instant, schedule};

/// Asserts that between two instants a schedule is due at just these.
#[track_caller]
fn check(timing: Timing, zone: &str, (after, until): (&str, &str), expected: &[&str]) {
    let schedule: Schedule = schedule(timing, zone);
    let due = schedule.due_between(instant(after), instant(until));
    let due: Vec<String> = due.map(|due_at| due_at.to_string()).collect();
    assert_eq!(due, expected);
}

/// The clocks go from 01:00 to 02:00 on 29 March 2026, at 01:00Z.
const DUBLIN_SPRING: (&str, &str) = ("2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z");
/// The clocks go from 02:00 to 01:00 on 25 October 2026, at 01:00Z.
const DUBLIN_AUTUMN: (&str, &str) = ("2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
/// The clocks go from 02:00 to 03:00 on 8 March 2026, at 07:00Z.
const NEW_YORK_SPRING: (&str, &str) = ("2026-03-07T12:00:00Z", "2026-03-09T12:00:00Z");
/// The clocks go from 02:00 to 01:00 on 1 November 2026, at 06:00Z.
const NEW_YORK_AUTUMN: (&str, &str) = ("2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z");
/// The clocks go from 02:00 to 02:30 on 4 October 2026, at 15:30Z of the day before.
const LORD_HOWE_SPRING: (&str, &str) = ("2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z");
/// The clocks go from 02:00 to 01:30 on 5 April 2026, at 15:00Z of the day before.
const LORD_HOWE_AUTUMN: (&str, &str) = ("2026-04-04T00:00:00Z", "2026-04-06T00:00:00Z");

#[test]
fn a_time_that_the_clocks_skip_in_dublin_is_due_right_after_the_gap() {
    let expected = ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"];
    check(
        cron("30 1 * * *"),
        "Europe/Dublin",
        DUBLIN_SPRING,
        &expected,
    );
    check(at(&["01:30"]), "Europe/Dublin", DUBLIN_SPRING, &expected);
}

#[test]
fn several_times_in_one_gap_are_one_due_time() {
    let expected = [
        "2026-03-29T00:45:00Z", // 00:45
        "2026-03-29T01:00:00Z", // 01:00, 01:15, 01:30, 01:45 and 02:00
        "2026-03-29T01:15:00Z", // 02:15
    ];
    let around = ("2026-03-29T00:30:00Z", "2026-03-29T01:15:00Z");
    check(cron("*/15 * * * *"), "Europe/Dublin", around, &expected);
    let times = [
        "00:45", "01:00", "01:15", "01:30", "01:45", "02:00", "02:15",
    ];
    check(at(&times), "Europe/Dublin", around, &expected);
}

#[test]
fn a_time_that_comes_twice_in_dublin_is_due_the_first_time() {
    let expected = ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"];
    check(
        cron("30 1 * * *"),
        "Europe/Dublin",
        DUBLIN_AUTUMN,
        &expected,
    );
    check(at(&["01:30"]), "Europe/Dublin", DUBLIN_AUTUMN, &expected);
}

#[test]
fn a_time_outside_the_change_keeps_its_place_on_the_clock() {
    let times = ["02:00"];
    let spring = ["2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"];
    check(at(&times), "Europe/Dublin", DUBLIN_SPRING, &spring);
    let autumn = ["2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"];
    check(at(&times), "Europe/Dublin", DUBLIN_AUTUMN, &autumn);
}

#[test]
fn an_hourly_cron_is_due_once_for_the_hour_that_comes_twice() {
    let around = ("2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z");
    let expected = [
        "2026-10-25T00:00:00Z", // 01:00 of summer
        "2026-10-25T02:00:00Z", // 02:00
        "2026-10-25T03:00:00Z", // 03:00
    ];
    check(cron("0 * * * *"), "Europe/Dublin", around, &expected);
}

#[test]
fn a_daily_load_in_new_york_is_due_once_each_day_of_both_changes() {
    let spring = ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"];
    check(
        cron("30 2 * * *"),
        "America/New_York",
        NEW_YORK_SPRING,
        &spring,
    );
    check(at(&["02:30"]), "America/New_York", NEW_YORK_SPRING, &spring);
    let autumn = ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"];
    check(
        cron("30 1 * * *"),
        "America/New_York",
        NEW_YORK_AUTUMN,
        &autumn,
    );
    check(at(&["01:30"]), "America/New_York", NEW_YORK_AUTUMN, &autumn);
}

#[test]
fn a_daily_load_on_lord_howe_is_due_once_where_the_clocks_change_by_half_an_hour() {
    let zone = "Australia/Lord_Howe";
    let spring = ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"];
    check(cron("15 2 * * *"), zone, LORD_HOWE_SPRING, &spring);
    check(at(&["02:15"]), zone, LORD_HOWE_SPRING, &spring);
    let autumn = ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"];
    check(cron("45 1 * * *"), zone, LORD_HOWE_AUTUMN, &autumn);
    check(at(&["01:45"]), zone, LORD_HOWE_AUTUMN, &autumn);
}

#[test]
fn every_so_often_is_elapsed_time_from_midnight_to_midnight() {
    // 23 hours, from 00:00Z to 23:00Z.
    let spring = ("2026-03-28T23:59:00Z", "2026-03-29T23:00:00Z");
    let expected = [
        "2026-03-29T00:00:00Z",
        "2026-03-29T06:00:00Z",
        "2026-03-29T12:00:00Z",
        "2026-03-29T18:00:00Z",
        "2026-03-29T23:00:00Z",
    ];
    check(every(6 * HOUR), "Europe/Dublin", spring, &expected);
    // 25 hours, from 04:00Z to 05:00Z of the next day.
    let autumn = ("2026-11-01T03:59:00Z", "2026-11-02T05:00:00Z");
    let expected = [
        "2026-11-01T04:00:00Z",
        "2026-11-01T10:00:00Z",
        "2026-11-01T16:00:00Z",
        "2026-11-01T22:00:00Z",
        "2026-11-02T04:00:00Z",
        "2026-11-02T05:00:00Z",
    ];
    check(every(6 * HOUR), "America/New_York", autumn, &expected);
}

#[test]
fn every_quarter_of_an_hour_goes_on_through_the_change() {
    // 23.5 hours in October, 24.5 hours in April.
    let count = |(after, until): (&str, &str)| {
        let schedule = schedule(every(15 * MINUTE), "Australia/Lord_Howe");
        let due: Vec<_> = schedule
            .due_between(instant(after), instant(until))
            .collect();
        assert!(due.is_sorted_by(|one, next| next.duration_since(*one).as_mins() == 15));
        due.len()
    };
    assert_eq!(count(("2026-10-03T13:29:59Z", "2026-10-04T12:59:59Z")), 94);
    assert_eq!(count(("2026-04-04T12:59:59Z", "2026-04-05T13:29:59Z")), 98);
}

#[test]
fn a_midnight_that_the_clocks_skip_begins_the_day_after_the_gap() {
    // In Cairo the clocks go from 00:00 to 01:00 on 24 April 2026, at 22:00Z of the day before.
    let around = ("2026-04-22T12:00:00Z", "2026-04-24T22:00:00Z");
    let daily = [
        "2026-04-22T22:00:00Z",
        "2026-04-23T22:00:00Z",
        "2026-04-24T21:00:00Z",
    ];
    check(every(24 * HOUR), "Africa/Cairo", around, &daily);
    check(at(&["00:00"]), "Africa/Cairo", around, &daily);
    check(cron("0 0 * * *"), "Africa/Cairo", around, &daily);
    let twelve = ("2026-04-23T12:00:00Z", "2026-04-24T21:00:00Z");
    let expected = [
        "2026-04-23T22:00:00Z",
        "2026-04-24T10:00:00Z",
        "2026-04-24T21:00:00Z",
    ];
    check(every(12 * HOUR), "Africa/Cairo", twelve, &expected);
}

#[test]
fn a_midnight_that_comes_twice_begins_the_day_once() {
    // In Havana the clocks went from 01:00 to 00:00 on 1 November 2020, at 05:00Z.
    let around = ("2020-11-01T03:00:00Z", "2020-11-02T05:00:00Z");
    let expected = ["2020-11-01T04:00:00Z", "2020-11-02T05:00:00Z"];
    check(every(24 * HOUR), "America/Havana", around, &expected);
    check(cron("0 0 * * *"), "America/Havana", around, &expected);
    // In St. John's they once went from 00:01 to 23:01 of the day before.
    let around = ("2006-10-28T12:00:00Z", "2006-10-30T12:00:00Z");
    let expected = ["2006-10-29T02:30:00Z", "2006-10-30T03:30:00Z"];
    check(every(24 * HOUR), "America/St_Johns", around, &expected);
    check(at(&["00:00"]), "America/St_Johns", around, &expected);
}

#[test]
fn a_day_that_a_country_skips_is_due_when_the_next_begins() {
    // Samoa went from 29 to 31 December 2011.
    let around = ("2011-12-29T20:00:00Z", "2011-12-30T20:00:00Z");
    let expected = ["2011-12-30T10:00:00Z", "2011-12-30T12:00:00Z"];
    check(at(&["02:00"]), "Pacific/Apia", around, &expected);
    check(cron("0 2 * * *"), "Pacific/Apia", around, &expected);
}
