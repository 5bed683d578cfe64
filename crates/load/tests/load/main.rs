//! Runs against the stand-ins of both systems: how they are stopped, and how what dead ones left is closed.

#![cfg(test)]

mod company;
mod first_loads;
mod recovery;
mod slots;
mod stopping;
