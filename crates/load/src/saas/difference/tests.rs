use store::{Activity, KnownPlace, Shown};

use super::{Wanted, difference};
use crate::saas::{Application, Place};

fn application(place: Option<Place>, is_complete: bool) -> Application {
    Application {
        id: None,
        places: place
            .map(|place| ("P1".to_owned(), place))
            .into_iter()
            .collect(),
        is_complete,
    }
}

fn place(external_id: &str, roles: &str, active: Option<bool>) -> Place {
    Place {
        id: None,
        external_id: external_id.to_owned(),
        roles: roles.to_owned(),
        active,
    }
}

fn known(activity: Activity, shown: Option<Shown>) -> KnownPlace {
    KnownPlace {
        assigned: true,
        activity,
        saas_user_id: None,
        external_id: Some("225".to_owned()),
        roles: Some(r#"["Admin"]"#.to_owned()),
        shown,
    }
}

fn shown(external_id: &str, roles: &str) -> Shown {
    Shown::Place {
        external_id: external_id.to_owned(),
        roles: roles.to_owned(),
    }
}

/// What is to be changed so that the place of user 225 has the role Admin; empty for nothing.
#[track_caller]
fn check(known: Option<&KnownPlace>, application: &Application, expected: &str) {
    let wanted = Wanted {
        external_id: "225",
        roles: Some(vec!["Admin".to_owned()]),
    };
    let plan = difference(wanted, Some("P1"), known, application);
    assert_eq!(plan.map(|plan| plan.after).unwrap_or_default(), expected);
}

const ALL: &str = r#"{"assigned":true,"external_id":"225","roles":["Admin"]}"#;

#[test]
fn who_is_not_assigned_gets_everything() {
    check(None, &application(None, true), ALL);
}

#[test]
fn what_is_shown_as_it_is_to_be_needs_nothing_whoever_assigned_it() {
    for roles in [
        r#"["Admin"]"#,
        r#"[{"role_id":7,"role_external_id":"Admin","role_external_label":"Admin"}]"#,
        r#""Admin""#,
    ] {
        check(
            None,
            &application(Some(place("225", roles, None)), true),
            "",
        );
    }
}

#[test]
fn only_what_differs_is_written() {
    let shown = application(Some(place("", r#"["Admin"]"#, None)), true);
    check(None, &shown, r#"{"external_id":"225"}"#);
    let shown = application(Some(place("225", r#"["Admin","Viewer"]"#, None)), true);
    check(None, &shown, r#"{"roles":["Admin"]}"#);
}

#[test]
fn another_form_counts_as_the_same_while_it_stays_what_it_was_after_the_write() {
    let before = known(Activity::Active, Some(shown("S-225", r#"{"1":"Admin"}"#)));
    let same = application(Some(place("S-225", r#"{"1":"Admin"}"#, None)), true);
    check(Some(&before), &same, "");
    let edited = application(Some(place("S-225", r#"{"1":"Viewer"}"#, None)), true);
    check(Some(&before), &edited, r#"{"roles":["Admin"]}"#);
}

#[test]
fn another_form_of_which_nothing_was_read_after_the_write_is_written_again() {
    let unread = known(Activity::Active, None);
    let listed = application(Some(place("S-225", r#"{"1":"Admin"}"#, None)), true);
    let both = r#"{"external_id":"225","roles":["Admin"]}"#;
    check(Some(&unread), &listed, both);
}

#[test]
fn who_was_listed_and_is_not_any_more_is_assigned_again() {
    let before = known(Activity::Active, Some(shown("225", r#"["Admin"]"#)));
    check(Some(&before), &application(None, true), ALL);
}

#[test]
fn who_was_never_listed_or_is_not_in_a_part_of_the_list_is_taken_as_remembered() {
    let never = known(Activity::Active, Some(Shown::Nothing));
    check(Some(&never), &application(None, true), "");
    let before = known(Activity::Active, Some(shown("225", r#"["Admin"]"#)));
    check(Some(&before), &application(None, false), "");
}

#[test]
fn an_assignment_that_may_not_have_arrived_is_made_again_unless_it_is_listed() {
    let asked = KnownPlace {
        external_id: None,
        roles: None,
        ..known(Activity::Assigning, None)
    };
    check(Some(&asked), &application(None, true), ALL);
    let listed = application(Some(place("225", r#"["Admin"]"#, None)), true);
    check(Some(&asked), &listed, "");
}

#[test]
fn who_is_back_is_activated_where_this_integration_deactivated_it() {
    let active = r#"{"active":true}"#;
    for activity in [Activity::Inactive, Activity::Deactivating] {
        let ours = known(activity, Some(shown("225", r#"["Admin"]"#)));
        for shown in [None, Some(false)] {
            let listed = application(Some(place("225", r#"["Admin"]"#, shown)), true);
            check(Some(&ours), &listed, active);
        }
        let listed = application(Some(place("225", r#"["Admin"]"#, Some(true))), true);
        check(Some(&ours), &listed, "");
    }
    let others = KnownPlace {
        assigned: false,
        ..known(Activity::Active, Some(shown("225", r#"["Admin"]"#)))
    };
    let listed = application(Some(place("225", r#"["Admin"]"#, Some(false))), true);
    check(Some(&others), &listed, "");
}

#[test]
fn who_is_back_and_is_hidden_while_inactive_is_assigned_and_activated() {
    let hidden = KnownPlace {
        saas_user_id: Some("77".to_owned()),
        ..known(Activity::Inactive, Some(shown("225", r#"["Admin"]"#)))
    };
    let all = r#"{"assigned":true,"external_id":"225","roles":["Admin"],"active":true}"#;
    check(Some(&hidden), &application(None, true), all);
}

#[test]
fn roles_that_the_mapping_leaves_alone_stay() {
    let wanted = Wanted {
        external_id: "225",
        roles: None,
    };
    let listed = application(Some(place("225", r#"["Viewer"]"#, None)), true);
    assert_eq!(difference(wanted, Some("P1"), None, &listed), None);
}
