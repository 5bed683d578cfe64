//! Values that Oomnitza shows in another form than they were sent in.

use serde_json::json;
use simulator::{Effect, Fault, Options, ShownForm, System};
use tests::Delivery;

use crate::company::{Company, each, plain};

fn company(delivery: Delivery) -> Company {
    let labels = [("site", "Site user"), ("account", "Account user")];
    let labels = labels.map(|(sent, shown)| (sent.to_owned(), shown.to_owned()));
    let options = Options {
        shown_forms: [
            ("sentinelone_roles".to_owned(), ShownForm::Cut(3)),
            (
                "sentinelone_scope".to_owned(),
                ShownForm::Labels(labels.into()),
            ),
            ("sentinelone_last_login".to_owned(), ShownForm::UnixSeconds),
        ]
        .into(),
        ..plain(20, 0.5)
    };
    Company::of(options, |config| config.delivery = delivery)
}

#[test]
fn a_value_in_another_form_counts_as_unchanged_while_both_sides_stay() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = company(delivery);
        company.load();
        // An epoch is the same instant: that is no other form.
        let fields = company.rollcall.query(
            "SELECT subject FROM v_notices WHERE kind = 'another_form' AND until IS NULL ORDER BY subject",
        );
        let fields: Vec<_> = fields.iter().map(|row| &row["subject"]).collect();
        assert_eq!(fields, ["sentinelone_roles", "sentinelone_scope"]);
        company.next_load_sends_nothing();
        company.next_load_sends_nothing();
        let notices = "SELECT count(*) FROM v_notices WHERE kind = 'another_form'";
        assert_eq!(company.rollcall.value(notices), 2);
        company.no_violations();
    });
}

#[test]
fn what_somebody_edits_in_oomnitza_is_written_again() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = company(delivery);
        company.load();
        let email = company.colleagues().remove(0);
        let before = company.people();
        company.edit_person(&email, &json!({ "sentinelone_roles": "by hand" }));
        company.load();
        assert_eq!(company.count("updated"), 1);
        assert_eq!(company.people(), before);
        company.next_load_sends_nothing();
    });
}

#[test]
fn what_changes_in_the_console_is_written_again() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = company(delivery);
        company.load();
        let emails = company.colleagues();
        // One value that is shown cut, and one that is shown as another label.
        let roles =
            json!([{ "id": "1", "name": "Dublin", "roleId": "9", "roleName": "Zookeeper" }]);
        company.edit_user(&emails[0], &json!({ "scopeRoles": roles }));
        let other = match company.person(&emails[1])["sentinelone_scope"].as_str() {
            Some("Site user") => ("account", "Account user"),
            _ => ("site", "Site user"),
        };
        company.edit_user(&emails[1], &json!({ "scope": other.0 }));
        company.load();
        assert_eq!(company.count("updated"), 2);
        assert_eq!(company.person(&emails[0])["sentinelone_roles"], "Zoo");
        assert_eq!(company.person(&emails[1])["sentinelone_scope"], other.1);
        company.next_load_sends_nothing();
    });
}

#[test]
fn another_form_is_learnt_where_writes_are_answered_without_the_person() {
    let company = company(Delivery::Rest);
    for write in ["PATCH /api/v3/users/*", "POST /api/v3/users"] {
        let silent = Fault::new(System::Oomnitza, write, Effect::EmptyAnswer);
        let _ = company.control.order(silent);
    }
    company.load();
    company.next_load_sends_nothing();
}

#[test]
fn what_oomnitza_accepts_and_does_not_take_fails_until_it_does() {
    // As before, or nothing at all.
    let shown = ["Alpha", ""]
        .map(|shown| [Delivery::Rest, Delivery::Bulk].map(|delivery| (shown.to_owned(), delivery)));
    each(shown.into_iter().flatten(), |(shown, delivery)| {
        let labels = ShownForm::Labels([("Zulu".to_owned(), shown.clone())].into());
        let options = Options {
            shown_forms: [("last_name".to_owned(), labels)].into(),
            ..plain(10, 1.0)
        };
        let company = Company::of(options, |config| config.delivery = delivery);
        let email = company.colleagues().remove(0);
        company.edit_user(&email, &json!({ "fullName": "Ann Alpha" }));
        company.load();
        company.edit_user(&email, &json!({ "fullName": "Ann Zulu" }));
        for time in 0..2 {
            let case = format!("{shown:?} {delivery:?} {time}");
            let ended = company.rollcall.run();
            assert_eq!(ended.code, Some(3), "{case}: {}", ended.talk());
            let rejected = ("failed(rejected)".to_owned(), 1);
            assert_eq!(company.rollcall.latest_reasons(), [rejected], "{case}");
            let errors = company.rollcall.latest_run_id();
            let message = format!("SELECT message FROM v_errors WHERE run_id = '{errors}'");
            let message = company.rollcall.value(&message);
            let message = message.as_str().expect("a text");
            assert!(message.contains("`last_name`"), "{case}: {message}");
        }
        company.edit_user(&email, &json!({ "fullName": "Ann Bravo" }));
        company.load();
        company.next_load_sends_nothing();
        company.no_violations();
    });
}
