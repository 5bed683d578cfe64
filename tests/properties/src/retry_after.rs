//! What an answer says of waiting.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use tokio::time::Instant;
use transport::Retry;

use crate::answers::{client, within_time};

/// What the pace and the clock may add to a wait.
const SLACK: Duration = Duration::from_secs(1);

/// Whatever an answer says of waiting, the request goes out again after the time that was asked for, never beyond the
/// bound, and never at once.
///
/// An input is the text of `Retry-After`, and in a second line that of `Date`.
///
/// # Panics
///
/// Where that does not hold.
pub fn retry_after(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let wait = lines
        .next()
        .and_then(|line| HeaderValue::from_bytes(line).ok());
    let dated = lines
        .next()
        .and_then(|line| HeaderValue::from_bytes(line).ok());
    let Some(wait) = wait else {
        return;
    };
    let retry = Retry::default();
    for status in [429, 503] {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let (says, says_when) = (wait.clone(), dated.clone());
        let client = client(retry).answered_by(move |_, _| {
            let mut asked = noted.lock().expect("nobody panics with it");
            asked.push(Instant::now());
            if asked.len() > 1 {
                return Response::new(Bytes::from_static(b"[]"));
            }
            let mut answer = Response::builder()
                .status(status)
                .header(header::RETRY_AFTER, &says);
            if let Some(dated) = &says_when {
                answer = answer.header(header::DATE, dated);
            }
            answer.body(Bytes::new()).expect("its parts are sound")
        });
        within_time(async { client.get("users").send().await })
            .expect("the second answer is sound");
        let asked = asked.lock().expect("nobody panics with it");
        let [first, second] = asked[..] else {
            panic!("{} requests", asked.len());
        };
        let waited = second - first;
        assert!(
            waited <= retry.longest + SLACK,
            "{status} {wait:?}: {waited:?}"
        );
        let least = least(&wait, dated.as_ref())
            .unwrap_or(retry.first)
            .min(retry.longest);
        assert!(
            waited >= least && !waited.is_zero(),
            "{status} {wait:?}: {waited:?}, not {least:?}"
        );
    }
}

/// What an answer asks for, where that is plain; the usual wait holds where it is not.
fn least(wait: &HeaderValue, dated: Option<&HeaderValue>) -> Option<Duration> {
    let wait = wait.to_str().ok()?.trim();
    if wait.contains('.') {
        // A part of a second may be asked for.
        return Some(Duration::ZERO);
    }
    if wait.bytes().all(|byte| byte.is_ascii_digit()) {
        return wait
            .parse()
            .ok()
            .map(Duration::from_secs)
            .filter(|wait| !wait.is_zero());
    }
    let dated = httpdate::parse_http_date(dated?.to_str().ok()?).ok()?;
    let until = httpdate::parse_http_date(wait).ok()?;
    until
        .duration_since(dated)
        .ok()
        .filter(|wait| !wait.is_zero())
}
