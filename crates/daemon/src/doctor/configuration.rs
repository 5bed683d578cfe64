//! The file of the configuration, and whether it is what the daemon goes by.

use std::path::Path;

use super::InForce;
use super::finding::{Finding, State};
use crate::config::{Fault, Loaded};

const CHECK: &str = "configuration";
const IN_FORCE: &str = "in_force";

/// What `check` says of the file.
pub(super) fn of_file(path: &Path, loaded: &Result<Loaded, Vec<Fault>>) -> Vec<Finding> {
    let told = |state, fault: &Fault| {
        Finding::told(CHECK, state, &fault.to_string(), "see `rollcall check`")
    };
    match loaded {
        Err(faults) => faults
            .iter()
            .map(|fault| told(State::Fail, fault))
            .collect(),
        Ok(loaded) if loaded.warnings.is_empty() => {
            let integrations = match loaded.config.integrations.len() {
                1 => "1 integration".to_owned(),
                count => format!("{count} integrations"),
            };
            let message = format!("`{}` has no faults, {integrations}", path.display());
            vec![Finding::ok(CHECK, message)]
        }
        Ok(loaded) => loaded
            .warnings
            .iter()
            .map(|warning| told(State::Warn, warning))
            .collect(),
    }
}

/// Which daemon looked, and whether it goes by the file that was meant.
pub(super) fn of_daemon(in_force: &InForce, theirs: &Path) -> Vec<Finding> {
    let daemon = &in_force.daemon;
    let mut found = vec![Finding::ok(
        "daemon",
        format!("{daemon} runs, and looked at all of this"),
    )];
    if theirs != in_force.path {
        found.push(Finding::warn(
            CHECK,
            format!(
                "the daemon goes by `{}`, and `{}` was asked about",
                in_force.path.display(),
                theirs.display()
            ),
            "name the daemon's file with `--config`, or give yours another `state_dir`",
        ));
    }
    found
}

/// Whether what the file says now is in force.
pub(super) fn in_force(in_force: &InForce, loaded: &Result<Loaded, Vec<Fault>>) -> Vec<Finding> {
    let since = in_force.loaded_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let Ok(loaded) = loaded else {
        return vec![Finding::warn(
            IN_FORCE,
            format!("the daemon goes on with the configuration of {since}, as the file has faults"),
            "mend the faults and save the file",
        )];
    };
    let changes = loaded.config.changes(&in_force.config);
    let restart = loaded.config.needs_restart(&in_force.at_start);
    let mut found: Vec<Finding> = restart
        .iter()
        .map(|sentence| Finding::warn(IN_FORCE, sentence, "`systemctl restart rollcall`"))
        .collect();
    if !changes.is_empty() {
        found.push(Finding::warn(
            IN_FORCE,
            format!(
                "the file says something else than what is in force since {since}: {}",
                changes.join(", ")
            ),
            "`systemctl reload rollcall`, or save the file again",
        ));
    } else if found.is_empty() {
        let hash = in_force.config.hash();
        let message = format!("the file is in force since {since} (configuration {hash})");
        found.push(Finding::ok(IN_FORCE, message));
    }
    found
}
