//! `rollcall doctor`: what it finds of each thing that can be wrong, and that it leaves no trace.

mod machine;
mod systems;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;
use simulator::SaasListing;
use tests::{Config, Ended};

use crate::company::Company;

/// A company in which nothing is to be seen to.
fn sound(change: impl FnOnce(&mut Config)) -> Company {
    let company = Company::with(12, 0.5, |config| {
        config.requests_per_second = 20;
        change(config);
    });
    mode(&company.rollcall.config_path(), 0o640);
    company
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What was found, as `state check`, `ok` left out; and each finding is well-formed.
fn told(ended: &Ended) -> Vec<String> {
    let found = ended.json();
    let found = found.as_array().expect("an array");
    assert!(!found.is_empty());
    for finding in found {
        for member in ["check", "state", "message"] {
            assert!(finding[member].is_string(), "{finding}");
        }
        let hinted = finding["hint"].is_string();
        assert!(hinted || finding["state"] == "ok", "{finding}");
    }
    let told = found.iter().filter(|finding| finding["state"] != "ok");
    told.map(|finding| {
        let text = |member: &str| finding[member].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("state"), text("check"))
    })
    .collect()
}

fn doctor(company: &Company) -> Ended {
    company.rollcall.command(&["doctor", "--json"])
}

/// The findings of a check.
fn of(ended: &Ended, check: &str) -> Vec<Value> {
    let found = ended.json();
    let found = found.as_array().expect("an array").iter();
    found
        .filter(|finding| finding["check"] == check)
        .cloned()
        .collect()
}

/// Demands that something is found, with these words in its message or its hint.
#[track_caller]
fn finds(company: &Company, code: i32, check: &str, words: &[&str]) {
    company.control.clear_requests();
    let ended = doctor(company).with_code(code);
    let found = of(&ended, check);
    let says = |finding: &&Value| {
        let text = format!("{} {}", finding["message"], finding["hint"]);
        words.iter().all(|words| text.contains(words))
    };
    assert!(
        found.iter().any(|finding| says(&finding)),
        "{words:?}: {found:#?}"
    );
    assert_eq!(company.control.writes(), []);
}

/// Every file below a folder, with what it holds and when it was written; what commands say is left out.
fn files(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let said = path
            .extension()
            .is_some_and(|extension| extension == "stdout" || extension == "stderr");
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() && !said {
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            let bytes = fs::read(&path).unwrap();
            found.insert(path, (bytes, written));
        }
    }
    found
}

#[test]
fn where_all_is_well_everything_is_ok_a_line_each() {
    let company = sound(|_| {});
    company.load();
    let ended = company.rollcall.command(&["doctor"]).with_code(0);
    for line in ended.stdout.lines() {
        assert!(line.starts_with("ok    "), "{line}");
    }
    for words in [
        "daemon: none runs",
        "no faults, 1 integration",
        "MiB are free",
        "is sound, its tables are of version",
        "SentinelOne (`127.0.0.1:",
        "takes the token `sentinelone`",
        "on 2027-05-01 00:00 UTC, the console says",
        "the token may read users of SentinelOne",
        "nobody says when the token `oomnitza` ends",
        "the token may read people of Oomnitza",
        "Oomnitza has all 16 mapped fields",
        "no two users in scope have the same value of a sync key (12 users were read)",
        "the clocks of this machine and of Oomnitza",
        "up to 20 requests a second",
        "time zone data is bundled with Rollcall",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    assert_eq!(told(&doctor(&company)), [""; 0]);
    company.no_violations();
}

#[test]
fn it_leaves_no_trace_anywhere() {
    let company = sound(|_| {});
    // Before there is any state.
    let before = files(company.rollcall.folder());
    let _ = doctor(&company).with_code(0);
    assert!(!company.rollcall.state_dir().exists());
    assert!(files(company.rollcall.folder()) == before);
    // With a state, at rest and as a killed process leaves it.
    company.load();
    let check = || {
        let before = files(company.rollcall.folder());
        company.control.clear_requests();
        let _ = doctor(&company).with_code(0);
        assert_eq!(company.control.writes(), []);
        assert!(!company.control.requests().is_empty());
        let after = files(company.rollcall.folder());
        for (path, file) in &after {
            assert!(
                before.get(path) == Some(file),
                "{} was written",
                path.display()
            );
        }
        assert_eq!(after.len(), before.len());
    };
    check();
    company.rollcall.serve().kill();
    check();
}

#[test]
fn the_daemon_looks_like_the_command_does_and_leaves_no_trace_either() {
    let company = sound(|config| config.log_level = "trace");
    company.load();
    let alone = doctor(&company).with_code(0).json();
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    company.control.clear_requests();
    let requests = "SELECT count(*) FROM v_requests";
    let logged = || {
        let logs = company.rollcall.logs();
        logs.lines()
            .filter(|line| line.contains("transport"))
            .count()
    };
    let (asked, lines) = (company.rollcall.value(requests), logged());
    let names = || {
        files(&company.rollcall.state_dir())
            .into_keys()
            .collect::<Vec<_>>()
    };
    let before = names();
    let ended = doctor(&company).with_code(0);
    assert_eq!(names(), before);
    assert_eq!(company.control.writes(), []);
    assert_eq!(company.rollcall.value(requests), asked);
    assert_eq!(logged(), lines);
    let of_daemon = ended.json();
    let checks = |found: &Value| -> Vec<String> {
        let found = found.as_array().unwrap().iter();
        let own = ["daemon", "in_force"];
        found
            .map(|finding| finding["check"].as_str().unwrap().to_owned())
            .filter(|check| !own.contains(&check.as_str()))
            .collect()
    };
    assert_eq!(checks(&of_daemon), checks(&alone));
    assert_eq!(of(&ended, "in_force")[0]["state"], "ok");

    // It goes by what is in force, and says where the file differs.
    let lines = serving.systemd().told().len();
    let text = company.rollcall.yaml();
    let wrong = text.replace(
        "preference: create_and_update",
        "preference: create_and_updat",
    );
    company.rollcall.write_config(&wrong);
    serving.hang_up();
    serving.wait_until_told_after(lines, "READY=1");
    let ended = doctor(&company).with_code(1);
    let found = told(&ended);
    assert!(
        found.contains(&"fail configuration".to_owned()),
        "{found:?}"
    );
    assert!(found.contains(&"warn in_force".to_owned()), "{found:?}");
    let hint = of(&ended, "configuration")[0]["hint"].clone();
    let hint = hint.as_str().expect("a fault says what to write");
    assert!(
        hint.ends_with("did you mean `create_and_update`?"),
        "{hint}"
    );
    assert_eq!(of(&ended, "reachable").len(), 2);
    serving.stop();
}

#[test]
fn what_only_a_restart_brings_into_force_is_said() {
    let mut company = sound(|_| {});
    let mut serving = company.rollcall.serve();
    let lines = serving.systemd().told().len();
    company
        .rollcall
        .configure(|config| config.state_dir = "state/../state");
    mode(&company.rollcall.config_path(), 0o640);
    serving.hang_up();
    serving.wait_until_told_after(lines, "READY=1");
    let ended = doctor(&company).with_code(3);
    let found = of(&ended, "in_force");
    assert!(
        found[0]["message"]
            .as_str()
            .unwrap()
            .contains("`state_dir` stays"),
        "{found:?}"
    );
    assert!(
        found[0]["hint"].as_str().unwrap().contains("restart"),
        "{found:?}"
    );
    serving.stop();
}

#[test]
fn faults_of_the_configuration_are_said_and_the_rest_is_looked_at() {
    let company = sound(|_| {});
    company.load();
    let text = company
        .rollcall
        .yaml()
        .replace("delivery: rest", "delivery: restt");
    company.rollcall.write_config(&text);
    let ended = doctor(&company).with_code(1);
    assert_eq!(told(&ended), ["fail configuration", "fail reachable"]);
    let fault = &of(&ended, "configuration")[0];
    let place = format!("{}:", company.rollcall.config_path().display());
    assert!(
        fault["message"].as_str().unwrap().starts_with(&place),
        "{fault}"
    );
    assert_eq!(of(&ended, "database")[0]["state"], "ok");
}

#[test]
fn an_application_that_is_not_there_or_hides_its_ids_is_said() {
    let mut company = sound(|config| {
        config.saas = Some("{ name: SentinelOne }");
        config.missing = "deactivate";
    });
    finds(&company, 1, "saas", &["no SaaS application `SentinelOne`"]);
    company
        .rollcall
        .configure(|config| config.saas = Some("{ name: SentinelOne, create: true }"));
    finds(&company, 0, "saas", &["the next load makes it"]);
    company.load();
    finds(&company, 0, "saas", &["the token may read the"]);
    company.control.set_saas_listing(SaasListing {
        ids: false,
        ..SaasListing::default()
    });
    finds(&company, 3, "saas", &["without `saas_user_id`"]);
}
