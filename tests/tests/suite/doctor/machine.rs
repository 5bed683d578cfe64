//! What is found of this machine: files, the database, the service, and how much is asked at a time.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use tests::Ended;

use super::{doctor, finds, mode, of, sound};

#[test]
fn rates_of_one_token_add_up() {
    let rates = |rate, others: &[&str]| {
        sound(|config| {
            config.requests_per_second = rate;
            config.others = others.iter().map(|&other| other.to_owned()).collect();
        })
    };
    finds(&rates(40, &[]), 0, "rate", &["up to 40 requests"]);
    finds(
        &rates(41, &[]),
        3,
        "rate",
        &["up to 41 requests", "allows 40"],
    );
    let two = rates(30, &["others"]);
    finds(&two, 3, "rate", &["up to 60 requests", "`others`"]);
    // Both are asked once for what both integrations want to know.
    two.control.clear_requests();
    let _ = doctor(&two).with_code(3);
    let probes = two.control.requests();
    let probes = probes
        .iter()
        .filter(|asked| asked.path.ends_with("/system/info"));
    assert_eq!(probes.count(), 1);
}

#[test]
fn modes_that_let_others_in_are_said() {
    for (file, wrong, right, code) in [
        ("rollcall.yaml", 0o646, 0o640, 1),
        ("rollcall.yaml", 0o644, 0o640, 3),
        ("state", 0o755, 0o750, 3),
        ("state", 0o777, 0o750, 1),
        ("state/rollcall.db", 0o644, 0o640, 3),
        ("state/rollcall.db", 0o660, 0o640, 1),
    ] {
        let company = sound(|_| {});
        company.load();
        let path = company.rollcall.folder().join(file);
        mode(&path, wrong);
        let shown = path.display().to_string();
        let hint = format!("chmod {right:o}");
        finds(&company, code, "file_mode", &[&shown, &hint]);
        mode(&path, right);
        finds(&company, 0, "file_mode", &["whom they should"]);
    }
}

#[test]
fn a_database_that_is_damaged_or_none_is_said() {
    let company = sound(|_| {});
    company.load();
    let path = company.rollcall.database_path();
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[8192..end].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    finds(&company, 1, "database", &["damaged"]);
    fs::write(
        &path,
        "no database at all, and more than a header of one long",
    )
    .unwrap();
    finds(&company, 1, "database", &["not a SQLite database"]);
}

#[test]
fn the_sandbox_is_scored_by_systemd_where_it_can_be() {
    let company = sound(|_| {});
    let folder = company.rollcall.folder().join("bin");
    fs::create_dir(&folder).unwrap();
    let with = |script: Option<&str>| {
        let file = folder.join("systemd-analyze");
        let _ = fs::remove_file(&file);
        if let Some(script) = script {
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).mode(0o755);
            let mut file = options.open(&file).unwrap();
            writeln!(file, "#!/bin/sh\n{script}").unwrap();
        }
        let going = company
            .rollcall
            .start_with(&["doctor", "--json"], |command| {
                command.env("PATH", &folder);
            });
        going.end()
    };
    let message = |ended: &Ended| {
        of(ended, "sandbox")[0]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let score = |score| format!("echo '→ Overall exposure level for rollcall.service: {score} OK'");
    let ended = with(Some(&score("1.4"))).with_code(0);
    assert!(message(&ended).contains("1.4 of 10"), "{}", message(&ended));
    let ended = with(Some(&score("9.2"))).with_code(3);
    assert!(message(&ended).contains("9.2 of 10"), "{}", message(&ended));
    for script in [None, Some("exit 1")] {
        let ended = with(script).with_code(0);
        assert!(
            message(&ended).starts_with("skipped"),
            "{}",
            message(&ended)
        );
    }
}
