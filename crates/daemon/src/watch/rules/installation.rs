//! The machine and the configuration: disk, database, clocks, integrations in each other's way.

use jiff::SignedDuration;
use store::Notice;

use crate::watch::facts::Writers;
use crate::watch::{CLOCK_SKEW, Facts};

/// Clocks may differ by as much.
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// A database that is larger is worth a look at its retention, in bytes.
const LARGE: u64 = 2 << 30;

pub(super) fn notices(facts: &Facts) -> Vec<Notice> {
    let mut notices = Vec::new();
    if let Some(disk) = facts.disk
        && disk.free < disk.total / 20
    {
        let (free, total) = (megabytes(disk.free), megabytes(disk.total));
        notices.push(
            Notice::new("disk_low", "", format!("the disk that holds `state_dir` is nearly full: {free} MB of {total} MB are free"))
                .with_hint("make room: on a full disk no load can be put on record, and so none is made"),
        );
    }
    if facts.database > LARGE {
        notices.push(
            Notice::new(
                "database_large",
                "",
                format!("the database is larger than {} MB", megabytes(LARGE)),
            )
            .with_hint("keep less history: `retention` in the configuration"),
        );
    }
    for (integration, system, ahead) in &facts.skews {
        if ahead.abs() <= SKEW {
            continue;
        }
        let way = if ahead.is_positive() {
            "behind"
        } else {
            "ahead of"
        };
        let message = format!(
            "the clock of this machine is more than 30 s {way} that of {}",
            system.name()
        );
        notices.push(
            Notice::new(CLOCK_SKEW, system.name(), message)
                .of(integration)
                .with_hint("let the machine set its clock: `timedatectl set-ntp true`"),
        );
    }
    // What is not known to be over stays.
    notices.extend(facts.unheard.iter().cloned());
    notices.extend(facts.writers.iter().map(two_writers));
    if facts.faults > 0 {
        notices.push(
            Notice::new(
                "config_refused",
                "",
                "the file of the configuration has faults, and what was in force before stays so",
            )
            .with_hint("`rollcall check` names them"),
        );
    }
    notices
}

fn two_writers(writers: &Writers) -> Notice {
    let Writers {
        target,
        integrations,
        fields,
    } = writers;
    let message = format!(
        "{} write {} of the people of {target}: for whoever is in several of them, the last one wins",
        listed(integrations),
        listed(fields)
    );
    Notice::new("two_writers", target, message)
        .in_stage(format!("{} {}", integrations.join(" "), fields.join(" ")))
        .with_hint(
            "map the field in one of them, or `write: on_create` or `if_empty` in the others",
        )
}

/// Names some, and counts the rest.
fn listed(names: &[String]) -> String {
    const SOME: usize = 8;
    let mut listed: Vec<String> = names
        .iter()
        .take(SOME)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > SOME {
        listed.push(format!("{} more", names.len() - SOME));
    }
    listed.join(", ")
}

fn megabytes(bytes: u64) -> u64 {
    bytes >> 20
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::watch::System;
    use crate::watch::facts::Disk;

    fn kinds(change: impl FnOnce(&mut Facts)) -> Vec<String> {
        let mut facts = Facts::new(Timestamp::UNIX_EPOCH);
        change(&mut facts);
        notices(&facts)
            .into_iter()
            .map(|notice| notice.kind)
            .collect()
    }

    #[test]
    fn each_condition_has_its_notice_and_none_without_it() {
        assert!(kinds(|_| {}).is_empty());
        let disk = |free| Some(Disk { free, total: 1000 });
        assert!(kinds(|facts| facts.disk = disk(50)).is_empty());
        assert_eq!(kinds(|facts| facts.disk = disk(49)), ["disk_low"]);
        assert_eq!(
            kinds(|facts| facts.database = LARGE + 1),
            ["database_large"]
        );
        assert_eq!(kinds(|facts| facts.faults = 1), ["config_refused"]);
        for (seconds, expected) in [
            (30, vec![]),
            (-30, vec![]),
            (31, vec!["clock_skew"]),
            (-31, vec!["clock_skew"]),
        ] {
            let skew = (
                "a".to_owned(),
                System::Oomnitza,
                SignedDuration::from_secs(seconds),
            );
            assert_eq!(kinds(|facts| facts.skews = vec![skew]), expected);
        }
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let writers = Writers {
            target: "acme.oomnitza.com".to_owned(),
            integrations: own(&["a", "b"]),
            fields: own(&["position"]),
        };
        assert_eq!(
            kinds(|facts| facts.writers = vec![writers]),
            ["two_writers"]
        );
    }
}
