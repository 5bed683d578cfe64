//! Lists as one parameter, for `json_each`: a call costs far more than a row.

use serde::Serialize;

/// Writes rows of numbers and texts as JSON.
pub(crate) fn json<T: Serialize>(rows: &[T]) -> String {
    serde_json::to_string(rows).expect("numbers and texts can always be written as JSON")
}

/// Writes row ids as JSON.
pub(crate) fn list(ids: &[i64]) -> String {
    json(ids)
}
