//! What is found of both systems.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;
use simulator::{Effect, Fault, System};

use super::{doctor, finds, mode, of, sound, told};
use crate::company::{Company, each};

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
fn a_secret_that_this_user_may_not_read_is_said_with_what_to_do() {
    let company = sound(|_| {});
    let token = company.rollcall.folder().join("oomnitza.token");
    mode(&token, 0);
    let ended = company
        .rollcall
        .command_without_privileges(&["doctor", "--json"])
        .with_code(1);
    let found = of(&ended, "token");
    let failed = found.iter().find(|finding| finding["state"] == "fail");
    let failed = failed.unwrap_or_else(|| panic!("{found:#?}"));
    let (message, hint) = (&failed["message"], &failed["hint"]);
    let says = |text: &serde_json::Value, words: &str| {
        text.as_str().is_some_and(|text| text.contains(words))
    };
    assert!(says(message, "may not read the secret in"), "{message}");
    assert!(says(message, "oomnitza.token"), "{message}");
    assert!(says(hint, "sudo -u rollcall"), "{hint}");
    // The console is looked at all the same.
    let reachable = of(&ended, "reachable");
    assert!(
        reachable.iter().any(|finding| finding["state"] == "ok"),
        "{reachable:#?}"
    );
    // A load says the same.
    let ended = company
        .rollcall
        .command_without_privileges(&["run", tests::INTEGRATION])
        .with_code(1);
    assert!(
        ended.stderr.contains("sudo -u rollcall"),
        "{}",
        ended.stderr
    );
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
