//! The YAML of a configuration as a tree in which every key and value knows its place.
//!
//! `serde_yaml` stops at its first fault and knows no places afterwards, so the tree is built from
//! the events of `saphyr-parser`; what a plain word means (a number, a boolean, nothing, a text) is
//! still `serde_yaml`'s decision, in one function: [`resolve`].
//! A configuration is plain data: tags, merge keys and several documents are refused, aliases stand
//! for what they name.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_yaml::Value;

use super::fault::{Place, Report};

/// Deeper than any configuration, and shallow enough for the stack.
const DEEPEST: usize = 32;

/// More than any configuration holds; aliases of aliases grow beyond every bound otherwise.
const MOST_NODES: usize = 100_000;

/// A value in the file.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A text, number, boolean or nothing.
    Scalar(Value),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Something that was refused, with its fault already reported.
    Refused,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Node,
}

/// A key as text, and whether it is a text in YAML too: `1`, `true` and `~` are not.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: Place,
    pub(crate) is_text: bool,
}

impl Node {
    /// Returns the entry of a key, where this is a map that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key.text == key),
            _ => None,
        }
    }

    /// Returns the entries of a map, nothing for anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list, nothing for anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// How many values there are, this one included.
    fn size(&self) -> usize {
        1 + self.inner().map(Self::size).sum::<usize>()
    }

    /// How many levels there are below this one.
    fn depth(&self) -> usize {
        self.inner()
            .map(|inner| 1 + inner.depth())
            .max()
            .unwrap_or(0)
    }

    fn inner(&self) -> impl Iterator<Item = &Self> {
        let values = self.entries().iter().map(|entry| &entry.value);
        values.chain(self.items())
    }
}

/// Reads a document; `None` where there is none, with the reason reported.
pub(crate) fn read(text: &str, report: &mut Report) -> Option<Node> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
        report,
    };
    match reader.document() {
        Ok(
            Some(Node {
                content: Content::Scalar(Value::Null),
                ..
            })
            | None,
        ) => {
            let message = "the file is empty; write at least `credentials` and `integrations`";
            report.fault(Place::START, message);
            None
        }
        Ok(node) => node,
        Err(Stop::Syntax(error)) => {
            let place = Place {
                line: error.marker().line(),
                column: error.marker().col() + 1,
            };
            report.fault(place, syntax_message(text, place, error.info()));
            None
        }
        Err(Stop::Reported) => None,
    }
}

fn syntax_message(text: &str, place: Place, info: &str) -> String {
    let line = text
        .lines()
        .nth(place.line.saturating_sub(1))
        .unwrap_or_default();
    let advice = if line.contains(": {{") {
        "write a template in quotes: `\"{{ … }}\"`"
    } else if line.trim_start_matches(' ').starts_with('\t') {
        "indent with spaces, not with tabs"
    } else {
        "look at the indentation, quotes and brackets here and in the line before"
    };
    format!("this cannot be read as YAML ({info}); {advice}")
}

/// Why reading ends early.
enum Stop {
    Syntax(ScanError),
    /// The rest cannot be made sense of, and why was reported.
    Reported,
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        Self::Syntax(error)
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// What each anchor names, once it is complete.
    anchors: HashMap<usize, Node>,
    nodes: usize,
    report: &'a mut Report,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Option<Node>, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.event()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) if root.is_some() => {
                    let place = start(span);
                    self.report.fault(
                        place,
                        "a second document begins here, and only the first would count; \
                         take it out, with its `---`",
                    );
                    return Err(Stop::Reported);
                }
                Event::StreamStart
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Nothing => {}
                _ => root = Some(self.node(event, span, 0)?),
            }
        }
    }

    fn event(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.parser.next_event() {
            Some(event) => Ok(event?),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// Reads the node that begins with `event`.
    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        let place = start(span);
        self.count(1, place)?;
        self.descend(depth, place)?;
        let (content, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (self.scalar(&text, style, place), anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (self.list(depth)?, anchor, tag),
            Event::MappingStart(anchor, tag) => (self.map(depth)?, anchor, tag),
            Event::Alias(anchor) => return self.alias(anchor, place, depth),
            _ => unreachable!("the parser ends collections before documents"),
        };
        let mut node = Node { place, content };
        if let Some(tag) = tag {
            self.report.fault(
                place,
                format!(
                    "tags such as `{}{}` are not read; take it out, and put quotes around \
                     what is to be a text",
                    tag.handle, tag.suffix
                ),
            );
            node.content = Content::Refused;
        }
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// Everything that walks the tree calls itself for each level.
    fn descend(&mut self, depth: usize, place: Place) -> Result<(), Stop> {
        if depth <= DEEPEST {
            return Ok(());
        }
        self.report.fault(
            place,
            format!("this is nested more than {DEEPEST} levels deep; no key wants that"),
        );
        Err(Stop::Reported)
    }

    fn count(&mut self, nodes: usize, place: Place) -> Result<(), Stop> {
        self.nodes += nodes;
        if self.nodes <= MOST_NODES {
            return Ok(());
        }
        self.report.fault(
            place,
            format!("up to here the file has more than {MOST_NODES} values; use fewer aliases"),
        );
        Err(Stop::Reported)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, place: Place) -> Content {
        if style != ScalarStyle::Plain {
            return Content::Scalar(Value::String(text.to_owned()));
        }
        let value = resolve(text);
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        // Digits behind a zero are a text, and keep all of themselves.
        if digits.bytes().all(|byte| byte.is_ascii_digit())
            && digits.starts_with(|first| ('1'..='9').contains(&first))
            && !matches!(&value, Value::Number(number) if !number.is_f64())
        {
            self.report.fault(
                place,
                "this number is too large to be kept to its last digit; write a smaller one, or an id in quotes",
            );
            return Content::Refused;
        }
        if matches!(&value, Value::Number(number) if !number.is_finite()) {
            self.report.fault(
                place,
                format!("`{text}` is not a number that can be used; write one with digits"),
            );
            return Content::Refused;
        }
        Content::Scalar(value)
    }

    fn list(&mut self, depth: usize) -> Result<Content, Stop> {
        let mut items = Vec::new();
        loop {
            match self.event()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Content, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut first_places: HashMap<String, Place> = HashMap::new();
        let mut is_refused = false;
        loop {
            let key = match self.event()? {
                // What a map lacks cannot be told when what was meant by a key cannot.
                (Event::MappingEnd, _) if is_refused => return Ok(Content::Refused),
                (Event::MappingEnd, _) => return Ok(Content::Map(entries)),
                (event, span) => self.key(event, span, depth)?,
            };
            let (event, span) = self.event()?;
            let value = self.node(event, span, depth + 1)?;
            let Some(key) = key else {
                is_refused = true;
                continue;
            };
            if let Some(first) = first_places.get(&key.text) {
                self.report.fault(
                    key.place,
                    format!(
                        "`{}` was given before, at line {} column {}; keep one of the two",
                        key.text, first.line, first.column
                    ),
                );
                continue;
            }
            first_places.insert(key.text.clone(), key.place);
            entries.push(Entry { key, value });
        }
    }

    /// Reads a key; `None` when it is refused, with the reason reported.
    fn key(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Option<Key>, Stop> {
        let plain = matches!(&event, Event::Scalar(_, ScalarStyle::Plain, ..));
        let node = self.node(event, span, depth + 1)?;
        let place = node.place;
        match node.content {
            Content::Scalar(Value::String(text)) if plain && text == "<<" => {
                self.report
                    .fault(place, "merge keys (`<<`) are not read; write the keys out");
                Ok(None)
            }
            Content::Scalar(value) => {
                let (text, is_text) = match value {
                    Value::String(text) => (text, true),
                    other => (scalar_text(&other), false),
                };
                Ok(Some(Key {
                    text,
                    place,
                    is_text,
                }))
            }
            Content::List(_) | Content::Map(_) => {
                self.report.fault(
                    place,
                    "a key cannot be a list or a map; if this is a template, \
                     write it in quotes: `\"{{ … }}\"`",
                );
                Ok(None)
            }
            Content::Refused => Ok(None),
        }
    }

    fn alias(&mut self, anchor: usize, place: Place, depth: usize) -> Result<Node, Stop> {
        // An anchor is known once its node is complete, so a node that holds itself is not found.
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            self.report.fault(
                place,
                "this alias stands inside of what it names; write it out",
            );
            return Ok(Node {
                place,
                content: Content::Refused,
            });
        };
        self.count(node.size(), place)?;
        self.descend(depth + node.depth(), place)?;
        Ok(node)
    }
}

/// Decides what an unquoted word is.
///
/// The one place where `serde_yaml` reads YAML: whether `02:00`, `yes`, `1e3` or `~` is a text, a
/// number, a boolean or nothing is as it says, here and everywhere.
fn resolve(word: &str) -> Value {
    match serde_yaml::from_str(word) {
        Ok(value @ (Value::Null | Value::Bool(_) | Value::Number(_))) => value,
        // Words that mean more at the start of a document (`...`, `a: b`) were read as one word in
        // theirs, and that is what they are.
        _ => Value::String(word.to_owned()),
    }
}

/// The text of a scalar that is no text, as keys of a `table` are compared: numbers in canonical
/// decimal, `true` and `false`, and `null`.
fn scalar_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(boolean) => boolean.to_string(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        _ => String::new(),
    }
}

fn start(span: Span) -> Place {
    Place {
        line: span.start.line().max(1),
        column: span.start.col() + 1,
    }
}
