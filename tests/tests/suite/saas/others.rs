//! Places that somebody else removes, assigns, activates or deactivates.

use serde_json::json;
use simulator::{ActivityShown, SaasListing};
use tests::Delivery;

use super::{APPLICATION, company, emails, person_id, place, places, texts, wanted};
use crate::company::Company;

const ACTIVITIES: [ActivityShown; 3] = [
    ActivityShown::Told,
    ActivityShown::Untold,
    ActivityShown::Hidden,
];

/// A company whose first load is done, and the address of one of its users.
fn loaded(activity: ActivityShown) -> (Company, String) {
    let company = company(12, 1.0, Delivery::Rest);
    company.control.set_saas_listing(SaasListing {
        activity,
        ..SaasListing::default()
    });
    company.load();
    let email = emails(&company).remove(3);
    (company, email)
}

fn leave(company: &Company, email: &str) {
    assert!(company.control.remove_user(&company.user_id(email)));
}

fn remove_place(company: &Company, email: &str) {
    let id = person_id(company, email);
    assert!(company.control.remove_saas_user(APPLICATION, &id));
}

/// Somebody assigns a person, or changes the place.
fn assign(company: &Company, email: &str, active: bool) {
    let id = person_id(company, email);
    let changes = json!({ "active": active });
    company.control.set_saas_user(APPLICATION, &id, &changes);
}

#[test]
fn a_place_that_was_removed_and_assigned_by_somebody_else_is_theirs() {
    let histories: [fn(&Company, &str); 3] = [
        |company, email| {
            leave(company, email);
            remove_place(company, email);
            company.load();
            assign(company, email, true);
        },
        |company, email| {
            leave(company, email);
            remove_place(company, email);
            assign(company, email, true);
        },
        |company, email| {
            leave(company, email);
            company.load();
            assert_eq!(company.count("deactivated"), 1);
            remove_place(company, email);
            assign(company, email, true);
        },
    ];
    for activity in ACTIVITIES {
        for (number, history) in histories.iter().enumerate() {
            let (company, email) = loaded(activity);
            history(&company, &email);
            company.load();
            let case = format!("{activity:?} {number}");
            assert_eq!(company.count("deactivated"), 0, "{case}");
            assert_eq!(place(&company, &email)["active"], true, "{case}");
            company.next_load_sends_nothing();
        }
    }
}

#[test]
fn a_place_is_known_by_its_id_once_the_listing_shows_it() {
    let company = company(6, 1.0, Delivery::Rest);
    company.control.set_saas_listing(SaasListing {
        ids: false,
        ..SaasListing::default()
    });
    company.load();
    company.control.set_saas_listing(SaasListing::default());
    company.next_load_sends_nothing();
    let email = emails(&company).remove(0);
    leave(&company, &email);
    remove_place(&company, &email);
    assign(&company, &email, true);
    company.load();
    assert_eq!(company.count("deactivated"), 0);
    assert_eq!(place(&company, &email)["active"], true);
}

#[test]
fn a_place_that_somebody_else_assigned_after_the_plan_is_left() {
    let (mut company, email) = loaded(ActivityShown::Told);
    company
        .rollcall
        .configure(|config| config.guards = "{ deactivate: 0 }".to_owned());
    leave(&company, &email);
    let _ = company.rollcall.run().with_code(4);
    remove_place(&company, &email);
    assign(&company, &email, true);
    let run_id = company.rollcall.latest_run_id();
    let release = ["release", &run_id, "--reason", "it left"];
    let _ = company.rollcall.command(&release).with_code(0);
    assert_eq!(place(&company, &email)["active"], true);
    let told = "SELECT state || ': ' || error FROM v_changes WHERE action = 'deactivate'";
    let why = "withdrawn: somebody else has assigned the person in Oomnitza since";
    assert_eq!(texts(&company, told), [why]);
}

#[test]
fn who_is_back_and_was_removed_is_assigned_anew_and_deactivated_when_gone_again() {
    for activity in ACTIVITIES {
        let (company, email) = loaded(activity);
        let users = company.control.users();
        leave(&company, &email);
        company.load();
        remove_place(&company, &email);
        company.control.set_users(&users);
        company.load();
        assert_eq!(places(&company), wanted(&company), "{activity:?}");
        company.next_load_sends_nothing();
        leave(&company, &email);
        company.load();
        assert_eq!(company.count("deactivated"), 1, "{activity:?}");
        assert_eq!(place(&company, &email)["active"], false, "{activity:?}");
        company.no_violations();
    }
}

#[test]
fn who_was_activated_by_hand_and_deactivated_by_hand_stays_so() {
    let (company, email) = loaded(ActivityShown::Told);
    let users = company.control.users();
    leave(&company, &email);
    company.load();
    assign(&company, &email, true);
    company.control.set_users(&users);
    company.load();
    let inactive = "SELECT email FROM v_saas_users WHERE activity <> 'active'";
    assert_eq!(texts(&company, inactive), [""; 0]);
    assign(&company, &email, false);
    company.next_load_sends_nothing();
    assert_eq!(place(&company, &email)["active"], false);
}
