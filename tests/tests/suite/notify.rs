//! Others are told: of notices, and of loads; by receivers who hear, hang, refuse or are gone.

mod commands;
mod failing;
mod pings;
mod trials;

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tests::{Answer, Received, Receiver, Rollcall, Serving};

use crate::company::Company;

/// What only those know who may tell it.
const KEY: &str = "s3cr3t-k3y-of-the-hook";
/// The notice that the tests cause: the console shows nobody.
const KIND: &str = "empty_source";
/// A webhook whose address is in the file `hook.token`.
const HOOK: &str = "  - webhook: { url: { file: hook.token } }\n";

/// A company whose console shows nobody at first, some entries of `notify`, and a receiver behind `hook.token`.
struct Told {
    company: Company,
    receiver: Receiver,
    users: Vec<Value>,
}

impl Told {
    fn with(notify: &str) -> Self {
        let company = Company::with(5, 1.0, |config| {
            config.notify = notify.to_owned();
            // So long may a receiver take at most.
            config.timeout = "2s";
        });
        let receiver = Receiver::open();
        leads_to(&company.rollcall, "hook.token", &receiver);
        let users = company.control.users();
        company.control.set_users(&[]);
        Self {
            company,
            receiver,
            users,
        }
    }

    /// What it tells of begins.
    #[track_caller]
    fn begin(&self) {
        self.company.load();
    }

    /// What it tells of is over.
    #[track_caller]
    fn end(&self) {
        self.company.control.set_users(&self.users);
        self.company.load();
    }

    #[track_caller]
    fn wait_for_events(&self, serving: &mut Serving, events: &[&str]) {
        serving.wait_until(|| self.receiver.events(KIND) == events);
    }
}

/// Writes the address of a receiver into a file that only its owner can read.
fn leads_to(rollcall: &Rollcall, file: &str, receiver: &Receiver) {
    rollcall.write_token(file, &receiver.url(&format!("/services/{KEY}?sig={KEY}")));
}

/// Demands that no key is in any file but that of the address itself.
#[track_caller]
fn nobody_else_knows_the_key(rollcall: &Rollcall) {
    let mut found = Vec::new();
    files(rollcall.folder(), &mut found);
    assert!(found.iter().any(|(name, _)| name.ends_with("rollcall.db")));
    for (name, bytes) in found {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(KEY), "the key is in {name}");
    }
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_none_or(|of| of != "token")
            && !name.ends_with("rollcall.yaml")
        {
            found.push((name, fs::read(&path).unwrap_or_default()));
        }
    }
}

/// What a receiver that reads as Slack does was told of the notice that the tests cause.
fn texts(slack: &Receiver) -> Vec<String> {
    let taken = slack.taken();
    let texts = taken.iter().map(|one| one.json()["text"].clone());
    let texts = texts.map(|text| text.as_str().unwrap_or_default().to_owned());
    texts
        .filter(|text| text.contains(&format!("({KIND})")))
        .collect()
}

#[test]
fn a_notice_is_told_once_when_it_begins_and_once_when_it_is_over_within_two_seconds() {
    let told = Told::with(&format!(
        "{HOOK}  - webhook: {{ url: {{ file: slack.token }}, format: slack }}\n    on: [odd, recovered]\n"
    ));
    let slack = Receiver::open();
    leads_to(&told.company.rollcall, "slack.token", &slack);
    let mut serving = told.company.rollcall.serve();
    told.begin();
    told.wait_for_events(&mut serving, &["began"]);
    let finished_at = told.company.rollcall.latest_run()["finished_at"].clone();
    let finished_at: jiff::Timestamp = finished_at.as_str().unwrap().parse().unwrap();
    let of_it = |one: &Received| one.json()["kind"] == KIND;
    let arrived = told.receiver.taken().into_iter().find(of_it).unwrap().at;
    let late = arrived.duration_since(finished_at).as_millis();
    assert!(late < 2_000, "{late} ms");
    // It still stands, which is no news.
    told.begin();
    told.end();
    told.wait_for_events(&mut serving, &["began", "ended"]);
    told.company.load();
    serving.wait_until(|| texts(&slack).len() == 2);
    serving.stop();

    let messages = told.receiver.messages(KIND);
    let [began, ended] = messages.as_slice() else {
        panic!("twice, not {messages:?}");
    };
    let row = told
        .company
        .rollcall
        .query(&format!("SELECT * FROM v_notices WHERE kind = '{KIND}'"));
    for column in ["kind", "integration", "subject", "message", "hint", "since"] {
        assert_eq!(began[column], row[0][column], "{column}");
        assert_eq!(ended[column], row[0][column], "{column}");
    }
    assert_eq!(began["until"], Value::Null);
    assert_eq!(ended["until"], row[0]["until"]);
    assert!(began.get("details").is_none() && began["host"].is_string());
    let texts = texts(&slack);
    assert!(
        texts[0].starts_with(":warning: console-users on "),
        "{texts:?}"
    );
    assert!(
        texts[1].starts_with(":white_check_mark: Over: console-users on "),
        "{texts:?}"
    );
    let path = &told.receiver.received()[0].path;
    assert_eq!(*path, format!("/services/{KEY}?sig={KEY}"));
    nobody_else_knows_the_key(&told.company.rollcall);
}

#[test]
fn whoever_does_not_ask_for_an_occasion_does_not_hear_of_it() {
    let told = Told::with(
        "  - webhook: { url: { file: hook.token } }\n    on: [failed, recovered]\n  \
           - webhook: { url: { file: ends.token } }\n    on: [recovered]\n  \
           - webhook: { url: { file: all.token } }\n",
    );
    let (ends, all) = (Receiver::open(), Receiver::open());
    leads_to(&told.company.rollcall, "ends.token", &ends);
    leads_to(&told.company.rollcall, "all.token", &all);
    let mut serving = told.company.rollcall.serve();
    told.begin();
    told.end();
    serving.wait_until(|| all.events(KIND).len() == 2 && ends.events(KIND).len() == 1);
    serving.stop();
    assert_eq!(told.receiver.events(KIND), [""; 0]);
    assert_eq!(ends.events(KIND), ["ended"]);
}

#[test]
fn details_are_for_those_who_ask_for_them_alone() {
    let told = Told::with(&format!(
        "{HOOK}  - webhook: {{ url: {{ file: all.token }} }}\n    details: true\n"
    ));
    let all = Receiver::open();
    leads_to(&told.company.rollcall, "all.token", &all);
    told.company.was_served_ago(Duration::ZERO);
    told.company.rollcall.spoil(
        "INSERT INTO notices (kind, subject, message, details, since)
         VALUES ('new_value', 'role', 'a role is new', 'ada@acme.example has it', unixepoch() * 1000)",
    );
    let mut serving = told.company.rollcall.serve();
    let kind = "new_value";
    serving.wait_until(|| all.events(kind).len() == 1 && told.receiver.events(kind).len() == 1);
    serving.stop();
    assert_eq!(all.messages(kind)[0]["details"], "ada@acme.example has it");
    let without = &told.receiver.taken();
    assert!(
        without.iter().all(|one| !one.body.contains("ada@")),
        "{without:?}"
    );
    assert!(!told.company.rollcall.logs().contains("ada@"));
}

#[test]
fn whoever_is_added_while_the_daemon_runs_hears_of_what_begins_from_then_on() {
    let mut told = Told::with("  - command: [/bin/true]\n");
    let mut serving = told.company.rollcall.serve();
    told.begin();
    told.company.rollcall.configure(|config| {
        config.notify = HOOK.to_owned();
    });
    let added = "SELECT count(*) FROM v_configurations";
    serving.wait_for(added, 1);
    serving.wait_until(|| told.company.rollcall.logs().contains("hook.token` added"));
    told.end();
    told.wait_for_events(&mut serving, &["ended"]);
    serving.stop();
    nobody_else_knows_the_key(&told.company.rollcall);
}

#[test]
fn commands_that_load_at_the_same_time_tell_of_each_notice_once() {
    let mut told = Told::with(HOOK);
    told.company
        .rollcall
        .configure(|config| config.others = vec!["others".to_owned()]);
    let others = told.company.rollcall.start(&["run", "others"]);
    told.begin();
    let _ = others.end().with_code(0);
    let messages = told.receiver.messages(KIND);
    let mut of: Vec<_> = messages
        .iter()
        .map(|message| &message["integration"])
        .collect();
    of.sort_by_key(ToString::to_string);
    assert_eq!(of, ["console-users", "others"]);
}

#[test]
fn a_command_without_a_daemon_tells_what_came_of_its_load_and_leaves_the_rest_to_the_next() {
    let told = Told::with(HOOK);
    told.receiver.answers(Answer::Hang);
    told.begin();
    assert_eq!(told.receiver.events(KIND), [""; 0]);
    told.receiver.answers(Answer::Status(200, None));
    told.end();
    assert_eq!(told.receiver.events(KIND), ["began", "ended"]);
    told.company.load();
    assert_eq!(told.receiver.events(KIND).len(), 2);
    nobody_else_knows_the_key(&told.company.rollcall);
}
