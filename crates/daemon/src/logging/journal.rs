//! The journal of systemd, with its fields: `run.id` is `ROLLCALL_RUN_ID` there.

use std::os::linux::fs::MetadataExt as _;
use std::{env, fs, io};

use tracing_journald::{Priority, PriorityMappings};

/// Whether our stderr is the journal's, as systemd says in `$JOURNAL_STREAM`.
///
/// The variable is inherited by whatever a service starts, so it alone says nothing: device and inode
/// must be those of our own stderr.
pub(super) fn connected() -> bool {
    let Some(stream) = env::var("JOURNAL_STREAM").ok() else {
        return false;
    };
    fs::metadata("/proc/self/fd/2")
        .is_ok_and(|stderr| is(&stream, stderr.st_dev(), stderr.st_ino()))
}

/// Connects to the journal.
pub(super) fn layer() -> io::Result<tracing_journald::Layer> {
    let priorities = PriorityMappings {
        info: Priority::Informational,
        debug: Priority::Debug,
        ..PriorityMappings::new()
    };
    // A dot is no letter of the journal's names: `tracing_journald` writes `_` for it, and capitals.
    Ok(tracing_journald::layer()?
        .with_field_prefix(Some("ROLLCALL".to_owned()))
        .with_syslog_identifier("rollcall".to_owned())
        .with_priority_mappings(priorities))
}

/// What makes a line on stderr an error in the journal; nothing where stderr is another thing.
pub(super) fn error_mark() -> &'static str {
    if connected() { "<3>" } else { "" }
}

fn is(stream: &str, device: u64, inode: u64) -> bool {
    stream.trim() == format!("{device}:{inode}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_stream_is_not_ours() {
        assert!(is("9:1234", 9, 1234));
        for stream in ["9:1235", "8:1234", "1234", "", "9:12345"] {
            assert!(!is(stream, 9, 1234), "{stream}");
        }
    }
}
