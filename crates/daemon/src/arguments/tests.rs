//! Whatever command line is named to somebody can be typed.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use clap::error::ErrorKind;

use super::Arguments;

/// All files below a folder with one of the endings.
fn files(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the workspace") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("tests") {
            files(&path, endings, found);
        } else if path
            .extension()
            .is_some_and(|ending| endings.iter().any(|one| ending == *one))
        {
            found.push(path);
        }
    }
}

/// The command lines that a text names: in backticks, behind `Example: `, and as lines of what is to be typed.
fn named(text: &str) -> Vec<String> {
    const AT: &str = "rollcall ";
    let mut lines: Vec<String> = text
        .split('`')
        .filter(|quoted| quoted.starts_with(AT))
        .map(str::to_owned)
        .collect();
    for line in text.lines() {
        let line = line.trim();
        let line = line.split("Example: ").last().unwrap_or_default();
        let line = line.split("\")").next().unwrap_or_default();
        let line = line.strip_prefix("sudo ").unwrap_or(line);
        let line = line.strip_prefix("-u rollcall ").unwrap_or(line);
        // A sentence has more in it.
        if line.starts_with(AT) && !line.contains('`') {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// The words of a command line, as a shell takes it apart; what is said about it and where it goes are left out.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut quote, mut depth) = (None, 0);
    for character in line.replace("\\\"", "\"").chars() {
        match character {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            _ => {}
        }
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, ' ' | '\n') if depth == 0 => words.push(String::new()),
            // What may be left out is tried too.
            (None, '[' | ']') => {}
            _ => words
                .last_mut()
                .expect("there always is one")
                .push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    let ends = |word: &String| ["#", "|", ">", "&&", "2>", "\\", "\\\\"].contains(&word.as_str());
    let end = words.iter().position(ends).unwrap_or(words.len());
    words.truncate(end);
    words
}

#[test]
fn whatever_command_line_is_named_to_somebody_can_be_typed() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut paths = vec![root.join("README.md"), root.join("CHANGELOG.md")];
    for folder in ["crates", "docs", "config", "deploy"] {
        files(
            &root.join(folder),
            &["rs", "md", "yaml", "yml", "service"],
            &mut paths,
        );
    }
    let (mut tried, mut wrong) = (0, Vec::new());
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        // In Rust, a text goes on in the next line behind a backslash.
        let lines: Vec<&str> = text.split("\\\n").collect();
        let text = lines
            .iter()
            .map(|line| line.trim_start())
            .collect::<String>()
            .replace("\\n", "\n");
        for line in named(&text) {
            let Err(error) = Arguments::try_parse_from(words(&line)) else {
                tried += 1;
                continue;
            };
            // A command alone stands for what it does.
            if error.kind() != ErrorKind::MissingRequiredArgument {
                wrong.push(format!("{}: `{line}`: {error}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 80, "{tried}");
}
