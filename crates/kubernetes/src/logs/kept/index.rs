//! What a segment has of whom, without its lines. It is remembered, and only what was added since is looked through: readers come many
//! at a time, and each has to know it before the first line.

use super::super::line::SourceId;
use super::record::{Head, KnownSource, Record};
use super::segment::Segment;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// From where to where something of a source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where the first and the last of its items begin: the number of the segment, and the place in it.
    pub(super) places: ((u64, u64), (u64, u64)),
    /// The earliest and the latest time, in nanoseconds since the epoch.
    pub(super) nanos: (i64, i64),
}

impl Span {
    /// Both, and what is between them.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            places: (self.places.0.min(other.places.0), self.places.1.max(other.places.1)),
            nanos: (self.nanos.0.min(other.nanos.0), self.nanos.1.max(other.nanos.1)),
        }
    }
}

/// What is known of one segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// Which file it is: another one may have its name some day.
    file: Option<(u64, Option<SystemTime>)>,
    /// How many bytes were looked through.
    read: u64,
    /// The sources that it names, and how far each had been written before.
    pub(super) known: Vec<KnownSource>,
    /// Where it has something of each.
    pub(super) spans: BTreeMap<SourceId, Span>,
}

impl Index {
    async fn read_on(&mut self, number: u64, mut segment: Segment) {
        let mut look = |head: Head| {
            if let Some(nanos) = head.nanos {
                let here = (number, head.place);
                let span = Span { places: (here, here), nanos: (nanos, nanos) };
                self.spans.entry(head.source).and_modify(|known| *known = known.and(span)).or_insert(span);
            }
            head.begins
        };
        while let Some(record) = segment.next(&mut look).await {
            if let Record::Source(source) = record {
                self.known.push(source);
            }
        }
        self.read = segment.place();
    }

    /// A source that it names.
    pub(super) fn known(&self, source: SourceId) -> Option<&KnownSource> {
        self.known.iter().find(|known| known.id == source)
    }

    /// Opens the segment where it has the first item of some sources: where it has none, where it ended.
    pub(super) async fn open(&self, path: &Path, wanted: impl Fn(SourceId) -> bool) -> io::Result<Segment> {
        let of_wanted = self.spans.iter().filter(|(source, _)| wanted(**source));
        let begin = of_wanted.map(|(_, span)| span.places.0.1).min().unwrap_or(self.read);
        Segment::open_at(path, begin, &self.known).await
    }
}

/// What is remembered of the segments of all services.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Indexes(Arc<Mutex<HashMap<PathBuf, Arc<Index>>>>);

impl Indexes {
    /// Of the segment with a number, as it is now; nothing if it isn't there.
    pub(super) async fn of(&self, number: u64, path: &Path) -> Option<Arc<Index>> {
        let metadata = tokio::fs::metadata(path).await.ok()?;
        let file = Some((metadata.ino(), metadata.created().ok()));
        let known = self.lock().get(path).cloned();
        // One that is shorter was cut, where a record couldn't be written whole.
        let known = known.filter(|index| index.file == file && index.read <= metadata.len());
        if let Some(index) = known.as_ref().filter(|index| index.read == metadata.len()) {
            return Some(index.clone());
        }
        let mut index = known.map_or_else(|| Index { file, ..Index::default() }, Arc::unwrap_or_clone);
        let segment = Segment::open_at(path, index.read, &[]).await.ok()?;
        index.read_on(number, segment).await;
        let index = Arc::new(index);
        self.lock().insert(path.to_owned(), index.clone());
        Some(index)
    }

    /// Forgets what isn't in the folder any more.
    pub(super) fn keep_only(&self, folder: &Path, segments: &[(u64, PathBuf)]) {
        let is_there = |path: &PathBuf| segments.iter().any(|(_, there)| there == path);
        self.lock().retain(|path, _| !path.starts_with(folder) || is_there(path));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Arc<Index>>> {
        // Whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
