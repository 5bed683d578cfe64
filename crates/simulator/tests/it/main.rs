//! The simulator over its wire: what a correct client sees, and what a wrong one is told.

// Clippy takes the functions of these modules for tests only when they say so.
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod console;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod people;
#[cfg(test)]
mod saas;
#[cfg(test)]
mod wire;
