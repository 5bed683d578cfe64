//! Commands that are told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{KIND, Told};

/// A program beside the configuration that is told.
fn program(told: &Told, script: &str) {
    let path = told.company.rollcall.folder().join("page");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a program wrote, a message a line.
fn heard(told: &Told) -> Vec<Value> {
    let file = told.company.rollcall.folder().join("heard");
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn events(told: &Told) -> Vec<String> {
    let heard = heard(told);
    let heard = heard.iter().filter(|message| message["kind"] == KIND);
    heard
        .map(|message| message["event"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_command_gets_each_message_as_a_line_of_json_and_no_secret_of_ours() {
    let told = Told::with("  - command: [./page, \"--key=s3cr3t-k3y\"]\n");
    program(
        &told,
        "cat >> \"$(dirname \"$0\")/heard\"; env > \"$(dirname \"$0\")/environment\"",
    );
    let mut serving = told.company.rollcall.serve_with(|command| {
        command.env("OOMNITZA_TOKEN", "a-token-that-is-secret");
    });
    told.begin();
    told.end();
    serving.wait_until(|| events(&told) == ["began", "ended"]);
    serving.stop();
    assert_eq!(heard(&told)[0]["integration"], "console-users");
    let environment = told.company.rollcall.folder().join("environment");
    let environment = fs::read_to_string(environment).unwrap();
    assert!(
        !environment.contains("a-token-that-is-secret"),
        "{environment}"
    );
    assert!(!told.company.rollcall.logs().contains("s3cr3t-k3y"));
}

#[test]
fn a_command_that_fails_is_started_again_and_its_first_words_are_in_the_log() {
    let told = Told::with("  - command: [./page]\n");
    program(&told, "echo the pager is off >&2; echo more >&2; exit 7");
    let mut serving = told.company.rollcall.serve();
    told.begin();
    serving.wait_until(|| told.company.rollcall.logs().contains("the pager is off"));
    program(&told, "cat >> \"$(dirname \"$0\")/heard\"");
    serving.wait_until(|| events(&told) == ["began"]);
    serving.stop();
    let logs = told.company.rollcall.logs();
    assert!(
        logs.contains("ended with exit status: 7") && !logs.contains("more"),
        "{logs}"
    );
}
