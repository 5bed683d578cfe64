//! What is said, as it is written.

use load::Phase;

use super::super::protocol::{Answer, Question};
use super::*;

fn text(line: Vec<u8>) -> String {
    let line = String::from_utf8(line).unwrap();
    let text = line.strip_suffix('\n').expect("a line ends");
    assert!(!text.contains('\n'), "it is one line");
    text.to_owned()
}

#[test]
fn questions_are_read_as_they_were_written() {
    let user = || Some("anna@example.com\nx".to_owned());
    let works = [
        Work::Load { only: None },
        Work::Load { only: user() },
        Work::DryRun { only: user() },
        Work::Plan,
        Work::Apply {
            run_id: "019a".to_owned(),
            by: String::new(),
        },
        Work::Release {
            run_id: "019a".to_owned(),
            reason: "the merger".to_owned(),
            by: String::new(),
        },
        Work::Replay {
            run_id: "019a".to_owned(),
            preference: Some(super::super::protocol::Wish::CreateAndUpdate),
        },
        Work::Undo {
            run_id: "019a".to_owned(),
            only: user(),
            suspend: true,
            dry: false,
        },
    ];
    let mut questions = vec![
        Question::Status,
        Question::Pause {
            integration: None,
            reason: "it \"moves\"".to_owned(),
        },
        Question::Resume {
            integration: Some("users".to_owned()),
        },
        Question::Cancel {
            run_id: "019a".to_owned(),
        },
        Question::Stop,
    ];
    questions.extend(works.map(|work| {
        Question::Start(Order {
            work,
            ..load_order()
        })
    }));
    for question in questions {
        let line = question.to_line().unwrap();
        assert_eq!(Question::from_line(&line).unwrap(), question);
    }
}

#[test]
fn answers_are_read_as_they_were_written() {
    for answer in [
        Answer::Waiting {
            what: "for a place".to_owned(),
        },
        Answer::Progress(Progress {
            phase: Phase::Delivering,
            done: 3,
            total: Some(u64::MAX),
        }),
        Answer::Report(Box::new(report())),
        Answer::Status(Box::new(status())),
        Answer::Done {
            sentence: "done".to_owned(),
        },
        Refusal::new(Exit::Parked, "no").into(),
    ] {
        let line = text(answer.to_line().unwrap());
        assert_eq!(serde_json::from_str::<Answer>(&line).unwrap(), answer);
    }
}

#[test]
fn lines_stay_as_they_are() {
    // An old client asks a new daemon after an upgrade: members may be added, none may change.
    let order = Question::Start(load_order()).to_line().unwrap();
    insta::assert_snapshot!(
        text(order).replace(env!("CARGO_PKG_VERSION"), "VERSION"),
        @r#"{"version":"VERSION","command":"start","integration":"users","work":{"load":{"only":null}},"config_hash":"0123456789ab"}"#
    );
    let status = Answer::Status(Box::new(status())).to_line().unwrap();
    insta::assert_snapshot!(
        text(status),
        @r#"{"answer":"status","pid":4711,"version":"0.1.0","since":"1970-01-01T00:00:00.000Z","config":{"path":"/etc/rollcall/rollcall.yaml","hash":"0123456789ab","loaded_at":"1970-01-01T00:00:00.000Z","faults":[],"timezone":"Europe/Dublin","restart":[]},"integrations":[],"tokens":[],"notices":[],"health":[],"metrics":null,"timezones":"bundled with Rollcall"}"#
    );
    let report = Answer::Report(Box::new(report())).to_line().unwrap();
    insta::assert_snapshot!(
        text(report),
        @r#"{"answer":"report","run_id":"019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33","integration":"users","state":"completed_with_errors","intents":false,"counts":{"seen":3,"created":1,"updated":0,"unchanged":1,"skipped":0,"failed":1,"deactivated":0},"reasons":[["failed","rejected",1]],"duration":{"secs":1,"nanos":234000000},"source_calls":2,"target_calls":5,"error":null}"#
    );
}

#[test]
fn what_is_not_understood_is_refused_with_both_versions() {
    let ours = env!("CARGO_PKG_VERSION");
    for (line, who) in [
        (r#"{"version":"9.9.9","command":"undo"}"#, "Rollcall 9.9.9"),
        (r#"{"command":"undo"}"#, "a program that names no version"),
        (r#"{"version":"9.9.9"}"#, "Rollcall 9.9.9"),
        // An option that an older daemon passes over could turn a dry run into a load.
        (
            r#"{"version":"9.9.9","command":"start","integration":"users","config_hash":"","work":{"load":{"only":null,"limit":1}}}"#,
            "Rollcall 9.9.9",
        ),
        ("[1]", "a program that names no version"),
    ] {
        let refusal = Question::from_line(line.as_bytes()).unwrap_err();
        assert_eq!(refusal.exit, Exit::Usage);
        let start =
            format!("the daemon is Rollcall {ours} and does not understand what {who} asks: ");
        assert!(refusal.sentence.starts_with(&start), "{}", refusal.sentence);
    }
}
