//! No secret anywhere, and nobody's address in a log.

use std::fs;
use std::path::Path;

use serde_json::json;
use simulator::{BulkDrop, Effect, Fault, System};
use tests::{Delivery, INTEGRATION};

use crate::company::{Company, each};

/// All files below a folder, with their bytes.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path
            .extension()
            .is_none_or(|extension| extension != "token")
        {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// A load in which everything is logged and several things go wrong.
fn noisy(delivery: Delivery) -> Company {
    let company = Company::with(30, 0.5, |config| {
        config.delivery = delivery;
        config.timeout = "1s";
    });
    let order = |system, matching, effect| {
        company
            .control
            .order(Fault::new(system, matching, effect).times(1))
    };
    order(
        System::SentinelOne,
        "GET /users",
        Effect::TooMany { retry_after: None },
    );
    order(System::Oomnitza, "GET /api/v3/users", Effect::Reset);
    order(
        System::Oomnitza,
        "PATCH /api/v3/users/*",
        Effect::Status(400),
    );
    order(
        System::Oomnitza,
        "POST /api/v3/users",
        Effect::BadGatewayAfterApplying,
    );
    order(System::Oomnitza, "POST /api/v3/bulk", Effect::TimeOut);
    let trace = |command: &mut std::process::Command| {
        command.env("RUST_LOG", "trace");
    };
    let run = company.rollcall.start_with(&["run", INTEGRATION], trace);
    assert!(matches!(run.end().code, Some(0 | 3)));
    let ended = company.rollcall.start_with(
        &["run", INTEGRATION, "--only", &company.colleagues()[0]],
        trace,
    );
    let _ = ended.end().with_code(0);
    // Words of either system may name people, and so may a command.
    let words = |text: &str| Effect::Refuse {
        status: 400,
        message: format!("`{text}` is taken by Anna Murphy <anna@acme.example>"),
    };
    order(System::Oomnitza, "PATCH /api/v3/users/*", words("one"));
    order(System::Oomnitza, "POST /api/v3/bulk", words("two"));
    company.control.drop_in_bulk(BulkDrop {
        containing: company.user_id(&company.colleagues()[1]),
        words: Some("no room for anna@acme.example".to_owned()),
    });
    for email in &company.colleagues()[..3] {
        company.edit_user(email, &json!({ "fullName": "Somebody New" }));
    }
    let run = |arguments: &[&str]| company.rollcall.start_with(arguments, trace).end();
    let ended = run(&["run", INTEGRATION]);
    assert_eq!(ended.code, Some(3), "{}", ended.talk());
    order(System::Oomnitza, "GET /api/v3/users", words("three"));
    let _ = run(&["run", INTEGRATION]).with_code(1);
    order(System::SentinelOne, "GET /users", words("four"));
    let _ = run(&["run", INTEGRATION]).with_code(1);
    let _ = run(&["run", INTEGRATION, "--only", "nobody@acme.example"]).with_code(1);
    company
        .rollcall
        .write_token("oomnitza.token", "a-token-that-is-wrong-0123456789");
    let _ = company
        .rollcall
        .start_with(&["run", INTEGRATION], trace)
        .end()
        .with_code(1);
    company
}

#[test]
fn no_secret_reaches_a_log_an_error_or_the_database() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = noisy(delivery);
        let secret =
            fs::read_to_string(company.rollcall.folder().join("sentinelone.token")).unwrap();
        let secrets = [
            secret.trim(),
            "a-token-that-is-wrong-0123456789",
            "csrf-5d41402abc4b2a76",
        ];
        let mut all = Vec::new();
        files(company.rollcall.folder(), &mut all);
        assert!(
            all.iter().any(|(name, _)| name.contains("/logs/rollcall.")),
            "there is a log"
        );
        assert!(all.iter().any(|(name, _)| name.ends_with("rollcall.db")));
        for (name, bytes) in &all {
            for secret in secrets {
                assert!(!contains(bytes, secret), "a secret is in {name}");
            }
        }
    });
}

#[test]
fn logs_hold_no_address_no_body_and_no_url_with_a_query() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = noisy(delivery);
        let logs = company.rollcall.logs();
        assert!(
            logs.contains("TRACE") || logs.contains("DEBUG"),
            "it was asked for everything"
        );
        for user in company.control.users() {
            for member in ["email", "fullName"] {
                let text = user[member].as_str().unwrap();
                assert!(!logs.contains(text), "{text}");
            }
        }
        for text in [
            "@acme.example",
            "?limit",
            "limit=",
            "cursor=",
            "filter=",
            "sortBy=",
            "scopeRoles",
        ] {
            let line = logs.lines().find(|line| line.contains(text));
            assert_eq!(line, None, "{text}");
        }
    });
}

#[test]
fn no_secret_reaches_what_the_daemon_says() {
    let company = Company::plain(10, 0.5);
    let file = company.rollcall.folder().join("sentinelone.token");
    let secret = fs::read_to_string(&file).unwrap();
    let mut serving = company.rollcall.serve_with(|command| {
        command.env("RUST_LOG", "trace");
    });
    company.load();
    let _ = company.rollcall.pause("a reason").with_code(0);
    for arguments in [&["status"][..], &["status", "--json"]] {
        let _ = company.rollcall.command(arguments).with_code(0);
    }
    company
        .rollcall
        .write_token("sentinelone.token", "a-token-that-is-wrong-0123456789");
    let _ = company.rollcall.run().with_code(1);
    // A text with faults, near the secret's own place.
    let told = serving.systemd().told().len();
    let text = company.rollcall.yaml().replace("ApiToken {{", "ApiToken {");
    company.rollcall.write_config(&text);
    serving.wait_until_told_after(told, "READY=1");
    let told = serving.systemd().told().join("\n");
    serving.stop();
    let secrets = [secret.trim(), "a-token-that-is-wrong-0123456789"];
    // What was said is in files of the folder too.
    let mut all = Vec::new();
    files(company.rollcall.folder(), &mut all);
    all.push(("what systemd was told".to_owned(), told.into_bytes()));
    for (name, bytes) in &all {
        for secret in secrets {
            assert!(!contains(bytes, secret), "a secret is in {name}");
        }
    }
}

#[test]
fn the_database_is_for_its_owner_and_group_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let company = Company::plain(5, 0.5);
    company.load();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&company.rollcall.state_dir()) & 0o007, 0);
    assert_eq!(mode(&company.rollcall.database_path()), 0o640);
}
