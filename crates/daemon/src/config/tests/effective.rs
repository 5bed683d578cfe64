//! What a configuration comes to, and when its hash changes.

use std::time::Duration;

use super::{SOUND, read, with};
use crate::config::{Config, Delivery, Preference, SecretSource, Timing};

fn config(changes: &[(&str, &str)]) -> Config {
    let text = with(changes);
    read(&text)
        .unwrap_or_else(|faults| panic!("{}", super::lines(&faults)))
        .config
}

fn hash(changes: &[(&str, &str)]) -> String {
    config(changes).integrations[0].config_hash.clone()
}

#[test]
fn the_figures_are_served_where_the_file_says_and_nowhere_by_default() {
    let listen = |change: &str| config(&[("log:\n", change)]).metrics.listen;
    assert_eq!(listen("log:\n"), None);
    for address in ["127.0.0.1:9464", "0.0.0.0:0", "[::1]:9464"] {
        let section = format!("metrics: {{ listen: \"{address}\" }}\nlog:\n");
        assert_eq!(listen(&section), Some(address.parse().unwrap()));
    }
}

#[test]
fn a_configuration_comes_to_what_is_written_and_the_defaults() {
    let config = config(&[]);
    assert_eq!(config.timezone.iana_name(), Some("Europe/Dublin"));
    assert_eq!(config.state_dir.to_str(), Some("/var/lib/rollcall"));
    assert_eq!(config.max_concurrent_runs, 2);
    assert_eq!(config.http.connect_timeout, Duration::from_secs(10));
    assert_eq!(config.http.timeout, Duration::from_mins(1));
    assert_eq!(config.log.keep_files, 30);
    assert_eq!(config.retention.runs, 400 * Duration::from_hours(24));
    assert_eq!(config.credentials["oomnitza"].value.with("abc"), "abc");
    assert_eq!(
        config.credentials["sentinelone"].value.with("abc"),
        "ApiToken abc"
    );
    let secret = &config.credentials["oomnitza"].secret;
    assert_eq!(*secret, SecretSource::Systemd("oomnitza-token".to_owned()));

    let users = config.integration("users").unwrap();
    assert_eq!(users.source.url.as_str(), "https://acme.sentinelone.net/");
    assert_eq!(users.source.console_url, "https://acme.sentinelone.net");
    assert_eq!(users.source.site_ids, ["225494730938493804"]);
    assert_eq!(users.source.requests_per_second.to_string(), "10");
    assert_eq!(users.target.requests_per_second.to_string(), "5");
    assert!(matches!(users.target.delivery, Delivery::Rest));
    assert_eq!(users.preference, Preference::UpdateOnly);
    assert_eq!(users.role_fields, ["role"]);
    assert!(matches!(&users.schedule.timing, Timing::At(times) if times.len() == 1));
    insta::assert_snapshot!(format!("{:#}", users.effective));
}

#[test]
fn what_is_kept_of_a_configuration_is_yaml_without_secrets() {
    let users = &config(&[]).integrations[0];
    let kept = users.effective_yaml();
    let read_back: serde_json::Value = serde_yaml::from_str(&kept).unwrap();
    assert_eq!(read_back, users.effective);
    assert!(!kept.contains("SENTINELONE_TOKEN"), "{kept}");
}

#[test]
fn the_history_is_bounded_where_nothing_is_said_of_it() {
    let days = |retention: &str| {
        let retention = config(&[("log:\n", retention)]).retention;
        let days = |duration: Duration| duration.as_secs() / 86_400;
        [
            days(retention.runs),
            days(retention.errors),
            days(retention.changes),
            days(retention.gone_people),
        ]
    };
    assert_eq!(days("log:\n"), [400, 400, 90, 400]);
    assert_eq!(
        days("retention: { runs: 30d, gone_people: 24h }\nlog:\n"),
        [30, 400, 90, 1]
    );
}

#[test]
fn fields_keep_the_order_of_the_file() {
    let config = config(&[(
        "      email: email\n",
        "      username: email\n      email: email\n",
    )]);
    let fields: Vec<&str> = config.integrations[0]
        .definition
        .fields
        .iter()
        .map(|field| field.field.as_str())
        .collect();
    assert_eq!(fields, ["username", "email", "role"]);
}

#[test]
fn an_at_least_that_is_left_out_yields_to_numbers_and_to_nothing() {
    let guards = "    guards: { create: 0%, update: 3, blank: 0 }\n    schedule:\n";
    let config = config(&[("    schedule:\n", guards)]);
    let guards = &config.integrations[0].guards;
    assert_eq!(guards.create, load::Limit::Percent(0.0));
    assert_eq!(guards.update, load::Limit::Number(3));
    assert_eq!(guards.blank, load::Limit::Number(0));
    assert_eq!(guards.at_least, 5);
}

#[test]
fn ids_keep_their_last_digit_and_are_a_set() {
    let written = "site_ids: [225494730938493804]";
    let ids = |instead| {
        config(&[(written, instead)]).integrations[0]
            .source
            .site_ids
            .clone()
    };
    assert_eq!(
        ids("site_ids: [18446744073709551615, \"99999999999999999999\", 7, \"7\"]"),
        ["7", "18446744073709551615", "99999999999999999999"]
    );
}

#[test]
fn keys_of_a_table_are_any_scalars_and_their_texts_are_canonical() {
    let table = "table: { Admin: 23 }";
    let config = config(&[(
        table,
        "table: { 1.0: a, true: b, 007: c, \"2\": d, no: e, ~: f }",
    )]);
    let role = &config.integrations[0].definition.fields[1];
    let keys: Vec<&str> = role
        .table
        .as_ref()
        .unwrap()
        .iter()
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(keys, ["007", "1", "2", "no", "null", "true"]);
}

#[test]
fn otherwise_null_is_not_no_otherwise() {
    let otherwise = |instead| {
        let config = config(&[("otherwise: 25", instead)]);
        config.integrations[0].definition.fields[1]
            .otherwise
            .clone()
    };
    assert_eq!(otherwise("otherwise: null"), Some(serde_json::Value::Null));
    assert_eq!(otherwise("write: always"), None);
}

#[test]
fn what_means_the_same_has_the_same_hash() {
    let sound = hash(&[]);
    assert_eq!(sound.len(), 12);
    for change in [
        ("name: Users", "name:   'Users' # called so"),
        ("delivery: rest", "requests_per_second: 5.0"),
        ("preference: update_only\n", "\n"),
        (
            "at: \"02:00\"",
            "timezone: Europe/Dublin\n      at: [\"02:00\"]",
        ),
        ("    schedule:\n      at: \"02:00\"\n", ""),
        (
            "    schedule:\n",
            "    role_fields: [role]\n    missing: keep\n    schedule:\n",
        ),
        (
            "{{ variables['Console'] }}",
            "https://acme.sentinelone.net/web/",
        ),
        ("Console: https", "Other: x\n  Console: https"),
        (
            "site_ids: [225494730938493804]",
            "site_ids: [\"225494730938493804\"]",
        ),
        (
            "email: email\n",
            "email: { from: email, write: always, empty: keep }\n",
        ),
        ("{ env: SENTINELONE_TOKEN }", "{ env: ANOTHER_NAME }"),
        ("timeout: 60s", "timeout: 61s"),
        ("log:\n", "retention: { runs: 7d }\nlog:\n"),
        ("log:\n", "metrics: { listen: 127.0.0.1:9464 }\nlog:\n"),
    ] {
        assert_eq!(hash(&[change]), sound, "{change:?}");
    }
    let email = "      email: email\n";
    let turned = SOUND
        .replace(email, "")
        .replace("    schedule:\n", &format!("{email}    schedule:\n"));
    assert_eq!(
        read(&turned).unwrap().config.integrations[0].config_hash,
        sound
    );
}

#[test]
fn what_means_another_thing_has_another_hash() {
    let mut hashes = vec![hash(&[])];
    for change in [
        ("name: Users", "name: People"),
        ("preference: update_only", "preference: create_only"),
        ("where: not isSystem", "where: isSystem"),
        ("otherwise: 25", "otherwise: 26"),
        ("otherwise: 25", "otherwise: null"),
        ("{ Admin: 23 }, otherwise: 25", "{ Admin: 23 }"),
        ("ApiToken {{ secret }}", "Token {{ secret }}"),
        ("header: Authorization2", "header: Authorization3"),
        ("at: \"02:00\"", "at: \"03:00\""),
        ("acme.sentinelone.net", "beta.sentinelone.net"),
        ("delivery: rest", "delivery: bulk\n      connector_id: 268"),
        (
            "delivery: rest",
            "delivery: bulk\n      connector_name: \"268\"",
        ),
        ("email: email\n", "email: \"{{ variables['Console'] }}\"\n"),
        ("email: email\n", "email: { from: email, volatile: true }\n"),
        ("timezone: Europe/Dublin", "timezone: Europe/Lisbon"),
    ] {
        let hash = hash(&[change]);
        assert!(!hashes.contains(&hash), "{change:?}");
        hashes.push(hash);
    }
}

#[test]
fn a_variable_that_a_template_can_look_up_is_part_of_the_hash() {
    let template = (
        "email: email\n",
        "email: \"{{ email or variables['Mail'] }}\"\n",
    );
    let one = hash(&[
        template,
        ("Console: https", "Mail: a@b.c\n  Console: https"),
    ]);
    let other = hash(&[
        template,
        ("Console: https", "Mail: d@b.c\n  Console: https"),
    ]);
    assert_ne!(one, other);
}
