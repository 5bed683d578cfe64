//! `completions` and `man`: what shells and `man` read, made from the command line itself.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::app::make_folder;
use crate::arguments::Arguments;
use crate::exit::Exit;

pub(crate) fn completions(shell: Shell) -> anyhow::Result<Exit> {
    // Written at once: the generator itself panics where its reader has gone.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown(), "rollcall", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Exit::Done)
}

/// Prints the page of `rollcall`, or writes it and one for each command into a folder.
pub(crate) fn man(folder: Option<&Path>) -> anyhow::Result<Exit> {
    let command = shown();
    let Some(folder) = folder else {
        clap_mangen::Man::new(command).render(&mut io::stdout().lock())?;
        return Ok(Exit::Done);
    };
    make_folder(folder)?;
    clap_mangen::generate_to(command, folder)
        .with_context(|| format!("could not write the pages into `{}`", folder.display()))?;
    Ok(Exit::Done)
}

/// The command line without the commands that are nobody's business: completions would offer them.
fn shown() -> Command {
    let all = Arguments::command();
    let mut shown = Command::new("rollcall")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .args(all.get_arguments().cloned())
        .subcommands(
            all.get_subcommands()
                .filter(|command| !command.is_hide_set())
                .cloned(),
        );
    if let Some(about) = all.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(help) = all.get_after_help() {
        shown = shown.after_help(help.clone());
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_command_that_is_shown_has_its_page() {
        let folder = tempfile::tempdir().unwrap();
        man(Some(folder.path())).unwrap();
        let commands = Arguments::command();
        for command in commands.get_subcommands() {
            let name = format!("rollcall-{}.1", command.get_name());
            let is_there = folder.path().join(&name).is_file();
            assert_eq!(is_there, !command.is_hide_set(), "{name}");
        }
        let page = fs::read_to_string(folder.path().join("rollcall.1")).unwrap();
        for said in ["rollcall\\-slots(1)", "rollcall.yaml", "ROLLCALL_CONFIG"] {
            assert!(page.contains(said), "{said}: {page}");
        }
    }

    #[test]
    fn completions_offer_no_hidden_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut shown(), "rollcall", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("slots"), "{shell}");
            assert!(!script.contains("simulate"), "{shell}");
        }
    }
}
