//! What became of every user, and every value in Oomnitza, compared with the oracle.

use serde_json::{Value, json};
use simulator::{BulkTiming, Control, Letters, Options, People, Simulator, Users};
use tests::{Agreement, Config, Delivery, Outcome, Rollcall, Snapshot};

/// A company with every oddity of the generated population, and some more in Oomnitza.
fn company(seed: u64) -> Simulator {
    instance(odd(seed))
}

fn odd(seed: u64) -> Options {
    Options {
        seed,
        users: Users::Generated {
            count: 260,
            oddities: true,
        },
        people: People::Matching { share: 0.6 },
        ..Options::default()
    }
}

fn instance(options: Options) -> Simulator {
    let simulator = Simulator::launch(options).unwrap();
    make_odder(&simulator.control());
    simulator
}

fn text<'v>(object: &'v Value, member: &str) -> &'v str {
    object[member].as_str().unwrap_or_default()
}

/// People whose keys cross, are shared, or are spelt in another way.
fn make_odder(control: &Control) {
    let users = control.users();
    let matched: Vec<(&Value, Value)> = users
        .iter()
        .filter(|user| user["isSystem"] != true)
        .filter_map(|user| Some((user, control.person_by("email", text(user, "email"))?)))
        .collect();
    let edit = |place: usize, changes: Value| {
        let person = &matched[place].1;
        assert!(control.edit_person(text(person, "user_id"), &changes));
    };
    let id_of = |place: usize| text(matched[place].0, "id");

    // A person who carries the id of another user: the id comes before the address.
    edit(0, json!({ "sentinelone_user_id": id_of(1) }));
    // Two people with the id of one user.
    edit(4, json!({ "sentinelone_user_id": id_of(6) }));
    edit(5, json!({ "sentinelone_user_id": id_of(6) }));
    // An address in another spelling, with white space around it.
    let shouted = format!(" {} ", text(&matched[8].1, "email").to_uppercase());
    edit(8, json!({ "email": shouted }));
    // Values of before, in other spellings and other.
    let last_login = &matched[10].0["lastLogin"];
    edit(
        10,
        json!({ "sentinelone_last_login": last_login, "sentinelone_two_fa": "true", "position": "Boss" }),
    );
    edit(
        11,
        json!({ "sentinelone_last_login": "2020-01-02T03:04:05Z", "last_name": "", "position": "" }),
    );
    edit(
        12,
        json!({ "sentinelone_last_login": 1_600_000_000, "sentinelone_synced_at": "2020-01-02T03:04:05Z" }),
    );
    // A login that the console does not know any more clears the field.
    control.edit_user(id_of(12), &json!({ "lastLogin": null }));
    // Somebody else with the address of a person.
    let squatter = json!({ "username": "second.self@acme.example", "email": text(&matched[14].1, "email"), "role": 25 });
    control.add_person(&squatter);
    control.edit_user(
        id_of(16),
        &json!({ "fullName": "  Cher " , "apiToken": null }),
    );
    control.edit_user(id_of(18), &json!({ "fullName": "", "lowestRole": "" }));
    control.edit_user(
        id_of(20),
        &json!({ "fullName": "María José de la  Cruz", "twoFaEnabled": null }),
    );
}

/// Somebody who has the username of a user and none of the keys.
fn add_squatter(control: &Control) {
    let users = control.users();
    let new = users.iter().find(|user| {
        user["isSystem"] != true
            && text(user, "lowestRole") == "Viewer"
            && !text(user, "email").is_empty()
            && control.person_by("email", text(user, "email")).is_none()
    });
    let username = text(new.unwrap(), "email");
    control.add_person(
        &json!({ "username": username.to_uppercase(), "email": "other@acme.example", "role": 25 }),
    );
}

/// Loads until there is nothing left to write, which is the second time or a given later one.
///
/// Each run is compared with the oracle; gives the first.
fn compare(simulator: &Simulator, runs: usize, change: impl FnOnce(&mut Config)) -> Agreement {
    let control = simulator.control();
    let rollcall = Rollcall::with(simulator, change);
    let mut agreements = Vec::new();
    for _ in 0..runs {
        let before = Snapshot::of(&control);
        let portions = control.portions().len();
        control.clear_requests();
        let _ = rollcall.run();
        agreements.push(Agreement::check(&rollcall, &before, &control));
        let planned = agreements
            .last()
            .map(|agreement| agreement.expected.planned());
        if agreements.len() == runs {
            assert_eq!(planned, Some(0));
            assert_eq!(control.writes(), []);
            assert_eq!(control.portions().len(), portions);
        } else {
            assert_ne!(planned, Some(0));
        }
    }
    agreements.remove(0)
}

fn compare_two_runs(seed: u64, change: impl FnOnce(&mut Config)) -> Agreement {
    compare(&company(seed), 2, change)
}

#[test]
fn updates_by_rest_are_what_the_rules_say() {
    for seed in [1, 2] {
        let agreement = compare_two_runs(seed, |config| config.preference = "update_only");
        let counts = agreement.expected.counts();
        for outcome in [
            Outcome::Updated,
            Outcome::Skipped("not_in_oomnitza"),
            Outcome::Skipped("out_of_scope"),
            Outcome::Skipped("duplicate_in_source"),
            Outcome::Skipped("ambiguous_in_oomnitza"),
            Outcome::Failed("unknown_value"),
        ] {
            assert!(
                counts.contains_key(&outcome),
                "{outcome:?} is in no population: {counts:?}"
            );
        }
    }
}

#[test]
fn updates_by_bulk_are_what_the_rules_say() {
    let _ = compare_two_runs(3, |config| {
        config.preference = "update_only";
        config.delivery = Delivery::Bulk;
    });
}

#[test]
fn creates_and_updates_by_rest_are_what_the_rules_say() {
    for seed in [4, 5] {
        let agreement = compare_two_runs(seed, |_| {});
        let counts = agreement.expected.counts();
        assert!(
            counts.contains_key(&Outcome::Created)
                && counts.contains_key(&Outcome::Failed("mapping"))
        );
    }
}

#[test]
fn creates_and_updates_by_bulk_are_what_the_rules_say() {
    for (seed, delivery) in [(6, Delivery::Bulk), (7, Delivery::BulkByName)] {
        compare_two_runs(seed, |config| {
            config.delivery = delivery;
            config.batch = 7;
        });
    }
}

#[test]
fn creates_alone_are_what_the_rules_say() {
    for delivery in [Delivery::Rest, Delivery::Bulk] {
        let agreement = compare_two_runs(8, |config| {
            config.preference = "create_only";
            config.delivery = delivery;
        });
        let counts = agreement.expected.counts();
        assert!(counts.contains_key(&Outcome::Skipped("already_in_oomnitza")));
    }
}

#[test]
fn users_without_a_key_are_skipped_and_named() {
    let agreement = compare_two_runs(9, |config| config.sync_keys = vec!["email"]);
    let counts = agreement.expected.counts();
    assert!(
        counts.contains_key(&Outcome::Skipped("no_sync_key")),
        "{counts:?}"
    );
}

#[test]
fn the_order_of_the_keys_decides() {
    // Ids that stood with the wrong people stand in the way of one user until the first load has put them right.
    let _ = compare(&company(10), 3, |config| {
        config.sync_keys = vec!["email", "sentinelone_user_id"];
    });
}

#[test]
fn a_username_that_is_taken_is_rejected_again_and_again() {
    for delivery in [Delivery::Rest, Delivery::Bulk] {
        let simulator = company(11);
        let control = simulator.control();
        add_squatter(&control);
        let rollcall = Rollcall::with(&simulator, |config| config.delivery = delivery);
        for _ in 0..2 {
            let before = Snapshot::of(&control);
            let _ = rollcall.run().with_code(3);
            let agreement = Agreement::check(&rollcall, &before, &control);
            assert_eq!(agreement.expected.counts()[&Outcome::Failed("rejected")], 1);
        }
    }
}

#[test]
fn instances_of_every_kind_get_the_same_values() {
    let by_rest_and_bulk = [Delivery::Rest, Delivery::Bulk];
    for (place, delivery) in (0..).zip(by_rest_and_bulk) {
        let kinds = [
            Options {
                letters: Letters::Folded,
                ..odd(20 + place)
            },
            Options {
                csrf_token: None,
                ..odd(30 + place)
            },
            Options {
                edit_only_fields: vec!["email".to_owned(), "sentinelone_scope".to_owned()],
                ..odd(40 + place)
            },
            Options {
                bulk_timing: BulkTiming::AtOnce,
                ..odd(50 + place)
            },
        ];
        for options in kinds {
            let _ = compare(&instance(options), 2, |config| config.delivery = delivery);
        }
    }
}

/// What a week brings: people are renamed, leave and come back, swap addresses, are edited by hand.
fn let_a_week_pass(control: &Control) {
    let users = control.users();
    let known: Vec<&Value> = users
        .iter()
        .filter(|user| user["isSystem"] != true && !text(user, "email").is_empty())
        .collect();
    let edit = |place: usize, changes: Value| {
        assert!(control.edit_user(text(known[place], "id"), &changes));
    };
    edit(0, json!({ "fullName": "Łucja von  Änderung" }));
    edit(
        1,
        json!({ "lastLogin": "2026-11-01T00:00:00Z", "twoFaEnabled": false }),
    );
    edit(2, json!({ "lastLogin": null, "scopeRoles": [] }));
    edit(3, json!({ "email": known[4]["email"] }));
    edit(4, json!({ "email": known[3]["email"] }));
    edit(5, json!({ "email": "brand.new@acme.example" }));
    edit(6, json!({ "email": null }));
    edit(
        7,
        json!({ "email": text(known[8], "email").to_uppercase() }),
    );
    edit(9, json!({ "lowestRole": "Zookeeper" }));
    edit(10, json!({ "isSystem": true }));
    edit(
        11,
        json!({ "source": "active_directory", "scope": "tenant" }),
    );
    assert!(control.remove_user(text(known[12], "id")));
    // One who was deleted and made again: another id, the same address.
    let mut again = known[13].clone();
    assert!(control.remove_user(text(known[13], "id")));
    again["id"] = json!(format!("2{}", text(known[13], "id")));
    let users: Vec<Value> = control.users().into_iter().chain([again]).collect();
    control.set_users(&users);
    let person = |place: usize| control.person_by("sentinelone_user_id", text(known[place], "id"));
    for (place, changes) in [
        (20, json!({ "last_name": "by hand" })),
        (21, json!({ "email": "by.hand@acme.example" })),
        (22, json!({ "sentinelone_user_id": null })),
        (23, json!({ "position": null, "suspended": true })),
    ] {
        if let Some(person) = person(place) {
            assert!(control.edit_person(text(&person, "user_id"), &changes));
        }
    }
    if let Some(person) = person(24) {
        assert!(control.remove_person(text(&person, "user_id")));
    }
}

#[test]
fn what_a_week_brings_is_what_the_rules_say() {
    for (seed, delivery) in [
        (61, Delivery::Rest),
        (62, Delivery::Bulk),
        (63, Delivery::Rest),
        (64, Delivery::Bulk),
    ] {
        let simulator = company(seed);
        let control = simulator.control();
        let rollcall = Rollcall::with(&simulator, |config| config.delivery = delivery);
        let _ = rollcall.run();
        for _ in 0..3 {
            let_a_week_pass(&control);
            for _ in 0..2 {
                let before = Snapshot::of(&control);
                let _ = rollcall.run();
                let _ = Agreement::check(&rollcall, &before, &control);
            }
        }
        let gone = "SELECT count(*) FROM v_people WHERE gone_since IS NOT NULL";
        assert_ne!(rollcall.value(gone), 0);
    }
}
