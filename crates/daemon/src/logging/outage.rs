//! Lines that a file cannot take: counted, and said to be missing.

use std::io::{self, ErrorKind, Write};
use std::mem;

use jiff::Timestamp;
use serde_json::json;

/// Writes lines, and accounts for those that cannot be written.
///
/// The first that cannot is told to `talk`; when lines can be written again, one says in their midst
/// how many are missing.
pub(super) struct Accounted<W: Write, T: Write> {
    lines: W,
    talk: T,
    /// What begins a line of `talk`.
    mark: &'static str,
    /// Whether what was last written is a piece of a line.
    torn: bool,
    outage: Option<Outage>,
}

/// Lines are missing.
struct Outage {
    since: Timestamp,
    lost: u64,
    error: io::Error,
}

impl<W: Write, T: Write> Accounted<W, T> {
    pub(super) fn new(lines: W, talk: T, mark: &'static str) -> Self {
        Self {
            lines,
            talk,
            mark,
            torn: false,
            outage: None,
        }
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if mem::take(&mut self.torn)
            && let Err(error) = self.whole(b"\n")
        {
            self.torn = true;
            return Err(error);
        }
        if let Some(outage) = &self.outage {
            let missing = outage.line();
            self.whole(missing.as_bytes())?;
            self.end_outage("the log file can be written again");
        }
        self.whole(line)
    }

    /// Writes all, or remembers that only a piece was written.
    fn whole(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let all = bytes.len();
        while !bytes.is_empty() {
            match self.lines.write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(written @ 1..) => bytes = &bytes[written..],
                stopped => {
                    self.torn = bytes.len() < all;
                    return Err(stopped.err().unwrap_or_else(|| ErrorKind::WriteZero.into()));
                }
            }
        }
        Ok(())
    }

    fn lose(&mut self, error: io::Error) {
        if let Some(outage) = &mut self.outage {
            outage.lost += 1;
            return;
        }
        self.say(&format!(
            "the log file cannot be written ({error}): lines are missing in it until it can; \
             see whether its disk is full"
        ));
        self.outage = Some(Outage {
            since: Timestamp::now(),
            lost: 1,
            error,
        });
    }

    fn end_outage(&mut self, what: &str) {
        if let Some(outage) = self.outage.take() {
            let lines = match outage.lost {
                1 => "1 line is".to_owned(),
                lost => format!("{lost} lines are"),
            };
            self.say(&format!(
                "{what}; {lines} missing in it since {:.0}",
                outage.since
            ));
        }
    }

    fn say(&mut self, sentence: &str) {
        // Where this cannot be said either there is nobody left to say it to.
        let _ = writeln!(self.talk, "{}rollcall: {sentence}", self.mark);
    }
}

impl Outage {
    /// The line that stands for those that are missing, in the form of all others.
    fn line(&self) -> String {
        let line = json!({
            "timestamp": format!("{:.6}", Timestamp::now()),
            "level": "ERROR",
            "message": "Lines are missing here: the log file could not be written",
            "lines.lost": self.lost,
            "since": format!("{:.3}", self.since),
            "error": self.error.to_string(),
            "target": module_path!(),
        });
        format!("{line}\n")
    }
}

impl<W: Write, T: Write> Write for Accounted<W, T> {
    /// Takes a whole line, always: the worker of the log drops what fails without a word.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.line(line) {
            self.lose(error);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

impl<W: Write, T: Write> Drop for Accounted<W, T> {
    fn drop(&mut self) {
        self.end_outage("the log file could not be written to the end");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// A disk with some room, which takes what fits.
    #[derive(Clone, Default)]
    struct Disk(Rc<RefCell<(Vec<u8>, usize)>>);

    impl Disk {
        fn with_room(room: usize) -> Self {
            let disk = Self::default();
            disk.make_room(room);
            disk
        }

        fn make_room(&self, room: usize) {
            self.0.borrow_mut().1 = room;
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.borrow().0.clone()).unwrap()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (text, room) = &mut *self.0.borrow_mut();
            let fitting = bytes.len().min(*room);
            if fitting == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            text.extend_from_slice(&bytes[..fitting]);
            *room -= fitting;
            Ok(fitting)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_full_disk_swallowed_is_counted_where_it_is_missing() {
        let (disk, talk) = (Disk::with_room(12), Disk::with_room(usize::MAX));
        let mut log = Accounted::new(disk.clone(), talk.clone(), "<3>");
        for line in ["first\n", "second torn\n", "third\n", "fourth\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(disk.text(), "first\nsecond");
        assert_eq!(talk.text().lines().count(), 1, "{}", talk.text());
        assert!(
            talk.text()
                .starts_with("<3>rollcall: the log file cannot be written")
        );

        disk.make_room(usize::MAX);
        log.write_all(b"fifth\n").unwrap();
        let text = disk.text();
        let lines: Vec<&str> = text.lines().collect();
        let [_, torn, missing, fifth] = lines.as_slice() else {
            panic!("{text}");
        };
        assert_eq!((*torn, *fifth), ("second", "fifth"));
        let missing: serde_json::Value = serde_json::from_str(missing).unwrap();
        assert_eq!(missing["lines.lost"], 3);
        assert_eq!(missing["error"], "no storage space");
        assert!(
            talk.text()
                .contains("again; 3 lines are missing in it since 2"),
            "{}",
            talk.text()
        );

        drop(log);
        assert_eq!(talk.text().lines().count(), 2);
    }

    #[test]
    fn a_log_that_ends_while_lines_are_missing_says_so() {
        let talk = Disk::with_room(usize::MAX);
        let mut log = Accounted::new(Disk::default(), talk.clone(), "");
        log.write_all(b"line\n").unwrap();
        drop(log);
        let said = talk.text();
        assert!(
            said.contains("to the end; 1 line is missing in it"),
            "{said}"
        );
    }

    #[test]
    fn room_for_the_count_alone_begins_another_outage() {
        let (disk, talk) = (Disk::default(), Disk::with_room(usize::MAX));
        let mut log = Accounted::new(disk.clone(), talk.clone(), "");
        log.write_all(b"first\n").unwrap();
        disk.make_room(log.outage.as_ref().unwrap().line().len());
        log.write_all(b"second\n").unwrap();
        disk.make_room(usize::MAX);
        log.write_all(b"third\n").unwrap();
        let text = disk.text();
        let lost: Vec<u64> = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter_map(|line| line["lines.lost"].as_u64())
            .collect();
        assert_eq!(lost, [1, 1], "{text}");
        assert!(text.ends_with("third\n"));
    }
}
