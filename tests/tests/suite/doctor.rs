//! `rollcall doctor`: what it finds of each thing that can be wrong, and that it leaves no trace.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use simulator::{Effect, Fault, System};
use tests::{Config, Ended};

use crate::company::{Company, each};

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
    let ended = doctor(&company).with_code(0);
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
fn tokens_that_do_not_work_are_told_from_those_that_may_not() {
    let order = |company: &Company, system, matching: &str, status| {
        let effect = Effect::Status(status);
        company.control.order(Fault::new(system, matching, effect));
    };
    let wrong = sound(|_| {});
    for file in ["sentinelone.token", "oomnitza.token"] {
        wrong
            .rollcall
            .write_token(file, "a-token-that-is-wrong-0123456789");
    }
    let ended = doctor(&wrong).with_code(1);
    assert_eq!(told(&ended), ["fail token", "fail token"]);
    assert!(!ended.talk().contains("a-token-that-is-wrong"));

    let sentinelone = sound(|_| {});
    order(&sentinelone, System::SentinelOne, "GET /users", 403);
    finds(&sentinelone, 1, "permissions", &["Users.view"]);
    let oomnitza = sound(|_| {});
    order(&oomnitza, System::Oomnitza, "GET /api/v3/users", 403);
    finds(&oomnitza, 1, "permissions", &["role in Oomnitza"]);
    // The names of roles are not needed.
    let roles = sound(|_| {});
    order(&roles, System::SentinelOne, "GET /rbac/roles", 403);
    finds(&roles, 0, "roles", &["may not read the roles"]);
    // Nor is it a failure that the console does not say when the token ends.
    let silent = sound(|_| {});
    order(&silent, System::SentinelOne, "GET /user", 403);
    order(
        &silent,
        System::SentinelOne,
        "POST /users/api-token-details",
        404,
    );
    finds(
        &silent,
        0,
        "token_expiry",
        &["nobody says when the token `sentinelone` ends"],
    );
}

#[test]
fn a_secret_that_is_not_there_or_open_to_others_is_said() {
    let missing = sound(|_| {});
    fs::remove_file(missing.rollcall.folder().join("sentinelone.token")).unwrap();
    finds(&missing, 1, "token", &["could not read the secret"]);
    finds(&missing, 1, "reachable", &["Oomnitza"]);
    let text = missing
        .rollcall
        .yaml()
        .replace("{ file: sentinelone.token }", "{ systemd: s1 }");
    missing.rollcall.write_config(&text);
    finds(&missing, 1, "token", &["systemd credential"]);
    let open = sound(|_| {});
    mode(&open.rollcall.folder().join("oomnitza.token"), 0o644);
    finds(&open, 1, "configuration", &["chmod 600"]);
}

#[test]
fn days_that_are_left_of_a_token_are_told_by_the_console_or_the_configuration() {
    let day = |days: i64| {
        let day = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
        day.strftime("%Y-%m-%d").to_string()
    };
    let company = sound(|_| {});
    let with_expiry = |expires: &str| {
        let secret = "secret: { file: oomnitza.token }";
        let text = company
            .rollcall
            .yaml()
            .replace(secret, &format!("{secret}\n    expires: {expires}"));
        company.rollcall.write_config(&text);
    };
    with_expiry(&day(100));
    finds(
        &company,
        0,
        "token_expiry",
        &["`oomnitza` ends in 10", "`expires` says"],
    );
    with_expiry(&day(7));
    finds(
        &company,
        3,
        "token_expiry",
        &["`oomnitza` ends in 7 days", "make a new one"],
    );
    with_expiry(&day(-3));
    finds(&company, 1, "token_expiry", &["`oomnitza` has ended"]);
}

#[test]
fn each_cause_of_not_reaching_a_system_is_named() {
    let nobody = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    // It answers everything with a refusal, as a proxy does, and speaks no TLS.
    let refusing = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
            }
        });
        address
    };
    let with = |url: &str, proxy: Option<String>| {
        let company = sound(|config| url.clone_into(&mut config.oomnitza_url));
        if let Some(proxy) = proxy {
            let text = company.rollcall.yaml();
            let proxied = format!("http: {{ proxy: \"{proxy}\", timeout");
            company
                .rollcall
                .write_config(&text.replace("http: { timeout", &proxied));
        }
        company
    };
    let remote = "https://acme.oomnitza.invalid";
    each(
        [
            ("DNS: the name of Oomnitza", with(remote, None)),
            (
                "connection refused: nobody",
                with(&format!("http://{}", nobody()), None),
            ),
            (
                "TLS: no secure connection",
                with(&format!("https://{}", refusing()), None),
            ),
            (
                "does not connect to Oomnitza",
                with(remote, Some(format!("http://{}", refusing()))),
            ),
            (
                "proxy: nobody listens at",
                with(remote, Some(format!("http://{}", nobody()))),
            ),
            (
                "DNS: the name of the proxy",
                with(remote, Some("http://proxy.invalid:3128".to_owned())),
            ),
        ],
        |(words, company)| {
            finds(&company, 1, "reachable", &[words]);
            // The other system is looked at all the same.
            finds(&company, 1, "token", &["takes the token `sentinelone`"]);
        },
    );
}

#[test]
fn a_system_that_hangs_is_a_failure_and_no_hang() {
    let order = |matching: &'static str, system| {
        let company = sound(|_| {});
        company
            .control
            .order(Fault::new(system, matching, Effect::TimeOut));
        company
    };
    each(
        [
            ("reachable", order("GET /system/info", System::SentinelOne)),
            ("reachable", order("GET /users", System::SentinelOne)),
            ("reachable", order("GET /api/v2/mappings", System::Oomnitza)),
        ],
        |(check, company)| {
            let began = Instant::now();
            finds(&company, 1, check, &["took too long"]);
            let took = began.elapsed();
            assert!(took < Duration::from_secs(40), "{took:?}");
        },
    );
}

#[test]
fn clocks_that_differ_are_said_from_half_a_minute_on() {
    let with = |seconds| {
        let company = sound(|_| {});
        for matching in [
            "GET /users",
            "GET /system/info",
            "GET /user",
            "GET /rbac/roles",
        ] {
            let effect = Effect::WrongDate { seconds };
            company
                .control
                .order(Fault::new(System::SentinelOne, matching, effect));
        }
        company
    };
    finds(&with(20), 0, "clock", &["agree"]);
    finds(
        &with(120),
        3,
        "clock",
        &["s behind that of SentinelOne", "timedatectl"],
    );
    finds(&with(-120), 3, "clock", &["s ahead of that of SentinelOne"]);
}

#[test]
fn a_field_that_oomnitza_lacks_is_said_with_the_one_that_was_meant() {
    let company = sound(|config| config.map("sentinelone_scop", "scope"));
    finds(
        &company,
        1,
        "fields",
        &[
            "no field `sentinelone_scop`",
            "did you mean `sentinelone_scope`?",
        ],
    );
    let nobody = sound(|_| {});
    for person in nobody.control.people() {
        nobody
            .control
            .remove_person(person["user_id"].as_str().unwrap());
    }
    finds(&nobody, 0, "fields", &["nobody is in Oomnitza"]);
}

#[test]
fn who_shares_a_sync_key_is_named_by_id_on_both_sides() {
    let company = sound(|_| {});
    let email = company.colleagues()[0].clone();
    let other = company.colleagues()[1].clone();
    let (one, two) = (company.user_id(&email), company.user_id(&other));
    company.edit_user(&other, &json!({ "email": email.to_uppercase() }));
    finds(
        &company,
        3,
        "duplicates",
        &[&one, &two, "`email`", "duplicate_in_source"],
    );

    let company = sound(|_| {});
    company.control.add_person(&json!({
        "user_id": "P-twin", "email": company.colleagues()[0], "username": "twin",
    }));
    let ended = doctor(&company).with_code(3);
    let found = of(&ended, "duplicates");
    let shared = found
        .iter()
        .find(|finding| finding["state"] == "warn")
        .unwrap();
    assert!(
        shared["message"].as_str().unwrap().contains("P-twin"),
        "{shared}"
    );
    assert!(!ended.stdout.contains('@'), "nobody is named but by id");
}

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
        finds(&company, 0, "file_mode", &["as they should be"]);
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
