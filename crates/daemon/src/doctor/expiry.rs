//! How long a token still works.

use jiff::Timestamp;

use super::finding::Finding;
use super::way::Way;

const CHECK: &str = "token_expiry";
/// From here on a new token is to be made.
const SOON: i64 = 14;

/// Judges the end of a token: as the system tells it, or else as `expires` in the configuration does.
pub(super) fn judge(way: &Way, told: Option<Timestamp>, now: Timestamp) -> Finding {
    let name = way.credential();
    let credential = way.config().credentials.get(name);
    let written = credential.and_then(|credential| credential.ends_at(&way.config().timezone));
    let (end, who) = match (told, written) {
        (Some(told), _) => (told, "the console says"),
        (None, Some(written)) => (written, "`expires` says"),
        (None, None) => {
            let message = format!("nobody says when the token `{name}` ends");
            let hint = format!("write `expires` in `credentials.{name}` if you know it");
            return Finding::ok(CHECK, message).with_hint(&hint);
        }
    };
    let hours = end.duration_since(now).as_hours();
    let on = end.strftime("%Y-%m-%d %H:%M UTC");
    let hint = format!("make a new one, and put it where `credentials.{name}.secret` says");
    if end <= now {
        let message = format!("the token `{name}` has ended on {on}, {who}");
        return Finding::fail(CHECK, message, hint);
    }
    let days = hours.div_euclid(24);
    let message = format!("the token `{name}` ends in {days} days, on {on}, {who}");
    if days <= SOON {
        Finding::warn(CHECK, message, hint)
    } else {
        Finding::ok(CHECK, message)
    }
}
