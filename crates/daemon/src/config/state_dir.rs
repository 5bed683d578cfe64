//! Where the state is, read leniently: it is asked for when the rest of a file may have faults, for
//! then more than ever a running service must be found.

use std::fs;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

use super::check::DEFAULT_STATE_DIR;
use super::document::{self, Content};
use super::fault::Report;

/// Returns the folder of the state that a file names, or that of a file that names none.
///
/// It asks for nothing else of the file, not even that it is there.
pub fn state_dir(path: &Path) -> PathBuf {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_start_matches('\u{feff}');
    let folder = path.parent().unwrap_or(Path::new(""));
    let named = written(text).or_else(|| {
        // What cannot be read as YAML mostly can up to the fault: its lines by themselves then.
        let line = text.lines().find(|line| line.starts_with("state_dir:"))?;
        written(line)
    });
    folder.join(named.as_deref().unwrap_or(DEFAULT_STATE_DIR))
}

fn written(text: &str) -> Option<String> {
    let root = document::read(text, &mut Report::default())?;
    match &root.entry("state_dir")?.value.content {
        Content::Scalar(Value::String(named)) if !named.is_empty() => Some(named.clone()),
        _ => None,
    }
}
