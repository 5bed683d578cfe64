//! `rollcall notify --test`.

use serde_json::json;
use tests::{Answer, Receiver};

use super::{HOOK, KEY, Told, nobody_else_knows_the_key};

#[test]
fn a_test_reaches_everybody_and_says_who_could_not_be_told_and_why() {
    let ping = Receiver::open();
    let told = Told::with(&format!(
        "{HOOK}  - command: [/bin/sh, -c, \"exit 3\"]\n  - ping: {}\n",
        ping.url("/ping/5a1e-uuid")
    ));
    let hook = format!(
        "webhook:file:{}/hook.token",
        told.company.rollcall.folder().display()
    );
    let ended = told
        .company
        .rollcall
        .command(&["notify", "--test"])
        .with_code(1);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], format!("{hook}: told"));
    assert!(lines[1].starts_with("command:/bin/sh:"), "{lines:?}");
    assert!(
        lines[1].ends_with(": could not tell: `/bin/sh` ended with exit status: 3"),
        "{lines:?}"
    );
    assert!(
        lines[2].starts_with("ping:127.0.0.1:") && lines[2].ends_with(": told"),
        "{lines:?}"
    );
    assert_eq!(told.receiver.events("test"), ["test"]);
    // It says nothing of any load.
    assert_eq!(ping.taken()[0].path, "/ping/5a1e-uuid/log");

    told.receiver.answers(Answer::Echo(404));
    let ended = told
        .company
        .rollcall
        .command(&["notify", "--test", "--json"])
        .with_code(1);
    let first = &ended.json()[0];
    assert_eq!(
        (&first["channel"], &first["told"]),
        (&json!(hook), &json!(false))
    );
    let error = first["error"].as_str().unwrap();
    assert!(
        error.starts_with("the answer was 404 Not Found: "),
        "{error}"
    );
    assert!(!ended.talk().contains(KEY), "{}", ended.talk());
}

#[test]
fn the_daemon_that_runs_sends_it_as_it_alone_may_know_the_address() {
    let told = Told::with("  - webhook: { url: { env: ROLLCALL_HOOK } }\n");
    let ended = told
        .company
        .rollcall
        .command(&["notify", "--test"])
        .with_code(1);
    assert!(
        ended.stdout.contains("`ROLLCALL_HOOK` is not set"),
        "{}",
        ended.stdout
    );
    let serving = told.company.rollcall.serve_with(|command| {
        command.env("ROLLCALL_HOOK", told.receiver.url(&format!("/{KEY}")));
    });
    let ended = told
        .company
        .rollcall
        .command(&["notify", "--test"])
        .with_code(0);
    assert_eq!(ended.stdout, "webhook:env:ROLLCALL_HOOK: told\n");
    serving.stop();
    let asked = "SELECT count(*) FROM v_requests WHERE command = 'notify'";
    assert_eq!(told.company.rollcall.value(asked), 1);
    assert_eq!(told.receiver.events("test"), ["test"]);
    nobody_else_knows_the_key(&told.company.rollcall);
}

#[test]
fn a_file_that_was_edited_a_moment_ago_is_the_one_that_is_tested() {
    let mut told = Told::with("  - command: [/bin/false]\n");
    let serving = told.company.rollcall.serve();
    told.company
        .rollcall
        .configure(|config| config.notify = HOOK.to_owned());
    let ended = told
        .company
        .rollcall
        .command(&["notify", "--test"])
        .with_code(0);
    assert!(
        ended.stdout.ends_with("/hook.token: told\n"),
        "{}",
        ended.stdout
    );
    serving.stop();
}

#[test]
fn where_nobody_is_to_be_told_that_is_a_mistake() {
    let told = Told::with("");
    let ended = told
        .company
        .rollcall
        .command(&["notify", "--test"])
        .with_code(2);
    assert!(ended.stderr.contains("has no `notify`"), "{}", ended.stderr);
}
