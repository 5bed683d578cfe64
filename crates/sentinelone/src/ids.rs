//! Ids are text: they have 18 or 19 digits, which is more than a JSON number can be trusted with.

use std::{cmp::Ordering, fmt};

/// The id of a console user.
///
/// Ids order as numbers where both are digits, so that the lowest is the one made first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserId(Box<str>);

/// An id without a character in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user id must not be empty")]
pub struct EmptyId;

impl UserId {
    /// The id as the console writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id can be a segment of a URL's path, as every real one can.
    pub(crate) fn fits_path(&self) -> bool {
        self.0
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    }
}

impl TryFrom<&str> for UserId {
    type Error = EmptyId;

    fn try_from(id: &str) -> Result<Self, EmptyId> {
        if id.trim().is_empty() {
            return Err(EmptyId);
        }
        Ok(Self(id.into()))
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Ord for UserId {
    fn cmp(&self, other: &Self) -> Ordering {
        let digits = |id: &Self| id.0.bytes().all(|byte| byte.is_ascii_digit());
        if digits(self) && digits(other) {
            let (a, b) = (
                self.0.trim_start_matches('0'),
                other.0.trim_start_matches('0'),
            );
            // The last comparison tells `7` from `07`, which are different ids.
            (a.len(), a, &self.0).cmp(&(b.len(), b, &other.0))
        } else {
            // Digits come first, so that the order of any three ids is consistent.
            (!digits(self), &self.0).cmp(&(!digits(other), &other.0))
        }
    }
}

impl PartialOrd for UserId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_digits_order_as_numbers() {
        let mut ids = [
            "225494730938493804",
            "99",
            "abc",
            "1225494730938493804",
            "100",
            "007",
        ]
        .map(|id| UserId::try_from(id).unwrap());
        ids.sort();
        let ids = ids.map(|id| id.to_string());
        assert_eq!(
            ids,
            [
                "007",
                "99",
                "100",
                "225494730938493804",
                "1225494730938493804",
                "abc"
            ]
        );
    }

    #[test]
    fn an_empty_id_is_refused() {
        assert_eq!(UserId::try_from(""), Err(EmptyId));
        assert_eq!(UserId::try_from("  "), Err(EmptyId));
    }
}
