//! The reasons for which a user is skipped or fails: stable codes, each with a message and, where one exists, a hint.

use std::borrow::Cow;

use store::{Fault, Severity};

/// Why a user is not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Skipped: nobody in Oomnitza has the user's keys, and the preference is to update only.
    NotInOomnitza,
    /// Skipped: somebody in Oomnitza has the user's keys, and the preference is to create only.
    AlreadyInOomnitza,
    /// Skipped: `where` is false for the user.
    OutOfScope,
    /// Skipped: none of the sync keys has a value.
    NoSyncKey,
    /// Skipped: another user goes before.
    DuplicateInSource,
    /// Skipped: the keys find more than one person.
    AmbiguousInOomnitza,
    /// Failed: no record could be made of the user.
    Mapping,
    /// Failed: a `table` without `otherwise` lacks the value.
    UnknownValue,
    /// Failed: Oomnitza said no.
    Rejected,
    /// Failed: no usable answer came, for as often as it was tried.
    Unreachable,
    /// Failed: somebody changed the person in Oomnitza since the plan was made.
    Conflict,
    /// Failed: the run ended before it came to the user.
    NotAttempted,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::NotInOomnitza,
        Self::AlreadyInOomnitza,
        Self::OutOfScope,
        Self::NoSyncKey,
        Self::DuplicateInSource,
        Self::AmbiguousInOomnitza,
        Self::Mapping,
        Self::UnknownValue,
        Self::Rejected,
        Self::Unreachable,
        Self::Conflict,
        Self::NotAttempted,
    ];

    /// The outcome that it is a reason for, as people query it: `skipped` or `failed`.
    pub fn outcome(self) -> &'static str {
        self.severity().as_str()
    }

    /// The code as people query it.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotInOomnitza => "not_in_oomnitza",
            Self::AlreadyInOomnitza => "already_in_oomnitza",
            Self::OutOfScope => "out_of_scope",
            Self::NoSyncKey => "no_sync_key",
            Self::DuplicateInSource => "duplicate_in_source",
            Self::AmbiguousInOomnitza => "ambiguous_in_oomnitza",
            Self::Mapping => "mapping",
            Self::UnknownValue => "unknown_value",
            Self::Rejected => "rejected",
            Self::Unreachable => "unreachable",
            Self::Conflict => "conflict",
            Self::NotAttempted => "not_attempted",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::NotInOomnitza
            | Self::AlreadyInOomnitza
            | Self::OutOfScope
            | Self::NoSyncKey
            | Self::DuplicateInSource
            | Self::AmbiguousInOomnitza => Severity::Skipped,
            Self::Mapping
            | Self::UnknownValue
            | Self::Rejected
            | Self::Unreachable
            | Self::Conflict
            | Self::NotAttempted => Severity::Failed,
        }
    }

    /// What an operator can do, where nothing better is known of the user at hand.
    fn hint(self) -> &'static str {
        match self {
            Self::NotInOomnitza => "to have such users made, set `preference: create_and_update`",
            Self::AlreadyInOomnitza => {
                "to have such users updated, set `preference: create_and_update`"
            }
            Self::OutOfScope => "the expression is `source.where`",
            Self::NoSyncKey => {
                "add a field to `sync_keys` that has a value for this user, such as one mapped from `id`"
            }
            Self::DuplicateInSource => {
                "delete one of the users in the console, or let `source.where` leave it out"
            }
            Self::AmbiguousInOomnitza => {
                "merge the people in Oomnitza, or correct the key of one of them"
            }
            Self::Mapping => "correct the expression of the field, or the user in the console",
            Self::UnknownValue => {
                "add the value to the `table` of the field, or give the table an `otherwise`"
            }
            Self::Rejected => {
                "correct what Oomnitza names, in the console or in `mapping`; the next run tries again"
            }
            Self::Unreachable => {
                "see that Oomnitza answers; the next run finds what was written and does the rest"
            }
            Self::Conflict => "the next run looks at the person anew",
            Self::NotAttempted => "the next run takes the user up again",
        }
    }

    /// Makes the entry of the error log.
    pub(crate) fn because(self, message: impl Into<String>) -> Fault {
        Fault {
            severity: self.severity(),
            reason: self.code(),
            field: None,
            message: message.into(),
            cause: None,
            value: None,
            hint: Some(self.hint().to_owned()),
        }
    }

    /// The same, with what is wrong in words that are the same for everybody, where the message names this user's values.
    pub(crate) fn because_of_all(self, message: String, cause: &str) -> Fault {
        let mut fault = self.because(message);
        fault.cause = Some(cause.to_owned());
        fault
    }

    /// The same in the words of a system, which may name this user's values.
    pub(crate) fn in_words(self, message: String) -> Fault {
        let told = without_tries(&message);
        let (ours, theirs) = told.split_at(start_of_words(&told));
        let cause = mapping::alike(ours) + &mapping::alike_but_values(theirs);
        self.because_of_all(message, &cause)
    }

    /// The same, about one Oomnitza field.
    pub(crate) fn because_of(self, field: &str, message: impl Into<String>) -> Fault {
        let mut fault = self.because(message);
        fault.field = Some(field.to_owned());
        fault
    }
}

/// Finds where the words of a system begin: behind the colon after what says that they are its.
fn start_of_words(message: &str) -> usize {
    const SAYS: [&str; 3] = [
        "Oomnitza refused",
        "Oomnitza's run log says",
        "the answer was",
    ];
    let said = SAYS.iter().filter_map(|says| message.find(says)).min();
    let colon = said.and_then(|said| Some(said + message[said..].find(": ")?));
    colon.map_or(message.len(), |colon| colon + 2)
}

/// Leaves out how often and how long a request was tried, which differs from user to user.
fn without_tries(message: &str) -> Cow<'_, str> {
    let Some((before, tries)) = message.split_once("; gave up after ") else {
        return Cow::Borrowed(message);
    };
    let after = tries.find([';', ':']).map_or("", |end| &tries[end..]);
    Cow::Owned(format!("{before}{after}"))
}

/// Makes the entry of the error log from the issues that a mapping reports; there is at least one.
pub(crate) fn of_issues(issues: Vec<mapping::Issue>) -> Option<Fault> {
    let mut issues = issues.into_iter();
    let first = issues.next()?;
    let reason = match first.reason {
        mapping::Reason::Mapping => Reason::Mapping,
        mapping::Reason::UnknownValue => Reason::UnknownValue,
    };
    let mut fault = reason.because(first.message);
    fault.field = first.field;
    fault.value = first.value.map(Into::into);
    // Others of the user show once this one is mended.
    fault.cause = first.cause.map(Into::into);
    fault.hint = first.hint.or(fault.hint);
    for issue in issues {
        fault.message.push_str("; ");
        fault.message.push_str(&issue.message);
    }
    Some(fault)
}

#[cfg(test)]
mod tests {
    use oomnitza::Error;

    use super::*;

    fn cause(message: String) -> String {
        let fault = Reason::Rejected.in_words(message);
        fault.cause.expect("words have a cause")
    }

    #[test]
    fn backticks_are_quotes_in_the_words_of_a_system_alone() {
        let refused = |words: &str| Error::Refused {
            operation: "update a person",
            status: http::StatusCode::BAD_REQUEST,
            words: words.to_owned(),
        };
        for (message, expected) in [
            (
                refused("`L2` is no role, row 17").to_string(),
                "Oomnitza refused to update a person with 400 Bad Request: … is no role, row …",
            ),
            (
                "`role` is not as it was sent; Oomnitza's run log says: Failed: `L2` is no role"
                    .to_owned(),
                "`role` is not as it was sent; Oomnitza's run log says: Failed: … is no role",
            ),
            (
                "could not update a person: the answer was 502 Bad Gateway: `a` is down; gave up after 6 tries in 9 s"
                    .to_owned(),
                "could not update a person: the answer was 502 Bad Gateway: … is down",
            ),
            (
                "Oomnitza refused: “Ada” left at 2026-11-29T10:00:00Z".to_owned(),
                "Oomnitza refused: … left at …",
            ),
            (
                "it is wrong: put it where `credentials` points".to_owned(),
                "it is wrong: put it where `credentials` points",
            ),
        ] {
            assert_eq!(cause(message), expected);
        }
    }
}
