//! The benchmark of the daemon: all figures of it, and whether each bound is kept.

use crate::company::Company;

#[test]
fn the_daemon_is_measured_and_held_to_its_bounds() {
    let company = Company::plain(1, 1.0);
    let lengths = [
        ["--users", "300"],
        ["--idle", "1"],
        ["--after-load", "1"],
        ["--due-times", "1"],
        ["--starts", "2"],
        ["--errors", "2000"],
    ];
    let mut arguments = vec!["bench", "--daemon", "--json"];
    arguments.extend(lengths.as_flattened());
    let ended = company.rollcall.command(&arguments);
    let figures = ended.json();
    let figures = figures.as_array().unwrap();
    let names: Vec<_> = figures.iter().map(|figure| &figure["name"]).collect();
    assert_eq!(
        names,
        [
            "ready on a new database, median",
            "ready on a new database, longest",
            "ready with a year of history, median",
            "ready with a year of history, longest",
            "memory before the first load",
            "idle before the first load",
            "memory from 1 s after 3 loads of 300 users",
            "idle after these loads",
            "a due run begins, latest of 1",
        ],
        "{}",
        ended.talk()
    );
    // How fast and how small a build for tests is says nothing; that each figure was taken can be seen.
    let measured = |index: usize| figures[index]["measured"].as_f64().unwrap();
    for ready in 0..4 {
        assert!((1.0..60_000.0).contains(&measured(ready)), "{figures:?}");
    }
    for memory in [4, 6] {
        assert!((1.0..1_000.0).contains(&measured(memory)), "{figures:?}");
    }
    assert!((0.0..60.0).contains(&measured(8)), "{figures:?}");
    let kept = |figure: &serde_json::Value| {
        let bound = figure["bound"].as_f64();
        bound.is_none_or(|bound| figure["measured"].as_f64().unwrap() <= bound)
    };
    assert!(figures.iter().all(|figure| figure["kept"] == kept(figure)));
    let code = i32::from(!figures.iter().all(kept));
    assert_eq!(ended.code, Some(code), "{}", ended.talk());
}

#[test]
fn a_year_of_history_is_measured_and_held_to_its_bounds() {
    let company = Company::plain(1, 1.0);
    let arguments = [
        "bench",
        "--history",
        "--days",
        "8",
        "--people",
        "60",
        "--missing",
        "20",
        "--json",
    ];
    let ended = company.rollcall.command(&arguments);
    let figures = ended.json();
    let figures = figures.as_array().unwrap();
    let names: Vec<_> = figures.iter().map(|figure| &figure["name"]).collect();
    assert_eq!(
        names,
        [
            "the database after 8 days of 60 users",
            "an explanation, median",
            "an explanation, longest",
        ],
        "{}",
        ended.talk()
    );
    let measured = |index: usize| figures[index]["measured"].as_f64().unwrap();
    assert!((0.1..200.0).contains(&measured(0)), "{figures:?}");
    assert!(
        (1.0..60_000.0).contains(&measured(1)) && measured(1) <= measured(2),
        "{figures:?}"
    );
}
