//! What the console and Oomnitza write steers no terminal of those who read it.

use serde_json::json;
use simulator::{Effect, Fault, System};
use tests::{Ended, INTEGRATION};

use crate::company::Company;

const STEERS: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{0}\u{9b}31m\u{202e}\u{2066}\u{200f}\r\n";

/// Demands that nothing of what was printed steers a terminal, and that it is shown all the same.
#[track_caller]
fn is_shown(ended: &Ended, shows: bool) {
    for text in [&ended.stdout, &ended.stderr] {
        let steers = |one: char| {
            one.is_control() && !"\n\t".contains(one) || "\u{202e}\u{2066}\u{200f}".contains(one)
        };
        assert!(!text.contains(steers), "{text:?}");
        assert!(!text.contains("31m\n"), "{text:?}");
    }
    assert_eq!(
        ended.stdout.contains("\\u{202e}"),
        shows,
        "{}",
        ended.stdout
    );
}

#[test]
fn what_the_console_writes_steers_no_terminal() {
    let company = Company::with(20, 0.5, |config| {
        config.map(
            "role",
            "{ from: lowestRole, table: { Viewer: 25, Admin: 23 } }",
        );
        config.map("position", "fullName");
    });
    let [one, other, ..] = &company.newcomers()[..] else {
        panic!("two newcomers");
    };
    let name = format!("Eve{STEERS}");
    company.edit_user(one, &json!({ "fullName": name, "lowestRole": STEERS }));
    company.edit_user(
        other,
        &json!({ "fullName": name, "lowestRole": "Viewer", "nickname": STEERS }),
    );
    company.control.order(
        Fault::new(System::Oomnitza, "POST /api/v3/users", Effect::Status(400)).with_body(&name),
    );
    let rollcall = &company.rollcall;
    let ended = |arguments: &[&str]| rollcall.command(arguments);
    is_shown(&ended(&["plan", INTEGRATION]), true);
    is_shown(&ended(&["run", INTEGRATION]), false);
    is_shown(&ended(&["errors"]), true);
    is_shown(&ended(&["errors", "--rows"]), true);
    is_shown(&ended(&["people"]), true);
    is_shown(&ended(&["explain", one]), true);
    is_shown(&ended(&["explain", other]), true);
    is_shown(&ended(&["fields", INTEGRATION]), true);
    is_shown(&ended(&["runs"]), false);
    is_shown(&ended(&["notices"]), false);
    let asked = ended(&["forget", &name.replace('\0', "")]);
    assert!(asked.stderr.contains("\\u{1b}"), "{}", asked.stderr);
    is_shown(&asked, false);

    // Programs get it as it is.
    let people = ended(&["people", "--json"]).json();
    let names = people.as_array().unwrap().iter();
    assert_eq!(
        names.filter(|person| person["full_name"] == name).count(),
        2
    );
}
