//! Bulk: accepted at once, applied later, and answered in the run log.

use serde_json::json;
use simulator::{
    BulkDrop, BulkNull, BulkTiming, Effect, Fault, Idents, Options, PortionState, System,
};
use tests::{Config, Delivery};

use crate::company::{Company, each, plain};
use std::time::Duration;

const SEND: &str = "POST /api/v3/bulk";

fn bulk(config: &mut Config) {
    config.delivery = Delivery::Bulk;
    config.batch = 7;
}

fn oomnitza(matching: &str, effect: Effect) -> Fault {
    Fault::new(System::Oomnitza, matching, effect)
}

#[track_caller]
fn only_portion(company: &Company) -> PortionState {
    let portions = company.control.portions();
    let [portion] = portions.as_slice() else {
        panic!("one portion a run: {portions:?}");
    };
    portion.clone()
}

#[test]
fn a_load_is_one_portion_that_is_finalized_last_and_once() {
    let company = Company::with(40, 0.5, bulk);
    company.load();
    let portion = only_portion(&company);
    assert_eq!(
        (portion.records, portion.finalized, portion.failed),
        (40, 1, 0)
    );
    assert_eq!(company.rollcall.latest_run()["portion"], portion.id);
    let writes = company.control.writes();
    let finalize = format!("/api/v3/bulk/{}/finalize", portion.id);
    assert_eq!(writes.last().map(|write| &write.path), Some(&finalize));
    company.next_load_sends_nothing();
    company.no_violations();
}

#[test]
fn a_load_of_which_every_record_is_refused_is_given_up() {
    let company = Company::with(250, 1.0, bulk);
    company.control.order(oomnitza(SEND, Effect::Status(403)));
    let _ = company.rollcall.run().with_code(1);
    assert_eq!(company.rollcall.latest_state(), "failed");
    let reasons = company.rollcall.latest_reasons();
    let count = |reason: &str| {
        let found = reasons.iter().find(|(known, _)| known == reason);
        found.map_or(0, |(_, count)| *count)
    };
    let (rejected, rest) = (count("failed(rejected)"), count("failed(not_attempted)"));
    // What comes with the hundredth in one batch is asked for too.
    assert!((100..200).contains(&rejected), "{reasons:?}");
    assert_eq!(rejected + rest, 250);
    let uploads = company
        .control
        .requests()
        .iter()
        .filter(|request| request.method == "POST" && request.path == "/api/v3/bulk")
        .count();
    // Each record alone, the batches that they were in, and the report that the load broke off.
    let uploads = i64::try_from(uploads).unwrap();
    assert!(
        uploads <= 2 * rejected,
        "{uploads} uploads for {rejected} records"
    );
    company.sums_hold();
}

#[test]
fn a_batch_that_is_refused_is_split_until_the_record_is_found() {
    let company = Company::with(40, 0.5, bulk);
    let refused = [
        company.newcomers().remove(2),
        company.colleagues().remove(9),
    ];
    for text in [refused[0].clone(), company.user_id(&refused[1])] {
        let effect = Effect::Refuse {
            status: 400,
            message: "the value is too purple".to_owned(),
        };
        company
            .control
            .order(oomnitza(SEND, effect).with_body(&text));
    }
    let _ = company.rollcall.run().with_code(3);
    assert_eq!(
        company.rollcall.latest_reasons(),
        [("failed(rejected)".to_owned(), 2)]
    );
    let errors = company
        .rollcall
        .query("SELECT email, message FROM v_errors");
    assert!(errors.iter().all(|row| {
        refused.iter().any(|email| row["email"] == **email)
            && row["message"].as_str().unwrap().contains("too purple")
    }));
    assert_eq!(company.people().len(), 39);
    assert_eq!(company.count("created") + company.count("updated"), 38);
    company.portions_are_finalized();
    company.sums_hold();

    company.control.clear_faults();
    company.load();
    company.next_load_sends_nothing();
    company.no_violations();
}

#[test]
fn what_the_run_log_counts_as_failed_is_rejected_with_its_words() {
    each([Some("the elves refused it"), None], |words| {
        let company = Company::with(40, 0.5, bulk);
        let dropped = [
            company.newcomers().remove(2),
            company.colleagues().remove(9),
        ];
        for text in [dropped[0].clone(), company.user_id(&dropped[1])] {
            company.control.drop_in_bulk(BulkDrop {
                containing: text,
                words: words.map(str::to_owned),
            });
        }
        let _ = company.rollcall.run().with_code(3);
        assert_eq!(
            company.rollcall.latest_reasons(),
            [("failed(rejected)".to_owned(), 2)]
        );
        for row in company
            .rollcall
            .query("SELECT email, message FROM v_errors")
        {
            assert!(
                dropped.iter().any(|email| row["email"] == **email),
                "{row:?}"
            );
            let message = row["message"].as_str().unwrap();
            assert!(
                message.contains(words.unwrap_or("run log says")),
                "{message}"
            );
        }
        assert_eq!(company.count("created") + company.count("updated"), 38);
        company.sums_hold();
        company.no_violations();
    });
}

#[test]
fn what_the_run_log_counts_as_failed_is_no_other_form_of_what_somebody_wrote_meanwhile() {
    let options = Options {
        bulk_timing: BulkTiming::AfterPolls(3),
        ..plain(12, 1.0)
    };
    let company = Company::of(options, bulk);
    company.load();
    let emails = [
        company.colleagues().remove(2),
        company.colleagues().remove(7),
    ];
    let id = |email: &str| company.user_id(email);
    for email in &emails {
        let family = company.person(email)["last_name"].clone();
        let name = format!("Xanthippe {}", family.as_str().expect("a name"));
        let renamed = json!({ "fullName": name });
        assert!(company.control.edit_user(&id(email), &renamed));
    }
    company.control.drop_in_bulk(BulkDrop {
        containing: id(&emails[0]),
        words: None,
    });
    company.control.clear_requests();
    let mut going = company.rollcall.start_run();
    going.wait_until(|| {
        let mut writes = company.control.writes().into_iter();
        writes.any(|write| write.path == "/api/v3/bulk")
    });
    let person = company.person(&emails[0])["user_id"].clone();
    let by_hand = json!({ "first_name": "Quirin" });
    let person = person.as_str().expect("an id");
    assert!(company.control.edit_person(person, &by_hand));
    let _ = going.end().with_code(3);
    let rejected = ("failed(rejected)".to_owned(), 1);
    assert_eq!(company.rollcall.latest_reasons(), [rejected]);
    company.control.drop_nothing_in_bulk();
    company.load();
    assert_eq!(company.person(&emails[0])["first_name"], "Xanthippe");
    company.next_load_sends_nothing();
}

#[test]
fn a_load_without_a_run_log_is_unverified_until_the_next_has_compared() {
    let company = Company::with(10, 0.5, bulk);
    company.control.order(oomnitza(
        "GET /api/v3/connector_run_logs/*",
        Effect::Status(404),
    ));
    let ended = company.rollcall.run();
    assert_eq!(ended.code, Some(0), "{}", ended.talk());
    assert_eq!(company.rollcall.notices(), ["unverified"]);
    company.portions_are_finalized();
    company.control.settle();
    company.next_load_sends_nothing();
    assert_eq!(company.rollcall.notices(), [""; 0]);
}

#[test]
fn the_run_log_is_found_under_either_form_of_its_name() {
    for idents in [Idents::Number, Idents::Name] {
        let options = Options {
            run_log_idents: idents,
            ..plain(10, 0.5)
        };
        let company = Company::of(options, |config| {
            bulk(config);
            if idents == Idents::Name {
                config.delivery = Delivery::BulkByName;
            }
        });
        company.load();
        assert_eq!(company.rollcall.notices(), [""; 0]);
    }
}

#[test]
fn a_batch_whose_answer_is_lost_is_sent_again() {
    let effects = [
        Effect::BadGatewayHtml,
        Effect::BadGatewayAfterApplying,
        Effect::TimeOutAfterApplying,
        Effect::ResetAfterApplying,
        Effect::TooMany { retry_after: None },
    ];
    each(effects, |effect| {
        let company = Company::with(20, 0.5, |config| {
            bulk(config);
            config.timeout = "1s";
        });
        company
            .control
            .order(oomnitza(SEND, effect).after(1).times(1));
        let ended = company.rollcall.run();
        assert_eq!(ended.code, Some(0), "{}", ended.talk());
        assert_eq!(company.people().len(), 20);
        company.portions_are_finalized();
        company.sums_hold();
        company.next_load_sends_nothing();
        company.no_violations();
    });
}

#[test]
fn a_finalize_whose_answer_is_lost_is_asked_again() {
    each(
        [
            Effect::BadGatewayHtml,
            Effect::BadGatewayAfterApplying,
            Effect::ResetAfterApplying,
        ],
        |effect| {
            let company = Company::with(10, 0.5, bulk);
            company
                .control
                .order(oomnitza("POST /api/v3/bulk/*/finalize", effect).times(1));
            company.load();
            company.portions_are_finalized();
            company.next_load_sends_nothing();
            company.no_violations();
        },
    );
}

#[test]
fn a_cancel_before_the_first_batch_sends_nothing() {
    let company = Company::with(20, 0.5, bulk);
    company.control.cancel_portion(0);
    let before = company.people();
    let _ = company.rollcall.run().with_code(6);
    assert_eq!(company.rollcall.latest_state(), "canceled");
    assert_eq!(
        company.rollcall.latest_reasons(),
        [("failed(not_attempted)".to_owned(), 20)]
    );
    assert_eq!(company.people(), before);
    company.sums_hold();
    company.no_violations();
}

#[test]
fn a_cancel_in_the_middle_stops_finalizes_and_names_who_is_left() {
    let company = Company::with(40, 1.0, bulk);
    company.control.cancel_portion(1);
    let delay = Duration::from_millis(2_600);
    company
        .control
        .order(oomnitza(SEND, Effect::Slow { delay }));
    let _ = company.rollcall.run().with_code(6);
    assert_eq!(company.rollcall.latest_state(), "canceled");
    company.portions_are_finalized();
    company.sums_hold();
    assert_eq!(company.count("seen"), 40);
    let reasons = company.rollcall.latest_reasons();
    assert!(
        reasons
            .iter()
            .any(|(why, users)| why == "failed(not_attempted)" && *users > 0),
        "{reasons:?}"
    );
    // What the database says of each user is what Oomnitza has.
    let loaded = company.control.people();
    let loaded = loaded
        .iter()
        .filter(|person| !person["sentinelone_user_id"].is_null())
        .count();
    assert_eq!(company.count("updated"), loaded);
    assert!(loaded < 40);
    company.no_violations();

    company.control.clear_faults();
    company.load();
    company.next_load_sends_nothing();
}

#[test]
fn a_token_that_expires_in_the_middle_leaves_no_portion_open_for_ever() {
    let company = Company::with(40, 1.0, bulk);
    company
        .control
        .order(oomnitza(SEND, Effect::Status(401)).after(2));
    let _ = company.rollcall.run().with_code(1);
    assert_eq!(company.rollcall.latest_state(), "failed");
    company.sums_hold();
    company.control.clear_faults();
    company.load();
    company.portions_are_finalized();
    company.next_load_sends_nothing();
    company.no_violations();
}

#[test]
fn an_instance_that_ignores_null_is_not_asked_to_clear_again_and_again() {
    let options = Options {
        bulk_null: BulkNull::Ignored,
        ..plain(10, 1.0)
    };
    let company = Company::of(options, bulk);
    company.load();
    let email = company.colleagues().remove(0);
    company.edit_user(&email, &json!({ "lastLogin": null }));
    company.load();
    company.next_load_sends_nothing();
    // What stays as it was is told for as long as it does.
    let standing = "SELECT subject FROM v_notices WHERE kind = 'another_form' AND until IS NULL";
    assert_eq!(company.rollcall.value(standing), "sentinelone_last_login");
    company.no_violations();
}

#[test]
fn null_clears_where_the_instance_takes_it_for_that() {
    let company = Company::with(10, 1.0, bulk);
    company.load();
    let email = company.colleagues().remove(0);
    company.edit_user(&email, &json!({ "lastLogin": null }));
    company.load();
    assert!(company.person(&email)["sentinelone_last_login"].is_null());
    company.next_load_sends_nothing();
}

#[test]
fn a_load_that_cannot_be_finalized_is_failed_and_applied_by_the_next() {
    let company = Company::with(10, 0.5, bulk);
    let refused = Effect::Status(400);
    company
        .control
        .order(oomnitza("POST /api/v3/bulk/*/finalize", refused));
    let ended = company.rollcall.run().with_code(1);
    assert!(ended.stdout.contains("finalize"), "{}", ended.stdout);
    assert_eq!(company.rollcall.latest_state(), "failed");
    assert_eq!(
        company.rollcall.latest_reasons(),
        [("failed(unreachable)".to_owned(), 10)]
    );
    company.sums_hold();
    company.control.clear_faults();
    company.load();
    assert_eq!(company.people().len(), 10);
    company.portions_are_finalized();
    company.next_load_sends_nothing();
    company.no_violations();
}

#[test]
fn a_key_that_oomnitza_has_as_a_large_number_is_sent_as_a_text() {
    let company = Company::with(4, 1.0, bulk);
    company.load();
    let email = company.colleagues().remove(0);
    let id: u64 = company.user_id(&email).parse().expect("ids are numbers");
    company.edit_person(
        &email,
        &json!({ "sentinelone_user_id": id, "first_name": "By hand" }),
    );
    company.control.clear_requests();
    company.load();
    let writes = company.control.writes().into_iter();
    let sent: String = writes.map(|write| write.body.to_string()).collect();
    assert!(sent.contains(&format!("\"{id}\"")), "{sent}");
    assert!(!sent.contains(&format!(":{id}")), "{sent}");
}
