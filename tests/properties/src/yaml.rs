//! The reader of the configuration.

use std::path::Path;

use daemon::config::{Fault, Loaded, parse};
use serde_json::Value;

use crate::told::SECRET;

fn read(text: &str) -> Result<Loaded, Vec<Fault>> {
    parse(text, Path::new("/etc/rollcall/rollcall.yaml"))
}

/// A text is read, or refused with reasons: each on one line, with a place in the file, in the order of the file.
///
/// The same text is read the same way twice, and a comment at its end changes nothing.
///
/// # Panics
///
/// Where that does not hold.
pub fn yaml(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let answer = read(text);
    let faults = match &answer {
        Ok(loaded) => &loaded.warnings,
        Err(faults) => faults,
    };
    assert!(
        answer.is_ok() || !faults.is_empty(),
        "refused without a reason"
    );
    for fault in faults {
        assert_has_place(fault, text);
        assert!(!fault.message.is_empty(), "{fault}");
        assert!(!fault.message.contains(['\n', '\r']), "{fault:?}");
        // What the structure lets pass, the types must be able to read.
        assert!(!fault.message.contains("see the schema"), "{fault}");
    }
    for pair in faults.windows(2) {
        assert!(
            pair[0].place <= pair[1].place,
            "{} before {}",
            pair[0],
            pair[1]
        );
        assert_ne!(pair[0], pair[1]);
    }
    match (&answer, read(text)) {
        (Ok(loaded), Ok(again)) => {
            assert_eq!(loaded.config.hash(), again.config.hash());
            assert_eq!(loaded.warnings, again.warnings);
            assert_a_comment_changes_nothing(text, loaded);
        }
        (Err(faults), Err(again)) => assert_eq!(*faults, again),
        _ => panic!("the same text is read once and refused once"),
    }
}

/// The place of a fault is in the file, or right behind it.
fn assert_has_place(fault: &Fault, text: &str) {
    // A carriage return ends a line of YAML as well.
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let line = fault
        .place
        .line
        .checked_sub(1)
        .and_then(|line| lines.get(line));
    // A file that lacks its last line feed may lack something in the line after it.
    let columns = match line {
        Some(line) => line.chars().count() + 1,
        None => 1,
    };
    assert!(fault.place.line <= lines.len() + 1, "{fault}");
    assert!(
        (1..=columns.max(1)).contains(&fault.place.column),
        "{fault}: {line:?}"
    );
}

fn assert_a_comment_changes_nothing(text: &str, loaded: &Loaded) {
    if !text.ends_with('\n') {
        return;
    }
    match read(&format!("{text}# a comment\n")) {
        Ok(commented) => assert_eq!(commented.config.hash(), loaded.config.hash()),
        Err(faults) => panic!("a comment makes a fault: {}", faults[0]),
    }
}

/// A configuration in which a secret is written where none belongs.
const WITH_SECRET: &str = "
credentials:
  sentinelone:
    header: Authorization
    value: @value
    secret: @secret
  oomnitza:
    header: Authorization2
    secret: { @kind: @name }
integrations:
  users:
    source: { kind: sentinelone.users, url: https://acme.sentinelone.net, credential: sentinelone }
    target: { kind: oomnitza.users, url: https://acme.oomnitza.com, credential: oomnitza }
    sync_keys: [email]
    mapping: { email: email }
";

/// Somebody writes the secret itself where it is to be named where it is; then no fault repeats it.
///
/// The first byte says where, the others what stands around it.
///
/// # Panics
///
/// Where that does not hold.
pub fn misplaced_secret(data: &[u8]) {
    let Some((place, around)) = data.split_first() else {
        return;
    };
    let around = String::from_utf8_lossy(around);
    let (before, behind) = around.split_once('\n').unwrap_or((&around, ""));
    let text = format!("{before}{SECRET}{behind}");
    // A JSON text is a text of YAML too.
    let written = match place % 5 {
        4 => format!("[{}]", Value::from(text)),
        _ => Value::from(text).to_string(),
    };
    let place = place / 5 % 4;
    let at = |wanted: u8, usual: &str| {
        let here = (place == wanted).then(|| written.clone());
        here.unwrap_or_else(|| usual.to_owned())
    };
    let file = WITH_SECRET
        .replace("@value", &at(0, "\"ApiToken {{ secret }}\""))
        .replace("@secret", &at(1, "{ env: SENTINELONE_TOKEN }"))
        .replace("@kind", if place == 2 { "systemd" } else { "env" })
        .replace("@name", &at(2, "OOMNITZA_TOKEN"));
    let file = match place {
        3 => format!("{file}notify: [{{ webhook: {{ url: {written} }} }}]\n"),
        _ => file,
    };
    // What is right is a name, and may be shown.
    let Err(faults) = read(&file) else {
        return;
    };
    for fault in faults {
        assert!(!fault.message.contains(SECRET), "{fault}");
    }
}
