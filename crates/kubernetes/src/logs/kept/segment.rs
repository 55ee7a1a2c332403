//! Reading one segment, piece by piece: readers come many at a time, and a segment is large.

use super::record::{Head, KnownSource, Origins, Record, split};
use std::io::{self, SeekFrom};
use std::path::Path;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt};

/// How much of a segment is read at once, in bytes.
const PIECE: usize = 128 * 1024;
/// More than any record is long, in bytes.
const MOST_RECORD: usize = 1024 * 1024;

/// A segment's records, up to its end or to the first that isn't whole.
pub(super) struct Segment<R = File> {
    file: R,
    origins: Origins,
    bytes: Vec<u8>,
    /// How many of the bytes have been taken.
    taken: usize,
    /// Where the bytes begin.
    begin: u64,
}

impl Segment {
    pub(super) async fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::of(File::open(path).await?))
    }

    /// From a place on where a record begins. Items come only of sources that are known, or met from there on.
    pub(super) async fn open_at(path: &Path, begin: u64, known: &[KnownSource]) -> io::Result<Self> {
        let mut segment = Self { begin, origins: Origins::of(known), ..Self::open(path).await? };
        segment.file.seek(SeekFrom::Start(begin)).await?;
        Ok(segment)
    }
}

impl<R: AsyncRead + Unpin> Segment<R> {
    pub(super) fn of(file: R) -> Self {
        Self { file, origins: Origins::default(), bytes: Vec::new(), taken: 0, begin: 0 }
    }

    /// Where the records end that have been taken, in bytes.
    pub(super) const fn place(&self) -> u64 {
        self.begin + self.taken as u64
    }

    /// The next record that is wanted.
    pub(super) async fn next(&mut self, mut wanted: impl FnMut(Head) -> bool) -> Option<Record> {
        loop {
            while let Some((body, rest)) = split(&self.bytes[self.taken..]) {
                let head = Head::of(body, self.begin + self.taken as u64)?;
                self.taken = self.bytes.len() - rest.len();
                let is_wanted = wanted(head);
                // A source's own says what its items have in common.
                if is_wanted || head.begins {
                    let record = self.origins.decode(body)?;
                    if is_wanted {
                        return Some(record);
                    }
                }
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Reads on; false at the end, and where there is no record.
    async fn fill(&mut self) -> bool {
        self.begin = self.place();
        self.bytes.drain(..self.taken);
        self.taken = 0;
        if self.bytes.len() > MOST_RECORD {
            return false;
        }
        self.bytes.reserve(PIECE);
        matches!(self.file.read_buf(&mut self.bytes).await, Ok(read) if read > 0)
    }
}
