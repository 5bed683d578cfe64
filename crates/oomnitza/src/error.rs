//! What can go wrong between us and the instance.

use http::StatusCode;
use transport::Refusal;

use crate::model::Malformed;

/// Why a call to the instance did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The instance does not accept the token (401).
    #[error(
        "Oomnitza does not accept the token: it is wrong, was deleted or has expired; \
         make a new one for the dedicated user under Configuration > Security > API Token \
         and put it where `credentials` points"
    )]
    Unauthorized(#[source] transport::Error),

    /// The token's user may not do this (403).
    #[error("Oomnitza does not let the token's user do this; look at that user's role in Oomnitza")]
    Forbidden(#[source] transport::Error),

    /// The instance says no: with another status of 4xx, or in the body of a 2xx.
    #[error("Oomnitza refused to {operation} with {status}{}{words}", if words.is_empty() { "" } else { ": " })]
    Refused {
        /// What was asked, as in "could not …".
        operation: &'static str,
        /// The status, which can be a 2xx.
        status: StatusCode,
        /// The beginning of what it said, on one line; empty where it said nothing.
        words: String,
    },

    /// No usable answer came, for as often as it was tried.
    #[error(transparent)]
    Transport(transport::Error),

    /// A listing goes on for ever: page after page shows only people who were seen already.
    #[error("Oomnitza shows the same people on every page; it seems to ignore `skip`")]
    Repeats,

    /// A lookup found somebody who cannot be told from others.
    #[error("Oomnitza answered a lookup with somebody who is no usable person")]
    Malformed(#[source] Malformed),
}

impl Error {
    /// Sorts what the transport reports by what a caller does about it.
    pub(crate) fn from_transport(operation: &'static str, error: transport::Error) -> Self {
        match error.refusal() {
            Some(Refusal {
                status: StatusCode::UNAUTHORIZED,
                ..
            }) => Self::Unauthorized(error),
            Some(Refusal {
                status: StatusCode::FORBIDDEN,
                ..
            }) => Self::Forbidden(error),
            // 408 and 429 are transient: they say nothing about what was asked.
            Some(refusal) if refusal.status.is_client_error() && !error.is_transient() => {
                Self::Refused {
                    operation,
                    status: refusal.status,
                    words: refusal.excerpt.clone(),
                }
            }
            _ => Self::Transport(error),
        }
    }

    /// Whether the instance looked at this one record or batch and will not have it, now or later.
    ///
    /// A 403 counts: one person can be off limits to the token's user while the next is not.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Forbidden(_))
    }

    /// Whether the token is not accepted, so that no further call can succeed.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unauthorized(_))
    }

    /// Whether what was asked may have been done although no usable answer came.
    pub fn may_have_arrived(&self) -> bool {
        match self {
            Self::Transport(error) => error.may_have_arrived(),
            Self::Unauthorized(_)
            | Self::Forbidden(_)
            | Self::Refused { .. }
            | Self::Repeats
            | Self::Malformed(_) => false,
        }
    }

    /// Returns the status of the answer, where there was one that says no.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Unauthorized(error) | Self::Forbidden(error) | Self::Transport(error) => {
                error.status()
            }
            Self::Refused { status, .. } => Some(*status),
            Self::Repeats | Self::Malformed(_) => None,
        }
    }
}
