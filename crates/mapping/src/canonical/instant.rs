//! Times as texts.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// The Unix seconds, rounded down, of a date with a time; None for any other text, also for a
/// date alone.
///
/// SentinelOne writes `2026-11-23T02:00:26.257525Z`, `…:20Z`, or no zone, which is UTC. Offsets
/// and a space between date and time are read as well.
pub(crate) fn instant(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if !(19..=40).contains(&bytes.len()) || !bytes[0].is_ascii_digit() || !text.is_ascii() {
        return None;
    }
    let (date_time, rest) = text.split_at(19);
    let date_time = civil(date_time.as_bytes())?;
    let offset = offset(without_fraction(rest)?)?;
    let instant = offset.to_timestamp(date_time).ok()?;
    Some(instant.as_second())
}

/// Reads `2026-11-23T02:00:26`.
fn civil(text: &[u8]) -> Option<DateTime> {
    let separators = [text[4], text[7], text[10], text[13], text[16]];
    if !matches!(separators, [b'-', b'-', b'T' | b't' | b' ', b':', b':']) {
        return None;
    }
    let two = |at| i8::try_from(number(&text[at..at + 2])?).ok();
    let year = number(&text[0..4])?;
    DateTime::new(year, two(5)?, two(8)?, two(11)?, two(14)?, two(17)?, 0).ok()
}

fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i16::from(digit - b'0'))?;
        Some(number * 10 + digit)
    })
}

/// Leaves out `.257525`: to round down is to leave it out, as the seconds are those before it.
fn without_fraction(text: &str) -> Option<&str> {
    let Some(fraction) = text.strip_prefix(['.', ',']) else {
        return Some(text);
    };
    let zone = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
    (zone.len() < fraction.len()).then_some(zone)
}

/// Reads `Z`, `+02:00`, `+0200`, `+02` or nothing, which is UTC.
fn offset(text: &str) -> Option<Offset> {
    if matches!(text, "" | "Z" | "z") {
        return Some(Offset::UTC);
    }
    let sign = match text.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match text.as_bytes()[1..] {
        [a, b] => ([a, b], [b'0', b'0']),
        [a, b, c, d] | [a, b, b':', c, d] => ([a, b], [c, d]),
        _ => return None,
    };
    let (hours, minutes) = (i32::from(number(&hours)?), i32::from(number(&minutes)?));
    if hours > 23 || minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}
