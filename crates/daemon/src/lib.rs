//! The process: configuration, secrets, logs, the command line.
//!
//! Nothing is decided about a user here; that is in `load`.
//! This crate alone reads YAML and the environment, and makes everything that others are given.
//!
//! **Invariant:** stdout is data, stderr is talk.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what people read goes through `output::Screen`"
)]

pub mod config;
pub mod secrets;

mod app;
mod arguments;
mod clock;
mod commands;
mod control;
mod doctor;
mod exit;
mod forget;
mod logging;
mod notify;
mod output;
#[cfg(feature = "demo")]
mod points;
mod progress;
mod serve;
mod signals;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::Arguments;

/// Reads the command line and carries it out.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match commands::dispatch(&arguments) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = exit::of_error(&error);
            output::talk!("rollcall: {}", exit::sentence(&error));
            exit.into()
        }
    }
}
