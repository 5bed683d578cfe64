//! What people read, on a terminal above all: what would steer that, or turn the direction in which it writes, is shown
//! by its code. Texts of the console and of Oomnitza may have anything in them.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, StderrLock, StdoutLock, Write};

/// Says something on stdout, a line as `println!` does.
macro_rules! say {
    ($($argument:tt)*) => { writeln!($crate::output::Screen::stdout(), $($argument)*) };
}

/// Says something on stderr, a line as `eprintln!` does; nobody is told where that does not work.
macro_rules! talk {
    ($($argument:tt)*) => {{ let _ = writeln!($crate::output::Screen::stderr(), $($argument)*); }};
}

pub(crate) use {say, talk};

/// A stream that people read.
pub(crate) struct Screen<W>(W);

impl Screen<StdoutLock<'_>> {
    pub(crate) fn stdout() -> Self {
        Self(io::stdout().lock())
    }
}

impl Screen<StderrLock<'_>> {
    pub(crate) fn stderr() -> Self {
        Self(io::stderr().lock())
    }
}

impl<W: Write> Screen<W> {
    pub(crate) fn new(stream: W) -> Self {
        Self(stream)
    }

    /// What `write!` and `writeln!` call.
    pub(crate) fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.0.write_all(shown(&text.to_string()).as_bytes())
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Shows a text of any number of lines.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let is_escaped = |character: char| steers(character) && !matches!(character, '\n' | '\t');
    escaped(text, is_escaped, |character| {
        character.escape_default().to_string()
    })
}

/// Shows a value that has one line for itself.
pub(crate) fn on_one_line(text: &str) -> Cow<'_, str> {
    escaped(text, steers, |character| {
        character.escape_default().to_string()
    })
}

/// Shows a line of YAML in which values stand in double quotes, so that it can be pasted as it is shown.
pub(crate) fn line_of_yaml(text: &str) -> Cow<'_, str> {
    escaped(text, steers, |character| {
        format!("\\u{:04x}", u32::from(character))
    })
}

/// Whether a character does something in place of being shown.
fn steers(character: char) -> bool {
    // Of those that are no control characters: marks of direction, separators of lines, embeddings, isolates.
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || turns
}

fn escaped(
    text: &str,
    is_escaped: impl Fn(char) -> bool,
    escape: impl Fn(char) -> String,
) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_escaped(character) {
            shown.push_str(&escape(character));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_by_its_code() {
        for (text, on_lines, on_one) in [
            (
                "Zoë O’Neill 王 👩‍💻",
                "Zoë O’Neill 王 👩‍💻",
                "Zoë O’Neill 王 👩‍💻",
            ),
            (
                "\u{1b}[2J\u{7}\0",
                "\\u{1b}[2J\\u{7}\\u{0}",
                "\\u{1b}[2J\\u{7}\\u{0}",
            ),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}", "\\u{9b}31m\\u{7f}"),
            (
                "a\u{202e}b\u{2066}c",
                "a\\u{202e}b\\u{2066}c",
                "a\\u{202e}b\\u{2066}c",
            ),
            (
                "\u{200e}\u{200f}\u{2069}",
                "\\u{200e}\\u{200f}\\u{2069}",
                "\\u{200e}\\u{200f}\\u{2069}",
            ),
            ("a\tb\nc", "a\tb\nc", "a\\tb\\nc"),
            ("a\r\nb", "a\\r\nb", "a\\r\\nb"),
        ] {
            assert_eq!(shown(text), on_lines);
            assert_eq!(on_one_line(text), on_one);
        }
        assert_eq!(
            line_of_yaml("\"\u{85}\u{202e}a\": 1"),
            "\"\\u0085\\u202ea\": 1"
        );
    }

    #[test]
    fn a_screen_gets_what_is_written_with_nothing_that_steers() {
        let mut stream = Vec::new();
        let mut screen = Screen::new(&mut stream);
        let title = "\u{1b}]0;title\u{7}";
        writeln!(screen, "name:\t{title}").unwrap();
        assert_eq!(stream, b"name:\t\\u{1b}]0;title\\u{7}\n");
    }
}
