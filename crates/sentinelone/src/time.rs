//! The times of the console, in each of the spellings that it uses.

use jiff::{Timestamp, civil, tz::TimeZone};

/// Reads a time: `2026-11-23T02:00:00.257525Z`, `2026-11-23T02:00:00Z`, with an offset, or
/// without a zone, which means UTC.
///
/// The spellings were seen in answers of consoles; their description promises only "date-time".
pub fn parse_time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let time = text.parse::<civil::DateTime>().ok()?;
    time.to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let time = parse_time(text).map(|time| time.to_string());
        assert_eq!(time.as_deref(), expected, "{text}");
    }

    #[test]
    fn every_spelling_is_read() {
        check(
            "2018-02-27T04:49:26.257525Z",
            Some("2018-02-27T04:49:26.257525Z"),
        );
        check("2018-02-27T04:49:20Z", Some("2018-02-27T04:49:20Z"));
        check("2018-02-27T04:49:20", Some("2018-02-27T04:49:20Z"));
        check("2018-02-27T04:49:20.5", Some("2018-02-27T04:49:20.5Z"));
        check("2018-02-27 04:49:20", Some("2018-02-27T04:49:20Z"));
        check("2018-02-27T04:49:20+02:00", Some("2018-02-27T02:49:20Z"));
        check(
            "2018-02-27T04:49:20.257525-05:30",
            Some("2018-02-27T10:19:20.257525Z"),
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "never",
            "0",
            "1519706966",
            "2018-13-01T00:00:00Z",
            "2018-02-30T00:00:00",
            "04:49:20",
            "2018-02-27T25:00:00Z",
            "2018-02-27T04:49:20+99:00",
        ] {
            check(text, None);
        }
    }
}
