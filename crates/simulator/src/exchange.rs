//! A call and its answer, as both systems see them.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::recording::System;

/// A call, received whole.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) system: System,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path's segments below `base`, or `None` for a path that is not below it.
    pub(crate) fn segments_below(&self, base: &str) -> Option<Vec<&str>> {
        let below = self.path.strip_prefix(base)?.strip_prefix('/')?;
        Some(below.split('/').collect())
    }

    /// Refuses parameters that are not in `known`, and those that are given twice.
    pub(crate) fn only_params(&self, known: &[&str]) -> Result<(), Refusal> {
        for (place, (name, _)) in self.query.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Refusal::rule(400, format!("`{name}` is no parameter here")));
            }
            if self.query[..place]
                .iter()
                .any(|(earlier, _)| earlier == name)
            {
                return Err(Refusal::rule(400, format!("`{name}` is given twice")));
            }
        }
        Ok(())
    }

    /// The parameter as a whole number in the range, or `default` when it is absent.
    pub(crate) fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, Refusal> {
        let Some(text) = self.param(name) else {
            return Ok(default);
        };
        match text.parse::<u64>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(Refusal::rule(
                400,
                format!(
                    "`{name}` must be a whole number from {} to {}, got `{text}`",
                    range.start(),
                    range.end()
                ),
            )),
        }
    }

    /// The body as text, after a look at its Content-Type.
    pub(crate) fn json_text(&self) -> Result<&str, Refusal> {
        let kind = self.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Refusal::rule(
                415,
                format!("a body must have the Content-Type application/json, got `{kind}`"),
            ));
        }
        std::str::from_utf8(&self.body).map_err(|_| Refusal::rule(400, "the body is not UTF-8"))
    }

    /// The body, read as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_str(self.json_text()?)
            .map_err(|error| Refusal::rule(400, format!("the body does not fit: {error}")))
    }
}

/// An answer that was not refused.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(body: &Value) -> Self {
        Self::text(body.to_string())
    }

    /// An answer whose body is JSON text already.
    pub(crate) fn text(body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.into(),
        }
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn html(status: StatusCode, title: &str) -> Self {
        let body = format!(
            "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
             <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        Self {
            status,
            headers: vec![("content-type", "text/html".to_owned())],
            body: body.into(),
        }
    }
}

/// Why a call was not done.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// Whether the caller broke a rule of the contract, and not merely sent data that cannot be taken.
    pub(crate) breaks_rule: bool,
}

impl Refusal {
    /// A call that no correct client makes.
    pub(crate) fn rule(status: u16, message: impl Into<String>) -> Self {
        Self {
            breaks_rule: true,
            ..Self::data(status, message)
        }
    }

    /// A call that a correct client may make, and that meets a no.
    pub(crate) fn data(status: u16, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            message: message.into(),
            breaks_rule: false,
        }
    }
}
