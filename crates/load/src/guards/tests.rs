use super::*;

#[test]
fn a_share_is_rounded_down_and_small_numbers_pass() {
    let allowed = |limit: Limit, of| limit.allowed(of, 5);
    assert_eq!(allowed(Limit::Percent(10.0), 100), 10);
    assert_eq!(allowed(Limit::Percent(10.0), 109), 10);
    assert_eq!(allowed(Limit::Percent(10.0), 20), 5);
    assert_eq!(allowed(Limit::Percent(0.1), 100_000), 100);
    assert_eq!(allowed(Limit::Percent(29.0), 100), 29);
    assert_eq!(allowed(Limit::Percent(100.0), 7), 7);
    // Who writes nothing, or a number, means it.
    assert_eq!(allowed(Limit::Percent(0.0), 100), 0);
    assert_eq!(allowed(Limit::Number(2), 100), 2);
}

fn hits(guards: &Guards, tally: &Tally, change: impl FnOnce(&mut Measure<'_>)) -> Vec<String> {
    let mut measure = Measure {
        guards,
        tally,
        seen: Some(tally.in_scope),
        earlier: &[],
        reviewed: false,
        first: false,
    };
    change(&mut measure);
    let hits = measure.hits();
    hits.into_iter().map(|hit| hit.message).collect()
}

fn tally(in_scope: u64, count: impl FnOnce(&mut Tally)) -> Tally {
    let mut tally = Tally {
        in_scope,
        ..Tally::default()
    };
    count(&mut tally);
    tally
}

#[test]
fn a_plan_at_the_limit_passes_and_one_beyond_it_does_not() {
    let guards = Guards::default();
    let made = |found: u64| {
        tally(100, |tally| {
            (0..found).for_each(|user| tally.create.add(&user.to_string(), true));
        })
    };
    assert_eq!(hits(&guards, &made(10), |_| {}), [""; 0]);
    assert_eq!(
        hits(&guards, &made(11), |_| {}),
        ["`create`: 11 of 100 users in scope would be made, and 10 pass (10%)"]
    );
    let reviewed = hits(&guards, &made(100), |measure| measure.reviewed = true);
    assert_eq!(reviewed, [""; 0]);
    let first = hits(&guards, &made(0), |measure| measure.first = true);
    assert_eq!(first.len(), 1, "{first:?}");
}

#[test]
fn ten_examples_are_kept() {
    let many = tally(100, |tally| {
        (0..40).for_each(|user| tally.role_change.add(&user.to_string(), true));
    });
    let measure = Measure {
        guards: &Guards::default(),
        tally: &many,
        seen: None,
        earlier: &[],
        reviewed: true,
        first: false,
    };
    let hits = measure.hits();
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].found, hits[0].allowed), (40, 5));
    assert_eq!(hits[0].examples.len(), 10);
}

#[test]
fn a_source_shrinks_against_the_median_of_its_reads() {
    let guards = Guards::default();
    let shrunk = |seen, earlier: &[u64]| {
        let earlier = earlier.to_vec();
        let nothing = Tally::default();
        let mut measure = Measure {
            guards: &guards,
            tally: &nothing,
            seen: Some(seen),
            earlier: &earlier,
            reviewed: true,
            first: false,
        };
        let full = measure.hits().len();
        measure.seen = None;
        assert_eq!(
            measure.hits(),
            [],
            "a partial run says nothing of the source"
        );
        full
    };
    assert_eq!(shrunk(80, &[100, 100, 100]), 0);
    assert_eq!(shrunk(79, &[100, 100, 100]), 1);
    // One odd read settles nothing.
    assert_eq!(shrunk(79, &[50, 100, 100]), 1);
    assert_eq!(shrunk(50, &[]), 0);
    // A few always pass.
    assert_eq!(shrunk(5, &[10, 10, 10]), 0);
}

#[test]
fn writes_may_fail_until_there_are_enough_of_them() {
    let guards = Guards::default();
    assert_eq!(guards.too_many_failed(19, 19), None);
    assert_eq!(guards.too_many_failed(20, 5), None);
    assert_eq!(guards.too_many_failed(20, 6), Some(5));
    assert_eq!(guards.too_many_failed(100, 25), None);
    assert_eq!(guards.too_many_failed(100, 26), Some(25));
}
