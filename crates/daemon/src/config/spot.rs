//! Where in the tree of a document a check is at, so that each fault has its place.

use super::document::Node;
use super::fault::Place;

/// A value in the document, with its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot<'a> {
    /// Where the key is; of a list entry, where the entry is.
    pub(crate) key: Place,
    /// Where the value is.
    pub(crate) value: Place,
    node: Option<&'a Node>,
}

impl<'a> Spot<'a> {
    /// The document as a whole.
    pub(crate) fn root(node: &'a Node) -> Self {
        Self {
            key: node.place,
            value: node.place,
            node: Some(node),
        }
    }

    /// The value of a key; where there is no such key, this spot's own key stands for it.
    pub(crate) fn at(self, key: &str) -> Self {
        match self.node.and_then(|node| node.entry(key)) {
            Some(entry) => Self {
                key: entry.key.place,
                value: entry.value.place,
                node: Some(&entry.value),
            },
            None => Self {
                value: self.key,
                node: None,
                ..self
            },
        }
    }

    /// An entry of a list; where there is no such entry, this spot's own key stands for it.
    pub(crate) fn item(self, index: usize) -> Self {
        match self.node.and_then(|node| node.items().get(index)) {
            Some(item) => Self {
                key: item.place,
                value: item.place,
                node: Some(item),
            },
            None => Self {
                value: self.key,
                node: None,
                ..self
            },
        }
    }

    /// Whether the file has this key here, with a good value or a bad one.
    pub(crate) fn has(self, key: &str) -> bool {
        self.node.is_some_and(|node| node.entry(key).is_some())
    }

    /// The keys here, in the order of the file, those with bad values too.
    pub(crate) fn keys(self) -> impl Iterator<Item = &'a str> {
        self.node
            .into_iter()
            .flat_map(Node::entries)
            .map(|entry| entry.key.text.as_str())
    }
}
