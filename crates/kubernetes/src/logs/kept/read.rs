//! Reading what is kept of sources that the cluster can't be asked about any more.
//!
//! In the files, the items of each source are in order, and those of different ones only about: what was read late was written late.
//! So there is a stream for each, but that those of which one began after the other had ended share one.

use super::super::had::{Found, Growing};
use super::super::line::{Item, SourceId, What};
use super::super::position::{Cursor, Position};
use super::super::read::{Chunk, ChunkStream};
use super::index::{Index, Indexes, Span};
use super::lanes::{Lane, lanes};
use super::record::{Head, KnownSource, Record};
use super::segment::Segment;
use super::{LogKeeping, counted, listed};
use crate::Error;
use async_stream::stream;
use fairway_domain::{Namespace, ServiceName, Timestamp};
use futures::{Stream, StreamExt};
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// How many items are handed over at once.
const CHUNK: usize = 256;

/// The files of one service.
#[derive(Clone)]
pub(in super::super) struct Kept {
    pub(super) folder: PathBuf,
    pub(super) indexes: Indexes,
}

/// Where reading begins.
#[derive(Default)]
pub(in super::super) struct Beginning {
    /// What has to be read, the oldest first.
    segments: Vec<Indexed>,
    /// Where they have something of each source that is to be read.
    spans: BTreeMap<SourceId, Span>,
    /// All sources that the files may have something of.
    pub(in super::super) known: HashSet<SourceId>,
    /// Sources of which something lies before that, and how far.
    before: Vec<(KnownSource, Cursor)>,
}

/// A segment, and what it has of whom.
#[derive(Clone)]
struct Indexed {
    number: u64,
    path: PathBuf,
    index: Arc<Index>,
}

/// The last lines are enough.
pub(in super::super) struct Enough<'a> {
    pub(in super::super) lines: u32,
    /// Whether an item is one of them.
    pub(in super::super) counts: &'a (dyn Fn(&Item) -> bool + Sync),
}

impl Kept {
    pub(in super::super) fn of(keeping: &LogKeeping, namespace: &Namespace, service: &ServiceName) -> Self {
        Self { folder: keeping.folder_of(namespace, service), indexes: Indexes::default() }
    }

    /// With what is remembered of its files.
    pub(in super::super) fn remembered(self, indexes: Indexes) -> Self {
        Self { indexes, ..self }
    }

    /// Finds where to begin for a reader at `position` who has all of `skipped` from elsewhere.
    pub(in super::super) async fn beginning(
        &self,
        position: &Position,
        skipped: &HashSet<SourceId>,
        enough: Option<&Enough<'_>>,
    ) -> Beginning {
        let mut found = Beginning::default();
        let mut times = Vec::new();
        let segments = listed(&self.folder).await.unwrap_or_else(|error| {
            tracing::warn!(folder = %self.folder.display(), %error, "kept log lines can't be read");
            Vec::new()
        });
        self.indexes.keep_only(&self.folder, &segments);
        for (number, path) in segments.into_iter().rev() {
            // One that was removed just now was the oldest.
            let Some(index) = self.indexes.of(number, &path).await else { break };
            found.before.clear();
            for source in &index.known {
                found.meet(source.clone(), position, skipped);
            }
            let spans = index.spans.iter().filter(|(source, _)| !skipped.contains(source));
            let has_any = spans.clone().next().is_some();
            for (source, span) in spans {
                found.spans.entry(*source).and_modify(|known| *known = known.and(*span)).or_insert(*span);
            }
            if let Some(enough) = enough.filter(|_| has_any)
                && let Ok(mut segment) = index.open(&path, |source| !skipped.contains(&source)).await
            {
                let wanted = |head: Head| !head.begins && !skipped.contains(&head.source);
                while let Some(Record::Item(item)) = segment.next(wanted).await {
                    times.extend(((enough.counts)(&item) && !position.passed(&item)).then_some(item.nanos));
                }
            }
            found.segments.push(Indexed { number, path, index });
            // What lies before that was written up to here, which may be after some of what was read late.
            let Some(latest) = found.before.iter().map(|(_, cursor)| cursor.nanos).max() else { break };
            let later = times.iter().filter(|nanos| **nanos > latest).count();
            if enough.is_some_and(|enough| later >= usize::try_from(enough.lines).unwrap_or(usize::MAX)) {
                break;
            }
        }
        found.segments.reverse();
        found
    }
}

impl Kept {
    /// Tells that what was written before something isn't kept any more, and how much, if there was any.
    pub(in super::super) async fn removed(&self) -> Option<Item> {
        let (_, path) =
            listed(&self.folder).await.ok()?.into_iter().next().filter(|(number, _)| *number > 0)?;
        let mut segment = Segment::open(&path).await.ok()?;
        let (mut lines, mut until) = (None, None);
        while let Some(record) = segment.next(|_| true).await {
            match record {
                Record::Written(written) => lines = Some(written),
                Record::Source(source) => until = until.max(source.cursor.map(|cursor| cursor.nanos)),
                Record::Item(_) => break,
            }
        }
        let until = until?;
        let at = Timestamp::from_nanosecond(until.into()).unwrap_or_default();
        let lines = lines.map(|lines| format!(" ({})", counted(lines))).unwrap_or_default();
        let why = format!(
            "The disk no longer has what was written before {at:.3}{lines}: what the cluster doesn't have of it is missing."
        );
        Some(Item::told_by_nobody(until, why))
    }

    /// What is kept of each of the `sources`: stretches of which nothing is missing.
    pub(in super::super) async fn found(&self, sources: &HashSet<SourceId>) -> Vec<Found> {
        let (mut found, mut growing) = (Vec::new(), BTreeMap::<SourceId, Growing>::new());
        for (_, path) in listed(&self.folder).await.unwrap_or_default() {
            // One that was removed just now is no beginning any more.
            let Ok(mut segment) = Segment::open(&path).await else { continue };
            let wanted = |head: Head| !head.begins && sources.contains(&head.source);
            while let Some(Record::Item(item)) = segment.next(wanted).await {
                if matches!(item.what, What::Gap(_)) {
                    found.extend(growing.remove(&item.source).map(|grown| grown.found(false)));
                } else if let Some(grown) = growing.get_mut(&item.source) {
                    grown.push(&item);
                } else {
                    growing.extend(Growing::new(&item).map(|grown| (item.source, grown)));
                }
            }
        }
        found.extend(growing.into_values().map(|grown| grown.found(true)));
        found
    }
}

impl Beginning {
    fn meet(&mut self, source: KnownSource, position: &Position, skipped: &HashSet<SourceId>) {
        self.known.insert(source.id);
        if let Some(cursor) = source.cursor
            && !skipped.contains(&source.id)
            && !position.is_past(source.id, cursor)
        {
            self.before.push((source, cursor));
        }
    }

    /// Moves a reader's position to the beginning. Gives a gap for each source that they were in the middle of, with the position
    /// after it.
    pub(in super::super) fn enter(&self, position: &mut Position) -> Vec<(Position, Item)> {
        let mut gaps = Vec::new();
        for (source, cursor) in &self.before {
            let own = position.cursor(source.id);
            position.set(source.id, *cursor);
            if let Some(own) = own {
                let why = "These lines aren't kept any more: some are missing here.";
                let (nanos, ordinal) = own.place();
                let gap = Item {
                    source: source.id,
                    origin: source.origin.clone(),
                    restart: own.instance,
                    nanos,
                    ordinal,
                    beyond: 0,
                    what: What::Gap(why.into()),
                };
                gaps.push((position.clone(), gap));
            }
        }
        gaps
    }

    /// The items after `position`, and then those that are `held`, each once, in streams that are each in order.
    pub(in super::super) fn streams(self, position: &Position, held: Vec<Arc<Item>>) -> Vec<ChunkStream> {
        let mut held_of: BTreeMap<SourceId, Vec<Arc<Item>>> = BTreeMap::new();
        for item in held {
            held_of.entry(item.source).or_default().push(item);
        }
        let mut streams = Vec::new();
        for lane in lanes(self.spans) {
            // What is held of a source follows what is kept of it.
            let held = lane.sources.iter().filter_map(|source| held_of.remove(source)).flatten().collect();
            streams.push(read(self.segments.clone(), lane, position.clone(), held).boxed());
        }
        for held in held_of.into_values() {
            streams.push(read(Vec::new(), Lane::default(), position.clone(), held).boxed());
        }
        streams
    }
}

/// What the files have of a lane's sources after a position, and then what is held of them.
fn read(
    segments: Vec<Indexed>,
    lane: Lane,
    mut position: Position,
    held: Vec<Arc<Item>>,
) -> impl Stream<Item = Result<Chunk, Error>> + Send + 'static {
    stream! {
        let mut chunk = Vec::new();
        let Lane { sources, places: (first, last) } = lane;
        let newest = segments.last().map(|segment| segment.number);
        let between = segments.into_iter().filter(|segment| (first.0..=last.0).contains(&segment.number));
        for Indexed { number, path, index } in between {
            let Ok(mut segment) = index.open(&path, |source| sources.contains(&source)).await else { continue };
            let mut wanted = |head: Head| {
                // To the newest more may have been added since.
                let is_over = (number, head.place) > last && Some(number) != newest;
                is_over || (!head.begins && sources.contains(&head.source))
            };
            while let Some(Record::Item(item)) = segment.next(&mut wanted).await
                && sources.contains(&item.source)
            {
                if !position.passed(&item) {
                    position.advance(&item);
                    chunk.push(item);
                    if chunk.len() == CHUNK {
                        yield Ok(std::mem::take(&mut chunk));
                    }
                }
            }
        }
        for item in held {
            if !position.passed(&item) {
                position.advance(&item);
                chunk.push(Arc::unwrap_or_clone(item));
            }
        }
        yield Ok(chunk);
    }
}
