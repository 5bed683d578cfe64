//! The text of the configuration that is written.

use std::fmt::Write as _;
use std::path::Path;

use super::INTEGRATION;
use super::answers::{Answers, STATE_DIR, Whereabouts};
use super::offer::{Offer, USUAL};

/// Writes the configuration; without offers, with the mapping that works everywhere.
pub(super) fn yaml(path: &Path, answers: &Answers, offers: &[Offer]) -> String {
    let Answers {
        sentinelone_url,
        custom_domain,
        sentinelone_secret,
        oomnitza_url,
        oomnitza_secret,
        state_dir,
    } = answers;
    let state_dir = match state_dir.as_str() {
        STATE_DIR => format!("#state_dir: {STATE_DIR}"),
        other => format!("state_dir: {}", quoted(other)),
    };
    let custom_domain = if *custom_domain {
        "      # The console is on a host of its own.\n      custom_domain: true\n"
    } else {
        ""
    };
    format!(
        "\
# yaml-language-server: $schema=/usr/share/rollcall/rollcall.schema.json
#
# The configuration of Rollcall, as `rollcall init` wrote it. config/rollcall.yaml explains every key;
# a package has it as /usr/share/doc/rollcall/rollcall.yaml.
# `rollcall check` says what is wrong with this file, offline, and `rollcall doctor` what else is.
# A running service takes a change up by itself.

# The zone of the schedule, and of the times that you are shown: an IANA name, such as Europe/Dublin.
timezone: UTC

# Where the database, locks and logs are.
{state_dir}

# What is sent to prove who we are, and where the secret is: systemd, file or env. Never the secret itself.
credentials:
  sentinelone:
    header: Authorization
    value: \"ApiToken {{{{ secret }}}}\"
    secret: {sentinelone_secret}
  oomnitza:
    header: Authorization2
    secret: {oomnitza_secret}
    # The last day on which the token works, if you know it: Oomnitza does not say.
    #expires: 2027-05-01

integrations:
  # The id stands in the database and on the command line, so choose it once.
  {INTEGRATION}:
    source:
      kind: sentinelone.users
      url: {sentinelone_url}
{custom_domain}      credential: sentinelone
      # Users for whom this is false are skipped.
      where: \"not isSystem\"
    target:
      kind: oomnitza.users
      url: {oomnitza_url}
      credential: oomnitza
    # People who are not in Oomnitza are skipped. create_and_update makes them, and wants username and role mapped.
    preference: update_only
    # The Oomnitza fields that find a person, tried in this order. Each must be mapped.
    sync_keys: {sync_keys}
    # Oomnitza field: where its value comes from. A line with a # right before it is left out: take the # away to use it.
    # `rollcall fields {INTEGRATION}` shows what both sides have, and the role numbers that Oomnitza uses.
    mapping:
      email: email
{mapping}      #role: {{ from: lowestRole, table: {{ Admin: 23, Viewer: 25 }}, otherwise: 25, write: on_create }}
    schedule:
      at: \"02:00\"
      # Nothing is loaded by itself while this is here. Take it out when a dry run shows what you want.
      paused: {paused}
",
        sentinelone_secret = place(sentinelone_secret),
        oomnitza_secret = place(oomnitza_secret),
        sentinelone_url = quoted(sentinelone_url),
        oomnitza_url = quoted(oomnitza_url),
        sync_keys = sync_keys(offers),
        mapping = mapping(offers),
        paused = quoted(&format!(
            "not yet set up: take `paused` out of {}",
            path.display()
        )),
    )
}

/// The id goes before the address, as addresses change.
fn sync_keys(offers: &[Offer]) -> &'static str {
    let has_id = |offer: &Offer| offer.taken && offer.field == "sentinelone_user_id";
    if offers.iter().any(has_id) {
        "[sentinelone_user_id, email]"
    } else {
        "[email]"
    }
}

fn mapping(offers: &[Offer]) -> String {
    let mut lines = String::new();
    let mut line = |taken: bool, field: &str, expression: &str| {
        let mark = if taken { "" } else { "#" };
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "      {mark}{field}: {expression}");
    };
    for offer in offers {
        line(offer.taken, &offer.field, &offer.expression);
    }
    if offers.is_empty() {
        // Whether Oomnitza has them is not known.
        for (field, expression, _, _) in USUAL {
            line(false, field, expression);
        }
    }
    lines
}

fn place(secret: &Whereabouts) -> String {
    format!("{{ {}: {} }}", secret.key, quoted(&secret.value))
}

/// A text in double quotes, which YAML reads as JSON does.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;

    fn answers() -> Answers {
        Answers {
            sentinelone_url: "https://acme.sentinelone.net".to_owned(),
            custom_domain: false,
            sentinelone_secret: Whereabouts {
                key: "systemd",
                value: "sentinelone-token".to_owned(),
            },
            oomnitza_url: "https://acme.oomnitza.com".to_owned(),
            oomnitza_secret: Whereabouts {
                key: "env",
                value: "true".to_owned(),
            },
            state_dir: STATE_DIR.to_owned(),
        }
    }

    fn usual(taken: bool) -> Vec<Offer> {
        let offers = USUAL.iter().map(|(field, expression, source, _)| Offer {
            field: (*field).to_owned(),
            expression: (*expression).to_owned(),
            source,
            taken,
        });
        offers.collect()
    }

    #[test]
    fn whatever_is_offered_and_taken_has_neither_faults_nor_warnings() {
        let path = Path::new("/etc/it's \"rollcall\".yaml");
        let mut all = vec![Vec::new(), usual(false), usual(true)];
        for (place, _) in USUAL.iter().enumerate() {
            let mut one = usual(false);
            one[place].taken = true;
            all.push(one);
        }
        let mut custom = answers();
        custom.custom_domain = true;
        custom.sentinelone_url = "https://console.acme.example".to_owned();
        custom.state_dir = "/srv/a \"b\"".to_owned();
        for offers in &all {
            for answers in [answers(), custom.clone()] {
                let text = yaml(path, &answers, offers);
                let loaded =
                    parse(&text, path).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
                assert_eq!(loaded.warnings, [], "{text}");
            }
        }
    }

    #[test]
    fn what_is_left_out_can_be_taken_in_by_taking_the_mark_away() {
        let path = Path::new("rollcall.yaml");
        let text = yaml(path, &answers(), &[]);
        let lines: Vec<String> = text
            .lines()
            .map(|line| match line.split_once('#') {
                Some((indentation, key)) if !key.starts_with([' ', '#']) && !key.is_empty() => {
                    format!("{indentation}{key}")
                }
                _ => line.to_owned(),
            })
            .collect();
        let loaded = parse(&lines.join("\n"), path).unwrap_or_else(|faults| panic!("{faults:?}"));
        let fields = loaded.config.integrations[0].mapping.fields().len();
        assert_eq!(fields, 1 + USUAL.len() + 1);
    }
}
