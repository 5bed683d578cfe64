//! Cursors: opaque to callers, and good only for the query that they were given for.

use crate::exchange::Refusal;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Where a listing goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Stands for the filters and the order.
    pub(crate) query: u64,
    /// The place of the next row.
    pub(crate) place: usize,
    /// How many empty pages came before it at this place: no cursor is given twice in a row.
    pub(crate) empty_pages: u32,
}

impl Cursor {
    /// As base64 with padding, which has to be encoded in a URL.
    pub(crate) fn encode(self) -> String {
        let Self {
            query,
            place,
            empty_pages,
        } = self;
        base64(format!("{query:016x}_id:{place}+{empty_pages}").as_bytes())
    }

    /// Reads a cursor that was made for this query.
    pub(crate) fn decode(text: &str, query: u64) -> Result<Self, Refusal> {
        let cursor = unbase64(text)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .and_then(|plain| {
                let (query, place) = plain.split_once("_id:")?;
                let (place, empty_pages) = place.split_once('+')?;
                Some(Self {
                    query: u64::from_str_radix(query, 16).ok()?,
                    place: place.parse().ok()?,
                    empty_pages: empty_pages.parse().ok()?,
                })
            })
            .ok_or_else(|| Refusal::rule(400, "the cursor is none of ours"))?;
        if cursor.query == query {
            Ok(cursor)
        } else {
            Err(Refusal::rule(
                400,
                "the cursor was made for other filters or another order: send the same with each cursor",
            ))
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            if place > chunk.len() {
                text.push('=');
            } else {
                let sextet = bits >> (18 - 6 * place) & 63;
                text.push(char::from(ALPHABET[sextet as usize]));
            }
        }
    }
    text
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in digits.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for place in 0..4 {
            let sextet = match chunk.get(place) {
                Some(letter) => ALPHABET.iter().position(|known| known == letter)?,
                None => 0,
            };
            bits = bits << 6 | u32::try_from(sextet).ok()?;
        }
        let group = bits.to_be_bytes();
        bytes.extend_from_slice(group.get(1..chunk.len())?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_back(query: u64, place: usize, empty_pages: u32) {
            let cursor = Cursor { query, place, empty_pages };
            prop_assert_eq!(Cursor::decode(&cursor.encode(), query).unwrap(), cursor);
            prop_assert!(Cursor::decode(&cursor.encode(), query ^ 1).is_err());
        }

        #[test]
        fn no_text_upsets_the_decoder(text in "\\PC*") {
            let _ = Cursor::decode(&text, 0);
        }
    }

    #[test]
    fn base64_is_the_standard_one() {
        assert_eq!(base64(b"agent_id:58029381"), "YWdlbnRfaWQ6NTgwMjkzODE=");
        assert_eq!(
            unbase64("YWdlbnRfaWQ6NTgwMjkzODE=").unwrap(),
            b"agent_id:58029381"
        );
    }
}
