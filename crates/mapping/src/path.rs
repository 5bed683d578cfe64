//! Bare paths: `email`, `scopeRoles.0.roleName`.

use crate::raw;

/// A path into the JSON of a user, and the name that it starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    root: String,
    steps: Vec<Step>,
}

/// One step of a path: a member of an object, and of a list where it is a number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    name: String,
    index: Option<usize>,
}

impl Path {
    /// Reads a path: a name, then names or indexes, with dots between. None for anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut segments = text.split('.');
        let root = segments.next().filter(|root| is_name(root))?;
        let steps = segments.map(Step::parse).collect::<Option<Vec<_>>>()?;
        Some(Self {
            root: root.to_owned(),
            steps,
        })
    }

    /// The name that the path starts from.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// The names after the root, without the indexes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.steps.iter().filter(|step| step.index.is_none());
        names.map(|step| step.name.as_str())
    }

    /// Appends what the path finds below the JSON of its root; nothing where it finds nothing.
    pub(crate) fn write(&self, root: &str, out: &mut String) {
        let mut raw = root;
        for step in &self.steps {
            raw = step.descend(raw);
        }
        raw::push_compact(out, raw);
    }
}

impl Step {
    fn parse(text: &str) -> Option<Self> {
        let is_index = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (is_index || is_name(text)).then(|| Self {
            name: text.to_owned(),
            index: if is_index { text.parse().ok() } else { None },
        })
    }

    fn descend<'a>(&self, raw: &'a str) -> &'a str {
        let found = match (raw.as_bytes().first(), self.index) {
            (Some(b'{'), _) => raw::members(raw)
                .ok()
                .map(|members| raw::member(&members, &self.name)),
            (Some(b'['), Some(index)) => raw::items(raw)
                .ok()
                .and_then(|items| items.get(index).copied()),
            _ => None,
        };
        found.unwrap_or_default()
    }
}

/// Whether a text is a name as templates know it: letters, digits, `_`, no digit first.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
