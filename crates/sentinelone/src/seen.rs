//! The ids that a listing has given already, at about eight bytes each.

use std::collections::HashSet;

/// How many ids a chunk holds: one insertion moves at most 8 KiB.
const CHUNK: usize = 1024;

/// A set of ids, made for a million of them that come nearly in order.
///
/// An id of digits is kept as a number in one of many sorted chunks, which are full after a
/// listing that came in order, or nearly so.
#[derive(Default)]
pub(crate) struct Seen {
    // No chunk is empty, each is sorted, and each ends below the beginning of the next.
    chunks: Vec<Vec<u64>>,
    others: HashSet<Box<str>>,
    count: u64,
}

impl Seen {
    /// Adds an id, and says whether it is new.
    pub(crate) fn insert(&mut self, id: &str) -> bool {
        let is_new = match number(id) {
            Some(number) => self.insert_number(number),
            None => self.others.insert(id.into()),
        };
        self.count += u64::from(is_new);
        is_new
    }

    /// How many ids there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    fn insert_number(&mut self, number: u64) -> bool {
        // The chunk to hold the number is the last that begins at or below it.
        let after = self
            .chunks
            .partition_point(|chunk| chunk.first().is_some_and(|first| *first <= number));
        let index = after.saturating_sub(1);
        let Some(chunk) = self.chunks.get_mut(index) else {
            self.chunks.push(chunk_of(&[number]));
            return true;
        };
        let Err(place) = chunk.binary_search(&number) else {
            return false;
        };
        if chunk.len() < CHUNK {
            chunk.insert(place, number);
            return true;
        }
        let cut = cut(place);
        let mut upper = chunk_of(&chunk[cut..]);
        chunk.truncate(cut);
        if place <= cut && cut < CHUNK {
            chunk.insert(place, number);
        } else {
            upper.insert(place - cut, number);
        }
        self.chunks.insert(index + 1, upper);
        true
    }
}

/// Where to cut a full chunk that a number is to go into.
///
/// Beside a number near an end, as more are coming there and the rest stays full; else in half.
fn cut(place: usize) -> usize {
    if (CHUNK / 8..=CHUNK / 8 * 7).contains(&place) {
        CHUNK / 2
    } else {
        place
    }
}

/// A chunk with room for all that it may come to hold, and for no more.
fn chunk_of(numbers: &[u64]) -> Vec<u64> {
    let mut chunk = Vec::with_capacity(CHUNK);
    chunk.extend_from_slice(numbers);
    chunk
}

/// The number that is written in exactly this way, if there is one: `007` is another id than `7`.
fn number(id: &str) -> Option<u64> {
    let is_canonical = id == "0" || id.starts_with(|c: char| matches!(c, '1'..='9'));
    is_canonical.then(|| id.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        // Many ids in few cases: what matters are sets of several chunks.
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn it_agrees_with_a_set_of_strings(
            ids in prop::collection::vec(prop_oneof![
                (0_u64..6000).prop_map(|id| id.to_string()),
                any::<u64>().prop_map(|id| id.to_string()),
                "[0-9a-z]{0,3}",
            ], 0..6000),
        ) {
            let mut seen = Seen::default();
            let mut expected = HashSet::new();
            for id in ids {
                prop_assert_eq!(seen.insert(&id), expected.insert(id.clone()), "{}", id);
            }
            prop_assert_eq!(seen.count(), u64::try_from(expected.len()).unwrap());
        }
    }

    #[test]
    fn spellings_of_one_number_are_different_ids() {
        let mut seen = Seen::default();
        for id in [
            "7",
            "07",
            "+7",
            "7.0",
            "",
            "0",
            "00",
            "18446744073709551616",
        ] {
            assert!(seen.insert(id), "{id}");
            assert!(!seen.insert(id), "{id}");
        }
    }

    #[test]
    fn ids_in_order_cost_eight_bytes_each() {
        let mut seen = Seen::default();
        for id in 0..100 * CHUNK {
            // Each pair of neighbours comes in the wrong order, as in a listing that shifts.
            assert!(seen.insert(&(id ^ 1).to_string()));
        }
        let room: usize = seen.chunks.iter().map(Vec::capacity).sum();
        assert!(room <= 103 * CHUNK, "{room}");
    }

    #[test]
    fn ids_from_the_highest_down_and_between_are_kept_apart() {
        let mut seen = Seen::default();
        for id in (0..5000).rev().chain(5000..10_000) {
            assert!(seen.insert(&(id * 2).to_string()));
        }
        for id in 0..10_000 {
            assert!(!seen.insert(&(id * 2).to_string()));
            assert!(seen.insert(&(id * 2 + 1).to_string()));
        }
        assert_eq!(seen.count(), 20_000);
    }
}
