//! Who is gone from the console: deactivated, if this integration had assigned it, and activated when it is back.

use std::collections::BTreeMap;

use serde_json::json;
use simulator::{ActivityShown, Effect, Fault, SaasListing, System};
use tests::Delivery;

use super::{
    APPLICATION, DELIVERIES, company, emails, person_id, place, places, texts, wanted, with_saas,
};
use crate::company::{Company, plain};

#[test]
fn who_is_gone_is_deactivated_and_activated_when_it_is_back() {
    for activity in [
        ActivityShown::Told,
        ActivityShown::Untold,
        ActivityShown::Hidden,
    ] {
        for delivery in DELIVERIES {
            let company = company(12, 1.0, delivery);
            company.control.set_saas_listing(SaasListing {
                activity,
                ..SaasListing::default()
            });
            company.load();
            let email = emails(&company).remove(3);
            let users = company.control.users();
            assert!(company.control.remove_user(&company.user_id(&email)));
            company.load();
            assert_eq!(company.count("deactivated"), 1);
            assert_eq!(place(&company, &email)["active"], false);
            let active = places(&company);
            let active = active.values().filter(|place| place["active"] == true);
            assert_eq!(active.count(), 11);
            let gone = texts(
                &company,
                "SELECT email FROM v_people WHERE gone_since IS NOT NULL",
            );
            assert_eq!(gone, [email.as_str()]);
            company.next_load_sends_nothing();

            company.control.set_users(&users);
            company.load();
            assert_eq!(
                places(&company),
                wanted(&company),
                "{activity:?} {delivery:?}"
            );
            assert_eq!(company.count("updated"), 1);
            company.next_load_sends_nothing();
            company.no_violations();
            company.sums_hold();
        }
    }
}

#[test]
fn nobody_is_deactivated_whom_somebody_else_assigned() {
    let company = company(10, 1.0, Delivery::Rest);
    let emails = emails(&company);
    let other = person_id(&company, &emails[0]);
    company
        .control
        .set_saas_user(APPLICATION, &other, &json!({}));
    company.load();
    assert_eq!(places(&company), wanted(&company));
    for email in &emails[..2] {
        assert!(company.control.remove_user(&company.user_id(email)));
    }
    company.load();
    assert_eq!(company.count("deactivated"), 1);
    assert_eq!(place(&company, &emails[0])["active"], true);
    assert_eq!(place(&company, &emails[1])["active"], false);
}

#[test]
fn who_was_deactivated_by_hand_stays_so() {
    let company = company(6, 1.0, Delivery::Rest);
    company.load();
    let email = emails(&company).remove(0);
    let id = person_id(&company, &email);
    let inactive = json!({ "active": false });
    company.control.set_saas_user(APPLICATION, &id, &inactive);
    company.next_load_sends_nothing();
    assert_eq!(place(&company, &email)["active"], false);
}

#[test]
fn who_has_another_account_by_now_keeps_the_place() {
    let company = company(6, 1.0, Delivery::Rest);
    company.load();
    let email = emails(&company).remove(0);
    let mut users = company.control.users();
    let user = users
        .iter_mut()
        .find(|user| user["email"] == email.as_str());
    user.expect("a user")["id"] = json!("1999999999999999999");
    company.control.set_users(&users);
    company.load();
    assert_eq!(company.count("deactivated"), 0);
    assert_eq!(places(&company), wanted(&company));
    company.next_load_sends_nothing();
}

#[test]
fn nobody_is_deactivated_by_a_partial_or_a_short_read_or_in_another_population_or_with_keep() {
    let mut company = company(10, 1.0, Delivery::Rest);
    company.load();
    let emails = emails(&company);
    assert!(company.control.remove_user(&company.user_id(&emails[0])));
    let _ = company.rollcall.run_only(&emails[1]).with_code(0);
    assert_eq!(company.count("deactivated"), 0);

    let short = Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::ShortTotal { missing: 1 },
    );
    company.control.order(short);
    let _ = company.rollcall.run().with_code(1);
    company.control.clear_faults();
    assert_eq!(place(&company, &emails[0])["active"], true);

    company.rollcall.configure(|config| config.missing = "keep");
    company.load();
    assert_eq!(place(&company, &emails[0])["active"], true);

    // Gone is gone, from whenever on deactivating is wanted.
    company
        .rollcall
        .configure(|config| config.missing = "deactivate");
    company.load();
    assert_eq!(place(&company, &emails[0])["active"], false);
}

/// A company of which one site alone is read, and two of those who are not in it, and one who is.
fn narrowed(guards: &str) -> (Company, [String; 3]) {
    let mut company = company(60, 1.0, Delivery::Rest);
    company.load();
    company
        .rollcall
        .configure(|config| config.site_ids = "617755838952421302");
    company.load();
    let read = "SELECT email FROM v_people WHERE last_seen_at = (SELECT max(last_seen_at) FROM v_people) ORDER BY 1";
    let inside = texts(&company, read).remove(0);
    let outside = "SELECT email FROM v_people WHERE last_seen_at < (SELECT max(last_seen_at) FROM v_people) ORDER BY 1";
    let mut outside = texts(&company, outside).into_iter();
    let mut next = || outside.next().expect("users of other sites");
    let leaving = [next(), next(), inside];
    assert!(company.control.remove_user(&company.user_id(&leaving[0])));
    company.load();
    assert_eq!(company.count("deactivated"), 0);
    for email in &leaving[1..] {
        assert!(company.control.remove_user(&company.user_id(email)));
    }
    company.rollcall.configure(|config| {
        config.site_ids = "";
        config.guards = guards.to_owned();
    });
    (company, leaving)
}

#[test]
fn nobody_is_gone_while_the_console_sends_a_user_without_an_id() {
    let company = company(10, 1.0, Delivery::Rest);
    company.load();
    let all = company.control.users();
    for id in [json!(null), json!("")] {
        let mut users = all.clone();
        users[3]["id"] = id;
        let left = users.pop().expect("users");
        company.control.set_users(&users);
        let _ = company.rollcall.run().with_code(3);
        assert_eq!(company.count("failed"), 1);
        assert_eq!(company.count("deactivated"), 0);
        let gone = "SELECT count(*) FROM v_people WHERE gone_since IS NOT NULL";
        assert_eq!(company.rollcall.value(gone), 0, "{left}");
    }
    // Whoever left is gone as soon as everybody can be told apart.
    company.control.set_users(&all[..9]);
    company.load();
    assert_eq!(company.count("deactivated"), 1);
    company.control.set_users(&all);
    company.load();
    assert_eq!(places(&company), wanted(&company));
    company.sums_hold();
}

#[test]
fn who_left_while_other_sites_were_read_is_deactivated_when_all_are_read_again() {
    let (company, leaving) = narrowed("{ deactivate: 100% }");
    company.load();
    assert_eq!(company.count("deactivated"), 3);
    let run_id = company.rollcall.latest_run_id();
    for email in &leaving {
        assert_eq!(place(&company, email)["active"], false, "{email}");
        let explained = company.rollcall.command(&["explain", email, "--json"]);
        let explanation = explained.with_code(0).json();
        let events = explanation[0]["history"]
            .as_array()
            .expect("a list of events");
        let of_run = events.iter().filter(|event| event["run_id"] == run_id);
        let names: Vec<_> = of_run.map(|event| event["event"].clone()).collect();
        assert_eq!(names, ["deactivated", "gone"], "{email}");
    }
    let mut gone = leaving.to_vec();
    gone.sort();
    let told = "SELECT email FROM v_people WHERE gone_since IS NOT NULL ORDER BY 1";
    assert_eq!(texts(&company, told), gone);
    assert_eq!(
        places(&company)
            .values()
            .filter(|place| place["active"] == true)
            .count(),
        57
    );
    company.next_load_sends_nothing();
    company.sums_hold();
}

#[test]
fn the_guard_counts_who_left_while_other_sites_were_read() {
    let (company, leaving) = narrowed("{ deactivate: 2 }");
    let _ = company.rollcall.run().with_code(4);
    let guards = "SELECT guard || ' ' || found FROM v_guards";
    assert_eq!(texts(&company, guards), ["deactivate 3"]);
    assert_eq!(place(&company, &leaving[0])["active"], true);
    let run_id = company.rollcall.latest_run_id();
    let release = ["release", &run_id, "--reason", "they left"];
    let _ = company.rollcall.command(&release).with_code(0);
    assert_eq!(place(&company, &leaving[0])["active"], false);
}

#[test]
fn what_fails_for_one_is_its_own_outcome() {
    let company = company(10, 1.0, Delivery::Rest);
    company.load();
    let emails = emails(&company);
    for email in &emails[..3] {
        assert!(company.control.remove_user(&company.user_id(email)));
    }
    let stubborn = person_id(&company, &emails[1]);
    let words = Some("the contract owner cannot be deactivated");
    company.control.refuse_activity(&stubborn, words);
    let _ = company.rollcall.run().with_code(3);
    assert_eq!(company.rollcall.latest_state(), "completed_with_errors");
    assert_eq!(company.count("deactivated"), 2);
    let error = company.rollcall.latest_run()["error"].clone();
    let error = error.as_str().expect("an error");
    assert!(error.contains("1 SaaS users who are gone"), "{error}");
    assert!(error.contains("the contract owner"), "{error}");
    let changes = texts(
        &company,
        "SELECT email || ' ' || state || ' ' || ifnull(error, '') FROM v_changes WHERE action = 'deactivate' ORDER BY state",
    );
    assert_eq!(changes.len(), 3);
    assert_eq!(place(&company, &emails[0])["active"], false);
    assert_eq!(place(&company, &emails[1])["active"], true);
    assert_eq!(place(&company, &emails[2])["active"], false);
    // It is tried again, and only for the one.
    company.control.refuse_activity(&stubborn, None);
    company.load();
    assert_eq!(company.count("deactivated"), 1);
    assert_eq!(place(&company, &emails[1])["active"], false);
    company.sums_hold();
}

#[test]
fn without_ids_in_the_listing_nobody_is_deactivated_and_that_is_said() {
    let mut company = company(8, 1.0, Delivery::Rest);
    company.control.set_saas_listing(SaasListing {
        ids: false,
        ..SaasListing::default()
    });
    company.load();
    let email = emails(&company).remove(0);
    assert!(company.control.remove_user(&company.user_id(&email)));
    company.load();
    assert_eq!(place(&company, &email)["active"], true);
    let standing =
        "SELECT message FROM v_notices WHERE kind = 'saas_ids_missing' AND until IS NULL";
    let said = texts(&company, standing);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("1 SaaS users"));
    // It is over when nobody is to be deactivated any more, and when the ids are shown.
    company.rollcall.configure(|config| config.missing = "keep");
    company.load();
    assert_eq!(texts(&company, standing), [""; 0]);
    company
        .rollcall
        .configure(|config| config.missing = "deactivate");
    company.load();
    assert_eq!(texts(&company, standing).len(), 1);
    company.control.set_saas_listing(SaasListing::default());
    company.load();
    assert_eq!(place(&company, &email)["active"], false);
    assert_eq!(texts(&company, standing), [""; 0]);
}

#[test]
fn the_guard_holds_back_who_would_be_deactivated() {
    let mut company = company(40, 1.0, Delivery::Rest);
    company.load();
    company.rollcall.configure(|config| {
        config.guards = "{ deactivate: 5%, source_shrink: 100% }".to_owned();
    });
    let emails = emails(&company);
    for email in &emails[..10] {
        assert!(company.control.remove_user(&company.user_id(email)));
    }
    company.control.clear_requests();
    let _ = company.rollcall.run().with_code(4);
    assert_eq!(company.control.writes(), []);
    let guards = texts(
        &company,
        "SELECT guard || ' ' || found || ' of ' || base || ', ' || allowed FROM v_guards",
    );
    assert_eq!(guards, ["deactivate 10 of 40, 5"]);
    assert_eq!(company.count("deactivated"), 10);
    let run_id = company.rollcall.latest_run_id();
    let release = ["release", &run_id, "--reason", "they left"];
    let _ = company.rollcall.command(&release).with_code(0);
    assert_eq!(company.count("deactivated"), 10);
    assert_eq!(place(&company, &emails[0])["active"], false);
}

/// Stops a load while its batch of creates is not answered; somebody may do something then, and the next load follows.
fn unanswered(effect: Effect, between: impl FnOnce(&Company)) -> Company {
    let company = Company::of(plain(12, 0.0), |config| {
        with_saas(Delivery::Bulk)(config);
        config.timeout = "1s";
    });
    let lost = Fault::new(System::Oomnitza, "POST /api/v3/bulk", effect);
    company.control.order(lost);
    let mut going = company.rollcall.start_run();
    going.wait_until(|| {
        let mut writes = company.control.writes().into_iter();
        writes.any(|write| write.path == "/api/v3/bulk")
    });
    going.terminate();
    let _ = going.end().with_code(6);
    let unreachable = ("failed(unreachable)".to_owned(), 12);
    assert_eq!(company.rollcall.latest_reasons(), [unreachable]);
    company.control.clear_faults();
    company.control.settle();
    between(&company);
    company.load();
    assert_eq!(places(&company), wanted(&company));
    company
}

#[test]
fn whom_a_batch_assigned_that_was_never_answered_is_this_integrations() {
    let company = unanswered(Effect::TimeOutAfterApplying, |company| {
        assert_eq!(places(company).len(), 12, "the batch is applied");
    });
    assert_eq!(company.count("updated"), 12, "nobody is made once more");
    let email = emails(&company).remove(7);
    assert!(company.control.remove_user(&company.user_id(&email)));
    company.load();
    assert_eq!(company.count("deactivated"), 1);
    assert_eq!(place(&company, &email)["active"], false);
    company.next_load_sends_nothing();
}

#[test]
fn whom_somebody_made_and_assigned_after_a_batch_was_lost_is_not_this_integrations() {
    let mut email = String::new();
    let company = unanswered(Effect::TimeOut, |company| {
        assert_eq!(places(company), BTreeMap::new(), "the batch is lost");
        email = emails(company).remove(7);
        let by_hand = json!({ "email": email, "first_name": "By hand" });
        company.control.add_person(&by_hand);
        let id = person_id(company, &email);
        company.control.set_saas_user(APPLICATION, &id, &json!({}));
    });
    assert!(company.control.remove_user(&company.user_id(&email)));
    company.load();
    assert_eq!(company.count("deactivated"), 0);
    assert_eq!(place(&company, &email)["active"], true);
}
