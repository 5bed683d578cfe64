//! What the console does wrong, and what comes of it.

use serde_json::{Value, json};
use simulator::{Effect, Fault, Options, People, System, Users};
use tests::Delivery;

use crate::company::{Company, each, plain};

fn users_page(effect: Effect) -> Fault {
    Fault::new(System::SentinelOne, "GET /users", effect)
}

/// More users than a page holds; nobody is in Oomnitza, so that nothing is to be written.
fn two_pages() -> Company {
    Company::with(1_100, 0.0, |config| {
        config.preference = "update_only";
    })
}

#[track_caller]
fn everybody_was_read(company: &Company) {
    company.load();
    assert_eq!(company.count("seen"), 1_100);
    assert_eq!(company.count("skipped"), 1_100);
    company.no_violations();
}

#[test]
fn a_token_that_is_refused_fails_the_run_and_says_where_to_make_one() {
    each([401, 403], |status| {
        let company = Company::plain(10, 0.5);
        company.control.order(users_page(Effect::Status(status)));
        let error = company.failed_without_a_write(company.rollcall.run());
        if status == 401 {
            assert!(
                error.contains("token") && error.contains("Settings >"),
                "{error}"
            );
        } else {
            assert!(error.contains("Users.view"), "{error}");
        }
        assert_eq!(company.count("seen"), 0);
    });
}

#[test]
fn a_wrong_token_of_the_console_is_told_from_a_wrong_token_of_oomnitza() {
    for (file, system) in [
        ("sentinelone.token", "SentinelOne"),
        ("oomnitza.token", "Oomnitza"),
    ] {
        let company = Company::plain(10, 0.5);
        company.rollcall.write_token(file, "expired");
        let error = company.failed_without_a_write(company.rollcall.run());
        assert!(error.contains(system) && error.contains("token"), "{error}");
    }
}

#[test]
fn a_passing_fault_of_the_console_costs_time_and_nothing_else() {
    let effects = [
        Effect::TooMany {
            retry_after: Some("1".to_owned()),
        },
        Effect::TooMany { retry_after: None },
        Effect::Status(500),
        Effect::BadGatewayHtml,
        Effect::TimeOut,
        Effect::Reset,
        Effect::TruncatedJson,
        Effect::CutBody,
        Effect::HtmlPage,
    ];
    each(effects, |effect| {
        let company = Company::with(10, 0.5, |config| config.timeout = "1s");
        company.control.order(users_page(effect).times(1));
        company.load();
        assert_eq!(company.count("seen"), 10);
        company.next_load_sends_nothing();
        company.no_violations();
    });
}

#[test]
fn an_expired_cursor_begins_the_read_anew_once() {
    let company = two_pages();
    company
        .control
        .order(users_page(Effect::ExpiredCursor).times(1));
    everybody_was_read(&company);
    company.control.clear_requests();
    company
        .control
        .order(users_page(Effect::ExpiredCursor).times(2));
    company.failed_without_a_write(company.rollcall.run());
}

#[test]
fn a_cursor_that_repeats_is_an_error_and_no_endless_loop() {
    let company = two_pages();
    company.control.order(users_page(Effect::RepeatedCursor));
    company.failed_without_a_write(company.rollcall.run());
}

#[test]
fn an_empty_page_is_not_the_end() {
    let company = two_pages();
    company
        .control
        .order(users_page(Effect::EmptyPage).after(1).times(1));
    everybody_was_read(&company);
    company
        .control
        .order(users_page(Effect::EmptyPage).times(1));
    everybody_was_read(&company);
}

#[test]
fn a_user_who_is_listed_twice_is_one_user() {
    let company = two_pages();
    company
        .control
        .order(users_page(Effect::DuplicateRows { rows: 7 }).after(1));
    everybody_was_read(&company);
}

#[test]
fn only_the_total_of_the_first_page_counts() {
    for effect in [
        Effect::ZeroTotal,
        Effect::NoTotal,
        Effect::ShortTotal { missing: 9 },
    ] {
        let company = two_pages();
        company.control.order(users_page(effect).after(1));
        everybody_was_read(&company);
    }
}

#[test]
fn half_a_read_is_read_again_and_if_still_short_fails() {
    each(
        [
            Effect::LostRows { rows: 3 },
            Effect::ShortTotal { missing: 3 },
        ],
        |effect| {
            let company = two_pages();
            let skip = u32::from(matches!(effect, Effect::LostRows { .. }));
            company
                .control
                .order(users_page(effect.clone()).after(skip).times(1));
            everybody_was_read(&company);

            company.control.clear_requests();
            let lasting = users_page(effect);
            company.control.order(if skip == 1 {
                lasting.with_query("cursor")
            } else {
                lasting
            });
            let error = company.failed_without_a_write(company.rollcall.run());
            assert!(error.contains("not complete"), "{error}");
            let gone = "SELECT count(*) FROM v_people WHERE gone_since IS NOT NULL";
            assert_eq!(company.rollcall.value(gone), 0);
        },
    );
}

#[test]
fn a_malformed_user_fails_alone() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(10, 0.5, |config| config.delivery = delivery);
        let emails = company.newcomers();
        company.edit_user(&emails[0], &json!({ "email": { "not": "a text" } }));
        let _ = company.rollcall.run().with_code(3);
        assert_eq!(
            company.rollcall.latest_reasons(),
            [("failed(mapping)".to_owned(), 1)]
        );
        assert_eq!((company.count("seen"), company.count("failed")), (10, 1));
        assert_eq!(company.newcomers(), [""; 0]);
        company.sums_hold();
        company.no_violations();
    });
}

#[test]
fn users_without_most_fields_are_loaded_by_what_they_have() {
    let users: Vec<Value> = vec![
        json!({ "id": "900000000000000001", "scope": "site", "email": "a@acme.example" }),
        json!({ "id": "1000000000000000002", "scope": "tenant", "email": "b@acme.example", "fullName": null,
                "scopeRoles": null, "apiToken": null, "source": "something_new", "unknownField": [1, 2] }),
        json!({ "id": "1000000000000000003", "scope": "account" }),
    ];
    let options = Options {
        users: Users::Given(users),
        people: People::None,
        ..plain(0, 0.0)
    };
    let company = Company::of(options, |_| {});
    let _ = company.rollcall.run().with_code(3);
    assert_eq!(company.count("created"), 2);
    assert_eq!(
        company.rollcall.latest_reasons(),
        [("failed(mapping)".to_owned(), 1)]
    );
    assert_eq!(
        company.person("b@acme.example")["sentinelone_source"],
        "Other"
    );
    assert_eq!(
        company.person("a@acme.example")["sentinelone_roles"],
        Value::Null
    );
    company.no_violations();
}

#[test]
fn names_of_custom_roles_are_not_needed() {
    let company = Company::plain(10, 0.5);
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /rbac/roles",
        Effect::Status(403),
    ));
    company.load();
    company.no_violations();
}
