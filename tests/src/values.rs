//! Values as design's rules compare them, written down a second time.

use serde_json::Value;

/// How the values of an Oomnitza field compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Addresses and usernames, whatever their case.
    Address,
    /// A time, whatever its spelling.
    Time,
    /// Everything else.
    Other,
}

/// Absent, null and "" are one.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Whether two values count as the same.
pub(crate) fn equal(kind: Kind, one: &Value, other: &Value) -> bool {
    key(kind, one) == key(kind, other)
}

/// What is the same for all values that count as the same; `None` for the empty one.
pub(crate) fn key(kind: Kind, value: &Value) -> Option<String> {
    if is_empty(value) {
        return None;
    }
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(match kind {
        Kind::Address => text.trim().to_lowercase(),
        Kind::Time => seconds(&text).map_or(text, |seconds| seconds.to_string()),
        Kind::Other => text,
    })
    .filter(|key| !key.is_empty())
}

/// The Unix seconds of a time as both systems spell it: to the second and without zone it is 19 letters.
fn seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    // Days since 1970, counted from March so that the leap day is the last of a year.
    let (years, months) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * years + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day
        - 1
        - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_of_an_instant_are_equal() {
        for spelling in [
            json!("2026-11-23T02:00:00.257525Z"),
            json!("2026-11-23T02:00:00"),
            json!("1795399200"),
        ] {
            assert!(
                equal(Kind::Time, &spelling, &json!(1_795_399_200)),
                "{spelling}"
            );
        }
    }

    #[test]
    fn empty_values_are_one_and_no_other() {
        assert!(equal(Kind::Other, &json!(null), &json!("")));
        assert!(!equal(Kind::Other, &json!(null), &json!(false)));
        assert!(equal(Kind::Other, &json!("25"), &json!(25)));
    }
}
