//! Writing what a hub publishes.

use super::super::line::{Item, Origin, SourceId, What};
use super::super::position::Cursor;
use super::super::range::now;
use super::record::{KnownSource, Record, write_item, write_source, write_written};
use super::segment::Segment;
use super::{LogKeeping, SEGMENTS, blocking, counted, listed, remove, remove_older, segment, segments};
use fairway_domain::{Namespace, ServiceName};
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

/// How much is written at once at most, in bytes: so much may a segment be longer than it should.
const AT_ONCE: usize = 256 * 1024;

/// What is written of one service, by its hub alone.
pub(in super::super) struct Keeper {
    keeping: LogKeeping,
    folder: PathBuf,
    /// All that the segments may know.
    sources: BTreeMap<SourceId, Known>,
    open: Option<Open>,
    /// The number of the next segment.
    next: u64,
    /// How many lines were written, since the first segment of all; nothing if that isn't known.
    lines: Option<u64>,
    /// How many lines of sources could not be written, since their cursors.
    missed: BTreeMap<SourceId, u64>,
}

#[derive(Clone)]
struct Known {
    origin: Arc<Origin>,
    cursor: Option<Cursor>,
    /// The last segment with something of it.
    segment: u64,
}

struct Open {
    file: File,
    number: u64,
    bytes: u64,
    since: Instant,
}

impl Keeper {
    /// Goes on where the files of a service end.
    pub(in super::super) async fn open(
        keeping: &LogKeeping,
        namespace: &Namespace,
        service: &ServiceName,
    ) -> Self {
        let folder = keeping.folder_of(namespace, service);
        let (sources, next, lines) = match last_known(&folder).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%service, %error, "kept log lines can't be read");
                Default::default()
            }
        };
        Self { keeping: keeping.clone(), folder, sources, open: None, next, lines, missed: BTreeMap::new() }
    }

    /// How far a source has been written; nothing if it isn't known.
    pub(in super::super) fn cursor(&self, source: SourceId) -> Option<Cursor> {
        self.sources.get(&source).and_then(|known| known.cursor)
    }

    /// Ends the sources that went while nobody wrote.
    pub(in super::super) async fn close_all_but(&mut self, present: &HashSet<SourceId>) {
        let now = now();
        let mut pods = HashSet::new();
        let mut items = Vec::new();
        for (source, known) in &self.sources {
            let Some(cursor) = known.cursor.filter(|cursor| !cursor.closed() && !present.contains(source))
            else {
                continue;
            };
            let item = |nanos, what| {
                Arc::new(Item {
                    source: *source,
                    origin: known.origin.clone(),
                    restart: cursor.instance,
                    nanos,
                    ordinal: cursor.ordinal,
                    beyond: 0,
                    what,
                })
            };
            let why = "This pod went while Fairway didn't run: its last lines may be missing here.";
            items.push(item(cursor.nanos, What::Gap(why.into())));
            let first = pods.insert(known.origin.pod.clone());
            let left = first.then(|| format!("{} is gone", known.origin.pod));
            items.push(item(now.max(cursor.nanos), What::Closed(left)));
        }
        self.append(&items).await;
    }

    /// Writes items in the order in which they were published. What can't be written is told of once it can again, in its place.
    pub(in super::super) async fn append(&mut self, items: &[Arc<Item>]) {
        let most = usize::try_from(self.keeping.segment_bytes()).unwrap_or(usize::MAX).min(AT_ONCE);
        let mut rest = items;
        while !rest.is_empty() {
            let mut bytes = 0;
            let within = rest.iter().take_while(|item| {
                bytes += item.weight();
                bytes <= most
            });
            let (some, after) = rest.split_at(within.count().max(1));
            self.append_some(some).await;
            rest = after;
        }
    }

    async fn append_some(&mut self, items: &[Arc<Item>]) {
        if items.iter().all(|item| matches!(item.what, What::Event(_))) {
            return;
        }
        if let Err(error) = self.write(items).await {
            if self.missed.is_empty() {
                tracing::warn!(folder = %self.folder.display(), %error, "log lines can't be kept");
            }
            for item in items.iter().filter(|item| !matches!(item.what, What::Event(_))) {
                *self.missed.entry(item.source).or_default() += u64::from(matches!(item.what, What::Line(_)));
            }
            if let Some(open) = self.open.take() {
                // What stands half in the file is none; a reader stops at it.
                open.file.set_len(open.bytes).await.ok();
            }
        }
    }

    async fn write(&mut self, items: &[Arc<Item>]) -> io::Result<()> {
        self.roll().await?;
        let Some(open) = &mut self.open else { return Ok(()) };
        let mut bytes = Vec::new();
        let mut changed: BTreeMap<SourceId, Known> = BTreeMap::new();
        let (mut told, mut lines) = (HashSet::new(), 0);
        for item in items.iter().filter(|item| !matches!(item.what, What::Event(_))) {
            let known = changed.entry(item.source).or_insert_with(|| {
                let new = || {
                    let source = KnownSource { id: item.source, origin: item.origin.clone(), cursor: None };
                    write_source(&mut bytes, &source);
                    Known { origin: source.origin, cursor: None, segment: open.number }
                };
                self.sources.get(&item.source).cloned().unwrap_or_else(new)
            });
            let cursor = known.cursor.get_or_insert_with(Cursor::start);
            let tell = |cursor: Cursor, told: &mut HashSet<SourceId>, bytes: &mut Vec<u8>| {
                // A source has its first place with its first line: what is missing before that is told right after it.
                let stands = cursor.place() != Cursor::start().place();
                let missing = self.missed.get(&item.source).filter(|_| stands && told.insert(item.source));
                if let Some(lines) = missing {
                    write_item(bytes, &missed(item, cursor, *lines));
                }
            };
            tell(*cursor, &mut told, &mut bytes);
            write_item(&mut bytes, item);
            lines += u64::from(matches!(item.what, What::Line(_)));
            cursor.advance(item);
            tell(*cursor, &mut told, &mut bytes);
            known.segment = open.number;
        }
        open.file.write_all(&bytes).await?;
        open.file.flush().await?;
        open.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.sources.extend(changed);
        self.missed.retain(|source, _| !told.contains(source));
        self.lines = self.lines.map(|written| written + lines);
        Ok(())
    }

    /// Begins a segment if none is open, or the open one is full or old.
    async fn roll(&mut self) -> io::Result<()> {
        let full = self.keeping.segment_bytes();
        let old = self.keeping.age / SEGMENTS;
        if self.open.as_ref().is_some_and(|open| open.bytes < full && open.since.elapsed() < old) {
            return Ok(());
        }
        self.open = None;
        tokio::fs::create_dir_all(&self.folder).await?;
        let (folder, keeping) = (self.folder.clone(), self.keeping.clone());
        let oldest = blocking(move || remove_surplus(&folder, &keeping)).await?.unwrap_or(self.next);
        self.sources.retain(|_, known| known.segment >= oldest || known.cursor.is_none_or(|c| !c.closed()));
        let mut bytes = Vec::new();
        if let Some(lines) = self.lines {
            write_written(&mut bytes, lines);
        }
        for (id, known) in &self.sources {
            let Known { origin, cursor, .. } = known.clone();
            write_source(&mut bytes, &KnownSource { id: *id, origin, cursor });
        }
        let number = self.next;
        // It has its name once its beginning is whole: reading begins at any.
        let unnamed = self.folder.join("unnamed");
        let mut file = File::create(&unnamed).await?;
        file.write_all(&bytes).await?;
        file.flush().await?;
        tokio::fs::rename(&unnamed, segment(&self.folder, number)).await?;
        self.next += 1;
        let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.open = Some(Open { file, number, bytes, since: Instant::now() });
        Ok(())
    }
}

/// Tells how many lines are missing before an item that could be written.
fn missed(item: &Item, cursor: Cursor, lines: u64) -> Item {
    let (nanos, ordinal) = cursor.place();
    let why = match lines {
        0 => "What happened here couldn't be written to disk.".to_owned(),
        _ => format!(
            "{} couldn't be written to disk: what the cluster doesn't have of it is missing here.",
            counted(lines)
        ),
    };
    Item { nanos, ordinal, beyond: 0, what: What::Gap(why), ..item.clone() }
}

/// Removes segments until a new one has room; gives the number of the oldest that stays.
fn remove_surplus(folder: &Path, keeping: &LogKeeping) -> io::Result<Option<u64>> {
    remove_older(folder, keeping.age)?;
    let mut sizes = Vec::new();
    for (number, path) in segments(folder)? {
        let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        sizes.push((number, path, bytes));
    }
    let room = keeping.bytes - keeping.segment_bytes();
    let mut all: u64 = sizes.iter().map(|(.., bytes)| bytes).sum();
    let mut oldest = None;
    for (number, path, bytes) in sizes {
        if all <= room {
            oldest = oldest.or(Some(number));
            break;
        }
        remove(&path)?;
        all -= bytes;
    }
    Ok(oldest)
}

/// The sources that the last segment knows and how far each was written there, the number of the segment after it, and how many
/// lines were written.
async fn last_known(folder: &Path) -> io::Result<(BTreeMap<SourceId, Known>, u64, Option<u64>)> {
    let mut sources = BTreeMap::new();
    let Some((number, path)) = listed(folder).await?.pop() else { return Ok((sources, 0, Some(0))) };
    let mut lines = None;
    let mut last = Segment::open(&path).await?;
    while let Some(record) = last.next(|_| true).await {
        match record {
            Record::Written(written) => lines = Some(written),
            Record::Source(KnownSource { id, origin, cursor }) => {
                sources.insert(id, Known { origin, cursor, segment: number });
            }
            Record::Item(item) => {
                lines = lines.map(|lines| lines + u64::from(matches!(item.what, What::Line(_))));
                if let Some(known) = sources.get_mut(&item.source) {
                    known.cursor.get_or_insert_with(Cursor::start).advance(&item);
                }
            }
        }
    }
    Ok((sources, number + 1, lines))
}
