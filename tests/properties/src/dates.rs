//! Times and addresses, in every spelling that may come.

use jiff::Timestamp;
use mapping::{Kind, canonical, equal, fold};
use serde_json::Value;

fn canonical_of(kind: Kind, raw: &str) -> String {
    let mut text = String::new();
    canonical(kind, raw, &mut text);
    text
}

/// A text equals itself and its canonical form, which stays as it is; a time is the same to all who read it.
///
/// # Panics
///
/// Where that does not hold.
pub fn dates(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let raw = Value::from(text).to_string();
    assert!(equal(Kind::Plain, &raw, &raw));
    let plain = canonical_of(Kind::Plain, &raw);
    let is_time = plain != text && !text.starts_with('\0');
    if is_time {
        let seconds: i64 = plain
            .parse()
            .expect("the canonical form of a time is a number");
        assert!(equal(Kind::Plain, &raw, &plain), "{text}: {plain}");
        assert!(equal(Kind::Plain, &plain, &raw), "{text}: {plain}");
        let shown = Timestamp::from_second(seconds).expect("it is the second of a time");
        let shown = Value::from(shown.to_string()).to_string();
        assert!(equal(Kind::Plain, &raw, &shown), "{text}: {shown}");
        if let Some(time) = sentinelone::parse_time(text) {
            assert_eq!(floor(time), seconds, "{text}");
        }
    }
    if !plain.starts_with('\0') {
        let again = canonical_of(Kind::Plain, &Value::from(plain.as_str()).to_string());
        assert_eq!(
            again, plain,
            "the canonical form of {text:?} is another one's"
        );
    }
    if let Some(time) = sentinelone::parse_time(text) {
        assert_eq!(
            sentinelone::parse_time(&time.to_string()),
            Some(time),
            "{text}"
        );
    }

    let folded = fold(text);
    assert_eq!(fold(&folded), folded, "{text:?}");
    assert_eq!(fold(&format!(" {text}\n")), folded, "{text:?}");
    let folded = Value::from(folded).to_string();
    assert!(equal(Kind::Address, &raw, &folded), "{text:?}");
    // Anything that is JSON by itself has a canonical form as well.
    if serde_json::from_str::<Value>(text).is_ok() {
        let raw = text.trim_matches([' ', '\t', '\r', '\n']);
        assert!(equal(Kind::Plain, raw, raw));
        assert!(equal(Kind::Address, raw, raw));
    }
}

/// The second in which an instant lies, also before 1970.
fn floor(time: Timestamp) -> i64 {
    time.as_second() - i64::from(time.subsec_nanosecond() < 0)
}
