//! The daily files: `rollcall.2026-11-23.jsonl`, by the day in UTC.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};

const PREFIX: &str = "rollcall";
const SUFFIX: &str = "jsonl";

/// The group reads the log, others do not; whatever the umask of who starts us says.
const MODE: u32 = 0o640;

/// How many files are kept; it can change while they are written.
#[derive(Debug, Clone)]
pub(super) struct Keep(Arc<AtomicUsize>);

impl Keep {
    pub(super) fn new(files: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(files)))
    }

    pub(super) fn set(&self, files: usize) {
        self.0.store(files, Ordering::Relaxed);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The daily files of a folder.
///
/// The appender begins a file for each day; what it would get wrong is done here. It throws away
/// files by when they were made, today's too if only one is kept, and it follows no clock that is
/// set back.
pub(super) struct Files {
    folder: PathBuf,
    appender: RollingFileAppender,
    keep: Keep,
    /// The day, and how many files are kept, that the folder was put in order for.
    in_order: (Date, usize),
}

impl Files {
    /// Opens the file of today.
    pub(super) fn open(folder: &Path, keep: Keep) -> Result<Self, InitError> {
        let appender = appender(folder)?;
        let in_order = (today(), keep.get());
        put_in_order(folder, in_order);
        Ok(Self {
            folder: folder.to_owned(),
            appender,
            keep,
            in_order,
        })
    }
}

impl Write for Files {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let now = (today(), self.keep.get());
        if now.0 < self.in_order.0 {
            // It would go on with the file of the later day until that day is over.
            self.appender = appender(&self.folder).map_err(io::Error::other)?;
        }
        let written = self.appender.write(bytes)?;
        if now != self.in_order {
            put_in_order(&self.folder, now);
            self.in_order = now;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.appender.flush()
    }
}

fn appender(folder: &Path) -> Result<RollingFileAppender, InitError> {
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(PREFIX)
        .filename_suffix(SUFFIX)
        .build(folder)
}

fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

/// Gives the file of `today` its mode, and takes away the oldest files beyond those to be kept.
///
/// What cannot be done is left: the log goes on all the same.
fn put_in_order(folder: &Path, (today, keep): (Date, usize)) {
    let name = |day: Date| folder.join(format!("{PREFIX}.{day}.{SUFFIX}"));
    let _ = fs::set_permissions(name(today), Permissions::from_mode(MODE));
    let mut others = days(folder);
    others.retain(|day| *day != today);
    others.sort_unstable();
    let beyond = (others.len() + 1).saturating_sub(keep);
    for day in others.into_iter().take(beyond) {
        let _ = fs::remove_file(name(day));
    }
}

/// The days that have a file.
fn days(folder: &Path) -> Vec<Date> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let name = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
            name.strip_prefix('.')?.strip_suffix('.')?.parse().ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn name(day: Date) -> String {
        format!("rollcall.{day}.jsonl")
    }

    #[test]
    fn the_file_of_today_is_kept_and_gone_on_with_when_only_one_is() {
        let folder = tempfile::tempdir().unwrap();
        for line in ["one\n", "two\n"] {
            let mut files = Files::open(folder.path(), Keep::new(1)).unwrap();
            files.write_all(line.as_bytes()).unwrap();
        }
        let names = names(folder.path());
        let [file] = names.as_slice() else {
            panic!("{names:?}");
        };
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        assert_eq!(text, "one\ntwo\n");
    }

    #[test]
    fn files_can_be_read_by_the_group_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let _files = Files::open(folder.path(), Keep::new(1)).unwrap();
        let file = folder.path().join(&names(folder.path())[0]);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn the_oldest_files_go_by_their_days_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let today = today();
        let day = |ago: i64| today.checked_sub(ago.days()).unwrap();
        // Made in another order than that of their days.
        for ago in [2, 5, 1, 4, 3] {
            fs::write(folder.path().join(name(day(ago))), "").unwrap();
        }
        for other in ["rollcall.notes.jsonl", "other.2020-01-01.jsonl"] {
            fs::write(folder.path().join(other), "").unwrap();
        }
        let keep = Keep::new(4);
        let mut files = Files::open(folder.path(), keep.clone()).unwrap();
        let left = |kept: &[i64]| {
            let mut left: Vec<String> = kept.iter().map(|ago| name(day(*ago))).collect();
            left.extend(["other.2020-01-01.jsonl", "rollcall.notes.jsonl"].map(str::to_owned));
            left.sort();
            left
        };
        assert_eq!(names(folder.path()), left(&[0, 1, 2, 3]));

        keep.set(2);
        files.write_all(b"one\n").unwrap();
        assert_eq!(names(folder.path()), left(&[0, 1]));
    }

    #[test]
    fn a_clock_that_was_set_back_has_the_file_of_its_day() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::open(folder.path(), Keep::new(5)).unwrap();
        let file = folder.path().join(name(today()));
        fs::remove_file(&file).unwrap();
        files.in_order.0 = today().checked_add(400.days()).unwrap();
        files.write_all(b"one\n").unwrap();
        assert_eq!(fs::read_to_string(file).unwrap(), "one\n");
    }
}
