//! Each rule by itself: what a timetable says about the slots that it holds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use schedule::{
    Absence, AbsenceKind, Exclusion, Fate, Open, Overlap, Retry, Schedule, Standing, Timetable,
    Verdict,
};

use crate::given::{HOUR, MINUTE, at, every, instant, schedule};

/// An instant of 2026-11-23, UTC.
fn on_the_day(time: &str) -> Timestamp {
    instant(&format!("2026-11-23T{time}Z"))
}

fn hourly() -> Schedule {
    schedule(every(HOUR), "UTC")
}

/// A timetable of a daemon that is there since 00:00, and what is going on around it.
struct Case {
    timetable: Timetable,
    absence: Absence,
    paused: Option<&'static str>,
    busy: Option<&'static str>,
}

impl Case {
    fn new(schedule: Schedule) -> Self {
        let since = on_the_day("00:00:00");
        Self {
            timetable: Timetable::new("users", Arc::new(schedule), since),
            absence: Absence {
                from: Some(since),
                to: since,
                kind: AbsenceKind::Down,
            },
            paused: None,
            busy: None,
        }
    }

    /// Lets nothing happen between two instants.
    fn absent(mut self, kind: AbsenceKind, from: &str, to: &str) -> Self {
        self.absence = Absence {
            from: Some(on_the_day(from)),
            to: on_the_day(to),
            kind,
        };
        self
    }

    /// Puts what is due by an instant on record, and tells what is decided then.
    fn say(&mut self, now: &str) -> Vec<String> {
        self.decide(now).iter().map(words).collect()
    }

    fn decide(&mut self, now: &str) -> Vec<Verdict> {
        let now = on_the_day(now);
        let due = self.timetable.due(now, usize::MAX);
        self.timetable.noticed(&due.times, due.until);
        let standing = Standing {
            paused: self.paused,
            busy: self.busy,
        };
        self.timetable.decide(now, &self.absence, &standing)
    }

    /// Carries out all that is decided at an instant.
    fn act(&mut self, now: &str) -> Vec<String> {
        let verdicts = self.decide(now);
        for verdict in &verdicts {
            match verdict {
                Verdict::Start { due_at, .. } => self.timetable.started(*due_at),
                Verdict::Settle { due_at, .. } => self.timetable.settled(*due_at),
            }
        }
        verdicts.iter().map(words).collect()
    }

    fn settled(&mut self, due_at: &str) {
        self.timetable.settled(on_the_day(due_at));
    }

    fn failed(&mut self, due_at: &str, again_at: &str) {
        self.timetable
            .again(on_the_day(due_at), on_the_day(again_at), 1);
    }
}

fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Start { due_at, late, note } => {
            let how = if *late { "late" } else { "on time" };
            let note = note.as_ref().map(|note| format!(": {note}"));
            let due_at = due_at.strftime("%H:%M");
            format!("{due_at} starts {how}{}", note.unwrap_or_default())
        }
        Verdict::Settle { due_at, fate, note } => {
            let fate = match fate {
                Fate::Ran => "ran",
                Fate::Late => "late",
                Fate::Skipped => "skipped",
                Fate::Missed => "missed",
                Fate::Paused => "paused",
            };
            format!("{} {fate}: {note}", due_at.strftime("%H:%M"))
        }
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_is_due_starts_and_is_said_until_it_is_carried_out() {
    let mut case = Case::new(hourly());
    assert_eq!(case.say("00:59:59"), NOTHING);
    assert_eq!(case.say("01:00:00"), ["01:00 starts on time"]);
    assert_eq!(case.act("01:00:07"), ["01:00 starts on time"]);
    assert_eq!(case.say("01:00:08"), NOTHING);
    case.settled("01:00:00");
    assert_eq!(case.say("01:59:59"), NOTHING);
}

#[test]
fn jitter_moves_the_start_and_not_the_due_time() {
    let schedule = Schedule {
        jitter: 10 * MINUTE,
        ..hourly()
    };
    let offset = schedule.offset("users");
    assert!(offset > MINUTE);
    let mut case = Case::new(schedule);
    assert_eq!(case.say("01:00:59"), NOTHING);
    let due_at = on_the_day("01:00:00");
    let start_at = due_at + offset;
    let now = on_the_day("01:00:59");
    assert_eq!(case.timetable.wake_at(now), Some(start_at));
    assert_eq!(case.timetable.next(now), Some((due_at, start_at)));
    assert_eq!(case.say("01:10:00"), ["01:00 starts on time"]);
    // Awake since after it was due and before it was to start: that is on time.
    let mut case = case.absent(AbsenceKind::Down, "00:30:00", "01:00:59");
    assert_eq!(case.say("01:10:00"), ["01:00 starts on time"]);
}

#[test]
fn of_several_that_were_missed_the_last_is_made_up_for_all() {
    let mut case = Case::new(hourly()).absent(AbsenceKind::Down, "00:58:03", "03:10:00");
    let down = "the daemon was down from 2026-11-23T00:58:03Z to 2026-11-23T03:10:00Z";
    let made_up = format!("missed: {down}; made up with the slot of 2026-11-23T03:00:00Z");
    assert_eq!(
        case.say("03:10:00"),
        [
            format!("01:00 {made_up}"),
            format!("02:00 {made_up}"),
            format!("03:00 starts late: {down}"),
        ]
    );
}

#[test]
fn one_that_is_due_just_now_does_for_those_that_were_missed() {
    let mut case = Case::new(hourly()).absent(AbsenceKind::Asleep, "00:30:00", "01:59:58");
    let asleep = "the daemon was asleep from 2026-11-23T00:30:00Z to 2026-11-23T01:59:58Z";
    assert_eq!(
        case.say("02:00:00"),
        [
            format!("01:00 missed: {asleep}; made up with the slot of 2026-11-23T02:00:00Z"),
            "02:00 starts on time".to_owned(),
        ]
    );
}

#[test]
fn one_that_is_older_than_catch_up_is_not_made_up() {
    let schedule = Schedule {
        catch_up: 30 * MINUTE,
        ..hourly()
    };
    let mut case = Case::new(schedule).absent(AbsenceKind::Down, "00:30:00", "01:30:00");
    let down = "the daemon was down from 2026-11-23T00:30:00Z to 2026-11-23T01:30:00Z";
    assert_eq!(case.say("01:30:00"), [format!("01:00 starts late: {down}")]);
    assert_eq!(
        case.say("01:30:01"),
        [format!("01:00 missed: {down}; older than catch_up (30m)")]
    );
}

#[test]
fn without_catch_up_nothing_is_made_up() {
    let schedule = Schedule {
        catch_up: Duration::ZERO,
        ..hourly()
    };
    let mut case = Case::new(schedule).absent(AbsenceKind::Down, "00:59:59", "01:00:01");
    case.absence.from = None;
    let note = "the daemon was down until 2026-11-23T01:00:01Z; not made up, as catch_up is 0";
    assert_eq!(case.say("01:00:01"), [format!("01:00 missed: {note}")]);
}

#[test]
fn a_run_longer_than_its_interval_has_the_others_skipped() {
    let mut case = Case::new(hourly());
    case.act("01:00:00");
    let skipped = "skipped: overlap: the run of the slot of 2026-11-23T01:00:00Z was going on";
    assert_eq!(case.act("02:00:00"), [format!("02:00 {skipped}")]);
    assert_eq!(case.act("03:00:00"), [format!("03:00 {skipped}")]);
    case.settled("01:00:00");
    assert_eq!(case.act("03:30:00"), NOTHING);
    assert_eq!(case.act("04:00:00"), ["04:00 starts on time"]);
}

#[test]
fn a_run_longer_than_its_interval_has_one_wait_in_the_queue() {
    let schedule = Schedule {
        overlap: Overlap::Queue,
        ..hourly()
    };
    let mut case = Case::new(schedule);
    case.act("01:00:00");
    assert_eq!(case.act("02:00:00"), NOTHING);
    let full = "skipped: overlap: the slot of 2026-11-23T02:00:00Z is waiting already";
    assert_eq!(case.act("03:00:00"), [format!("03:00 {full}")]);
    case.settled("01:00:00");
    assert_eq!(case.act("03:30:00"), ["02:00 starts on time"]);
}

#[test]
fn of_two_that_are_due_at_once_the_first_starts() {
    for (overlap, becomes_of_the_second) in [
        (
            Overlap::Skip,
            Some(
                "02:00 skipped: overlap: the run of the slot of 2026-11-23T01:00:00Z was going on",
            ),
        ),
        (Overlap::Queue, None),
    ] {
        let schedule = Schedule {
            overlap,
            ..hourly()
        };
        let mut case = Case::new(schedule);
        let expected: Vec<&str> = ["01:00 starts on time"]
            .into_iter()
            .chain(becomes_of_the_second)
            .collect();
        assert_eq!(case.act("02:00:00"), expected);
    }
}

#[test]
fn a_run_by_hand_is_named_by_the_slot_that_is_skipped_for_it() {
    let mut case = Case::new(hourly());
    case.busy = Some("run 0199");
    assert_eq!(
        case.say("01:00:00"),
        ["01:00 skipped: overlap: run 0199 was going on"]
    );
}

#[test]
fn one_that_was_missed_waits_for_the_run_that_is_going_on() {
    for overlap in [Overlap::Skip, Overlap::Queue] {
        let schedule = Schedule {
            overlap,
            ..hourly()
        };
        let mut case = Case::new(schedule).absent(AbsenceKind::Down, "00:30:00", "01:30:00");
        case.busy = Some("a run by hand");
        assert_eq!(case.act("01:30:00"), NOTHING);
        case.busy = None;
        let down = "the daemon was down from 2026-11-23T00:30:00Z to 2026-11-23T01:30:00Z";
        assert_eq!(case.act("01:40:00"), [format!("01:00 starts late: {down}")]);
    }
}

#[test]
fn one_that_waits_in_the_queue_does_for_those_that_were_missed() {
    let schedule = Schedule {
        overlap: Overlap::Queue,
        ..hourly()
    };
    let mut case = Case::new(schedule).absent(AbsenceKind::Down, "00:30:00", "01:30:00");
    case.busy = Some("a run by hand");
    let down = "the daemon was down from 2026-11-23T00:30:00Z to 2026-11-23T01:30:00Z";
    let missed = format!("{down}; made up with the slot of 2026-11-23T02:00:00Z");
    assert_eq!(case.act("02:00:00"), [format!("01:00 missed: {missed}")]);
    case.busy = None;
    assert_eq!(case.act("02:10:00"), ["02:00 starts on time"]);
}

#[test]
fn a_pause_settles_what_would_start_and_nothing_else() {
    let schedule = Schedule {
        retry: Some(Retry {
            times: 3,
            after: 30 * MINUTE,
        }),
        ..hourly()
    };
    let mut case = Case::new(schedule);
    case.act("01:00:00");
    case.failed("01:00:00", "01:30:00");
    case.paused = Some("paused by anna (uid 1000): the merger");
    assert_eq!(case.act("01:10:00"), NOTHING);
    let again = "01:00 ran: not tried again: paused by anna (uid 1000): the merger";
    assert_eq!(case.act("01:30:00"), [again]);
    assert_eq!(
        case.act("02:00:00"),
        ["02:00 paused: paused by anna (uid 1000): the merger"]
    );
    case.paused = None;
    assert_eq!(case.act("02:30:00"), NOTHING);
}

#[test]
fn an_excluded_day_is_skipped_with_its_note() {
    let day = date(2026, 11, 23);
    let freeze = Exclusion {
        from: day,
        to: day,
        note: Some("freeze".to_owned()),
    };
    let schedule = Schedule {
        exclude: vec![freeze],
        ..hourly()
    };
    let mut case = Case::new(schedule).absent(AbsenceKind::Down, "00:30:00", "01:30:00");
    assert_eq!(
        case.act("01:30:00"),
        ["01:00 skipped: excluded: 2026-11-23, freeze"]
    );
    // It is passed over where the next run is asked for.
    let next = instant("2026-11-24T00:00:00Z");
    assert_eq!(
        case.timetable.next(on_the_day("02:30:00")),
        Some((next, next))
    );
}

#[test]
fn a_failed_run_is_tried_again_ever_later_and_not_for_ever() {
    let retry = Retry {
        times: 3,
        after: 15 * MINUTE,
    };
    let schedule = Schedule {
        retry: Some(retry),
        ..hourly()
    };
    let case = Case::new(schedule);
    let waits: Vec<_> = (1..=5)
        .map(|tries| case.timetable.retry_after(tries))
        .collect();
    let minutes = |minutes| Some(Duration::from_mins(minutes));
    assert_eq!(waits, [minutes(15), minutes(30), minutes(60), None, None]);
    assert_eq!(Case::new(hourly()).timetable.retry_after(1), None);
    // However often it is tried, the next try is at an instant that there is.
    let tireless = Schedule {
        retry: Some(Retry {
            times: u32::MAX,
            ..retry
        }),
        ..hourly()
    };
    let wait = Case::new(tireless).timetable.retry_after(u32::MAX).unwrap();
    assert!(on_the_day("00:00:00").checked_add(wait).is_ok());
}

#[test]
fn a_try_again_starts_when_its_time_has_come() {
    let mut case = Case::new(hourly());
    case.act("01:00:00");
    case.failed("01:00:00", "01:15:00");
    let now = on_the_day("01:10:00");
    assert_eq!(case.timetable.wake_at(now), Some(on_the_day("01:15:00")));
    assert_eq!(case.act("01:14:59"), NOTHING);
    case.busy = Some("a run by hand");
    assert_eq!(case.act("01:15:00"), NOTHING);
    case.busy = None;
    assert_eq!(case.act("01:20:00"), ["01:00 starts on time"]);
}

#[test]
fn a_later_due_time_takes_the_place_of_a_try_again() {
    let mut case = Case::new(hourly());
    case.act("01:00:00");
    case.failed("01:00:00", "02:15:00");
    assert_eq!(
        case.act("02:00:00"),
        [
            "01:00 ran: not tried again: the slot of 2026-11-23T02:00:00Z came due",
            "02:00 starts on time",
        ]
    );
}

#[test]
fn one_that_was_made_up_stays_late_when_it_is_tried_again() {
    let mut case = Case::new(hourly()).absent(AbsenceKind::Down, "00:30:00", "01:30:00");
    case.act("01:30:00");
    case.failed("01:00:00", "01:45:00");
    assert_eq!(case.act("01:45:00"), ["01:00 starts late"]);
    case.failed("01:00:00", "02:45:00");
    assert_eq!(
        case.act("02:00:00")[0],
        "01:00 late: not tried again: the slot of 2026-11-23T02:00:00Z came due"
    );
}

fn cut_off() -> Open {
    Open {
        due_at: on_the_day("01:00:00"),
        start_at: on_the_day("01:00:00"),
        tries: 1,
        interrupted: true,
        late: false,
    }
}

#[test]
fn a_run_that_was_cut_off_is_made_up() {
    let mut case = Case::new(hourly()).absent(AbsenceKind::Down, "01:05:00", "01:30:00");
    case.timetable = Timetable::new("users", Arc::new(hourly()), on_the_day("01:05:00"));
    case.timetable.restore(cut_off());
    let down = "the daemon was down from 2026-11-23T01:05:00Z to 2026-11-23T01:30:00Z";
    assert_eq!(
        case.say("01:30:00"),
        [format!("01:00 starts late: its run was cut off; {down}")]
    );
    case.absence.to = on_the_day("02:30:00");
    let down = "the daemon was down from 2026-11-23T01:05:00Z to 2026-11-23T02:30:00Z";
    let made_up = "made up with the slot of 2026-11-23T02:00:00Z";
    assert_eq!(
        case.say("02:30:00"),
        [
            format!("01:00 ran: its run was cut off; {down}; {made_up}"),
            format!("02:00 starts late: {down}"),
        ]
    );
}

#[test]
fn a_run_that_was_cut_off_is_made_up_at_once_although_the_clock_was_set_back_before_it() {
    let mut case = Case::new(hourly()).absent(AbsenceKind::Down, "00:20:00", "00:30:00");
    case.timetable = Timetable::new("users", Arc::new(hourly()), on_the_day("00:20:00"));
    case.timetable.restore(cut_off());
    let down = "the daemon was down from 2026-11-23T00:20:00Z to 2026-11-23T00:30:00Z";
    assert_eq!(
        case.act("00:30:00"),
        [format!("01:00 starts late: its run was cut off; {down}")]
    );
    assert_eq!(case.act("01:00:00"), NOTHING);
}

#[test]
fn a_try_that_lies_ahead_because_the_clock_was_set_back_does_not_wait_for_the_clock() {
    let schedule = Arc::new(Schedule {
        retry: Some(Retry {
            times: 3,
            after: 15 * MINUTE,
        }),
        ..hourly()
    });
    let mut case = Case::new(hourly());
    case.timetable = Timetable::new("users", schedule, on_the_day("00:20:00"));
    case.timetable.restore(Open {
        start_at: on_the_day("01:15:00"),
        interrupted: false,
        ..cut_off()
    });
    let now = on_the_day("00:20:00");
    assert_eq!(case.timetable.wake_at(now), Some(on_the_day("00:35:00")));
}

#[test]
fn what_lies_before_due_times_that_were_not_noticed_is_not_the_last() {
    let mut case = Case::new(hourly()).absent(AbsenceKind::Down, "00:30:00", "03:30:00");
    let now = on_the_day("03:30:00");
    let due = case.timetable.due(now, 2);
    assert_eq!(due.times, [on_the_day("01:00:00"), on_the_day("02:00:00")]);
    assert_eq!(due.until, on_the_day("02:00:00"));
    case.timetable.noticed(&due.times, due.until);
    let none = case.timetable.due(now, 0);
    assert_eq!((none.times, none.until), (vec![], due.until));
    let standing = Standing::default();
    assert_eq!(case.timetable.decide(now, &case.absence, &standing), []);
    assert_eq!(case.timetable.wake_at(now), Some(on_the_day("03:00:00")));
    assert_eq!(case.say("03:30:00").len(), 3);
}

#[test]
fn a_clock_that_is_set_back_runs_nothing_twice() {
    let mut case = Case::new(hourly());
    case.act("01:00:00");
    case.settled("01:00:00");
    case.act("02:00:00");
    case.settled("02:00:00");
    let done = BTreeSet::from([on_the_day("01:00:00"), on_the_day("02:00:00")]);
    case.timetable.rewind(on_the_day("00:30:00"), done);
    let three = on_the_day("03:00:00");
    assert_eq!(
        case.timetable.next(on_the_day("00:30:00")),
        Some((three, three))
    );
    assert_eq!(case.act("01:00:00"), NOTHING);
    assert_eq!(case.act("02:30:00"), NOTHING);
    assert_eq!(case.act("03:00:00"), ["03:00 starts on time"]);
}

#[test]
fn a_clock_that_is_set_back_lets_nobody_wait_longer_for_a_try() {
    let schedule = Schedule {
        retry: Some(Retry {
            times: 3,
            after: 15 * MINUTE,
        }),
        ..schedule(at(&["03:00"]), "UTC")
    };
    let mut case = Case::new(schedule);
    case.act("03:00:00");
    case.failed("03:00:00", "03:15:00");
    let now = on_the_day("01:00:00");
    case.timetable.rewind(now, BTreeSet::new());
    assert_eq!(case.timetable.wake_at(now), Some(on_the_day("01:15:00")));
    assert_eq!(case.act("01:15:00"), ["03:00 starts on time"]);
}

#[test]
fn an_absence_of_a_clock_that_was_set_back_makes_nothing_late() {
    let mut case = Case::new(hourly()).absent(AbsenceKind::Asleep, "00:30:00", "09:00:00");
    assert_eq!(case.act("01:00:00"), ["01:00 starts on time"]);
}

#[test]
fn another_schedule_counts_from_now_and_leaves_what_was_due() {
    let schedule_before = Schedule {
        jitter: 10 * MINUTE,
        ..hourly()
    };
    let mut case = Case::new(schedule_before);
    assert_eq!(case.act("01:00:30"), NOTHING);
    let now = on_the_day("01:00:30");
    let after = Arc::new(schedule(at(&["00:45", "01:00", "01:30"]), "UTC"));
    case.timetable.replace(after, now);
    assert_eq!(case.act("01:10:00"), ["01:00 starts on time"]);
    case.settled("01:00:00");
    assert_eq!(case.act("01:29:59"), NOTHING);
    assert_eq!(case.act("01:30:00"), ["01:30 starts on time"]);
}

#[test]
fn a_schedule_that_is_never_due_wakes_nobody() {
    let after_the_last = Timestamp::MAX;
    let timetable = Timetable::new("users", Arc::new(hourly()), after_the_last);
    assert_eq!(timetable.wake_at(after_the_last), None);
    assert_eq!(timetable.next(after_the_last), None);
}
