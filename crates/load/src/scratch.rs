//! Scratch: what a run holds of both sides, in unnamed files that vanish with the process.
//!
//! Memory does not grow with the population beyond a few bytes a user: rows go to a file as they are read,
//! and keys go to a fixed number of parts, of which one at a time is looked at.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

/// The bytes before each row that say how long it is.
const LENGTH: usize = 4;
/// Every so many rows it is remembered where one begins.
const STRIDE: usize = 16;
/// How many parts keys are spread over: one of a million users' is then below a megabyte.
const PARTS: usize = 64;
/// How many keys of a part are held before they go to its file.
const HELD: usize = 256;
/// The bytes of a key in its file: hash, row, key number.
const KEY_BYTES: usize = 16 + 4 + 1;

/// Rows in the order in which they were read, each to be had again by its number.
pub(crate) struct Rows {
    folder: PathBuf,
    writer: BufWriter<File>,
    index: Index,
    end: u64,
    buffer: Vec<u8>,
}

/// Where rows begin.
#[derive(Default)]
struct Index {
    rows: usize,
    /// Where every [`STRIDE`]th row begins; the others are found from there.
    starts: Vec<u64>,
}

impl Rows {
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let writer = BufWriter::with_capacity(256 * 1024, tempfile::tempfile_in(folder)?);
        Ok(Self {
            folder: folder.to_owned(),
            writer,
            index: Index::default(),
            end: 0,
            buffer: Vec::new(),
        })
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.index.rows
    }

    /// Appends a row; gives its number.
    pub(crate) fn push(&mut self, row: &impl Serialize) -> io::Result<u32> {
        self.buffer.clear();
        self.buffer.extend_from_slice(&[0; LENGTH]);
        let mut buffer =
            postcard::to_extend(row, std::mem::take(&mut self.buffer)).map_err(io::Error::other)?;
        let length = u32::try_from(buffer.len() - LENGTH).map_err(io::Error::other)?;
        buffer[..LENGTH].copy_from_slice(&length.to_le_bytes());
        self.writer
            .write_all(&buffer)
            .map_err(|error| in_folder(&self.folder, &error))?;
        let number = u32::try_from(self.index.rows).map_err(io::Error::other)?;
        if self.index.rows.is_multiple_of(STRIDE) {
            self.index.starts.push(self.end);
        }
        self.index.rows += 1;
        self.end += buffer.len() as u64;
        self.buffer = buffer;
        Ok(number)
    }

    /// Ends the writing, so that rows can be read.
    pub(crate) fn finish(mut self) -> io::Result<FinishedRows> {
        self.writer
            .flush()
            .map_err(|error| in_folder(&self.folder, &error))?;
        let file = self
            .writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok(FinishedRows {
            file,
            index: self.index,
        })
    }
}

/// An error of a file without a name, with the folder that it is in.
fn in_folder(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{error} in `{}`", folder.display()))
}

/// Rows that are complete.
pub(crate) struct FinishedRows {
    file: File,
    index: Index,
}

/// A stretch of a file that was read last; whoever asks for rows in about their order finds the next one there.
#[derive(Default)]
pub(crate) struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Gives `length` bytes of a file from `start` on.
    fn bytes(&mut self, file: &File, start: u64, length: usize) -> io::Result<&[u8]> {
        /// Some rows of the usual length.
        const USUAL: usize = 16 * 1024;
        let offset = start
            .checked_sub(self.start)
            .and_then(|offset| usize::try_from(offset).ok());
        let offset = match offset {
            Some(offset) if offset + length <= self.bytes.len() => offset,
            _ => {
                self.bytes.resize(length.max(USUAL), 0);
                let mut had = 0;
                while had < self.bytes.len() {
                    match file.read_at(&mut self.bytes[had..], start + had as u64)? {
                        0 => break,
                        read => had += read,
                    }
                }
                self.bytes.truncate(had);
                self.start = start;
                0
            }
        };
        self.bytes
            .get(offset..offset + length)
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl FinishedRows {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.index.rows
    }

    /// Reads one row by its number, borrowed from `window`.
    pub(crate) fn get<'w, T: Deserialize<'w>>(
        &self,
        row: u32,
        window: &'w mut Window,
    ) -> io::Result<T> {
        let row = usize::try_from(row).map_err(io::Error::other)?;
        let mut start = self.index.starts[row / STRIDE];
        let mut length = self.length(start, window)?;
        for _ in 0..row % STRIDE {
            start += (LENGTH + length) as u64;
            length = self.length(start, window)?;
        }
        let bytes = window.bytes(&self.file, start + LENGTH as u64, length)?;
        postcard::from_bytes(bytes).map_err(io::Error::other)
    }

    fn length(&self, start: u64, window: &mut Window) -> io::Result<usize> {
        let mut length = [0; LENGTH];
        length.copy_from_slice(window.bytes(&self.file, start, LENGTH)?);
        usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)
    }

    /// Reads all rows in order.
    pub(crate) fn scan(&self) -> io::Result<Scan> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let reader = BufReader::with_capacity(256 * 1024, file);
        Ok(Scan {
            reader,
            left: self.index.rows,
            buffer: Vec::new(),
        })
    }
}

/// All rows in order, one after another.
pub(crate) struct Scan {
    reader: BufReader<File>,
    left: usize,
    buffer: Vec<u8>,
}

impl Scan {
    /// Reads the next row; `None` after the last.
    pub(crate) fn next<'b, T: Deserialize<'b>>(&'b mut self) -> io::Result<Option<T>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut length = [0; LENGTH];
        self.reader.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
        self.buffer.resize(length, 0);
        self.reader.read_exact(&mut self.buffer)?;
        postcard::from_bytes(&self.buffer)
            .map(Some)
            .map_err(io::Error::other)
    }
}

/// A sync key's value, of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// XXH3-128 of the canonical value.
    pub(crate) hash: [u8; 16],
    /// Which of the sync keys, in the order in which they are tried.
    pub(crate) number: u8,
    /// The row that has it.
    pub(crate) row: u32,
}

impl Key {
    /// Makes the key of `row` from the canonical text of its value.
    pub(crate) fn new(number: u8, canonical: &str, row: u32) -> Self {
        Self {
            hash: xxh3_128(canonical.as_bytes()).to_le_bytes(),
            number,
            row,
        }
    }

    fn to_bytes(self) -> [u8; KEY_BYTES] {
        let mut bytes = [0; KEY_BYTES];
        bytes[..16].copy_from_slice(&self.hash);
        bytes[16..20].copy_from_slice(&self.row.to_le_bytes());
        bytes[20] = self.number;
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let (mut hash, mut row) = ([0; 16], [0; 4]);
        hash.copy_from_slice(&bytes[..16]);
        row.copy_from_slice(&bytes[16..20]);
        Self {
            hash,
            row: u32::from_le_bytes(row),
            number: bytes[20],
        }
    }
}

/// The sync keys of one side, spread over parts by their hash.
pub(crate) struct Keys {
    folder: PathBuf,
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    held: Vec<Key>,
    file: Option<File>,
}

impl Keys {
    pub(crate) fn new(folder: &Path) -> Self {
        let parts = std::iter::repeat_with(Part::default).take(PARTS).collect();
        Self {
            folder: folder.to_owned(),
            parts,
        }
    }

    /// Adds a key.
    pub(crate) fn push(&mut self, key: Key) -> io::Result<()> {
        let part = &mut self.parts[usize::from(key.hash[15]) % PARTS];
        part.held.push(key);
        if part.held.len() < HELD {
            return Ok(());
        }
        let file = match &mut part.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder)?),
        };
        let mut bytes = Vec::with_capacity(HELD * KEY_BYTES);
        part.held
            .drain(..)
            .for_each(|key| bytes.extend_from_slice(&key.to_bytes()));
        file.write_all(&bytes)
            .map_err(|error| in_folder(&self.folder, &error))
    }

    /// How many parts there are; both sides have as many.
    pub(crate) fn parts() -> usize {
        PARTS
    }

    /// Takes the keys of a part, ordered by hash and key.
    pub(crate) fn take(&mut self, part: usize) -> io::Result<Vec<Key>> {
        let Part { held, file } = std::mem::take(&mut self.parts[part]);
        let mut keys = held;
        if let Some(mut file) = file {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            file.read_to_end(&mut bytes)?;
            keys.extend(bytes.chunks_exact(KEY_BYTES).map(Key::from_bytes));
        }
        keys.sort_unstable();
        Ok(keys)
    }
}

#[cfg(test)]
mod tests;
