//! The values that are more than a YAML text or number.

use schemars::JsonSchema;
use serde::Deserialize;

/// A length of time: a whole number and its unit, `s`, `m`, `h` or `d`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    rename = "Duration",
    extend("pattern" = r"^[0-9]+[smhd]$", "examples" = ["30s", "10m", "12h", "7d"])
)]
pub(crate) struct DurationText(pub(crate) String);

/// An id of the console: its digits, in quotes or not.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("examples" = ["225494730938493804"]))]
pub(crate) enum Id {
    /// The digits in quotes.
    Text(#[schemars(extend("pattern" = r"^[0-9]+$"))] String),
    /// The digits as a number, up to 2^64.
    Number(u64),
}

/// A share of the population (`10%`), or a number of users.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("examples" = ["10%", 50]))]
pub(crate) enum Share {
    /// A percentage from `0%` to `100%`.
    Percent(#[schemars(extend("pattern" = r"^[0-9]+(\.[0-9]+)?%$"))] String),
    /// A number of users.
    Users(u64),
}
