//! Every kind of fault, alone and in company.

use std::fmt::Write as _;

use super::{SOUND, faults, read, with};

#[test]
fn the_sound_file_has_no_faults_and_no_warnings() {
    let loaded = read(SOUND).unwrap();
    assert_eq!(loaded.warnings, []);
}

/// What is written, and what is written instead of it.
const CHANGES: &[(&str, &str)] = &[
    // Structure.
    ("timezone: Europe/Dublin", "timezon: Europe/Dublin"),
    ("timezone: Europe/Dublin", "colour: green"),
    ("timezone: Europe/Dublin", "timezone: [Europe/Dublin]"),
    ("timezone: Europe/Dublin", "max_concurrent_runs: many"),
    ("timezone: Europe/Dublin", "max_concurrent_runs: 0"),
    ("timezone: Europe/Dublin", "max_concurrent_runs: 1.5"),
    ("timezone: Europe/Dublin", "1: Europe/Dublin"),
    ("Console: https://acme.sentinelone.net", "Console: 5"),
    (
        "Console: https://acme.sentinelone.net",
        "true: https://acme.sentinelone.net",
    ),
    ("      kind: sentinelone.users\n", ""),
    ("kind: sentinelone.users", "kind: sentinelone.agents"),
    ("preference: update_only", "preference: update"),
    ("preference: update_only", "preference: everything"),
    ("delivery: rest", "delivery: [rest]"),
    ("    sync_keys: [email]\n", ""),
    ("sync_keys: [email]", "sync_keys: []"),
    ("sync_keys: [email]", "sync_keys: [{}]"),
    ("sync_keys: [email]", "sync_keys:"),
    (
        "    preference: update_only",
        "    preference: update_only\n    preference: create_only",
    ),
    ("sync_keys: [email]", "sink_keys: [email]"),
    // YAML.
    ("name: Users", "name: \"Users"),
    ("name: Users", "name: {{ variables['Console'] }}"),
    ("name: Users", "name: {{ users }}"),
    ("name: Users", "name: !shout Users"),
    ("name: Users", "name: *nobody"),
    ("name: Users", "<<: { name: Users }"),
    ("name: Users", "name: .inf"),
    ("    name: Users", "\tname: Users"),
    ("log:\n", "---\nlog:\n"),
    // The file as a whole.
    ("timezone: Europe/Dublin", "timezone: Europe/Dubln"),
    ("timezone: Europe/Dublin", "timezone: GMT+25"),
    ("timeout: 60s", "timeout: 60"),
    ("timeout: 60s", "timeout: 60 s"),
    ("timeout: 60s", "timeout: 0s"),
    ("timeout: 60s", "proxy: proxy.acme.com:3128"),
    (
        "timeout: 60s",
        "proxy: http://me:secret@proxy.acme.com:3128",
    ),
    ("timeout: 60s", "ca_files: [nowhere/ca.pem]"),
    ("level: info", "level: inof"),
    ("level: info", "level: info,load=loud"),
    ("level: info", "keep_files: 0"),
    // Credentials.
    ("header: Authorization\n", "header: \"Authori zation\"\n"),
    ("value: \"ApiToken {{ secret }}\"", "value: ApiToken abc123"),
    (
        "value: \"ApiToken {{ secret }}\"",
        "value: \"{{ secret }}{{ secret }}\"",
    ),
    ("value: \"ApiToken {{ secret }}\"", "expires: 2027-02-30"),
    ("secret: { env: SENTINELONE_TOKEN }", "secret: abc123"),
    ("secret: { env: SENTINELONE_TOKEN }", "secret: {}"),
    (
        "secret: { env: SENTINELONE_TOKEN }",
        "secret: { env: S1, systemd: s1 }",
    ),
    (
        "secret: { env: SENTINELONE_TOKEN }",
        "secret: { token: abc123 }",
    ),
    (
        "secret: { env: SENTINELONE_TOKEN }",
        "secret: { env: \"ab c\" }",
    ),
    (
        "secret: { env: SENTINELONE_TOKEN }",
        "secret: { systemd: ../token }",
    ),
    (
        "secret: { env: SENTINELONE_TOKEN }",
        "secret: { file: \"\" }",
    ),
    ("secret: { env: SENTINELONE_TOKEN }", "secret: { env: }"),
    ("credential: sentinelone\n", "credential: sentinelon\n"),
    ("credential: sentinelone\n", "credential: 5\n"),
    // Integrations.
    ("  users:\n", "  Users!:\n"),
    ("  users:\n", "  7:\n"),
    ("{{ variables['Console'] }}", "{{ variables['Consle'] }}"),
    ("{{ variables['Console'] }}", "{{ variables['Console' }}"),
    ("{{ variables['Console'] }}", "{{ console }}"),
    ("site_ids: [225494730938493804]", "site_ids: [12a]"),
    (
        "site_ids: [225494730938493804]",
        "site_ids: [225494730938493804225494730938493804]",
    ),
    ("site_ids: [225494730938493804]", "site_ids: [-5, 1.5]"),
    ("site_ids: [225494730938493804]", "requests_per_second: 0"),
    ("delivery: rest", "batch: 50"),
    ("delivery: rest", "delivery: bulk"),
    (
        "delivery: rest",
        "delivery: bulk\n      connector_id: 1\n      connector_name: x",
    ),
    (
        "delivery: rest",
        "delivery: bulk\n      connector_id: 1\n      batch: 500",
    ),
    ("delivery: rest", "records: user_and_saas_user"),
    (
        "delivery: rest",
        "records: user_and_saas_user\n      saas: { name: \"\" }",
    ),
    (
        "delivery: rest",
        "records: user_and_saas_user\n      saas: { name: S1, roles: rol names }",
    ),
    (
        "delivery: rest",
        "records: user_and_saas_user\n      saas: { name: S1, roles: { from: role_names, write: on_create } }",
    ),
    (
        "delivery: rest",
        "records: user_and_saas_user\n      saas: { name: S1, roles: \"{{ role_nmes }}\" }",
    ),
    (
        "delivery: rest",
        "records: user_and_saas_user\n      saas: S1",
    ),
    // The mapping.
    ("email: email\n", "email: 5\n"),
    ("email: email\n", "email:\n"),
    ("email: email\n", "email: {}\n"),
    ("email: email\n", "email: { from: email, value: x }\n"),
    ("email: email\n", "email: { from: email, write: never }\n"),
    ("email: email\n", "e-mail: email\n      email: email\n"),
    ("otherwise: 25", "otherwize: 25"),
    ("table: { Admin: 23 }", "table: [Admin]"),
    ("table: { Admin: 23 }", "table: { 1: 23, \"1\": 24 }"),
    ("    schedule:\n", "    role_fields: [rol]\n    schedule:\n"),
    // The schedule.
    ("at: \"02:00\"", "jitter: 5m"),
    ("at: \"02:00\"", "at: \"02:00\"\n      every: 6h"),
    ("at: \"02:00\"", "at: \"24:00\""),
    ("at: \"02:00\"", "at: [\"02:00\", 2am]"),
    ("at: \"02:00\"", "at: 2"),
    ("at: \"02:00\"", "every: 10s"),
    ("at: \"02:00\"", "every: 36h"),
    ("at: \"02:00\"", "cron: 0 2 * *"),
    ("at: \"02:00\"", "cron: 0 25 * * *"),
    ("at: \"02:00\"", "cron: 0 2 30 2 *"),
    ("at: \"02:00\"", "cron: 5"),
    ("at: \"02:00\"", "at: \"02:00\"\n      timezone: Dublin"),
    ("at: \"02:00\"", "at: \"02:00\"\n      retry: { times: 3 }"),
    (
        "at: \"02:00\"",
        "at: \"02:00\"\n      exclude: [{ from: 2026-12-27, to: 2026-12-24 }]",
    ),
    ("at: \"02:00\"", "at: \"02:00\"\n      exclude: [Christmas]"),
    ("at: \"02:00\"", "at: \"02:00\"\n      overlap: both"),
    ("at: \"02:00\"", "at: \"02:00\"\n      paused: \"\""),
    // Guards.
    (
        "    schedule:\n",
        "    guards: { create: 110% }\n    schedule:\n",
    ),
    (
        "    schedule:\n",
        "    guards: { create: 3, at_least: 5 }\n    schedule:\n",
    ),
    (
        "    schedule:\n",
        "    guards: { blank: 0%, at_least: 1 }\n    schedule:\n",
    ),
    (
        "    schedule:\n",
        "    guards: { update: 99999999999999999999 }\n    schedule:\n",
    ),
    (
        "    schedule:\n",
        "    guards: { crate: 5% }\n    schedule:\n",
    ),
    ("log:\n", "metrics: { listen: here }\nlog:\n"),
    ("at: \"02:00\"", "every: 36h"),
    ("log:\n", "retention: { runs: ever, changes: 1h }\nlog:\n"),
    (
        "log:\n",
        "notify: [{ ping: https://hc.example.com, command: [x] }]\nlog:\n",
    ),
    // Who is told.
    ("log:\n", "notify: { ping: https://hc.example.com }\nlog:\n"),
    ("log:\n", "notify: [{ on: [failed] }]\nlog:\n"),
    ("log:\n", "notify: [{ ping: hc.example.com }]\nlog:\n"),
    ("log:\n", "notify: [{ ping: file:///etc/passwd }]\nlog:\n"),
    (
        "log:\n",
        "notify: [{ ping: https://hc.example.com, on: [parked, started] }]\nlog:\n",
    ),
    (
        "log:\n",
        "notify: [{ ping: https://hc.example.com, details: true }]\nlog:\n",
    ),
    (
        "log:\n",
        "notify: [{ command: [page], on: [failed, succeeded] }]\nlog:\n",
    ),
    ("log:\n", "notify: [{ command: [page], on: [] }]\nlog:\n"),
    (
        "log:\n",
        "notify: [{ command: [page], on: [faild] }]\nlog:\n",
    ),
    ("log:\n", "notify: [{ command: [] }]\nlog:\n"),
    ("log:\n", "notify: [{ command: [\"\"] }]\nlog:\n"),
    ("log:\n", "notify: [{ command: page }]\nlog:\n"),
    ("log:\n", "notify: [{ webhook: {} }]\nlog:\n"),
    (
        "log:\n",
        "notify: [{ webhook: { url: https://hooks.example.com/key } }]\nlog:\n",
    ),
    (
        "log:\n",
        "notify: [{ webhook: { url: { env: A, file: b } } }]\nlog:\n",
    ),
    (
        "log:\n",
        "notify: [{ webhook: { url: { env: \"https://hooks.example.com/key\" } } }]\nlog:\n",
    ),
    (
        "log:\n",
        "notify: [{ webhook: { url: { env: A }, format: teams } }]\nlog:\n",
    ),
    (
        "log:\n",
        "notify: [{ webhook: { url: { env: A } } }, { webhook: { url: { env: A }, format: slack } }]\nlog:\n",
    ),
];

#[test]
fn each_kind_of_fault_is_told_with_its_place_and_what_to_write_instead() {
    let mut told = String::new();
    for change @ (written, instead) in CHANGES {
        let found = faults(&with(&[*change]));
        assert!(!found.is_empty(), "`{instead}` for `{written}` is a fault");
        let (written, instead) = (written.trim(), instead.trim());
        writeln!(
            told,
            "{written}  ->  {}\n{found}",
            instead.replace('\n', " / ")
        )
        .unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn ten_faults_of_different_kinds_are_ten_in_the_order_of_the_file() {
    let text = with(&[
        ("timezone: Europe/Dublin", "timezone: Europe/Dubln"),
        ("ApiToken {{ secret }}", "ApiToken"),
        ("timeout: 60s", "timeout: soon"),
        ("kind: sentinelone.users", "kind: sentinelone.agents"),
        ("site_ids: [225494730938493804]", "site_ids: [12a]"),
        (
            "url: https://acme.oomnitza.com",
            "url: http://acme.oomnitza.com",
        ),
        ("preference: update_only", "preference: [update_only]"),
        ("email: email\n", "email: emial\n"),
        ("at: \"02:00\"", "at: \"02:00\"\n      at: \"03:00\""),
        ("level: info", "levle: info"),
    ]);
    let places: Vec<String> = read(&text)
        .unwrap_err()
        .iter()
        .map(|fault| format!("{}:{}", fault.place.line, fault.place.column))
        .collect();
    let expected = [
        "1:11", "7:12", "13:12", "18:13", "21:18", "25:12", "28:17", "31:14", "35:7", "37:3",
    ];
    assert_eq!(places, expected, "{}", faults(&text));
}

#[test]
fn no_fault_is_told_twice_and_what_follows_from_one_is_not_told() {
    for change in [
        // A sync key is mapped, if wrongly.
        ("email: email\n", "email: 5\n"),
        // A variable is there, if not as a text.
        ("Console: https://acme.sentinelone.net", "Console: 5"),
        ("  Console: https://acme.sentinelone.net", "  - Console"),
        // The fields may well be there.
        ("      email: email\n", "      <<: { email: email }\n"),
        // The three are counted by their keys.
        ("secret: { env: SENTINELONE_TOKEN }", "secret: { env: 5 }"),
        ("at: \"02:00\"", "every: 5"),
        ("table: { Admin: 23 }", "table: [Admin]"),
        ("name: Users", "name: {{ users }}"),
        ("name: Users", "<<: { kind: x }"),
        ("Console: https", "true: x\n  Console: https"),
        ("    sync_keys: [email]\n", ""),
        // With what delivery a key goes is open.
        ("delivery: rest", "delivery: 5\n      connector_id: 1"),
        // What was meant is plain.
        (
            "delivery: rest",
            "delivery: balk\n      connector_id: 1\n      fields: {}",
        ),
        ("credentials:\n", "credentals:\n"),
        (
            "  sentinelone:\n    header",
            "  sentinelone: 5\n  other:\n    header",
        ),
        // Once, although an alias repeats what is wrong.
        (
            "site_ids: [225494730938493804]",
            "site_ids: &ids [12a]\n      account_ids: *ids",
        ),
    ] {
        let found = faults(&with(&[change]));
        assert_eq!(
            found.lines().count(),
            1,
            "{change:?}
{found}"
        );
    }
}

/// The words are those of the clients and the mapping; the places are ours.
#[test]
fn faults_that_other_crates_find_have_their_places() {
    let console = "{{ variables['Console'] }}";
    for (written, instead, place) in [
        (console, "https://sentinelone.example.com", "19:12"),
        (console, "http://acme.sentinelone.net", "19:12"),
        (
            "https://acme.oomnitza.com",
            "http://acme.oomnitza.com",
            "25:12",
        ),
        ("https://acme.oomnitza.com", "acme", "25:12"),
        ("where: not isSystem", "where: not isSistem", "22:14"),
        ("where: not isSystem", "where: not", "22:14"),
        (
            "sync_keys: [email]",
            "sync_keys: [email, username]",
            "29:16",
        ),
        ("email: email\n", "email: emial\n", "31:14"),
        ("email: email\n", "email: { from: emial }\n", "31:22"),
        (
            "email: email\n",
            "email: \"{{ fullName | frist_name }}\"\n",
            "31:14",
        ),
        ("email: email\n", "email: \"{{ fullName\"\n", "31:14"),
        (
            "email: email\n",
            "email: { value: \"{{ emial }}\" }\n",
            "31:23",
        ),
        ("table: { Admin: 23 }, ", "", "32:44"),
    ] {
        let found = faults(&with(&[(written, instead)]));
        let expected = format!("rollcall.yaml:{place}: ");
        assert!(found.starts_with(&expected), "{instead}: {found}");
        assert_eq!(found.lines().count(), 1, "{found}");
    }
}

#[test]
fn a_mapping_that_cannot_be_compiled_is_tried_on_samples_as_far_as_it_goes() {
    let found = faults(&with(&[
        ("sync_keys: [email]", "sync_keys: [mail]"),
        ("where: not isSystem", "where: not"),
        (
            "email: email\n",
            "email: emial\n      first_name: \"{{ fullName\"\n",
        ),
    ]));
    assert_eq!(found.lines().count(), 4, "{found}");
}

#[test]
fn what_is_no_configuration_at_all_is_one_fault() {
    let all: Vec<String> = [
        "",
        "# only a comment\n",
        "---\n",
        "~",
        "- a\n- b\n",
        "text",
        "\u{feff}",
    ]
    .map(faults)
    .into();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn aliases_stand_for_what_they_name() {
    let text = with(&[
        (
            "secret: { env: SENTINELONE_TOKEN }",
            "secret: &secret { env: TOKEN }",
        ),
        ("secret: { systemd: oomnitza-token }", "secret: *secret"),
    ]);
    let config = read(&text).unwrap().config;
    assert_eq!(
        config.credentials["oomnitza"].secret,
        config.credentials["sentinelone"].secret
    );
}

#[test]
fn aliases_of_aliases_end() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{inner}]").unwrap();
    }
    assert!(faults(&text).contains("use fewer aliases"));
    assert!(faults("a: &a [*a]\n").contains("stands inside of what it names"));
}

#[test]
fn nesting_without_an_end_ends() {
    let found = faults(&format!("a: {}", "[".repeat(100_000)));
    assert_eq!(found.lines().count(), 1);
    let found = faults(&format!("a: {}{}", "[".repeat(100), "]".repeat(100)));
    assert!(found.contains("nested more than"), "{found}");
    let mut text = "a0: &a0 []\n".to_owned();
    for level in 1..2_000 {
        let (open, close) = ("[".repeat(20), "]".repeat(20));
        writeln!(text, "a{level}: &a{level} {open}*a{}{close}", level - 1).unwrap();
    }
    assert!(faults(&text).contains("nested more than"));
}

#[test]
fn warnings_are_no_faults() {
    let text = with(&[
        (
            "  oomnitza:\n",
            "  spare:\n    header: X\n    secret: { env: X }\n  oomnitza:\n",
        ),
        ("{ env: SENTINELONE_TOKEN }", "{ file: nowhere/token }"),
        (
            "delivery: rest",
            "delivery: bulk\n      connector_id: 1\n      fields: { x: 24dcf85294e411e38a52066b556ba4ee }\n      saas: { name: S1 }",
        ),
        (
            "preference: update_only",
            "missing: deactivate\n    preference: create_only",
        ),
        (
            "otherwise: 25 }",
            "otherwise: 25 }\n      address: { from: email, empty: clear }",
        ),
    ]);
    insta::assert_snapshot!(super::lines(&read(&text).unwrap().warnings));
}
