//! One reader of a service's log.

use super::events::{EVENTS, events_after};
use super::hub::Reader;
use super::instances::instances;
use super::kept::{Beginning, Enough};
use super::line::{Item, Source, SourceId, What};
use super::merge::{gathered, merged};
use super::older::Older;
use super::position::{Position, Texts};
use super::range::{Range, nanos};
use super::read::{ChunkStream, Reading};
use super::rotated::KeptLines;
use super::tail::Tail;
use super::taken::{Missed, Taken, lost};
use super::{FIRST_ANSWER, Keep, sources};
use crate::{Cluster, ClusterState, Error};
use async_stream::try_stream;
use fairway_domain::{
    Freshness, LogEntry, LogMarker, LogPosition, LogRequest, Namespace, ServiceName, Timestamp,
};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use std::collections::{HashSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// How far back a reader who follows begins, unless they say.
const DEFAULT_TAIL: u32 = 500;
/// How many pieces of each log are read ahead. They are small, a few lines as the kubelet sends them: with fewer, one log waits for another.
const PIECES_AHEAD: usize = 32;
/// How many chunks of merged lines wait for the reader at most.
const CHUNKS_AHEAD: usize = 2;
/// How long to wait before what couldn't be read is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What a reader is given, with the text of where they are after it.
pub(super) type Shown = (LogPosition, LogEntry);

/// What comes next, and where the reader is after that and what isn't shown.
pub(super) type Step = (Position, Vec<Shown>);

pub(super) struct Viewer {
    pub(super) cluster: Cluster,
    pub(super) state: ClusterState,
    pub(super) namespace: Namespace,
    pub(super) service: ServiceName,
    pub(super) request: LogRequest,
    pub(super) range: Range,
    keep: Keep,
    /// Nothing where nobody said how far back.
    pub(super) older: Option<Older>,
}

impl Viewer {
    pub(super) fn new(
        cluster: Cluster,
        state: ClusterState,
        namespace: Namespace,
        service: ServiceName,
        mut request: LogRequest,
        keep: Keep,
    ) -> Self {
        let range = Range::of(&request, Timestamp::now());
        request.follow = request.follow && !range.has_end() && request.head.is_none();
        let range = if request.after.is_some() { range.resumed() } else { range };
        Self { cluster, state, namespace, service, request, range, keep, older: None }
    }

    /// The same with lines from outside of the cluster, if it is said how far back. Who follows the last lines doesn't wait for
    /// somebody else's answer.
    pub(super) fn with_older(self, older: Option<Older>) -> Self {
        let LogRequest { since, from, until, tail, head, after, follow, .. } = &self.request;
        let begins = from.is_some() || since.is_some() || after.is_some();
        let some = until.is_some() || tail.is_some() || head.is_some();
        let said = begins || (some && !follow);
        Self { older: older.filter(|_| said), ..self }
    }

    /// The entries, those that come at once together.
    pub(super) fn chunks(self) -> impl Stream<Item = Result<Vec<Shown>, Error>> + Send {
        try_stream! {
            let mut steps = pin!(self.steps());
            let mut latest = self.first_position()?.latest();
            let mut left = self.request.head.unwrap_or(u32::MAX);
            while left > 0 {
                let Some(mut shown) = steps.try_next().await? else { break };
                let mut some = 0;
                for (_, entry) in &mut shown {
                    mark_late(entry, &mut latest);
                    some += 1;
                    left -= u32::from(entry.marker.is_none());
                    if left == 0 {
                        break;
                    }
                }
                shown.truncate(some);
                if !shown.is_empty() {
                    yield shown;
                }
            }
        }
    }

    /// What is to be shown, as it comes.
    fn steps(&self) -> impl Stream<Item = Result<Vec<Shown>, Error>> + Send {
        try_stream! {
            let mut position = self.first_position()?;
            let mut tail = self.tail();
            let hub = self.request.follow.then(|| self.join());
            let mut texts = Texts::wanted_by(&self.request);
            let (mut next, mut taken, mut missed) = (0, Taken::default(), Missed::default());
            if let Some(hub) = &hub {
                hub.ready().await;
                let (oldest, dropped) = hub.oldest();
                (next, taken) = (oldest, Taken::after(dropped));
            }
            self.seen().await?;
            loop {
                let mut failure = None;
                // Who follows for hours doesn't hold what the beginning was read with.
                let mut past = self.past(position.clone(), tail, hub.as_ref(), missed.clone()).boxed();
                while let Some(step) = past.next().await {
                    match step {
                        Ok((after, shown)) => {
                            // From here on, the position says where to go on.
                            (position, tail) = (after, None);
                            yield shown;
                        }
                        Err(error) => failure = Some(error),
                    }
                }
                drop(past);
                let Some(hub) = &hub else { return failure.map_or(Ok(()), Err)? };
                if let Some(error) = failure {
                    self.wait_to_retry(error).await?;
                    continue;
                }
                while let Some(items) = hub.read(next).await {
                    let mut shown = Vec::new();
                    for item in items {
                        next += 1;
                        taken.add(&item);
                        if !position.passed(&item) {
                            position.advance(&item);
                            self.show(Arc::unwrap_or_clone(item), &position, &mut texts, &mut shown);
                        }
                    }
                    yield shown;
                }
                // Too slow for what the hub holds: whoever still has the lines is asked.
                let (oldest, dropped) = hub.oldest();
                missed = taken.missed(&dropped);
                (next, taken) = (oldest, Taken::after(dropped));
            }
        }
    }

    /// A cluster that is away comes back, and credentials that have expired are replaced in their file; anything else ends the reading.
    async fn wait_to_retry(&self, error: Error) -> Result<(), Error> {
        let expired = matches!(error, Error::Refused { code: 401, .. });
        if !(error.is_transient() || expired) {
            return Err(error);
        }
        tracing::debug!(service = %self.service, %error, "a log can't be read and will be tried again");
        tokio::time::sleep(RETRY).await;
        Ok(())
    }

    fn first_position(&self) -> Result<Position, Error> {
        if let Some(after) = &self.request.after {
            return Position::decode(after).ok_or(Error::LogPosition);
        }
        Ok(Position::since(self.range.floor()))
    }

    fn tail(&self) -> Option<u32> {
        let request = &self.request;
        let default = (request.follow && self.range == Range::default()).then_some(DEFAULT_TAIL);
        request.tail.or(default).filter(|_| request.after.is_none() && request.head.is_none())
    }

    fn join(&self) -> Reader {
        let key = (self.namespace.clone(), self.service.clone());
        self.cluster.hubs.join(&self.cluster.client, &self.state, key)
    }

    /// Waits until the cluster has been seen once.
    async fn seen(&self) -> Result<(), Error> {
        let mut changed = self.state.changed();
        let seen = async {
            while self.state.namespace(&self.namespace).freshness == Freshness::NeverSeen {
                if changed.changed().await.is_err() {
                    break;
                }
            }
        };
        if self.request.follow {
            seen.await;
            return Ok(());
        }
        let never = |_| Error::Unreachable("it has not answered yet".into());
        tokio::time::timeout(FIRST_ANSWER, seen).await.map_err(never)
    }

    /// What has been written after `position`: each entry that is kept, or the last `tail` of them.
    fn past<'a>(
        &'a self,
        mut position: Position,
        tail: Option<u32>,
        hub: Option<&'a Reader>,
        missed: Missed,
    ) -> impl Stream<Item = Result<Step, Error>> + Send + use<'a> {
        try_stream! {
            let mut texts = Texts::wanted_by(&self.request);
            // Without a bound lines are given as they are read, and whoever takes them slowly would hold others up.
            let turn = if tail.is_some() { self.cluster.hubs.turn().await } else { None };
            let (streams, missing) = self.streams(&mut position, tail, hub, &missed).await;
            let mut gaps = Vec::new();
            for (after, gap) in missing {
                self.show(gap, &after, &mut texts, &mut gaps);
            }
            if !gaps.is_empty() {
                yield (position.clone(), gaps);
            }
            let mut chunks = self.cluster.reading.ahead(gathered(merged(streams)), CHUNKS_AHEAD);
            let Some(tail) = tail else {
                while let Some(chunk) = chunks.try_next().await? {
                    let mut shown = Vec::with_capacity(chunk.len());
                    for item in chunk.into_iter().filter(|item| !self.range.ends_before(item)) {
                        position.advance(&item);
                        self.show(item, &position, &mut texts, &mut shown);
                    }
                    yield (position.clone(), shown);
                }
                return;
            };
            let mut latest = Tail::new(position, tail);
            while let Some(chunk) = chunks.try_next().await? {
                for item in chunk.into_iter().filter(|item| !self.range.ends_before(item)) {
                    latest.push(item.bare(), self.read(item));
                }
            }
            drop(turn);
            for step in latest.into_steps(texts) {
                yield step;
            }
        }
    }

    /// Everything that was written after `position`, in streams that are each in order: by the containers that can be asked, by
    /// those that can't be any more (kept on disk, or held), and by Kubernetes. With the gaps before, each with the position after it.
    async fn streams(
        &self,
        position: &mut Position,
        tail: Option<u32>,
        hub: Option<&Reader>,
        missed: &Missed,
    ) -> (Vec<ChunkStream>, Vec<(Position, Item)>) {
        let present = sources(&self.state, &self.namespace, &self.service);
        let untold = position.take_untold();
        let (fresh, floor) = (position.latest() == i64::MIN, position.floor);
        let mut ids: HashSet<SourceId> = present.iter().map(|source| source.id).collect();
        let (covered, held) =
            hub.map(|hub| hub.look(|items| held(position, items, &ids))).unwrap_or_default();
        let had = &covered | &ids;
        let kept = self.kept(position, &had, tail).await;
        let lost = lost(position, &ids, &(&covered | &kept.known), missed);
        let past = self.in_the_past(&present, &held, &kept.known, position, tail).await;
        let mut missing = kept.enter(position);
        for gap in lost {
            position.advance(&Item { what: What::Closed(None), ..gap.clone() });
            missing.push((position.clone(), gap));
        }
        ids.retain(|id| !covered.contains(id));
        let asked = present.into_iter().filter(|source| ids.contains(&source.id));
        let mut streams: Vec<ChunkStream> =
            asked.filter_map(|source| self.written(source, position, tail)).collect();
        streams.extend(kept.streams(position, held));
        let mut events =
            events_after(&self.state.namespace(&self.namespace), &self.service, position.events.unwrap_or(0));
        // An event's own time, not its place, says whether it is from before what was asked for.
        events.retain(|event| position.events.is_some() || event.happened_at() >= position.floor);
        streams.push(stream::once(async { Ok(events) }).boxed());
        if let Some(past) = past {
            let fills = past.fills();
            streams = streams.into_iter().map(|chunks| without_gaps(chunks, fills.clone())).collect();
            missing.retain(|(_, gap)| !fills(gap));
            streams.push(past.items().map_ok(|item| vec![item]).boxed());
        } else if fresh && let Some(removed) = self.removed(floor).await {
            streams.push(stream::once(async move { Ok(vec![removed]) }).boxed());
        }
        missing.extend(untold.map(|gap| (position.clone(), gap)));
        (streams, missing)
    }

    /// What is kept on disk of sources that the reader doesn't have from elsewhere.
    async fn kept(&self, position: &Position, had: &HashSet<SourceId>, tail: Option<u32>) -> Beginning {
        let Some(kept) = self.cluster.hubs.kept(&self.namespace, &self.service) else {
            return Beginning::default();
        };
        let counts = |item: &Item| {
            let inside = !self.range.begins_after(item) && !self.range.ends_before(item);
            inside && matches!(item.what, What::Line(_))
        };
        // Matching lines can stand anywhere.
        let tail = tail.filter(|_| self.request.filter.is_none());
        let enough = tail.map(|lines| Enough { lines, counts: &counts });
        kept.beginning(position, had, enough.as_ref()).await
    }

    /// That something was kept on disk that might be wanted, but isn't any more.
    async fn removed(&self, floor: i64) -> Option<Item> {
        let removed = self.cluster.hubs.kept(&self.namespace, &self.service)?.removed().await?;
        (removed.nanos >= floor).then_some(removed)
    }

    /// What has been written by one container. What the kubelet no longer has comes from the disk.
    fn written(&self, source: Source, position: &Position, tail: Option<u32>) -> Option<ChunkStream> {
        let namespace = self.state.namespace(&self.namespace);
        let instances = instances(namespace.pods.get(&source.origin.pod)?, &source.origin.container);
        let reading = Reading {
            client: self.cluster.unpooled.clone(),
            instances,
            cursor: position.cursor(source.id),
            floor: position.floor,
            // Matching lines can stand anywhere, and so can the last before an end.
            tail: tail.filter(|_| self.request.filter.is_none() && !self.range.has_end()),
            follow: false,
            kept: self.kept_lines(tail),
            read_before: None,
            source,
        };
        Some(self.cluster.reading.ahead(reading.chunks(), PIECES_AHEAD))
    }

    /// What the disk has of containers that the kubelet is asked about.
    fn kept_lines(&self, tail: Option<u32>) -> Option<KeptLines> {
        let kept = self.cluster.hubs.kept(&self.namespace, &self.service)?;
        // Matching lines can stand anywhere.
        Some(KeptLines { kept, range: self.range, last: tail.filter(|_| self.request.filter.is_none()) })
    }

    /// Adds what is shown of an item after which the reader is at a position.
    fn show(&self, item: Item, after: &Position, texts: &mut Texts, shown: &mut Vec<Shown>) {
        let Some((before, entry)) = self.read(item) else { return };
        for earlier in before {
            let position = earlier.place.map(|place| after.back_at(place));
            shown.extend(position.and_then(|position| Some((texts.of(&position)?, earlier))));
        }
        shown.extend(texts.of(after).map(|position| (position, entry)));
    }

    /// The entry of an item, if it has one that is wanted, and those before it that are so because of it.
    fn read(&self, item: Item) -> Option<(Vec<LogEntry>, LogEntry)> {
        if self.range.begins_after(&item) {
            return None;
        }
        (self.keep)(item.entry()?)
    }
}

/// Marks an entry as late if one that is later was given before it. What Kubernetes reports has a time of its own, which says nothing
/// of when containers wrote.
fn mark_late(entry: &mut LogEntry, latest: &mut i64) {
    if entry.marker != Some(LogMarker::Event) {
        let at = nanos(entry.at);
        entry.late = at < *latest;
        *latest = at.max(*latest);
    }
}

/// The same without the gaps that others fill.
fn without_gaps(chunks: ChunkStream, fills: impl Fn(&Item) -> bool + Send + 'static) -> ChunkStream {
    let without = move |mut chunk: Vec<Item>| {
        chunk.retain(|item| !fills(item));
        chunk
    };
    chunks.map_ok(without).boxed()
}

/// The sources of which everything after the reader's place is held, because something before it still is: they needn't be asked.
fn covered<'a>(position: &Position, held: impl IntoIterator<Item = &'a Arc<Item>>) -> HashSet<SourceId> {
    let at_or_before = |item: &&Arc<Item>| {
        !matches!(item.what, What::Gap(_)) && position.cursor(item.source).is_some_and(|c| c.passed(item))
    };
    held.into_iter().filter(at_or_before).map(|item| item.source).collect()
}

/// What a reader can take from what is held: the sources of which nothing else is needed, and the items of these and of those that
/// can't be asked.
fn held(
    position: &Position,
    items: &VecDeque<Arc<Item>>,
    present: &HashSet<SourceId>,
) -> (HashSet<SourceId>, Vec<Arc<Item>>) {
    let covered = covered(position, items);
    let taken = |item: &&Arc<Item>| {
        item.source != EVENTS && (covered.contains(&item.source) || !present.contains(&item.source))
    };
    let taken = items.iter().filter(taken).filter(|item| !position.passed(item)).cloned().collect();
    (covered, taken)
}

#[cfg(test)]
#[path = "viewer_tests.rs"]
mod tests;
