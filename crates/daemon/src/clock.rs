//! Where the daemon takes the time from.

use jiff::Timestamp;

/// Says what time it is.
pub(crate) trait Clock: Send + Sync {
    /// The instant now, as the machine's clock shows it; it may be set, in either direction.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands where a test sets it.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Manual(std::sync::Mutex<Timestamp>);

#[cfg(test)]
impl Manual {
    pub(crate) fn at(now: Timestamp) -> Self {
        Self(std::sync::Mutex::new(now))
    }

    pub(crate) fn set(&self, now: Timestamp) {
        *self.0.lock().unwrap() = now;
    }
}

#[cfg(test)]
impl Clock for Manual {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}
