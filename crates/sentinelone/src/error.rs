//! What can go wrong with a console, as far as a caller or an operator must tell it apart.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::model::Malformed;

/// How much of the console's own words is kept, in characters.
const MAX_WORDS: usize = 500;

/// A request to a console that did not bring what it was for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The token does not hold (401); an expired and a wrong one look the same.
    #[error(
        "the console refused the token: it is wrong or has expired; make a new one in the console \
         under Settings > Users > Service Users and put it where `credentials` points (the \
         console says: {words})"
    )]
    Unauthorized {
        /// What the console said.
        words: String,
    },
    /// The token holds, but may not do this (403).
    #[error(
        "the token may not {operation}; give its user a role with the permission `{permission}`, \
         such as Viewer (the console says: {words})"
    )]
    Forbidden {
        /// What was asked for.
        operation: &'static str,
        /// The permission that it takes, as the console names it.
        permission: &'static str,
        /// What the console said.
        words: String,
    },
    /// The console refused the request with another status, or with errors in a 2xx.
    #[error("the console refused to {operation} with {status}: {words}")]
    Refused {
        /// What was asked for.
        operation: &'static str,
        /// The status of the answer.
        status: StatusCode,
        /// What the console said.
        words: String,
    },
    /// A listing gave a cursor for the second time, so it would never end.
    #[error(
        "the console gave the same cursor twice when asked to {operation}, so the listing has no end"
    )]
    RepeatedCursor {
        /// What was asked for.
        operation: &'static str,
    },
    /// A cursor was refused for the second time in one listing.
    #[error("the console refused a cursor again, after the listing was begun anew once: {words}")]
    CursorRefused {
        /// What the console said.
        words: String,
    },
    /// The one user that was asked for cannot be read.
    #[error("the user that the console gave cannot be read")]
    Malformed(#[source] Malformed),
    /// There was no answer, or none that could be used, after all tries.
    #[error(transparent)]
    Transport(transport::Error),
}

impl Error {
    /// Sorts a failed request by the status of its answer.
    pub(crate) fn from_transport(call: Call, error: transport::Error) -> Self {
        let Some(refusal) = error.refusal().filter(|_| !error.is_transient()) else {
            return Self::Transport(error);
        };
        let words = words_of_body(refusal.body()).unwrap_or_else(|| {
            if refusal.excerpt.is_empty() {
                "nothing more".to_owned()
            } else {
                refusal.excerpt.clone()
            }
        });
        let Call {
            operation,
            permission,
        } = call;
        match refusal.status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized { words },
            StatusCode::FORBIDDEN => Self::Forbidden {
                operation,
                permission,
                words,
            },
            // A redirect says more in the sentence that transport makes of it.
            status if status.is_redirection() => Self::Transport(error),
            status => Self::Refused {
                operation,
                status,
                words,
            },
        }
    }

    /// The status of the answer, if there was one that decided the matter.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Unauthorized { .. } => Some(StatusCode::UNAUTHORIZED),
            Self::Forbidden { .. } => Some(StatusCode::FORBIDDEN),
            Self::Refused { status, .. } => Some(*status),
            Self::CursorRefused { .. } => Some(StatusCode::BAD_REQUEST),
            Self::Transport(error) => error.status(),
            Self::RepeatedCursor { .. } | Self::Malformed(_) => None,
        }
    }

    /// Whether the token is what is wrong.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized { .. })
    }

    /// Whether the same request may succeed later, with nothing changed on our side.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transport(error) if error.is_transient())
    }

    /// Whether the console said that it will not, or cannot, do this, for a reason other than the token.
    ///
    /// 501 is among them: an older console answers so where it lacks an operation.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status().is_some_and(|status| {
            status != StatusCode::UNAUTHORIZED
                && (status.is_client_error() && !self.is_transient()
                    || status == StatusCode::NOT_IMPLEMENTED)
        })
    }
}

/// What a request is for, and the permission that it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// As it follows on "could not".
    pub(crate) operation: &'static str,
    /// As the console names it.
    pub(crate) permission: &'static str,
}

/// The console's words in the body of a refusal, if it is JSON with errors in it.
fn words_of_body(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal<'a> {
        #[serde(borrow)]
        errors: Option<&'a RawValue>,
    }
    let refusal: Refusal<'_> = serde_json::from_slice(body).ok()?;
    // Secrets were cut out of it when it came.
    words(refusal.errors?, |words| words)
}

/// The words of an `errors` member: `None` where it says that all is well.
///
/// An entry is `{"code":4030010,"title":"…","detail":"…"}`, of which anything may be absent, null or
/// empty; a console that writes it in another way is quoted as it is.
///
/// `redact` cuts secrets out.
pub(crate) fn words(errors: &RawValue, redact: impl Fn(String) -> String) -> Option<String> {
    let text = match serde_json::from_str(errors.get()).unwrap_or(Value::Null) {
        Value::Null | Value::Bool(false) => return None,
        Value::Array(entries) if entries.is_empty() => return None,
        Value::Object(entries) if entries.is_empty() => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::Array(entries) => entries.iter().map(entry).collect::<Vec<_>>().join("; "),
        other => entry(&other),
    };
    let text = redact(text);
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    Some(printable.take(MAX_WORDS).collect())
}

/// One entry of `errors` as a phrase: code, title and detail, as far as they are there.
fn entry(entry: &Value) -> String {
    let parts: Vec<_> = ["code", "title", "detail"]
        .iter()
        .filter_map(|name| match entry.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            other => Some(other.to_string()),
        })
        .collect();
    if parts.is_empty() {
        entry
            .as_str()
            .map_or_else(|| entry.to_string(), str::to_owned)
    } else {
        parts.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(errors: &str, expected: Option<&str>) {
        let raw: &RawValue = serde_json::from_str(errors).unwrap();
        assert_eq!(words(raw, |words| words).as_deref(), expected, "{errors}");
    }

    #[test]
    fn all_is_well_in_every_spelling() {
        for errors in ["null", "[]", "{}", "\"\"", "false"] {
            check(errors, None);
        }
    }

    #[test]
    fn the_consoles_words_are_kept() {
        check(
            r#"[{"code":4030010,"detail":null,"title":"Insufficient permissions"}]"#,
            Some("4030010, Insufficient permissions"),
        );
        check(
            r#"[{"code":400,"detail":"bad\nlimit","title":""},{"title":"B"}]"#,
            Some("400, bad limit; B"),
        );
        check(r#"["plain"]"#, Some("plain"));
        check(r#"{"message":"odd"}"#, Some(r#"{"message":"odd"}"#));
        let long = format!("[{{\"title\":\"{}\"}}]", "é".repeat(900));
        check(&long, Some(&"é".repeat(MAX_WORDS)));
    }
}
