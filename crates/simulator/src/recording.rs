//! What was asked of the two systems, and what of it broke a rule.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::exchange::Asked;

/// One of the two systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// The SentinelOne console.
    SentinelOne,
    /// The Oomnitza instance.
    Oomnitza,
}

/// What a call said of who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Token {
    /// The token that the system accepts.
    Right,
    /// Another token, or the right one in a wrong form.
    Wrong,
    /// None.
    Missing,
}

/// One call as it was received and answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Which system was asked.
    pub system: System,
    /// The method, such as `GET`.
    pub method: String,
    /// The path without the query, decoded.
    pub path: String,
    /// The query's parameters, decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers by lower-case name, without those that carry the token.
    pub headers: BTreeMap<String, String>,
    /// Whether the token was right.
    pub token: Token,
    /// The body, parsed; a text where it is no JSON, null where there is none.
    pub body: Value,
    /// The status that was answered; `None` where no answer was given.
    pub status: Option<u16>,
    /// When it arrived.
    pub at: Timestamp,
}

impl Recorded {
    /// The value of a query parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether the call means to change something: all but reads, of which one is a POST.
    pub fn is_write(&self) -> bool {
        self.method != "GET" && !self.path.ends_with("/users/api-token-details")
    }
}

/// The calls and violations so far.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    keep: bool,
    calls: [u64; 2],
    kept: Vec<Kept>,
    violations: Vec<String>,
}

/// A call whose body is parsed only when somebody looks.
#[derive(Debug)]
struct Kept {
    asked: Recorded,
    body: Bytes,
}

impl Recording {
    pub(crate) fn new(keep: bool) -> Self {
        Self {
            keep,
            ..Self::default()
        }
    }

    pub(crate) fn call(&mut self, asked: &Asked, token: Token, status: Option<u16>) {
        self.calls[asked.system as usize] += 1;
        if !self.keep {
            return;
        }
        let headers = asked
            .headers
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "authorization" | "authorization2"));
        self.kept.push(Kept {
            asked: Recorded {
                system: asked.system,
                method: asked.method.to_string(),
                path: asked.path.clone(),
                query: asked.query.clone(),
                headers: headers
                    .map(|(name, value)| {
                        let value = String::from_utf8_lossy(value.as_bytes());
                        (name.to_string(), value.into_owned())
                    })
                    .collect(),
                token,
                body: Value::Null,
                status,
                at: Timestamp::now(),
            },
            body: asked.body.clone(),
        });
    }

    pub(crate) fn violation(&mut self, asked: &Asked, sentence: &str) {
        self.violations
            .push(format!("{} {}: {sentence}", asked.method, asked.path));
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        let parsed = self.kept.iter().map(|kept| Recorded {
            body: if kept.body.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&kept.body)
                    .unwrap_or_else(|_| String::from_utf8_lossy(&kept.body).into())
            },
            ..kept.asked.clone()
        });
        parsed.collect()
    }

    pub(crate) fn calls(&self, system: System) -> u64 {
        self.calls[system as usize]
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.calls = [0; 2];
        self.kept.clear();
        self.violations.clear();
    }
}
