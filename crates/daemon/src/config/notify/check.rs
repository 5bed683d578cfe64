//! The checks of the section, entry by entry.

use std::collections::BTreeSet;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use url::Url;

use super::super::credentials;
use super::super::fault::Report;
use super::super::nearest::either;
use super::super::spot::Spot;
use super::super::written::{self, Occasion as Written};
use super::{Channel, Format, Moment, Notify, Occasion, Ping, PingUrl, Way};

/// Checks the section; `None` when there is a fault. Relative paths start at `folder`.
pub(in crate::config) fn check(
    written: Option<&[written::Notify]>,
    folder: &Path,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Notify> {
    let mut notify = Notify::default();
    let mut sound = true;
    for (index, entry) in written.into_iter().flatten().enumerate() {
        let spot = spot.item(index);
        let Some(told) = check_entry(entry, folder, spot, report) else {
            sound = false;
            continue;
        };
        let name = match &told {
            Told::Channel(channel) => &channel.name,
            Told::Ping(ping) => &ping.name,
        };
        if notify.names().any(|other| other == name) {
            report.fault(
                spot.key,
                format!(
                    "an entry before this one tells `{name}` already; \
                     write one entry, with all of its `on`"
                ),
            );
            sound = false;
        }
        match told {
            Told::Channel(channel) => notify.channels.push(channel),
            Told::Ping(ping) => notify.pings.push(ping),
        }
    }
    sound.then_some(notify)
}

/// What an entry comes to.
enum Told {
    Channel(Channel),
    Ping(Ping),
}

fn check_entry(
    written: &written::Notify,
    folder: &Path,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Told> {
    let ways = ["webhook", "command", "ping"];
    if ways.into_iter().filter(|way| spot.has(way)).count() != 1 {
        report.fault(
            spot.key,
            "an entry of `notify` wants exactly one of `webhook`, `command` and `ping`; \
             write one entry for each",
        );
        return None;
    }
    if spot.has("ping") {
        return check_ping(written, spot, report).map(Told::Ping);
    }
    let occasions = check_on(
        written,
        &Occasion::ALL.map(|occasion| (occasion, occasion.as_str())),
        Occasion::read,
        "a webhook and a command are told of",
        spot,
        report,
    );
    let (name, way) = match (&written.webhook, &written.command) {
        (Some(webhook), _) => check_webhook(webhook, folder, spot.at("webhook"), report)?,
        (None, Some(command)) => check_command(command, folder, spot.at("command"), report)?,
        (None, None) => return None,
    };
    Some(Told::Channel(Channel {
        name,
        way,
        occasions: occasions?,
        details: written.details.unwrap_or(false),
    }))
}

fn check_webhook(
    written: &written::Webhook,
    folder: &Path,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<(String, Way)> {
    let url = written.url.as_ref()?;
    let url = credentials::check_secret(url, folder, spot.at("url"), report)?;
    let format = match written.format {
        None | Some(written::WebhookFormat::Generic) => Format::Generic,
        Some(written::WebhookFormat::Slack) => Format::Slack,
    };
    let name = format!("webhook:{}", url.to_string().replacen(": ", ":", 1));
    Some((name, Way::Webhook { url, format }))
}

fn check_command(
    written: &[String],
    folder: &Path,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<(String, Way)> {
    let (program, arguments) = written.split_first()?;
    if program.trim().is_empty() || written.iter().any(|word| word.contains('\0')) {
        report.fault(
            spot.value,
            "this is no command; write the path of a program and its arguments, \
             such as `[/usr/local/bin/page, \"--from=rollcall\"]`",
        );
        return None;
    }
    // A bare name is looked for in PATH, as everywhere.
    let mut program = program.clone();
    if program.contains('/') {
        let path = folder.join(&program);
        if !path.is_file() {
            report.warn(
                spot.item(0).value,
                format!(
                    "there is no file `{}` here; it is needed to tell of anything",
                    path.display()
                ),
            );
        }
        program = path.to_string_lossy().into_owned();
    }
    let mut command = vec![program];
    command.extend_from_slice(arguments);
    // Arguments may hold what only the program is to know.
    let name = format!("command:{}:{}", command[0], short_hash(&command.join("\0")));
    Some((name, Way::Command(command)))
}

fn check_ping(written: &written::Notify, spot: Spot<'_>, report: &mut Report) -> Option<Ping> {
    let moments = check_on(
        written,
        &Moment::ALL.map(|moment| (moment, moment.as_str())),
        Moment::read,
        "a ping is told of",
        spot,
        report,
    );
    if spot.has("details") {
        report.fault(
            spot.at("details").key,
            "a ping is told of no notices, and so of no details; take `details` out",
        );
    }
    let text = written.ping.as_deref()?;
    let url = Url::parse(text.trim())
        .ok()
        .filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
    let Some(mut url) = url else {
        report.fault(
            spot.at("ping").value,
            "this is not an address; write for example `https://hc.example.com/ping/uuid`",
        );
        return None;
    };
    url.set_fragment(None);
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}"));
    let name = format!(
        "ping:{host}{}:{}",
        port.unwrap_or_default(),
        short_hash(url.as_str())
    );
    Some(Ping {
        name,
        url: PingUrl(url),
        moments: moments?,
    })
}

/// Checks `on`: all that can be meant if it is absent; `None` when there is a fault.
fn check_on<T: Copy + Ord>(
    written: &written::Notify,
    all: &[(T, &str)],
    read: impl Fn(Written) -> Option<T>,
    told_of: &str,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<BTreeSet<T>> {
    let Some(on) = &written.on else {
        return Some(all.iter().map(|(one, _)| *one).collect());
    };
    let mut wanted = BTreeSet::new();
    let mut sound = true;
    for (index, word) in on.iter().enumerate() {
        if let Some(one) = read(*word) {
            wanted.insert(one);
        } else {
            sound = false;
            let words = either(all.iter().map(|(_, word)| *word));
            report.fault(
                spot.at("on").item(index).value,
                format!("{told_of} {words}, and of nothing else; take this out"),
            );
        }
    }
    sound.then_some(wanted)
}

/// Tells apart what must not be shown: eight hexadecimal digits.
fn short_hash(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let [one, two, three, four, ..] = digest;
    format!("{:08x}", u32::from_be_bytes([one, two, three, four]))
}
