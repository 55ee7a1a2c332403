//! Reading what is kept of sources that the cluster can't be asked about any more.

use super::super::line::{Item, SourceId, What};
use super::super::position::{Cursor, Position};
use super::super::seam::one_grain;
use super::record::{Head, KnownSource, Record};
use super::segment::Segment;
use super::{LogKeeping, segments};
use async_stream::stream;
use fairway_domain::{Namespace, ServiceName};
use futures::Stream;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// How many items are handed over at once.
const CHUNK: usize = 256;

/// The files of one service.
#[derive(Clone)]
pub(in super::super) struct Kept {
    pub(super) folder: PathBuf,
}

/// Where reading begins.
#[derive(Default)]
pub(in super::super) struct Beginning {
    /// What has to be read, the oldest first.
    paths: Vec<PathBuf>,
    /// All sources that the files may have something of.
    pub(in super::super) known: HashSet<SourceId>,
    /// Sources of which something lies before that, and how far.
    before: Vec<(KnownSource, Cursor)>,
}

/// The last lines are enough.
pub(in super::super) struct Enough<'a> {
    pub(in super::super) lines: u32,
    /// Whether an item is one of them.
    pub(in super::super) counts: &'a (dyn Fn(&Item) -> bool + Sync),
}

impl Kept {
    pub(in super::super) fn of(keeping: &LogKeeping, namespace: &Namespace, service: &ServiceName) -> Self {
        Self { folder: keeping.folder_of(namespace, service) }
    }

    /// Finds where to begin for a reader at `position` who has all of `skipped` from elsewhere.
    pub(in super::super) async fn beginning(
        &self,
        position: &Position,
        skipped: &HashSet<SourceId>,
        enough: Option<&Enough<'_>>,
    ) -> Beginning {
        let mut found = Beginning::default();
        let mut lines = 0;
        let segments = segments(&self.folder).unwrap_or_else(|error| {
            tracing::warn!(folder = %self.folder.display(), %error, "kept log lines can't be read");
            Vec::new()
        });
        for (_, path) in segments.into_iter().rev() {
            // One that was removed just now was the oldest.
            let Some(mut segment) = Segment::open(&path).await else { break };
            found.paths.push(path);
            found.before.clear();
            let wanted = |head: Head| head.is_source || (enough.is_some() && !skipped.contains(&head.source));
            while let Some(record) = segment.next(wanted).await {
                match record {
                    Record::Source(source) => found.meet(source, position, skipped),
                    Record::Item(item) => {
                        let counts = enough.is_some_and(|enough| (enough.counts)(&item));
                        lines += u32::from(counts && !position.passed(&item));
                    }
                }
            }
            if found.before.is_empty() || enough.is_some_and(|enough| lines >= enough.lines) {
                break;
            }
        }
        found.paths.reverse();
        found
    }
}

/// What has been met of a source's beginning.
#[derive(Default)]
struct First {
    lines: Vec<Item>,
    whole: bool,
}

impl Kept {
    /// The first lines that are kept of each of the `sources`: those whose times can hardly be told apart.
    pub(in super::super) async fn first_lines(&self, sources: &HashSet<SourceId>) -> Vec<Vec<Item>> {
        let mut found: BTreeMap<SourceId, First> = sources.iter().map(|id| (*id, First::default())).collect();
        for (_, path) in segments(&self.folder).unwrap_or_default() {
            // One that was removed just now is no beginning any more.
            let Some(mut segment) = Segment::open(&path).await else { continue };
            while let Some(Record::Item(item)) = segment
                .next(|head| !head.is_source && found.get(&head.source).is_some_and(|first| !first.whole))
                .await
            {
                let Some(first) = found.get_mut(&item.source) else { continue };
                if !matches!(item.what, What::Line(_)) {
                    continue;
                }
                match first.lines.first() {
                    Some(earliest) if !one_grain(earliest.nanos, item.nanos) => first.whole = true,
                    _ => first.lines.push(item),
                }
            }
            if found.values().all(|first| first.whole) {
                break;
            }
        }
        found.into_values().map(|first| first.lines).filter(|lines| !lines.is_empty()).collect()
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

    /// The items after `position`, and then those that are `held`, each once.
    pub(in super::super) fn items<E>(
        self,
        mut position: Position,
        skipped: HashSet<SourceId>,
        held: Vec<Arc<Item>>,
    ) -> impl Stream<Item = Result<Vec<Item>, E>> + Send + 'static
    where
        E: Send + 'static,
    {
        // Who has all sources from elsewhere finds nothing new in the files.
        let read = if self.known.is_subset(&skipped) { Vec::new() } else { self.paths };
        stream! {
            let mut chunk = Vec::new();
            for path in read {
                let Some(mut segment) = Segment::open(&path).await else { continue };
                let wanted = |head: Head| !head.is_source && !skipped.contains(&head.source);
                while let Some(Record::Item(item)) = segment.next(wanted).await {
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
}
