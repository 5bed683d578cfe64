//! Faults that can be ordered, and which call each of them meets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exchange::Asked;
use crate::recording::System;

/// A fault to happen to some calls of one system.
///
/// As JSON, for `POST /_simulator/faults`:
/// `{"system":"oomnitza","matching":"PATCH /api/v3/users/*","skip":2,"times":1,"effect":{"status":500}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The system that shows it.
    pub system: System,
    /// A method and a path: `GET /users`, `PATCH /api/v3/users/*`. `*` stands for any method, or for one
    /// segment of the path; the console's base path may be left out.
    pub matching: String,
    /// Only calls whose body contains this text, so that one record can be refused.
    #[serde(default)]
    pub body_contains: Option<String>,
    /// Only calls whose decoded query contains this text, as `name=value` pairs joined by `&`.
    #[serde(default)]
    pub query_contains: Option<String>,
    /// So many matching calls pass first.
    #[serde(default)]
    pub skip: u32,
    /// How many calls it then meets.
    #[serde(default)]
    pub times: Times,
    /// What happens to them.
    pub effect: Effect,
}

impl Fault {
    /// A fault that meets every matching call, from the first.
    pub fn new(system: System, matching: &str, effect: Effect) -> Self {
        Self {
            system,
            matching: matching.to_owned(),
            body_contains: None,
            query_contains: None,
            skip: 0,
            times: Times::Forever,
            effect,
        }
    }

    /// Lets so many matching calls pass first.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Self {
        self.skip = calls;
        self
    }

    /// Meets at most so many calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Times::Only(times);
        self
    }

    /// Meets only calls whose body contains the text.
    #[must_use]
    pub fn with_body(mut self, text: &str) -> Self {
        self.body_contains = Some(text.to_owned());
        self
    }

    /// Meets only calls whose query contains the text.
    #[must_use]
    pub fn with_query(mut self, text: &str) -> Self {
        self.query_contains = Some(text.to_owned());
        self
    }

    fn meets(&self, asked: &Asked) -> bool {
        self.system == asked.system
            && matches(&self.matching, asked)
            && self.effect.fits(asked)
            && self
                .body_contains
                .as_deref()
                .is_none_or(|text| holds_bytes(&asked.body, text.as_bytes()))
            && self.query_contains.as_deref().is_none_or(|text| {
                let pairs = asked
                    .query
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"));
                pairs.collect::<Vec<_>>().join("&").contains(text)
            })
    }
}

/// How many calls a fault meets. As JSON a number, or null for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<u32>", into = "Option<u32>")]
pub enum Times {
    /// All, until faults are cleared.
    #[default]
    Forever,
    /// So many.
    Only(u32),
}

impl From<Option<u32>> for Times {
    fn from(times: Option<u32>) -> Self {
        times.map_or(Self::Forever, Self::Only)
    }
}

impl From<Times> for Option<u32> {
    fn from(times: Times) -> Self {
        match times {
            Times::Forever => None,
            Times::Only(times) => Some(times),
        }
    }
}

/// What a fault does to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Not done; answered with this status and the vendor's body for it.
    Status(u16),
    /// Not done; answered with this status and these words in the vendor's body.
    Refuse {
        /// The status.
        status: u16,
        /// The words.
        message: String,
    },
    /// Not done; a proxy's 429 as HTML, with this Retry-After.
    TooMany {
        /// The header's value; `None` leaves it out.
        retry_after: Option<String>,
    },
    /// Not done; a proxy's 502 as HTML.
    BadGatewayHtml,
    /// Done, and then a proxy's 502.
    BadGatewayAfterApplying,
    /// Not done and not answered: the connection is held until the caller gives up.
    TimeOut,
    /// Done and not answered.
    TimeOutAfterApplying,
    /// Not done; the connection is reset.
    Reset,
    /// Done, and then the connection is reset.
    ResetAfterApplying,
    /// Done; the answer is a complete message that holds only half of the JSON.
    TruncatedJson,
    /// Done; a 200 that says nothing: `{}`.
    EmptyAnswer,
    /// Done; the connection ends in the middle of the answer.
    CutBody,
    /// Done; a 200 whose body is a web page.
    HtmlPage,
    /// Not done; a 200 whose JSON carries these words as an error.
    ErrorInSuccess {
        /// The words.
        message: String,
    },
    /// Done; the answer comes so much later.
    Slow {
        /// How much later, in milliseconds.
        #[serde(rename = "delay_ms", with = "milliseconds")]
        delay: Duration,
    },
    /// Done; the answer bears a date that is so many seconds ahead of the time, or behind it if negative.
    WrongDate {
        /// How many seconds.
        seconds: i64,
    },
    /// Not done; a 400 for a cursor, as for one that is too old. Meets only calls with a cursor.
    ExpiredCursor,
    /// A page whose `nextCursor` is the one that was sent. Meets only calls with a cursor.
    RepeatedCursor,
    /// An empty page: before the end for the console, which goes on afterwards, and as an end for Oomnitza.
    EmptyPage,
    /// A total that promises so many more than there are.
    ShortTotal {
        /// How many are promised too much.
        missing: u64,
    },
    /// A total of zero.
    ZeroTotal,
    /// No total at all.
    NoTotal,
    /// A page that begins so many rows too early, as when rows were added while it is read: they come twice.
    DuplicateRows {
        /// How many rows come twice.
        rows: u32,
    },
    /// A page that begins so many rows too late, as when rows were removed while it is read: they are lost.
    LostRows {
        /// How many rows are lost.
        rows: u32,
    },
}

impl Effect {
    /// Whether the effect makes sense for the call: faults of a cursor need one.
    fn fits(&self, asked: &Asked) -> bool {
        match self {
            Self::ExpiredCursor | Self::RepeatedCursor => asked.param("cursor").is_some(),
            _ => true,
        }
    }
}

/// Durations as whole milliseconds.
mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// Names an ordered fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultId(u64);

/// The faults that are ordered.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    ordered: Vec<(FaultId, Fault)>,
    last: u64,
}

impl Faults {
    pub(crate) fn order(&mut self, fault: Fault) -> FaultId {
        self.last += 1;
        self.ordered.push((FaultId(self.last), fault));
        FaultId(self.last)
    }

    pub(crate) fn cancel(&mut self, id: FaultId) {
        self.ordered.retain(|(ordered, _)| *ordered != id);
    }

    pub(crate) fn clear(&mut self) {
        self.ordered.clear();
    }

    /// The effect of the first ordered fault that meets the call. Faults before it that still let calls
    /// pass count this one.
    pub(crate) fn take(&mut self, asked: &Asked) -> Option<Effect> {
        for (_, fault) in &mut self.ordered {
            if fault.times == Times::Only(0) || !fault.meets(asked) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            if let Times::Only(left) = &mut fault.times {
                *left -= 1;
            }
            return Some(fault.effect.clone());
        }
        None
    }
}

/// Whether a pattern of method and path fits the call.
fn matches(pattern: &str, asked: &Asked) -> bool {
    let Some((method, path)) = pattern.split_once(' ') else {
        return false;
    };
    if method != "*" && method != asked.method.as_str() {
        return false;
    }
    let below_base = asked.path.strip_prefix(crate::sentinelone::BASE);
    [Some(asked.path.as_str()), below_base]
        .into_iter()
        .flatten()
        .any(|candidate| {
            let wanted = path.trim().split('/');
            let given = candidate.split('/');
            wanted.clone().count() == given.clone().count()
                && wanted
                    .zip(given)
                    .all(|(want, give)| want == "*" || want == give)
        })
}

fn holds_bytes(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty()
        || haystack
            .windows(needle.len())
            .any(|window| window == needle)
}
