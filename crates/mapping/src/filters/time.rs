//! Filters for dates and times.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use minijinja::{Error, ErrorKind, Value};

use super::text::text_of;
use crate::canonical::instant;

/// `date`: a time in a format of `strftime` and an IANA zone, `%Y-%m-%d` and UTC by default.
///
/// Takes Unix seconds, and a time as the console writes it: with or without fractions of a
/// second, and in UTC where it names no zone.
pub(super) fn date(time: &Value, format: Option<&str>, zone: Option<&str>) -> Result<Value, Error> {
    let format = format.unwrap_or("%Y-%m-%d");
    let zone = zone_of(zone.unwrap_or("UTC"))?;
    // A bad format is a fault of the template, so it is found even without a time.
    let time = time_of(time)?;
    let shown = time.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone);
    let text = jiff::fmt::strtime::format(format, &shown)
        .map_err(|error| failed(format!("`{format}` is no format of a date")).with_source(error))?;
    Ok(match time {
        Some(_) => Value::from(text),
        None => Value::UNDEFINED,
    })
}

/// `timestamp`: a time as Unix seconds. Takes what `date` takes.
pub(super) fn timestamp(time: &Value) -> Result<Value, Error> {
    Ok(time_of(time)?.map_or(Value::UNDEFINED, |time| Value::from(time.as_second())))
}

/// The zone of a name, from the data that is built in: the system's may be out of date, and
/// reading it would be input.
fn zone_of(name: &str) -> Result<TimeZone, Error> {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();

    let zones = ZONES.get_or_init(TimeZoneDatabase::bundled);
    zones.get(name).map_err(|_| {
        failed(format!(
            "`{name}` is no time zone; write an IANA name such as `Europe/Dublin`"
        ))
    })
}

/// The time that a value stands for; None where it is empty.
fn time_of(value: &Value) -> Result<Option<Timestamp>, Error> {
    let Some(text) = text_of(value)? else {
        return Ok(None);
    };
    let seconds = instant(&text).or_else(|| unix_seconds(text.trim()));
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    match time {
        Some(time) => Ok(Some(time)),
        None => Err(failed(format!("`{text}` is no date and time"))),
    }
}

/// Unix seconds as a decimal number, rounded down.
fn unix_seconds(text: &str) -> Option<i64> {
    let Some((whole, fraction)) = text.split_once('.') else {
        return text.parse().ok();
    };
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let is_below = whole.starts_with('-') && fraction.bytes().any(|byte| byte != b'0');
    seconds.checked_sub(i64::from(is_below))
}

fn failed(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}
