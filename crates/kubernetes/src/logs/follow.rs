//! Following one container's log through restarts, broken connections and the end of the pod.

use super::account::Account;
use super::instances::{Instance, instances};
use super::line::{Item, Source, What};
use super::position::Cursor;
use super::range::{SECOND, now};
use super::read::{Part, Reading, lines, open};
use super::rotation::Rotation;
use crate::{ClusterState, Error};
use futures::future::pending;
use futures::{FutureExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long to wait before a stream that ended is opened again: from the first to the last of these, doubling.
/// Most often the container has ended, and its status says so within the second that the kubelet takes to see it.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));
/// How long a stream may go on after its container has ended, to deliver what is left.
const DRAIN: Duration = Duration::from_secs(2);
/// How much longer if the pod has gone: nothing else can be read of it, and its container may outlive it by the time it takes to stop.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// Where reading begins, in nanoseconds before now, if the node doesn't say how far the log is.
const GUESS: i64 = 60_000_000_000;
/// How often in a row a stream may be taken for one of an instance that isn't known yet: a busy kubelet takes half a minute and more to
/// say that it has started another.
const MOST_EMPTY: u32 = 60;

/// Where following begins.
#[derive(Clone)]
pub(super) enum Start {
    /// About where the log ends now. The sender is dropped as soon as that place is known.
    Now(mpsc::Sender<()>),
    /// About where the log was at this time, in nanoseconds since the epoch.
    Since(i64),
    /// Right after this place.
    After(Cursor),
    /// At the log's beginning.
    Beginning,
}

impl Start {
    /// Whether a pod's joining is part of what is followed.
    fn tells_of(&self, joined: &Item) -> bool {
        match self {
            Self::Now(_) | Self::After(_) => false,
            Self::Since(floor) => joined.nanos >= *floor,
            Self::Beginning => true,
        }
    }
}

/// One container that is followed.
pub(super) struct Follower {
    client: kube::Client,
    state: ClusterState,
    source: Source,
    items: mpsc::Sender<Item>,
    account: Arc<Account>,
    cursor: Option<Cursor>,
    floor: i64,
    /// The instance whose stream has ended by itself: the kubelet ends it once all is delivered.
    read_before: Option<String>,
    /// How often in a row that brought nothing.
    empty: u32,
    /// Whether the last stream didn't end by itself: something of what was written may not have come.
    broken: bool,
    /// Where the last gap was told of: once is enough.
    gap: Option<Cursor>,
}

impl Follower {
    pub(super) fn new(
        client: kube::Client,
        state: ClusterState,
        source: Source,
        items: mpsc::Sender<Item>,
        account: Arc<Account>,
    ) -> Self {
        Self {
            client,
            state,
            source,
            items,
            account,
            cursor: None,
            floor: 0,
            read_before: None,
            empty: 0,
            broken: false,
            gap: None,
        }
    }

    /// Follows until the pod is gone or nobody listens any more.
    pub(super) async fn run(mut self, start: Start) {
        let joined = self.source.joined().filter(|joined| start.tells_of(joined));
        match start {
            Start::Now(located) => {
                self.floor = self.locate().await;
                drop(located);
            }
            Start::Since(floor) => self.floor = floor,
            Start::After(cursor) => self.cursor = Some(cursor),
            Start::Beginning => self.cursor = Some(Cursor::start()),
        }
        if let Some(joined) = joined
            && self.items.send(joined).await.is_err()
        {
            return;
        }
        let mut pause = RETRY.0;
        loop {
            let Some(pod) = self.pod() else {
                self.close().await;
                return;
            };
            let read_until = self.instances_of(&pod);
            let Some(lines) = self.read(&read_until).await else { return };
            self.empty = if lines > 0 { 0 } else { self.empty + 1 };
            pause = if lines > 0 { RETRY.0 } else { (pause * 2).min(RETRY.1) };
            self.wait_for_more(&read_until, pause).await;
        }
    }

    fn pod(&self) -> Option<Arc<Pod>> {
        pod_of(&self.state, &self.source)
    }

    fn instances_of(&self, pod: &Pod) -> Vec<Instance> {
        instances(pod, &self.source.origin.container)
    }

    /// A place shortly before the log's end, by the node's clock: lines from there on are delivered.
    async fn locate(&self) -> i64 {
        for _ in 0..3 {
            let last = match self.pod().and_then(|pod| self.instances_of(&pod).pop()) {
                Some(instance) => self.last_line(&instance).await,
                None => return 0,
            };
            match last {
                Ok(nanos) => return nanos.map_or(0, |nanos| nanos - nanos.rem_euclid(SECOND)),
                Err(error) => {
                    tracing::debug!(pod = %self.source.origin.pod, %error, "the log's end can't be found");
                }
            }
            tokio::time::sleep(RETRY.0).await;
        }
        now() - GUESS
    }

    async fn last_line(&self, instance: &Instance) -> Result<Option<i64>, Error> {
        let part = Part { tail: Some(1), ..Part::default() };
        let log = match open(&self.client, &self.source, instance.previous, part).await {
            Err(Error::Refused { code: 400 | 404, .. }) => return Ok(None),
            log => log?,
        };
        let all = lines(log, self.source.clone(), instance.restart, false).try_concat().await?;
        Ok(all.last().map(|item| item.nanos))
    }

    /// Reads on from the cursor until the stream ends, or should have. Gives the number of items; nothing if nobody listens.
    async fn read(&mut self, instances: &[Instance]) -> Option<usize> {
        let reading = Reading {
            client: self.client.clone(),
            source: self.source.clone(),
            instances: instances.to_vec(),
            cursor: self.cursor,
            floor: self.floor,
            tail: None,
            kept: None,
            follow: true,
            // What seems to be a successor's log again and again is none.
            read_before: self.read_before.take().filter(|_| self.empty < MOST_EMPTY),
        };
        let read_before = reading.read_before.clone();
        let runs = instances.iter().any(|instance| instance.end.is_none());
        let answer = runs.then(|| answer(self.client.clone(), self.source.clone()).boxed());
        let mut answered = answer.unwrap_or_else(|| pending().boxed());
        let mut is_read = None;
        let mut chunks = pin!(reading.chunks());
        let (state, source) = (self.state.clone(), self.source.clone());
        let mut over = pin!(over(&state, &source, instances));
        let mut rotation = Rotation::new(&self.client, &self.source);
        let present = instances.last().map_or(0, |instance| instance.restart);
        let mut count = 0;
        loop {
            let next = tokio::select! {
                biased;
                why = rotation.lost() => match self.gap_here(why) {
                    None => continue,
                    Some(gap) => Ok(Some(vec![gap])),
                },
                next = chunks.try_next() => next,
                () = &mut answered, if is_read.is_none() => {
                    is_read = Some(self.account.stream(self.source.id));
                    continue;
                }
                given_up = &mut over => {
                    // A second look at what was read to its end needs no end of its own.
                    let had_all = given_up == GivenUp::Ended && count == 0 && read_before.is_some();
                    self.broken |= !had_all;
                    return Some(count);
                }
            };
            match next {
                Ok(Some(chunk)) => {
                    count += chunk.len();
                    if is_read.is_none() && chunk.iter().any(|item| matches!(item.what, What::Line(_))) {
                        is_read = Some(self.account.stream(self.source.id));
                        answered = pending().boxed();
                    }
                    for item in chunk {
                        if item.restart == present && matches!(item.what, What::Line(_)) {
                            rotation.saw(&item);
                        }
                        self.deliver(item).await?;
                    }
                }
                Ok(None) => {
                    self.broken = false;
                    self.read_before = instances.last().map(|instance| instance.id.clone());
                    return Some(count);
                }
                Err(error) => {
                    tracing::debug!(pod = %self.source.origin.pod, %error, "a log stream broke and will be opened again");
                    self.broken = true;
                    return Some(count);
                }
            }
        }
    }

    async fn deliver(&mut self, item: Item) -> Option<()> {
        if matches!(item.what, What::Gap(_)) {
            if self.gap.is_some() && self.gap == self.cursor {
                return Some(());
            }
            self.gap = self.cursor;
        }
        self.cursor.get_or_insert_with(Cursor::start).advance(&item);
        self.items.send(item).await.ok()
    }

    /// Waits until there can be more to read: the pod's status changed or, while its container runs, a moment has passed.
    async fn wait_for_more(&self, read: &[Instance], pause: Duration) {
        let running = read.iter().any(|instance| instance.end.is_none());
        let unread = self.cursor.is_none_or(|cursor| read.iter().any(|i| i.restart >= cursor.instance));
        let pause = if running || unread { pause } else { Duration::from_secs(30) };
        let changed = when(&self.state, |state| {
            pod_of(state, &self.source).is_none_or(|pod| self.instances_of(&pod) != read)
        });
        let _ = tokio::time::timeout(pause, changed).await;
    }

    /// Tells that the pod is gone, and of what may have gone with it.
    async fn close(mut self) {
        let why = "The pod went while its log couldn't be read: its last lines may be missing here.";
        let gap = self.gap_here(why.into()).unwrap_or_else(|| {
            let place = (self.closed().nanos, Item::ANYWHERE);
            Item::happened(&self.source, 0, place, What::Gap(why.into()))
        });
        if self.broken && self.deliver(gap).await.is_none() {
            return;
        }
        let _ = self.items.send(self.closed()).await;
    }

    /// Tells that lines may be missing where reading is; nothing if it hasn't begun.
    fn gap_here(&self, why: String) -> Option<Item> {
        let cursor = self.cursor.filter(|cursor| cursor.nanos > 0 && !cursor.closed())?;
        Some(Item::happened(&self.source, cursor.instance, cursor.place(), What::Gap(why)))
    }

    fn closed(&self) -> Item {
        let cursor = self.cursor.unwrap_or_else(Cursor::start);
        let left = self.source.made.map(|_| format!("{} is gone", self.source.origin.pod));
        let place = (now().max(cursor.nanos), cursor.ordinal);
        Item::happened(&self.source, cursor.instance, place, What::Closed(left))
    }
}

/// Waits until the node answers for a container: a stream that is followed answers with its first line, which may take for ever.
async fn answer(client: kube::Client, source: Source) {
    let part = Part { bytes: Some(1), ..Part::default() };
    while open(&client, &source, false, part).await.is_err() {
        tokio::time::sleep(RETRY.1).await;
    }
}

fn pod_of(state: &ClusterState, source: &Source) -> Option<Arc<Pod>> {
    let namespace = state.namespace(&source.namespace);
    let pod = namespace.pods.get(&source.origin.pod)?;
    (pod.uid().as_deref() == Some(&*source.uid)).then(|| pod.clone())
}

/// Why a stream is given up that hasn't ended by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GivenUp {
    /// Its container has ended.
    Ended,
    /// The cluster was away meanwhile: the connection may be dead without knowing it.
    Lost,
}

/// Returns when a stream that was opened for `instances` should have ended.
async fn over(state: &ClusterState, source: &Source, instances_then: &[Instance]) -> GivenUp {
    let running = instances_then.iter().find(|instance| instance.end.is_none()).map(|i| i.id.clone());
    let Some(running) = running else { return pending().await };
    let still_runs = |state: &ClusterState| {
        pod_of(state, source).is_some_and(|pod| {
            instances(&pod, &source.origin.container).iter().any(|i| i.id == running && i.end.is_none())
        })
    };
    let in_touch = |state: &ClusterState| state.namespace(&source.namespace).in_touch;
    tokio::select! {
        () = async {
            when(state, |state| !still_runs(state)).await;
            tokio::time::sleep(DRAIN).await;
            if pod_of(state, source).is_none() {
                tokio::time::sleep(LAST_WORDS).await;
            }
        } => GivenUp::Ended,
        () = async {
            when(state, |state| !in_touch(state)).await;
            when(state, in_touch).await;
        } => GivenUp::Lost,
    }
}

/// Waits until `condition` holds of the cluster; for ever once that can't be known any more.
async fn when(state: &ClusterState, condition: impl Fn(&ClusterState) -> bool) {
    let mut changed = state.changed();
    loop {
        changed.borrow_and_update();
        if condition(state) {
            return;
        }
        if changed.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}
