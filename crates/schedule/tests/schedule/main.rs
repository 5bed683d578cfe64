//! What the crate promises, from outside: due times against clocks that change, and what becomes of
//! them whatever happens to the daemon.

mod given;

mod calendar;
mod clock_changes;
mod counted;
mod rules;

mod chaos;
mod days;
mod world;
