//! Bringing the lines of several sources into one order.

use super::line::{Item, SourceId};
use super::read::{Chunk, ChunkStream};
use crate::Error;
use async_stream::try_stream;
use futures::stream::iter;
use futures::{Stream, StreamExt, TryStreamExt, future::try_join_all};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// How long a line that has just come waits for earlier ones of other pods.
const WINDOW: Duration = Duration::from_millis(300);

/// Sources that end, merged exactly by time. Each has to be in order itself.
pub(super) fn merged(sources: Vec<ChunkStream>) -> impl Stream<Item = Result<Chunk, Error>> + Send {
    try_stream! {
        let mut heads: Vec<Head> = sources.into_iter().map(Head::new).collect();
        loop {
            try_join_all(heads.iter_mut().map(Head::fill)).await?;
            heads.retain(|head| !head.items.is_empty());
            if heads.is_empty() {
                break;
            }
            yield earliest(&mut heads);
        }
    }
}

/// How many chunks are handed over at once at most.
const TOGETHER: usize = 8;
/// How long a chunk waits for others at most.
const GATHERING: Duration = Duration::from_millis(5);

/// The same, in fewer chunks: each wakes whoever takes it, on another thread.
pub(super) fn gathered(
    chunks: impl Stream<Item = Result<Chunk, Error>> + Send,
) -> impl Stream<Item = Result<Chunk, Error>> + Send {
    tokio_stream::StreamExt::chunks_timeout(chunks, TOGETHER, GATHERING).flat_map(|some| iter(joined(some)))
}

/// What came one after the other as one chunk, but what came before a failure is given before that.
pub(super) fn joined(some: impl IntoIterator<Item = Result<Chunk, Error>>) -> Vec<Result<Chunk, Error>> {
    let mut joined: Vec<Result<Chunk, Error>> = Vec::with_capacity(1);
    for chunk in some {
        match (joined.last_mut(), chunk) {
            (Some(Ok(before)), Ok(items)) => before.extend(items),
            (_, chunk) => joined.push(chunk),
        }
    }
    joined
}

/// A source, and what of it is to be taken next.
struct Head {
    source: ChunkStream,
    items: VecDeque<Item>,
}

impl Head {
    fn new(source: ChunkStream) -> Self {
        Self { source, items: VecDeque::new() }
    }

    /// Waits until there is an item, unless the source has ended.
    async fn fill(&mut self) -> Result<(), Error> {
        while self.items.is_empty() {
            let Some(chunk) = self.source.try_next().await? else { break };
            self.items = chunk.into();
        }
        Ok(())
    }

    fn next(&self) -> Option<(i64, SourceId)> {
        self.items.front().map(|item| (item.nanos, item.source))
    }
}

/// The earliest items of all, up to where one of the sources has to be asked for more.
fn earliest(heads: &mut [Head]) -> Chunk {
    let mut taken = Vec::new();
    while let Some((index, _)) = heads.iter().enumerate().min_by_key(|(_, head)| head.next()) {
        let others = heads.iter().enumerate().filter(|(other, _)| *other != index);
        let limit = others.filter_map(|(_, head)| head.next()).min();
        let head = &mut heads[index];
        while head.next().is_some_and(|next| limit.is_none_or(|limit| next <= limit)) {
            taken.extend(head.items.pop_front());
        }
        if head.items.is_empty() {
            break;
        }
    }
    taken
}

/// How much of what has just come is held at most, in bytes. While it is full, nothing more is taken from those who read.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// Lines that have just come, held for a moment so that they leave in order.
#[derive(Default)]
pub(super) struct Window {
    held: BTreeMap<Key, Item>,
    arrivals: VecDeque<(Instant, Key)>,
    count: u64,
    bytes: usize,
}

/// Time, source, order of arrival: a source's own order is never changed.
type Key = (i64, SourceId, u64);

impl Window {
    pub(super) fn push(&mut self, item: Item, now: Instant) {
        let key = (item.nanos, item.source, self.count);
        self.count += 1;
        self.bytes += item.weight();
        self.arrivals.push_back((now, key));
        self.held.insert(key, item);
    }

    pub(super) fn has_room(&self) -> bool {
        self.bytes < MOST_BYTES
    }

    /// Waits until the next line has waited long enough.
    pub(super) async fn due(&self) {
        match self.arrivals.front() {
            Some((arrived, _)) => tokio::time::sleep_until(*arrived + WINDOW).await,
            None => std::future::pending().await,
        }
    }

    /// Everything that has waited long enough, and what belongs before it, in order.
    pub(super) fn release(&mut self, now: Instant) -> Vec<Item> {
        let mut latest = None;
        while let Some((arrived, key)) = self.arrivals.front().copied() {
            if arrived + WINDOW > now {
                break;
            }
            self.arrivals.pop_front();
            if self.held.contains_key(&key) {
                latest = latest.max(Some(key));
            }
        }
        let mut released = Vec::new();
        while let Some(first) = self.held.first_entry() {
            if Some(*first.key()) > latest {
                break;
            }
            let item = first.remove();
            self.bytes -= item.weight();
            released.push(item);
        }
        released
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
