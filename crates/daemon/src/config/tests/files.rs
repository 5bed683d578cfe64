//! The files of `config/`, and files that cannot be read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::lines;
use crate::config::{load, parse, schema};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../config")
        .join(name)
}

#[test]
fn the_shipped_configurations_have_no_faults() {
    for (name, integrations) in [("rollcall.yaml", 1), ("minimal.yaml", 1)] {
        let loaded = load(&shipped(name)).unwrap_or_else(|faults| panic!("{}", lines(&faults)));
        assert_eq!(loaded.config.integrations.len(), integrations);
        assert_eq!(loaded.warnings, [], "{name}");
    }
}

#[test]
fn the_commented_configuration_names_every_key_of_the_schema() {
    let text = fs::read_to_string(shipped("rollcall.yaml")).unwrap();
    let mut keys = BTreeSet::new();
    collect_keys(&schema(), &mut keys);
    assert!(keys.len() > 60, "the schema has its keys: {keys:?}");
    // At the start of a line, commented out or not, or in braces.
    let is_there = |key: &str| {
        let after = [format!(" {key}:"), format!("#{key}:"), format!("\n{key}:")];
        after.iter().any(|written| text.contains(written))
    };
    let missing: Vec<&String> = keys.iter().filter(|key| !is_there(key)).collect();
    assert!(missing.is_empty(), "config/rollcall.yaml lacks {missing:?}");
}

fn collect_keys(schema: &Value, keys: &mut BTreeSet<String>) {
    match schema {
        Value::Object(entries) => {
            for (name, value) in entries {
                if name == "properties" {
                    keys.extend(
                        value
                            .as_object()
                            .into_iter()
                            .flatten()
                            .map(|(key, _)| key.clone()),
                    );
                }
                if name != "examples" {
                    collect_keys(value, keys);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

#[test]
fn what_is_commented_out_is_right_once_it_is_not() {
    let text = fs::read_to_string(shipped("rollcall.yaml")).unwrap();
    let all: Vec<String> = text.lines().map(uncommented).collect();
    let all = all.join(
        "
",
    );
    // Left are keys of which only one may stand.
    insta::assert_snapshot!(lines(&parse(&all, Path::new("rollcall.yaml")).unwrap_err()));
}

/// A comment begins with one space, a key or an entry that is left out with none or two.
fn uncommented(line: &str) -> String {
    let (indentation, rest) = line.split_at(line.len() - line.trim_start().len());
    match rest.strip_prefix('#') {
        Some(key) if key.starts_with("  ") || !key.starts_with(' ') => {
            format!("{indentation}{key}")
        }
        _ => line.to_owned(),
    }
}

#[test]
fn the_shipped_schema_is_the_one_that_checks() {
    let current = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(shipped("rollcall.schema.json"), &current).unwrap();
    }
    let copy = fs::read_to_string(shipped("rollcall.schema.json")).unwrap();
    assert!(
        copy == current,
        "config/rollcall.schema.json is old: run this with UPDATE_SCHEMA=1"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_one_fault_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let latin = folder.path().join("latin.yaml");
    fs::write(&latin, b"timezone: UTC\nlog: { level: inf\xf6 }\n").unwrap();
    let said: Vec<String> = [
        folder.path().join("nowhere.yaml"),
        folder.path().to_owned(),
        latin,
    ]
    .iter()
    .map(|path| lines(&load(path).unwrap_err()))
    .map(|said| said.replace(folder.path().to_str().unwrap(), "FOLDER"))
    .collect();
    insta::assert_snapshot!(said.concat());
}

#[test]
fn relative_paths_start_at_the_folder_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), "").unwrap();
    let path = folder.path().join("rollcall.yaml");
    let text = super::with(&[
        ("timeout: 60s", "ca_files: [ca.pem]"),
        ("timezone: Europe/Dublin", "state_dir: state"),
    ]);
    fs::write(&path, text).unwrap();
    let config = load(&path).unwrap().config;
    assert_eq!(config.http.ca_files, [folder.path().join("ca.pem")]);
    assert_eq!(config.state_dir, folder.path().join("state"));
}
