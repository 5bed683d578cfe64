//! Which rows of a listing were seen already, at some eight bytes each.

/// A set of hashes, in which those that agree in their list and in their lower 48 bits are one.
///
/// A hash table doubles when it grows and then holds the old one beside the new: three times the
/// memory of its content for a moment, which a load of a million people would show. Here the upper
/// bits of a hash choose one of many short lists, each of which grows by itself and by little, and
/// which need not hold those bits again. In a listing that is 60 bits together: among a million
/// hashes two are equal by chance once in some two million listings.
#[derive(Debug)]
pub(crate) struct Seen {
    lists: Box<[Vec<Rest>]>,
    len: u64,
}

/// What a list holds of a hash: its lower 48 bits.
type Rest = [u8; 6];

impl Seen {
    /// Makes a set for a whole listing: up to millions of rows.
    pub(crate) fn of_listing() -> Self {
        Self::with_lists(1 << 12)
    }

    /// Makes a set for a lookup: some hundred rows.
    pub(crate) fn of_lookup() -> Self {
        Self::with_lists(1 << 2)
    }

    fn with_lists(lists: usize) -> Self {
        assert!(
            lists.is_power_of_two() && lists > 1,
            "the upper bits of a hash choose a list"
        );
        Self {
            lists: vec![Vec::new(); lists].into(),
            len: 0,
        }
    }

    /// Adds a hash and says whether it is new.
    pub(crate) fn insert(&mut self, hash: u64) -> bool {
        let upper_bits = hash >> (u64::BITS - self.lists.len().ilog2());
        let chosen = usize::try_from(upper_bits).expect("it is less than the number of lists");
        let [_, _, rest @ ..] = hash.to_be_bytes();
        let list = &mut self.lists[chosen];
        if list.contains(&rest) {
            return false;
        }
        if list.len() == list.capacity() {
            list.reserve_exact((list.len() / 8).max(4));
        }
        list.push(rest);
        self.len += 1;
        true
    }

    /// Returns the number of distinct hashes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(
            // Few upper bits and few lower ones, so that lists fill and hashes repeat.
            hashes in prop::collection::vec(
                (0_u64..4, 0_u64..50).prop_map(|(high, low)| high << 62 | low),
                0..500,
            ),
        ) {
            for mut seen in [Seen::of_listing(), Seen::of_lookup()] {
                let mut model = HashSet::new();
                for &hash in &hashes {
                    prop_assert_eq!(seen.insert(hash), model.insert(hash));
                    prop_assert_eq!(seen.len(), model.len() as u64);
                }
            }
        }
    }
}
