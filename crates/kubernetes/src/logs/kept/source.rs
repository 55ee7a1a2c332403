//! Reading what is kept of one source alone, piece by piece.

use super::super::line::{Item, SourceId, What};
use super::super::position::Cursor;
use super::listed;
use super::read::{Enough, Kept};
use super::record::{Head, KnownSource, Record};
use super::segment::Segment;
use fairway_domain::LogPlace;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Where a reader of one source stands.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Place {
    /// They have had everything up to here.
    After(Cursor),
    /// They have had nothing, and want nothing before this time, in nanoseconds since the epoch.
    From(i64),
}

impl Place {
    pub(in super::super) fn has_had(self, item: &Item) -> bool {
        match self {
            Self::After(cursor) => cursor.passed(item),
            Self::From(floor) => item.nanos < floor,
        }
    }

    /// Whether there is nothing to be read up to there.
    fn is_past(self, cursor: Cursor) -> bool {
        match self {
            Self::After(own) => own.is_past(cursor),
            Self::From(floor) => cursor.nanos < floor,
        }
    }
}

impl Kept {
    /// The line at a place, as far as it is kept.
    pub(in super::super) async fn line(&self, place: LogPlace) -> Option<Item> {
        let from = Place::From(place.nanos);
        let mut source = KeptSource::open(self, SourceId(place.source), from, None).await;
        while let Some(item) = source.next().await {
            if matches!(item.what, What::Line(_)) && item.place() == place {
                return Some(item);
            }
            if item.nanos > place.nanos {
                break;
            }
        }
        None
    }
}

/// What is kept of one source after a place, in its order. Where something isn't kept any more that the reader hasn't had, a gap
/// says so. That the source joined, or is gone, is told by the cluster.
pub(in super::super) struct KeptSource {
    kept: Kept,
    source: SourceId,
    place: Place,
    /// What is to be read after the open one.
    paths: VecDeque<(u64, PathBuf)>,
    /// The number of the newest segment that is known.
    newest: Option<u64>,
    open: Option<Segment>,
    /// How far the source had been written before what the open one has of it.
    known: Option<KnownSource>,
    /// Whether what comes next follows right after the place.
    follows: bool,
    /// What stands after a gap.
    held: Option<Item>,
}

impl KeptSource {
    /// If only the last lines are wanted, `wanted` says which ones, and before what time in nanoseconds all of them were written.
    pub(in super::super) async fn open(
        kept: &Kept,
        source: SourceId,
        place: Place,
        wanted: Option<(&Enough<'_>, i64)>,
    ) -> Self {
        let (mut paths, mut lines) = (VecDeque::new(), 0);
        let all = listed(&kept.folder).await.unwrap_or_default();
        let newest = all.last().map(|(number, _)| *number);
        for (number, path) in all.into_iter().rev() {
            // One that was removed just now was the oldest.
            let Some(index) = kept.indexes.of(number, &path).await else { break };
            let Some(known) = index.known(source) else { break };
            paths.push_front((number, path.clone()));
            if known.cursor.is_none_or(|cursor| place.is_past(cursor)) {
                break;
            }
            // What was written from there on is in what follows.
            let Some((enough, _)) = wanted.filter(|(_, end)| known.cursor.is_none_or(|c| c.nanos < *end))
            else {
                continue;
            };
            let Ok(mut segment) = index.open(&path, |one| one == source).await else { break };
            while let Some(record) = segment.next(of(source)).await {
                lines += u32::from(matches!(record, Record::Item(item) if (enough.counts)(&item)));
            }
            if lines >= enough.lines {
                break;
            }
        }
        let follows = match place {
            Place::After(cursor) => cursor == Cursor::start(),
            Place::From(_) => true,
        };
        Self {
            kept: kept.clone(),
            source,
            place,
            paths,
            newest,
            open: None,
            known: None,
            follows,
            held: None,
        }
    }

    /// Whether everything that was written before what comes next was read, as far as it is known.
    pub(in super::super) fn follows(&self) -> bool {
        self.follows
    }

    /// The next item; nothing where the files end now.
    pub(in super::super) async fn next(&mut self) -> Option<Item> {
        if let Some(item) = self.held.take() {
            return Some(item);
        }
        loop {
            match self.record().await? {
                Record::Source(known) => {
                    if let Some(cursor) = known.cursor.filter(|cursor| !cursor.closed()) {
                        let fresh = matches!(self.place, Place::From(_));
                        self.follows = fresh || self.place.is_past(cursor);
                    }
                }
                Record::Written(_) => {}
                Record::Item(item) if matches!(item.what, What::Joined(_) | What::Closed(_)) => {}
                Record::Item(item) if self.place.has_had(&item) => {
                    self.follows |= matches!(item.what, What::Line(_));
                }
                Record::Item(item) => return Some(self.took(item)),
            }
        }
    }

    async fn record(&mut self) -> Option<Record> {
        loop {
            if let Some(known) = self.known.take() {
                return Some(Record::Source(known));
            }
            if let Some(segment) = &mut self.open {
                if let Some(record) = segment.next(of(self.source)).await {
                    return Some(record);
                }
                if self.paths.is_empty() {
                    // The last one may still be written to. If it is known to be over, it is read to its end once more.
                    self.look_for_newer().await;
                    if self.paths.is_empty() {
                        return None;
                    }
                    continue;
                }
            }
            let (number, path) = self.paths.pop_front()?;
            self.open = self.opened(number, &path).await;
        }
    }

    async fn opened(&mut self, number: u64, path: &Path) -> Option<Segment> {
        let index = self.kept.indexes.of(number, path).await?;
        self.known = index.known(self.source).cloned();
        index.open(path, |one| one == self.source).await.ok()
    }

    async fn look_for_newer(&mut self) {
        for (number, path) in listed(&self.kept.folder).await.unwrap_or_default() {
            if Some(number) > self.newest {
                self.newest = Some(number);
                self.paths.push_back((number, path));
            }
        }
    }

    /// What comes next, and then the item.
    fn took(&mut self, item: Item) -> Item {
        let gap = match self.place {
            Place::After(own) if !self.follows => Some(gap(&item, own)),
            _ => None,
        };
        let mut cursor = match self.place {
            Place::After(cursor) => cursor,
            Place::From(_) => Cursor::start(),
        };
        cursor.advance(&item);
        (self.place, self.follows) = (Place::After(cursor), true);
        match gap {
            Some(gap) => {
                self.held = Some(item);
                gap
            }
            None => item,
        }
    }
}

/// Everything of one source.
fn of(source: SourceId) -> impl Fn(Head) -> bool {
    move |head| head.source == source
}

fn gap(next: &Item, own: Cursor) -> Item {
    let (nanos, ordinal) = own.place();
    let why = "These lines aren't kept any more: some are missing here.";
    Item { restart: own.instance, nanos, ordinal, beyond: 0, what: What::Gap(why.into()), ..next.clone() }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
