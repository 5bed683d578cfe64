//! What becomes of those whose places cannot be written, were changed meanwhile, are loaded again, taken back or explained.

use serde_json::json;
use simulator::{Effect, Fault, System};
use tests::Delivery;

use super::{APPLICATION, DELIVERIES, company, emails, person_id, place, places, texts, wanted};
use crate::company::each;
use crate::undo;

#[test]
fn a_lost_answer_to_the_making_of_the_application_makes_it_once() {
    each(
        [
            Effect::BadGatewayAfterApplying,
            Effect::EmptyAnswer,
            Effect::BadGatewayHtml,
            Effect::Reset,
        ],
        |effect| {
            let company = company(5, 1.0, Delivery::Rest);
            let lost = Fault::new(System::Oomnitza, "POST /api/v3/saas", effect.clone());
            company.control.order(lost.times(1));
            company.load();
            assert_eq!(places(&company), wanted(&company), "{effect:?}");
            company.no_violations();
        },
    );
}

#[test]
fn who_cannot_be_assigned_fails_alone_and_is_loaded_again_later() {
    for delivery in DELIVERIES {
        let company = company(30, 1.0, delivery);
        let email = emails(&company).remove(4);
        let id = person_id(&company, &email);
        let refused = || {
            let refuse = Effect::Refuse {
                status: 400,
                message: "no licence is left".to_owned(),
            };
            Fault::new(System::Oomnitza, "PATCH /api/v3/saas/*/roles/users", refuse).with_body(&id)
        };
        company.control.order(refused());
        let _ = company.rollcall.run().with_code(3);
        assert_eq!(company.count("failed"), 1);
        assert_eq!(company.count("updated"), 29);
        let errors = texts(
            &company,
            "SELECT email || ' ' || reason || ' ' || field || ' ' || message FROM v_errors",
        );
        let error = &errors[0];
        assert_eq!(errors.len(), 1);
        assert!(
            error.starts_with(&format!("{email} rejected saas")),
            "{error}"
        );
        assert!(error.contains("no licence is left"), "{error}");
        company.control.clear_faults();
        company.load();
        assert_eq!(places(&company), wanted(&company), "{delivery:?}");
        company.next_load_sends_nothing();
        company.sums_hold();
    }
}

#[test]
fn one_who_cannot_be_assigned_is_found_among_many() {
    let company = company(30, 1.0, Delivery::Rest);
    let email = emails(&company).remove(9);
    let id = person_id(&company, &email);
    let refuse = Effect::Refuse {
        status: 400,
        message: "cannot be assigned".to_owned(),
    };
    let fault = Fault::new(System::Oomnitza, "POST /api/v3/saas/*/users", refuse);
    company.control.order(fault.with_body(&format!("\"{id}\"")));
    let _ = company.rollcall.run().with_code(3);
    assert_eq!(company.count("failed"), 1);
    assert_eq!(places(&company).len(), 29);
    // Somebody else assigns it later: it is not this integration's.
    company.control.clear_faults();
    company.control.set_saas_user(APPLICATION, &id, &json!({}));
    company.load();
    assert_eq!(places(&company), wanted(&company));
    assert!(company.control.remove_user(&company.user_id(&email)));
    company.load();
    assert_eq!(company.count("deactivated"), 0);
}

#[test]
fn whom_somebody_changed_since_the_plan_is_not_written() {
    let company = company(10, 1.0, Delivery::Rest);
    company.load();
    let emails = emails(&company);
    let id = |place: usize| person_id(&company, &emails[place]);
    let own = json!({ "roles": ["Somebody's own"] });
    company.control.set_saas_user(APPLICATION, &id(0), &own);
    company.control.set_saas_user(APPLICATION, &id(1), &own);
    let _ = company.rollcall.plan().with_code(0);
    let run_id = company.rollcall.latest_run_id();
    let other = json!({ "roles": ["Another one"] });
    company.control.set_saas_user(APPLICATION, &id(1), &other);
    let _ = company.rollcall.command(&["apply", &run_id]).with_code(3);
    let errors = texts(&company, "SELECT email || ' ' || reason FROM v_errors");
    assert_eq!(errors, [format!("{} conflict", emails[1]).as_str()]);
    assert_eq!(place(&company, &emails[1])["roles"], json!(["Another one"]));
    assert_eq!(places(&company)[&emails[0]], wanted(&company)[&emails[0]]);
}

#[test]
fn people_whose_places_all_failed_are_taken_back_all_the_same() {
    let company = company(8, 1.0, Delivery::Rest);
    let before = undo::people(&company);
    let refuse = Effect::Status(400);
    let roles = "PATCH /api/v3/saas/*/roles/users";
    company
        .control
        .order(Fault::new(System::Oomnitza, roles, refuse));
    let _ = company.rollcall.run().with_code(3);
    assert_eq!(company.count("failed"), 8);
    assert_ne!(undo::people(&company), before);
    let run_id = company.rollcall.latest_run_id();
    let _ = company.rollcall.command(&["undo", &run_id]).with_code(0);
    assert_eq!(undo::people(&company), before);
}

#[test]
fn an_undo_leaves_places_as_they_are() {
    let company = company(8, 1.0, Delivery::Rest);
    company.load();
    let before = places(&company);
    let run_id = company.rollcall.latest_run_id();
    let _ = company.rollcall.command(&["undo", &run_id]).with_code(0);
    assert_eq!(places(&company), before);
    company.load();
    let id = person_id(&company, &emails(&company)[0]);
    let own = json!({ "roles": ["Somebody's own"] });
    company.control.set_saas_user(APPLICATION, &id, &own);
    company.load();
    let run_id = company.rollcall.latest_run_id();
    let ended = company.rollcall.command(&["undo", &run_id]).with_code(2);
    assert!(
        ended.stderr.contains("SaaS users alone"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_replay_assigns_whom_it_loads() {
    let mut company = company(12, 0.5, Delivery::Rest);
    company
        .rollcall
        .configure(|config| config.preference = "update_only");
    company.load();
    assert_eq!(places(&company).len(), company.colleagues().len());
    let run_id = company.rollcall.latest_run_id();
    let replay = ["replay", &run_id, "--preference", "create_and_update"];
    let _ = company.rollcall.command(&replay).with_code(0);
    assert_eq!(places(&company), wanted(&company));
}

#[test]
fn an_explanation_tells_of_the_place_and_what_became_of_it() {
    let company = company(6, 1.0, Delivery::Rest);
    company.load();
    let email = emails(&company).remove(2);
    let explain = || {
        let ended = company.rollcall.command(&["explain", &email, "--json"]);
        ended.with_code(0).json()[0].clone()
    };
    let explained = explain();
    assert_eq!(explained["outcome"]["outcome"], "updated");
    let place = &explained["saas_user"];
    assert_eq!(
        (&place["action"], &place["state"]),
        (&json!("update"), &json!("done"))
    );
    assert_eq!(place["after"]["external_id"], company.user_id(&email));
    let text = company.rollcall.command(&["explain", &email]).with_code(0);
    assert!(text.stdout.contains("SaaS user: update"), "{}", text.stdout);

    assert!(company.control.remove_user(&company.user_id(&email)));
    company.load();
    let history = explain()["history"].clone();
    let events = history.as_array().expect("a list").iter();
    let events: Vec<&str> = events.filter_map(|event| event["event"].as_str()).collect();
    assert!(events.contains(&"saas_updated"), "{events:?}");
    assert!(events.contains(&"deactivated"), "{events:?}");
}
