//! What was found of one thing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// What was found of one thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// What was looked at, in one word.
    pub(crate) check: String,
    /// The integration that it is about; `None`: all, or several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) integration: Option<String>,
    /// How it is.
    pub(crate) state: State,
    /// What was seen, for a person.
    pub(crate) message: String,
    /// What to do; `None`: nothing.
    pub(crate) hint: Option<String>,
}

/// How something is; the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// As it should be, or not to be known.
    Ok,
    /// To be seen to, while loads still work.
    Warn,
    /// Loads cannot work, or not as they should.
    Fail,
}

impl Finding {
    /// Something is as it should be.
    pub(crate) fn ok(check: &str, message: impl Into<String>) -> Self {
        Self::new(check, State::Ok, &message.into(), None)
    }

    /// Something is to be seen to.
    pub(super) fn warn(check: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(check, State::Warn, &message.into(), Some(&hint.into()))
    }

    /// Something fails.
    pub(crate) fn fail(check: &str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(check, State::Fail, &message.into(), Some(&hint.into()))
    }

    /// Something is as a sentence of ours says, in the form `what is wrong; what to do`.
    pub(crate) fn told(check: &str, state: State, sentence: &str, otherwise: &str) -> Self {
        let (message, hint) = sentence.split_once("; ").unwrap_or((sentence, otherwise));
        Self::new(check, state, message, Some(hint))
    }

    /// The same with a hint.
    pub(super) fn with_hint(mut self, hint: &str) -> Self {
        self.hint = Some(one_line(hint));
        self
    }

    /// The same of one integration.
    pub(super) fn of(mut self, integration: &str) -> Self {
        self.integration = Some(integration.to_owned());
        self
    }

    fn new(check: &str, state: State, message: &str, hint: Option<&str>) -> Self {
        Self {
            check: check.to_owned(),
            integration: None,
            state,
            message: one_line(message),
            hint: hint.map(one_line).filter(|hint| !hint.is_empty()),
        }
    }
}

/// Words of others may run over several lines, and hold what a terminal would obey.
fn one_line(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ok => "ok",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        write!(f, "{state:<4}  {}", self.check)?;
        if let Some(integration) = &self.integration {
            write!(f, " of {integration}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// The exit code of all that was found: that of the worst.
pub(crate) fn exit_of(found: &[Finding]) -> Exit {
    match found.iter().map(|finding| finding.state).max() {
        Some(State::Fail) => Exit::Failed,
        Some(State::Warn) => Exit::Warned,
        Some(State::Ok) | None => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line_and_ends_with_what_to_do() {
        let found = Finding::warn("clock", "it is\nlate\u{1b}[31m", "set it").of("users");
        assert_eq!(
            found.to_string(),
            "warn  clock of users: it is late [31m; set it"
        );
        assert_eq!(Finding::ok("disk", "room").to_string(), "ok    disk: room");
        let told = Finding::told("token", State::Fail, "it is wrong; make one; soon", "");
        assert_eq!(told.hint.as_deref(), Some("make one; soon"));
        assert_eq!(Finding::told("token", State::Fail, "wrong", "").hint, None);
    }

    #[test]
    fn the_worst_finding_decides() {
        let (ok, warn, fail) = (
            Finding::ok("a", ""),
            Finding::warn("b", "", ""),
            Finding::fail("c", "", ""),
        );
        let code = |found: &[Finding]| exit_of(found).code();
        assert_eq!(code(&[]), 0);
        assert_eq!(code(std::slice::from_ref(&ok)), 0);
        assert_eq!(code(&[warn.clone(), ok.clone()]), 3);
        assert_eq!(code(&[warn, fail, ok]), 1);
    }
}
