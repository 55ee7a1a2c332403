//! Bringing the lines of several sources into one order.

use super::line::{Item, SourceId};
use crate::Error;
use async_stream::try_stream;
use futures::stream::BoxStream;
use futures::{Stream, TryStreamExt, future::try_join_all};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// How long a line that has just come waits for earlier ones of other pods.
const WINDOW: Duration = Duration::from_millis(300);

/// Sources that end, merged exactly by time. Each has to be in order itself.
pub(super) fn merged(
    mut sources: Vec<BoxStream<'static, Result<Item, Error>>>,
) -> impl Stream<Item = Result<Item, Error>> + Send {
    try_stream! {
        let mut heads = try_join_all(sources.iter_mut().map(TryStreamExt::try_next)).await?;
        loop {
            let present = heads.iter().enumerate().filter_map(|(index, head)| Some((index, head.as_ref()?)));
            let earliest = present.min_by_key(|(_, item)| (item.nanos, item.source)).map(|(index, _)| index);
            let Some(index) = earliest else { break };
            let next = sources[index].try_next().await?;
            if let Some(item) = std::mem::replace(&mut heads[index], next) {
                yield item;
            }
        }
    }
}

/// Lines that have just come, held for a moment so that they leave in order.
#[derive(Default)]
pub(super) struct Window {
    held: BTreeMap<Key, Item>,
    arrivals: VecDeque<(Instant, Key)>,
    count: u64,
}

/// Time, source, order of arrival: a source's own order is never changed.
type Key = (i64, SourceId, u64);

impl Window {
    pub(super) fn push(&mut self, item: Item, now: Instant) {
        let key = (item.nanos, item.source, self.count);
        self.count += 1;
        self.arrivals.push_back((now, key));
        self.held.insert(key, item);
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
            released.push(first.remove());
        }
        released
    }
}

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
