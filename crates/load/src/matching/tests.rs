use proptest::prelude::*;

use super::*;

/// A user or a person of a case: its id, and a value (or none) for each of two keys.
type Side<'a> = &'a [(&'a str, [Option<&'a str>; 2])];

fn hit(person: u32, keys: u8) -> Hit {
    Hit {
        person,
        keys: FoundBy(keys),
    }
}

fn behind(of: u32, found: Vec<Hit>) -> Match {
    Match::Duplicate { of, found }
}

fn keys(folder: &std::path::Path, side: Side<'_>) -> Keys {
    let mut keys = Keys::new(folder);
    for (row, (_, values)) in side.iter().enumerate() {
        for (key, value) in values.iter().enumerate() {
            if let Some(value) = value {
                keys.push(Key::new(
                    u8::try_from(key).unwrap(),
                    value,
                    u32::try_from(row).unwrap(),
                ))
                .unwrap();
            }
        }
    }
    keys
}

fn find(users: Side<'_>, people: Side<'_>) -> Vec<Match> {
    let folder = tempfile::tempdir().unwrap();
    let matches = Matches::find(
        users.len(),
        &mut keys(folder.path(), users),
        &mut keys(folder.path(), people),
        |involved| {
            Ok(involved
                .iter()
                .map(|&row| (row, users[row as usize].0.to_owned()))
                .collect())
        },
    )
    .unwrap();
    (0..users.len())
        .map(|row| matches.of(u32::try_from(row).unwrap()))
        .collect()
}

#[test]
fn earlier_key_decides_who_is_found() {
    let people: Side<'_> = &[("p", [None, Some("a@x")]), ("q", [Some("7"), None])];
    assert_eq!(
        find(&[("7", [Some("7"), None])], people),
        [Match::One(hit(1, 0b01))]
    );
    assert_eq!(
        find(&[("7", [Some("8"), Some("a@x")])], people),
        [Match::One(hit(0, 0b10))]
    );
    assert_eq!(
        find(&[("7", [Some("8"), Some("b@x")])], people),
        [Match::Nobody]
    );
}

#[test]
fn later_key_that_finds_another_person_is_ambiguous() {
    let people: Side<'_> = &[("p", [None, Some("a@x")]), ("q", [Some("7"), None])];
    let found = find(&[("7", [Some("7"), Some("a@x")])], people);
    assert_eq!(found, [Match::Ambiguous(vec![hit(1, 0b01), hit(0, 0b10)])]);
}

#[test]
fn one_key_that_two_people_have_is_ambiguous() {
    let people: Side<'_> = &[("p", [None, Some("a@x")]), ("q", [None, Some("a@x")])];
    let found = find(&[("7", [None, Some("a@x")])], people);
    assert_eq!(found, [Match::Ambiguous(vec![hit(0, 0b10), hit(1, 0b10)])]);
}

#[test]
fn lowest_number_wins_and_not_the_first_text() {
    let users: Side<'_> = &[("100", [None, Some("a")]), ("99", [None, Some("a")])];
    assert_eq!(find(users, &[]), [behind(1, vec![]), Match::Nobody]);
}

#[test]
fn match_by_an_earlier_key_wins_over_a_lower_id() {
    let people: Side<'_> = &[("p", [Some("200"), Some("a")])];
    let users: Side<'_> = &[
        ("100", [Some("100"), Some("a")]),
        ("200", [Some("200"), None]),
    ];
    assert_eq!(
        find(users, people),
        [behind(1, vec![hit(0, 0b10)]), Match::One(hit(0, 0b01))]
    );
}

#[test]
fn who_collides_with_a_loser_alone_is_loaded() {
    let users: Side<'_> = &[
        ("1", [Some("x"), None]),
        ("2", [Some("x"), Some("y")]),
        ("3", [None, Some("y")]),
    ];
    assert_eq!(
        find(users, &[]),
        [Match::Nobody, behind(0, vec![]), Match::Nobody]
    );
}

/// The rules by brute force: every pair looked at.
fn oracle(users: Side<'_>, people: Side<'_>) -> Vec<Match> {
    let hits = |user: usize| -> Vec<(u8, u32)> {
        let mut hits = Vec::new();
        for key in 0..2_usize {
            for (row, person) in people.iter().enumerate() {
                if users[user].1[key].is_some() && users[user].1[key] == person.1[key] {
                    hits.push((u8::try_from(key).unwrap(), u32::try_from(row).unwrap()));
                }
            }
        }
        hits
    };
    let strength = |user: usize| hits(user).first().map_or(u8::MAX, |hit| hit.0);
    let collide = |a: usize, b: usize| {
        (0..2).any(|key| users[a].1[key].is_some() && users[a].1[key] == users[b].1[key])
            || hits(a).iter().any(|x| hits(b).iter().any(|y| x.1 == y.1))
    };
    let mut order: Vec<usize> = (0..users.len()).collect();
    order.sort_by_key(|&user| (strength(user), users[user].0.parse::<u64>().unwrap()));
    let mut winners: Vec<usize> = Vec::new();
    let mut found = vec![Match::Nobody; users.len()];
    for user in order {
        if let Some(&winner) = winners.iter().find(|&&winner| collide(winner, user)) {
            found[user] = behind(u32::try_from(winner).unwrap(), people_of(&hits(user)));
            continue;
        }
        winners.push(user);
        let people = people_of(&hits(user));
        found[user] = match people.as_slice() {
            [] => Match::Nobody,
            [one] => Match::One(*one),
            _ => Match::Ambiguous(people),
        };
    }
    found
}

/// Puts together which keys found each person, in the order of the keys.
fn people_of(hits: &[(u8, u32)]) -> Vec<Hit> {
    let mut people: Vec<Hit> = Vec::new();
    for &(key, person) in hits {
        match people.iter_mut().find(|hit| hit.person == person) {
            Some(hit) => hit.keys.0 |= 1 << key,
            None => people.push(hit(person, 1 << key)),
        }
    }
    people
}

/// The same people by the same keys, whatever their order, and one first whom the earliest key found.
fn are_alike(found: &[Hit], expected: &[Hit]) -> bool {
    let sorted = |hits: &[Hit]| {
        let mut hits: Vec<_> = hits.iter().map(|hit| (hit.person, hit.keys.0)).collect();
        hits.sort_unstable();
        hits
    };
    let first = |hits: &[Hit]| hits.first().map(|hit| hit.keys.earliest());
    sorted(found) == sorted(expected) && first(found) == first(expected)
}

proptest! {
    #[test]
    fn matching_keeps_the_rules_for_any_population(
        users in prop::collection::vec((prop::option::of(0_u8..5), prop::option::of(0_u8..5)), 0..9),
        people in prop::collection::vec((prop::option::of(0_u8..5), prop::option::of(0_u8..5)), 0..7),
        order in any::<u64>(),
    ) {
        const VALUES: [&str; 5] = ["a", "b", "c", "d", "e"];
        const IDS: [&str; 9] = ["9", "10", "8", "100", "7", "11", "1000", "12", "6"];
        let side = |rows: &[(Option<u8>, Option<u8>)], shift: usize| -> Vec<_> {
            rows.iter().enumerate().map(|(row, (a, b))| {
                let value = |v: &Option<u8>| v.map(|v| VALUES[usize::from(v)]);
                (IDS[(row + shift) % IDS.len()], [value(a), value(b)])
            }).collect()
        };
        let users = side(&users, usize::try_from(order % 9).unwrap());
        let people = side(&people, 0);
        let (found, expected) = (find(&users, &people), oracle(&users, &people));
        for (found, expected) in found.iter().zip(&expected) {
            if let (Match::Ambiguous(a), Match::Ambiguous(b))
            | (Match::Duplicate { found: a, .. }, Match::Duplicate { found: b, .. }) = (found, expected)
            {
                // Of two people with the same key either may be first.
                prop_assert!(are_alike(a, b), "{found:?} {expected:?}");
                let behind = |found: &Match| match found {
                    Match::Duplicate { of, .. } => Some(*of),
                    _ => None,
                };
                prop_assert_eq!(behind(found), behind(expected));
            } else {
                prop_assert_eq!(found, expected);
            }
        }
    }
}
