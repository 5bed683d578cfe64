//! Who is there, who is gone, and what an empty console proves.

use simulator::{Effect, Fault, System};
use tests::Rollcall;

use crate::company::Company;

const GONE: &str = "SELECT count(*) FROM v_people WHERE gone_since IS NOT NULL";

#[track_caller]
fn gone(rollcall: &Rollcall) -> i64 {
    rollcall.value(GONE).as_i64().unwrap()
}

#[test]
fn the_first_ever_empty_console_completes_with_a_notice() {
    let company = Company::plain(0, 0.0);
    company.load();
    assert_eq!(company.count("seen"), 0);
    assert_eq!(company.rollcall.notices(), ["empty_source"]);
    assert_eq!(company.control.writes(), []);
    company.no_violations();
}

#[test]
fn an_empty_console_after_users_were_seen_parks_the_run() {
    let company = Company::plain(10, 0.5);
    company.load();
    let users = company.control.users();
    company.control.set_users(&[]);
    company.control.clear_requests();
    let ended = company.rollcall.run().with_code(4);
    assert_eq!(company.rollcall.latest_state(), "parked");
    assert!(
        ended.stdout.contains("parked") && ended.stdout.contains("shows nobody"),
        "{}",
        ended.stdout
    );
    assert_eq!(company.control.writes(), []);
    assert_eq!(gone(&company.rollcall), 0);
    company.sums_hold();

    // As soon as it shows users again, all is as it was.
    company.control.set_users(&users);
    company.next_load_sends_nothing();
    let parked = "SELECT state FROM v_runs WHERE state NOT IN ('completed')";
    assert_eq!(company.rollcall.value(parked), "overtaken");
}

#[test]
fn a_dry_run_and_a_plan_read_the_console_too() {
    let company = Company::plain(10, 1.0);
    company.load();
    for (user, gone_now) in company.control.users().iter().zip(1..=2) {
        let id = user["id"].as_str().unwrap();
        assert!(company.control.remove_user(id));
        let _ = match gone_now {
            1 => company.rollcall.run_dry().with_code(0),
            _ => company.rollcall.plan().with_code(0),
        };
        assert_eq!(gone(&company.rollcall), gone_now);
    }
    let seen = "SELECT count(*) FROM v_people WHERE gone_since IS NULL AND last_seen_at >=
                (SELECT started_at FROM v_runs ORDER BY run_id DESC LIMIT 1)";
    assert_eq!(company.rollcall.value(seen), 8);
}

#[test]
fn a_user_who_disappears_is_gone_and_one_who_returns_is_not() {
    let company = Company::plain(10, 0.5);
    company.load();
    let users = company.control.users();
    let email = users[3]["email"].as_str().unwrap();
    let person = company.person(email);
    assert!(
        company
            .control
            .remove_user(users[3]["id"].as_str().unwrap())
    );
    company.next_load_sends_nothing();
    assert_eq!(gone(&company.rollcall), 1);
    let who = company
        .rollcall
        .value("SELECT email FROM v_people WHERE gone_since IS NOT NULL");
    assert_eq!(who, email);
    let since = "SELECT gone_since FROM v_people WHERE gone_since IS NOT NULL";
    let first = company.rollcall.value(since);
    company.next_load_sends_nothing();
    assert_eq!(
        company.rollcall.value(since),
        first,
        "gone is counted from the first time"
    );
    assert_eq!(company.person(email), person, "Oomnitza keeps who is gone");
    let access = format!("SELECT count(*) FROM v_access WHERE email = '{email}'");
    assert_eq!(company.rollcall.value(&access), 0);

    company.control.set_users(&users);
    company.next_load_sends_nothing();
    assert_eq!(gone(&company.rollcall), 0);
}

#[test]
fn out_of_scope_is_not_gone() {
    let mut company = Company::plain(10, 1.0);
    company.load();
    company
        .rollcall
        .configure(|config| config.scope = "scope == 'nowhere'");
    company.load();
    assert_eq!(
        company.rollcall.latest_reasons(),
        [("skipped(out_of_scope)".to_owned(), 10)]
    );
    assert_eq!(gone(&company.rollcall), 0);
}

#[test]
fn nobody_is_gone_because_other_sites_are_read() {
    let mut company = Company::plain(60, 0.5);
    company.load();
    company
        .rollcall
        .configure(|config| config.site_ids = "617755838952421302");
    company.load();
    let seen = company.count("seen");
    assert!(0 < seen && seen < 60, "{seen}");
    assert_eq!(gone(&company.rollcall), 0);

    // From here on the new population counts.
    let emails = company.rollcall.query(
        "SELECT email FROM v_people WHERE last_seen_at = (SELECT max(last_seen_at) FROM v_people) LIMIT 1",
    );
    let user_id = company.user_id(emails[0]["email"].as_str().unwrap());
    assert!(company.control.remove_user(&user_id));
    company.load();
    assert_eq!(gone(&company.rollcall), 1);
}

#[test]
fn an_empty_console_parks_the_run_that_reads_all_sites_again() {
    let mut company = Company::plain(60, 0.5);
    company.load();
    company
        .rollcall
        .configure(|config| config.site_ids = "617755838952421302");
    company.load();
    company.rollcall.configure(|config| config.site_ids = "");
    let users = company.control.users();
    company.control.set_users(&[]);
    let ended = company.rollcall.run().with_code(4);
    assert!(ended.stdout.contains("showed 60"), "{}", ended.stdout);
    assert_eq!(gone(&company.rollcall), 0);
    company.control.set_users(&users);
    company.load();
    assert_eq!(gone(&company.rollcall), 0);
}

#[test]
fn nobody_is_gone_because_of_a_run_that_failed_or_was_dry() {
    let company = Company::plain(10, 1.0);
    company.load();
    let users = company.control.users();
    assert!(
        company
            .control
            .remove_user(users[0]["id"].as_str().unwrap())
    );
    let fault = Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::ShortTotal { missing: 1 },
    );
    let fault = company.control.order(fault);
    let _ = company.rollcall.run().with_code(1);
    assert_eq!(gone(&company.rollcall), 0);
    company.control.cancel_fault(fault);
    company.load();
    assert_eq!(gone(&company.rollcall), 1);
}
