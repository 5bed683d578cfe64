//! Durations as people write them.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::fault::Report;
use super::spot::Spot;
use super::written::DurationText;

/// Ten years: longer than anything here is meant to last, and safe to add to any instant.
const LONGEST_SECONDS: u64 = 3_650 * 86_400;

/// The rule that a text breaks when it is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it must be a whole number with its unit, `s`, `m`, `h` or `d`, up to `3650d`; \
     write for example `30s`, `10m`, `12h` or `7d`"
)]
pub(crate) struct InvalidDuration;

/// Reads `30s`, `10m`, `12h` or `7d`.
pub(crate) fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let unit = text.chars().next_back().ok_or(InvalidDuration)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(InvalidDuration),
    };
    let digits = &text[..text.len() - 1];
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidDuration);
    }
    let number: u64 = digits.parse().map_err(|_| InvalidDuration)?;
    number
        .checked_mul(seconds)
        .filter(|seconds| *seconds <= LONGEST_SECONDS)
        .map(Duration::from_secs)
        .ok_or(InvalidDuration)
}

/// Any duration, `0s` too.
pub(crate) const ANY: RangeInclusive<Duration> = Duration::ZERO..=Duration::MAX;

/// Checks a duration where one is written; `default` stands for one that is not.
///
/// `None` when there is a fault.
pub(crate) fn check(
    written: Option<&DurationText>,
    default: Duration,
    allowed: RangeInclusive<Duration>,
    spot: Spot<'_>,
    report: &mut Report,
) -> Option<Duration> {
    let Some(DurationText(text)) = written else {
        return Some(default);
    };
    match parse(text) {
        Ok(duration) if allowed.contains(&duration) => Some(duration),
        Ok(_) => {
            let (least, most) = (print(*allowed.start()), print(*allowed.end()));
            let bounds = if *allowed.end() == Duration::MAX {
                format!("at least `{least}`")
            } else {
                format!("`{least}` to `{most}`")
            };
            report.fault(
                spot.value,
                format!("`{text}` is out of range; write {bounds}"),
            );
            None
        }
        Err(rule) => {
            report.fault(spot.value, format!("`{text}` is no duration: {rule}"));
            None
        }
    }
}

/// Writes a duration of whole seconds in its largest unit.
pub(crate) fn print(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let fitting = units
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    let (unit, name) = fitting.unwrap_or((1, 's'));
    format!("{}{name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_four_units_are_read() {
        for (text, seconds) in [
            ("0s", 0),
            ("30s", 30),
            ("10m", 600),
            ("12h", 43_200),
            ("7d", 604_800),
            ("400d", 34_560_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "s", "30", "30 s", "-1s", "+1s", "1.5h", "1w", "1H", "30é", "3651d", "1h30m",
        ] {
            assert_eq!(parse(text), Err(InvalidDuration), "{text}");
        }
        assert_eq!(parse("99999999999999999999s"), Err(InvalidDuration));
        assert_eq!(parse("18446744073709551615d"), Err(InvalidDuration));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(seconds in 0..=LONGEST_SECONDS) {
            let duration = Duration::from_secs(seconds);
            prop_assert_eq!(parse(&print(duration)), Ok(duration));
        }

        #[test]
        fn no_text_breaks_it(text in ".*") {
            let _ = parse(&text);
        }
    }
}
