//! What is told of a reload, and what is found of a file that has faults.

use std::fs;
use std::path::Path;

use super::{read, with};
use crate::config::{Config, state_dir, timezones};

fn config(text: &str) -> Config {
    read(text)
        .unwrap_or_else(|faults| panic!("{}", super::lines(&faults)))
        .config
}

/// What is told when the sound file gets each of some changes.
fn told(changes: &[(&str, &str)]) -> String {
    let (old, new) = (config(&with(&[])), config(&with(changes)));
    assert!(old.changes(&old).is_empty());
    new.changes(&old).join("\n")
}

#[test]
fn a_reload_tells_what_changed_from_what_to_what() {
    let reloads: &[&[(&str, &str)]] = &[
        &[("at: \"02:00\"", "cron: \"0 3 * * *\"")],
        &[(
            "at: \"02:00\"",
            "at: \"02:00\"\n      jitter: 10m\n      retry: { times: 2, after: 5m }\n      \
             paused: the merger",
        )],
        &[("timezone: Europe/Dublin", "timezone: Europe/Lisbon")],
        &[(
            "delivery: rest",
            "delivery: bulk\n      connector_id: 268\n      requests_per_second: 10",
        )],
        &[
            ("name: Users", "name: People"),
            ("preference: update_only", "preference: create_and_update"),
            ("role: {", "username: email\n      role: {"),
            ("otherwise: 25", "otherwise: 26"),
        ],
        &[
            ("timeout: 60s", "timeout: 30s"),
            (
                "level: info",
                "level: info,load=debug\n  keep_files: 7\nmax_concurrent_runs: 4\n\
                 retention: { changes: 30d }\nmetrics: { listen: 127.0.0.1:9464 }",
            ),
        ],
        &[("acme.sentinelone.net", "beta.sentinelone.net")],
        &[
            (
                "{ env: SENTINELONE_TOKEN }",
                "{ env: TOKEN }\n    expires: 2027-05-01",
            ),
            ("credential: oomnitza", "credential: other"),
            (
                "http:\n",
                "  other: { header: Authorization2, secret: { file: /etc/rollcall/other } }\nhttp:\n",
            ),
        ],
        &[
            ("where: not isSystem", "where: email != 'secret@acme.com'"),
            (
                "email: email\n",
                "email: \"{{ email or 'secret@acme.com' }}\"\n",
            ),
            ("value: \"ApiToken {{", "value: \"secret {{"),
            ("Console: https", "Mail: secret@acme.com\n  Console: https"),
        ],
    ];
    let told: Vec<String> = reloads.iter().map(|changes| told(changes)).collect();
    let told = told.join("\n\n");
    insta::assert_snapshot!(told);
    // Neither an expression, nor a variable, nor what stands around a secret.
    assert!(!told.contains("secret@") && !told.contains("secret {{"));
}

#[test]
fn integrations_that_come_and_go_are_told() {
    let text = with(&[]);
    let (before, integration) = text.split_at(text.find("  users:\n").unwrap());
    let (integration, after) = integration.split_at(integration.find("log:\n").unwrap());
    let staff = integration.replacen("users:", "staff:", 1);
    let one = config(&text);
    let two = config(&format!("{before}{integration}{staff}{after}"));
    let other = config(&format!("{before}{staff}{after}"));
    assert_eq!(two.changes(&one), ["integration `staff` added"]);
    assert_eq!(one.changes(&two), ["integration `staff` removed"]);
    assert_eq!(
        other.changes(&one),
        ["integration `staff` added", "integration `users` removed"]
    );
}

#[test]
fn what_means_the_same_is_no_change() {
    for change in [
        ("name: Users", "name:   'Users' # called so"),
        ("at: \"02:00\"", "at: [\"02:00\"]"),
        ("timeout: 60s", "timeout: 1m"),
        ("delivery: rest", "requests_per_second: 5.0"),
    ] {
        assert_eq!(told(&[change]), "", "{change:?}");
    }
}

#[test]
fn what_only_a_restart_changes_is_told_apart() {
    let old = config(&with(&[]));
    let new = config(&with(&[
        (
            "timezone: Europe/Dublin",
            "timezone: Europe/Dublin\nstate_dir: /srv/rollcall",
        ),
        ("{ systemd: oomnitza-token }", "{ systemd: another-token }"),
        ("{ env: SENTINELONE_TOKEN }", "{ env: TOKEN }"),
    ]));
    assert_eq!(
        new.needs_restart(&old),
        [
            "`state_dir` stays `/var/lib/rollcall` until the service is restarted; \
             then it is `/srv/rollcall`",
            "the secret of `credentials.oomnitza` is the systemd credential `another-token`, and \
             systemd hands credentials over only when it starts the service: restart it",
        ]
    );
    assert!(old.needs_restart(&old).is_empty());
}

#[test]
fn the_folder_of_the_state_is_found_in_a_file_with_faults() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.yaml");
    let found = |text: &str| {
        fs::write(&path, text).unwrap();
        state_dir(&path)
    };
    let default = Path::new("/var/lib/rollcall");
    let sound = with(&[]);
    assert_eq!(found(&sound), default);
    assert_eq!(
        found(&format!("state_dir: /srv/a\n{sound}")),
        Path::new("/srv/a")
    );
    for text in [
        "state_dir: state\ncolour: red\n",
        "\u{feff}{ state_dir: \"state\", integrations: 7 }",
        "credentials: [\nstate_dir: 'state' # here\nlog: {{\n",
        "a: &x\n\tb\nstate_dir: state\n",
    ] {
        assert_eq!(found(text), folder.path().join("state"), "{text}");
    }
    for text in [
        "",
        "state_dir: [a]\n",
        "# state_dir: a\n",
        "x: { state_dir: a }",
    ] {
        assert_eq!(found(text), default, "{text}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(state_dir(&path), default);
}

#[test]
fn the_zones_in_use_have_their_version() {
    let told = timezones();
    let year = told.strip_prefix("bundled with Rollcall (20");
    assert!(year.is_some_and(|rest| rest.ends_with(')')), "{told}");
}
