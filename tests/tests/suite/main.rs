//! What must hold of the binary, seen from outside.

mod company;

// Clippy takes the functions of these modules for tests only when they say so.
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod database;
#[cfg(test)]
mod doctor;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod forget;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod init;
#[cfg(test)]
mod interruptions;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod mending;
#[cfg(test)]
mod notices;
#[cfg(test)]
mod notify;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod replays;
#[cfg(test)]
mod undo;
#[cfg(test)]
mod presence;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod saas;
#[cfg(test)]
mod screen;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod source_faults;
#[cfg(test)]
mod target_faults;
#[cfg(test)]
mod daemon;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod control;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod upkeep;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod figures;
