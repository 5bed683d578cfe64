//! What Oomnitza does wrong, by REST, and what comes of it.

use serde_json::json;
use simulator::{Effect, Fault, Options, System};
use tests::Delivery;

use crate::company::{Company, each, plain};

const LIST: &str = "GET /api/v3/users";
const CREATE: &str = "POST /api/v3/users";
const UPDATE: &str = "PATCH /api/v3/users/*";

fn oomnitza(matching: &str, effect: Effect) -> Fault {
    Fault::new(System::Oomnitza, matching, effect)
}

#[test]
fn a_token_that_is_refused_fails_the_run_before_a_write() {
    each(
        [("GET /api/v2/mappings", 401), (LIST, 401), (LIST, 403)],
        |(matching, status)| {
            let company = Company::plain(10, 0.5);
            company
                .control
                .order(oomnitza(matching, Effect::Status(status)));
            let error = company.failed_without_a_write(company.rollcall.run());
            let wanted = if status == 401 { "token" } else { "role" };
            assert!(
                error.contains("Oomnitza") && error.contains(wanted),
                "{error}"
            );
        },
    );
}

#[test]
fn a_passing_fault_of_oomnitza_costs_time_and_nothing_else() {
    let effects = [
        Effect::TooMany {
            retry_after: Some("1".to_owned()),
        },
        Effect::TooMany { retry_after: None },
        Effect::Status(503),
        Effect::BadGatewayHtml,
        Effect::BadGatewayAfterApplying,
        Effect::TimeOut,
        Effect::TimeOutAfterApplying,
        Effect::Reset,
        Effect::ResetAfterApplying,
        Effect::TruncatedJson,
        Effect::CutBody,
        Effect::HtmlPage,
    ];
    let cases = effects
        .into_iter()
        .flat_map(|effect| [LIST, CREATE, UPDATE].map(|call| (call, effect.clone())));
    each(cases, |(call, effect)| {
        let company = Company::with(8, 0.5, |config| config.timeout = "1s");
        company
            .control
            .order(oomnitza(call, effect.clone()).times(1));
        let ended = company.rollcall.run();
        assert_eq!(ended.code, Some(0), "{call} {effect:?}: {}", ended.talk());
        // Nobody is there twice, and everybody is there.
        assert_eq!(company.people().len(), 8, "{call} {effect:?}");
        company.sums_hold();
        company.next_load_sends_nothing();
        company.no_violations();
    });
}

#[test]
fn people_who_are_listed_twice_or_left_out_are_read_right() {
    let effects = [
        Effect::DuplicateRows { rows: 4 },
        Effect::LostRows { rows: 4 },
        Effect::EmptyPage,
    ];
    each(effects, |effect| {
        let company = Company::with(620, 1.0, |config| {
            config.keep_only(&["username", "email", "role", "sentinelone_user_id"]);
            config.preference = "create_only";
        });
        company
            .control
            .order(oomnitza(LIST, effect).after(1).times(1));
        company.load();
        assert_eq!(
            company.rollcall.latest_reasons(),
            [("skipped(already_in_oomnitza)".to_owned(), 620)]
        );
        assert_eq!(company.control.writes(), []);
    });
}

#[test]
fn half_of_the_people_are_not_taken_for_all() {
    let company = Company::with(620, 1.0, |config| {
        config.keep_only(&["username", "email", "role", "sentinelone_user_id"]);
    });
    company
        .control
        .order(oomnitza(LIST, Effect::ShortTotal { missing: 5 }));
    let error = company.failed_without_a_write(company.rollcall.run());
    assert!(error.contains("not complete"), "{error}");
}

#[test]
fn one_refused_record_fails_alone_with_the_words_of_oomnitza() {
    let company = Company::plain(30, 0.5);
    let refused = [
        company.newcomers().remove(3),
        company.colleagues().remove(3),
    ];
    let calls = [
        (CREATE, refused[0].clone()),
        (UPDATE, company.user_id(&refused[1])),
    ];
    for (call, text) in &calls {
        let effect = Effect::Refuse {
            status: 400,
            message: "the value is too purple".to_owned(),
        };
        company
            .control
            .order(oomnitza(call, effect).with_body(text));
    }
    let _ = company.rollcall.run().with_code(3);
    assert_eq!(company.rollcall.latest_state(), "completed_with_errors");
    let errors = company
        .rollcall
        .query("SELECT email, reason, message FROM v_errors ORDER BY email");
    let mut emails = refused.to_vec();
    emails.sort();
    assert_eq!(errors.len(), 2);
    for (error, email) in errors.iter().zip(emails) {
        assert_eq!(
            (&error["email"], &error["reason"]),
            (&json!(email), &json!("rejected"))
        );
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains("400") && message.contains("too purple"),
            "{message}"
        );
    }
    assert_eq!(company.people().len(), 29);
    company.sums_hold();

    // What is fixed is loaded, and the error is resolved.
    company.control.clear_faults();
    company.load();
    assert_eq!((company.count("created"), company.count("updated")), (1, 1));
    let unresolved = "SELECT count(*) FROM v_errors WHERE resolved_at IS NULL";
    assert_eq!(company.rollcall.value(unresolved), 0);
    company.next_load_sends_nothing();
}

#[test]
fn a_token_that_expires_in_the_middle_ends_the_run_with_what_was_done_on_record() {
    let company = Company::plain(300, 1.0);
    company
        .control
        .order(oomnitza(UPDATE, Effect::Status(401)).after(120));
    let _ = company.rollcall.run().with_code(1);
    assert_eq!(company.rollcall.latest_state(), "failed");
    let error = company.rollcall.latest_run()["error"].clone();
    assert!(error.as_str().unwrap().contains("token"), "{error}");
    assert_eq!(company.count("updated"), 120);
    assert_eq!(company.count("failed"), 180);
    let reasons = company.rollcall.latest_reasons();
    assert!(
        reasons
            .iter()
            .any(|(why, _)| why == "failed(not_attempted)"),
        "{reasons:?}"
    );
    company.sums_hold();

    company.control.clear_faults();
    company.load();
    assert_eq!(
        (company.count("unchanged"), company.count("updated")),
        (120, 180)
    );
    company.next_load_sends_nothing();
    company.no_violations();
}

#[test]
fn a_person_who_cannot_be_reached_is_unreachable_and_the_others_are_loaded() {
    let company = Company::plain(12, 1.0);
    let user_id = company.user_id(&company.colleagues()[4]);
    company
        .control
        .order(oomnitza(UPDATE, Effect::Status(503)).with_body(&user_id));
    let _ = company.rollcall.run().with_code(3);
    assert_eq!(
        company.rollcall.latest_reasons(),
        [("failed(unreachable)".to_owned(), 1)]
    );
    assert_eq!(company.count("updated"), 11);
    company.sums_hold();
}

#[test]
fn a_mapped_field_that_nobody_has_fails_the_run_before_a_write() {
    let company = Company::with(10, 0.5, |config| config.map("sentinelone_nowhere", "scope"));
    let error = company.failed_without_a_write(company.rollcall.run());
    assert!(error.contains("`sentinelone_nowhere`"), "{error}");
}

#[test]
fn an_empty_instance_is_filled() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(30, 0.0, |config| config.delivery = delivery);
        company.load();
        assert_eq!(company.count("created"), 30);
        assert_eq!(company.people().len(), 30);
        company.next_load_sends_nothing();
        company.no_violations();
    });
}

#[test]
fn a_listing_without_a_total_ends_at_its_empty_page() {
    let company = Company::with(620, 1.0, |config| {
        config.keep_only(&["username", "email", "role", "sentinelone_user_id"]);
        config.preference = "create_only";
    });
    company.control.order(oomnitza(LIST, Effect::NoTotal));
    company.load();
    assert_eq!(company.count("skipped"), 620);
}

#[test]
fn a_pace_that_is_too_fast_for_either_side_costs_time_and_nothing_else() {
    let options = Options {
        sentinelone_rate: Some(2),
        oomnitza_rate: Some(20),
        ..plain(40, 0.5)
    };
    let company = Company::of(options, |_| {});
    company.load();
    assert_eq!(company.people().len(), 40);
    company.next_load_sends_nothing();
}

#[test]
fn a_value_that_a_dropdown_lacks_fails_those_who_have_it() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let values = ["Local", "Single sign-on"].map(str::to_owned).to_vec();
        let options = Options {
            dropdowns: [("sentinelone_source".to_owned(), values)].into(),
            ..plain(60, 0.5)
        };
        let company = Company::of(options, |config| config.delivery = delivery);
        let users = company.control.users();
        let others = users
            .iter()
            .filter(|user| user["source"] == "active_directory")
            .count();
        assert!(others > 0);
        for _ in 0..2 {
            let _ = company.rollcall.run().with_code(3);
            assert_eq!(company.rollcall.latest_reasons().len(), 1);
            assert_eq!(company.count("failed"), others);
            let message = company
                .rollcall
                .query("SELECT DISTINCT message FROM v_errors LIMIT 1");
            assert!(
                message[0]["message"].as_str().unwrap().contains("`Other`"),
                "{message:?}"
            );
            company.sums_hold();
        }
        assert_eq!(company.count("unchanged"), 60 - others);
        company.no_violations();
    });
}
