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

/// Rows start at multiples of this many bytes, so that 32 bits address 64 GiB.
const ALIGNMENT: usize = 16;
/// How many parts keys are spread over: one of a million users' is then about a megabyte.
const PARTS: usize = 32;
/// How many keys of a part are held before they go to its file.
const HELD: usize = 512;
/// The bytes of a key in its file: hash, row, key number.
const KEY_BYTES: usize = 16 + 4 + 1;

/// Rows in the order in which they were read, each to be had again by its number.
pub(crate) struct Rows {
    writer: BufWriter<File>,
    end: usize,
    starts: Vec<u32>,
    buffer: Vec<u8>,
}

impl Rows {
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let writer = BufWriter::with_capacity(256 * 1024, tempfile::tempfile_in(folder)?);
        Ok(Self {
            writer,
            end: 0,
            starts: Vec::new(),
            buffer: Vec::new(),
        })
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Appends a row; gives its number.
    pub(crate) fn push(&mut self, row: &impl Serialize) -> io::Result<u32> {
        self.buffer.clear();
        self.buffer.extend_from_slice(&[0; 4]);
        let mut buffer =
            postcard::to_extend(row, std::mem::take(&mut self.buffer)).map_err(io::Error::other)?;
        let length = u32::try_from(buffer.len() - 4).map_err(io::Error::other)?;
        buffer[..4].copy_from_slice(&length.to_le_bytes());
        buffer.resize(buffer.len().next_multiple_of(ALIGNMENT), 0);
        self.writer.write_all(&buffer)?;
        self.starts
            .push(u32::try_from(self.end / ALIGNMENT).map_err(io::Error::other)?);
        self.end += buffer.len();
        self.buffer = buffer;
        u32::try_from(self.starts.len() - 1).map_err(io::Error::other)
    }

    /// Ends the writing, so that rows can be read.
    pub(crate) fn finish(mut self) -> io::Result<FinishedRows> {
        self.writer.flush()?;
        let file = self
            .writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        self.starts.shrink_to_fit();
        Ok(FinishedRows {
            file,
            starts: self.starts,
        })
    }
}

/// Rows that are complete.
pub(crate) struct FinishedRows {
    file: File,
    starts: Vec<u32>,
}

impl FinishedRows {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Reads one row by its number into `buffer`, and gives it borrowed from there.
    pub(crate) fn get<'b, T: Deserialize<'b>>(
        &self,
        row: u32,
        buffer: &'b mut Vec<u8>,
    ) -> io::Result<T> {
        /// Most rows are shorter, and then take one read.
        const FIRST: usize = 2048;
        let index = usize::try_from(row).map_err(io::Error::other)?;
        let start = u64::from(self.starts[index]) * ALIGNMENT as u64;
        buffer.resize(FIRST, 0);
        let mut had = 0;
        while had < 4 {
            match self.file.read_at(&mut buffer[had..], start + had as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => had += read,
            }
        }
        let length = u32::from_le_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]);
        let length = usize::try_from(length).map_err(io::Error::other)? + 4;
        if had < length {
            buffer.resize(length, 0);
            self.file
                .read_exact_at(&mut buffer[had..], start + had as u64)?;
        }
        postcard::from_bytes(&buffer[4..length]).map_err(io::Error::other)
    }

    /// Reads all rows in order.
    pub(crate) fn scan(&self) -> io::Result<Scan> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let reader = BufReader::with_capacity(256 * 1024, file);
        Ok(Scan {
            reader,
            left: self.starts.len(),
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
        let mut length = [0; 4];
        self.reader.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
        let padded = (length + 4).next_multiple_of(ALIGNMENT) - 4;
        self.buffer.resize(padded, 0);
        self.reader.read_exact(&mut self.buffer)?;
        postcard::from_bytes(&self.buffer[..length])
            .map(Some)
            .map_err(io::Error::other)
    }
}

/// A sync key's value, of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// XXH3-128 of the canonical value.
    pub(crate) hash: u128,
    /// Which of the sync keys, in the order in which they are tried.
    pub(crate) number: u8,
    /// The row that has it.
    pub(crate) row: u32,
}

impl Key {
    /// Makes the key of `row` from the canonical text of its value.
    pub(crate) fn new(number: u8, canonical: &str, row: u32) -> Self {
        Self {
            hash: xxh3_128(canonical.as_bytes()),
            number,
            row,
        }
    }

    fn to_bytes(self) -> [u8; KEY_BYTES] {
        let mut bytes = [0; KEY_BYTES];
        bytes[..16].copy_from_slice(&self.hash.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.row.to_le_bytes());
        bytes[20] = self.number;
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Self {
        let (mut hash, mut row) = ([0; 16], [0; 4]);
        hash.copy_from_slice(&bytes[..16]);
        row.copy_from_slice(&bytes[16..20]);
        Self {
            hash: u128::from_le_bytes(hash),
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
        let part = usize::try_from(key.hash % PARTS as u128).map_err(io::Error::other)?;
        let part = &mut self.parts[part];
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
