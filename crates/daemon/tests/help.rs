//! The command line, without a configuration: helps, the schema, mistakes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn rollcall(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.args(arguments).env_remove("ROLLCALL_CONFIG");
    command.output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it says UTF-8")
}

/// The commands that the help of the whole lists.
fn commands() -> Vec<String> {
    let output = rollcall(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    let (_, list) = help.split_once("Commands:\n").expect("there is a list");
    let names = list.lines().take_while(|line| !line.is_empty());
    // Descriptions that go on in a second line are indented further.
    let names = names.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_has_a_help_with_an_example() {
    let commands = commands();
    for promised in [
        "run", "plan", "apply", "runs", "errors", "people", "check", "schema", "fields",
    ] {
        assert!(
            commands.iter().any(|command| command == promised),
            "{promised} in {commands:?}"
        );
    }
    for command in commands {
        let output = rollcall(&[&command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let help = text(&output.stdout);
        let example = format!("Example: rollcall {command}");
        assert!(help.contains(&example), "{command}: {help}");
    }
}

#[test]
fn the_schema_that_is_printed_is_the_one_beside_the_configuration() {
    let output = rollcall(&["schema"]);
    assert_eq!(output.status.code(), Some(0));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/rollcall.schema.json");
    assert_eq!(
        text(&output.stdout),
        fs::read_to_string(file).expect("the schema is there")
    );
}

#[test]
fn what_is_unknown_is_a_mistake_of_usage() {
    for arguments in [
        &["rnu"][..],
        &[],
        &["run"],
        &["run", "x", "--fast"],
        &["runs", "--json", "--csv"],
    ] {
        let output = rollcall(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "stdout is for data");
        assert!(text(&output.stderr).contains("Usage"), "{arguments:?}");
    }
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let output = rollcall(&["run", "users", "--config", "/nowhere/rollcall.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("/nowhere/rollcall.yaml"));
}
