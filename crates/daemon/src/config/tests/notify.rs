//! Who is told of what, as it is read, and as a reload tells of it.

use super::{faults, lines, read, with};
use crate::config::{Config, Format, Occasion, Way};

const KEY: &str = "5a1e-secret-key";

/// The sound file with some entries of `notify`.
fn config(entries: &str) -> Config {
    let text = with(&[("log:\n", &format!("notify:\n{entries}log:\n"))]);
    let loaded = read(&text).unwrap_or_else(|faults| panic!("{}", lines(&faults)));
    loaded.config
}

fn names(config: &Config) -> Vec<&str> {
    config.notify.names().collect()
}

const ALL: &str = "  - webhook: { url: { env: SLACK_URL }, format: slack }
    on: [failed, recovered]
  - webhook: { url: { systemd: hook } }
    details: true
  - command: [page, --key=5a1e-secret-key]
  - ping: https://hc.example.com/ping/5a1e-secret-key
    on: [failed]
";

#[test]
fn every_entry_is_read_and_what_is_absent_means_all() {
    let notify = config(ALL).notify;
    let [slack, generic, command] = notify.channels.as_slice() else {
        panic!("three are told of notices: {notify:?}");
    };
    assert!(matches!(
        slack.way,
        Way::Webhook {
            format: Format::Slack,
            ..
        }
    ));
    let on: Vec<_> = slack.occasions.iter().map(|on| on.as_str()).collect();
    assert_eq!(on, ["failed", "recovered"]);
    assert!(!slack.details && generic.details);
    assert_eq!((generic.occasions.len(), command.occasions.len()), (7, 7));
    let [ping] = notify.pings.as_slice() else {
        panic!("one is told of loads: {notify:?}");
    };
    assert_eq!(ping.moments.len(), 1);
}

#[test]
fn names_hold_no_secret_and_stay_when_entries_change_places() {
    let config = config(ALL);
    let names = names(&config);
    assert_eq!(
        names[..2],
        ["webhook:env:SLACK_URL", "webhook:systemd:hook"]
    );
    assert!(names[2].starts_with("command:page:"), "{names:?}");
    assert!(names[3].starts_with("ping:hc.example.com:"), "{names:?}");
    let shown = format!("{names:?} {:?}", config.notify.pings);
    assert!(!shown.contains(KEY), "{shown}");
    let entries: Vec<&str> = ALL.split_inclusive('\n').collect();
    let turned = [&entries[5..], &entries[..5]].concat().concat();
    let turned = self::config(&turned);
    let mut turned: Vec<_> = turned.notify.names().collect();
    turned.sort_unstable();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(turned, sorted);
}

#[test]
fn it_is_no_part_of_what_decides_about_a_run() {
    let (with, without) = (config(ALL), read(&with(&[])).unwrap().config);
    assert_eq!(with.hash(), without.hash());
}

#[test]
fn a_reload_tells_who_is_told_by_name_alone() {
    let without = read(&with(&[])).unwrap().config;
    let all = config(ALL);
    let added = all.changes(&without).join("\n");
    assert_eq!(added.lines().count(), 4, "{added}");
    assert!(added.contains("notify `webhook:env:SLACK_URL` added"));
    assert!(!added.contains(KEY), "{added}");
    assert!(without.changes(&all)[0].ends_with("removed"));
    let other = ALL.replacen("[failed, recovered]", "[failed]", 1);
    let other = config(&other.replacen("details: true", "details: false", 1));
    assert_eq!(
        other.changes(&all),
        [
            "notify.webhook:env:SLACK_URL.on: from `failed, recovered` to `failed`",
            "notify.webhook:systemd:hook.details: from true to false",
        ]
    );
    assert_eq!(
        all.needs_restart(&without),
        [
            "the address of a webhook is the systemd credential `hook`, and systemd hands \
          credentials over only when it starts the service: restart it"
        ]
    );
    assert!(all.needs_restart(&all).is_empty());
}

#[test]
fn what_is_written_in_the_place_of_a_secret_is_not_repeated() {
    for entry in [
        "webhook: { url: { env: \"https://hooks.example.com/5a1e-secret-key\" } }",
        "webhook: { url: https://hooks.example.com/5a1e-secret-key }",
        "ping: \"hc.example.com/5a1e-secret-key\"",
    ] {
        let text = with(&[("log:\n", &format!("notify: [{{ {entry} }}]\nlog:\n"))]);
        let found = faults(&text);
        assert!(!found.is_empty() && !found.contains(KEY), "{found}");
    }
}

#[test]
fn a_kind_that_is_not_known_is_of_the_system() {
    for (kind, occasion) in [
        ("run_failed", "failed"),
        ("run_parked", "parked"),
        ("no_success", "missed"),
        ("unverified", "odd"),
        ("token_expiring", "token_expiring"),
        ("notify_failed", "system"),
        ("something_new", "system"),
    ] {
        assert_eq!(Occasion::of_kind(kind).as_str(), occasion, "{kind}");
    }
}
