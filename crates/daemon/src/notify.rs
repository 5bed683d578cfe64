//! Telling others: notices to webhooks and commands, loads to dead-man's switches.
//!
//! A notice that begins or ends is routed into the outbox of each channel that wants it (`store`), and each channel
//! empties its own in a task of its own: one that hangs holds up neither a load nor another channel.
//! Who tells when a notice begins or ends is not here; nor is anything decided about a load.
//!
//! A channel is told in order: a message behind one that cannot be told waits, as mostly it is the channel that is at
//! fault and not the message. So nobody hears of an end before its beginning.
//!
//! **Invariant:** no address, no argument of a command and no answer to a message that names people reaches a log, an
//! error or the database. A channel is called by its name in the configuration, which holds none of them.

mod message;
mod patience;

// How one is told.
mod command;
mod tell;

// Who is told, for as long as the process goes on.
mod health;
mod teller;
mod pings;
mod notifier;
mod deliver;

// Without a daemon, or without a cause.
mod once;
mod trial;

#[cfg(test)]
mod tests;

pub(crate) use deliver::serve;
pub(crate) use notifier::Notifier;
pub(crate) use once::tell_once;
pub(crate) use trial::{Trial, try_all};
