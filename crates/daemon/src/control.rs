//! The control socket: what a command asks of the daemon that runs, and what it answers.
//!
//! Lines of JSON over a Unix socket. The kernel decides who may connect, by the mode of the socket;
//! it also says who did, and that is put on record with what was asked ([`Peer`]).
//! Nothing is decided here: the server hands each question to a [`Desk`], which is the driver's.
//!
//! **Invariant:** whatever a client sends, or stops sending, harms no other client and no run.

mod protocol;
mod status;

mod peer;

mod server;
mod socket;

mod look;
mod client;

pub(crate) use client::Client;
pub(crate) use peer::{Peer, account_of};
pub(crate) use protocol::{Incumbent, Order, Question, Refusal, Wish, Work, discarded};
pub(crate) use server::{Desk, Server, Started};
pub(crate) use status::{
    ConfigStatus, IntegrationStatus, LastRun, NextDue, NoticeStatus, RunningRun, Status,
    TokenStatus,
};

/// What a client is told whose daemon ends before its run has.
const GONE: &str =
    "the daemon went away; its run is closed when it starts again; see `rollcall runs`";

#[cfg(test)]
mod tests;
