//! One log stream per container, however many people read it: a ring of the latest lines that all readers share.

use super::account::Account;
use super::events::{events_after, latest_version};
use super::follow::{Follower, Start};
use super::kept::{Indexes, Keeper, Kept, LogKeeping};
use super::line::{Item, Source, SourceId, What};
use super::merge::Window;
use super::range::now;
use super::sources;
use crate::ClusterState;
use fairway_domain::{Freshness, Namespace, ServiceName};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc, watch};
use tokio::task::JoinSet;

/// What the ring holds at most. Who falls further behind reads from the kubelet again.
const MOST: Bound = Bound { items: 20_000, bytes: 64 * 1024 * 1024 };
/// What it holds while nobody reads and lines are only kept: enough for who comes to find where the kubelet's lines end.
const MOST_UNREAD: Bound = Bound { items: 1000, bytes: 1024 * 1024 };
/// Changes of the cluster within this time become one.
const SETTLE: Duration = Duration::from_millis(100);
/// How long reading goes on after the last reader left, so that one who comes right back misses nothing of a pod that ends.
const LINGER: Duration = Duration::from_secs(60);
/// How far back what is kept of a container begins that was never read before.
const FIRST_HOUR: i64 = 3_600_000_000_000;
/// How many items wait for their place in the order at most; each is of 64 KiB at most.
const WAITING: usize = 256;
/// How many readers read the last lines of a log at once.
const BEGIN_AT_ONCE: usize = 8;
/// Of how many sources that are gone it is known how many lines were dropped.
const MOST_OVER: usize = 1000;
/// How many items a reader takes at once.
const CHUNK: usize = 512;

/// The hubs of all services that somebody reads; if lines are kept, of all services.
#[derive(Default)]
pub(crate) struct Hubs {
    running: Mutex<HashMap<(Namespace, ServiceName), Weak<Hub>>>,
    keeping: OnceLock<LogKeeping>,
    indexes: Indexes,
    beginnings: Beginnings,
}

/// Who reads the last lines of a log takes a turn: each opens connections and holds what it reads, and very many may come at once.
struct Beginnings(Semaphore);

impl Default for Beginnings {
    fn default() -> Self {
        Self(Semaphore::new(BEGIN_AT_ONCE))
    }
}

impl Hubs {
    /// From now on, what is read is kept.
    pub(super) fn keep(&self, keeping: LogKeeping) {
        // The first word stands.
        let _ = self.keeping.set(keeping);
    }

    /// Waits for a turn to read the last lines of a log. It lasts as long as what is returned lives.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Never closed.
        self.beginnings.0.acquire().await.ok()
    }

    /// What is kept of a service.
    pub(super) fn kept(&self, namespace: &Namespace, service: &ServiceName) -> Option<Kept> {
        let kept = Kept::of(self.keeping.get()?, namespace, service);
        Some(kept.remembered(self.indexes.clone()))
    }

    /// A reader at the hub of a service, which is started if it doesn't run yet.
    pub(super) fn join(
        &self,
        client: &kube::Client,
        state: &ClusterState,
        key: (Namespace, ServiceName),
    ) -> Reader {
        let hub = self.run(client, state, key);
        hub.shared.readers.fetch_add(1, Ordering::Relaxed);
        Reader { hub }
    }

    /// The hub of a service, for as long as what is returned lives.
    pub(super) fn run(
        &self,
        client: &kube::Client,
        state: &ClusterState,
        key: (Namespace, ServiceName),
    ) -> Arc<Hub> {
        let mut hubs = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        hubs.retain(|_, hub| hub.strong_count() > 0);
        if let Some(hub) = hubs.get(&key).and_then(Weak::upgrade) {
            return hub;
        }
        let shared = Arc::new(Shared::default());
        let mut task = JoinSet::new();
        let feed = Feed {
            client: client.clone(),
            state: state.without_watches(),
            namespace: key.0.clone(),
            service: key.1.clone(),
            keeping: self.keeping.get().cloned(),
            shared: shared.clone(),
        };
        task.spawn(feed.run());
        let hub = Arc::new(Hub { shared, _task: task });
        hubs.insert(key, Arc::downgrade(&hub));
        hub
    }
}

/// The reading of one service's log. It ends with the last who holds it.
pub(super) struct Hub {
    shared: Arc<Shared>,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    ring: Mutex<Ring>,
    account: Arc<Account>,
    /// How many readers there are, or were a moment ago.
    readers: AtomicUsize,
    /// The number of the next item: changes as items come.
    next: watch::Sender<u64>,
    /// Whether every source that was there at the beginning is being read.
    ready: watch::Sender<bool>,
}

/// How much may be held.
#[derive(Clone, Copy)]
struct Bound {
    items: usize,
    bytes: usize,
}

/// The latest items, each with its number from 0.
#[derive(Default)]
struct Ring {
    first: u64,
    items: VecDeque<Arc<Item>>,
    bytes: usize,
    /// How many lines of each source were dropped.
    dropped: HashMap<SourceId, u64>,
    /// Of which of them the end was dropped, too, the oldest first.
    over: VecDeque<SourceId>,
}

impl Ring {
    fn push(&mut self, item: Arc<Item>, most: Bound) {
        self.bytes += item.weight();
        self.items.push_back(item);
        while self.items.len() > most.items || (self.bytes > most.bytes && self.items.len() > 1) {
            let Some(dropped) = self.items.pop_front() else { break };
            self.bytes -= dropped.weight();
            self.first += 1;
            self.count(&dropped);
        }
    }

    fn count(&mut self, dropped: &Item) {
        match dropped.what {
            What::Line(_) => *self.dropped.entry(dropped.source).or_default() += 1,
            What::Closed(_) => self.over.push_back(dropped.source),
            _ => {}
        }
        if self.over.len() > MOST_OVER
            && let Some(source) = self.over.pop_front()
        {
            self.dropped.remove(&source);
        }
    }

    fn next(&self) -> u64 {
        self.first + u64::try_from(self.items.len()).unwrap_or(u64::MAX)
    }

    /// Up to a chunk of items from `number` on, or nothing if some of them are gone.
    fn read(&self, number: u64) -> Option<Vec<Arc<Item>>> {
        let skipped = usize::try_from(number.checked_sub(self.first)?).ok()?;
        Some(self.items.iter().skip(skipped).take(CHUNK).cloned().collect())
    }
}

impl Shared {
    fn with_ring<T>(&self, act: impl FnOnce(&mut Ring) -> T) -> T {
        act(&mut self.ring.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One reader's hold on a hub.
pub(super) struct Reader {
    hub: Arc<Hub>,
}

impl Reader {
    /// Waits until every line that is written from now on will be seen here.
    pub(super) async fn ready(&self) {
        // Can't fail while the hub is held.
        let _ = self.hub.shared.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// How complete the reading is.
    pub(super) fn account(&self) -> &Account {
        &self.hub.shared.account
    }

    /// The number of the oldest item that is held, and how many lines of each source were dropped before it.
    pub(super) fn oldest(&self) -> (u64, HashMap<SourceId, u64>) {
        self.hub.shared.with_ring(|ring| (ring.first, ring.dropped.clone()))
    }

    /// Looks at everything that is held at one moment. Everybody else waits meanwhile.
    pub(super) fn look<T>(&self, look: impl FnOnce(&VecDeque<Arc<Item>>) -> T) -> T {
        self.hub.shared.with_ring(|ring| look(&ring.items))
    }

    /// Items from `number` on, at least one, waiting for it; nothing if the reader has fallen too far behind.
    pub(super) async fn read(&self, number: u64) -> Option<Vec<Arc<Item>>> {
        let mut next = self.hub.shared.next.subscribe();
        let _ = next.wait_for(|next| *next > number).await;
        self.hub.shared.with_ring(|ring| ring.read(number))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let hub = self.hub.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(LINGER).await;
                hub.shared.readers.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }
}

/// What fills a hub.
struct Feed {
    client: kube::Client,
    state: ClusterState,
    namespace: Namespace,
    service: ServiceName,
    keeping: Option<LogKeeping>,
    shared: Arc<Shared>,
}

impl Feed {
    async fn run(self) {
        let mut changed = self.state.changed();
        let seen = |state: &ClusterState| state.namespace(&self.namespace).freshness != Freshness::NeverSeen;
        while !seen(&self.state) {
            if changed.changed().await.is_err() {
                return;
            }
        }
        let mut keeper = self.keeper().await;
        let (sender, mut items) = mpsc::channel(WAITING);
        let mut followers = Followers { sender, known: HashSet::new(), tasks: JoinSet::new() };
        let (located, mut all_located) = mpsc::channel::<()>(1);
        self.follow(&mut followers, |source| Self::first_start(source, keeper.as_ref(), &located));
        drop(located);
        let mut version = latest_version(&self.state.namespace(&self.namespace), &self.service);

        let mut window = Window::default();
        let mut ready = false;
        let mut look_again = tokio::time::Instant::now();
        loop {
            tokio::select! {
                item = items.recv(), if window.has_room() => {
                    // Never closed: a sender is held here.
                    let Some(item) = item else { return };
                    window.push(item, tokio::time::Instant::now());
                }
                () = window.due() => {
                    let items = self.publish(window.release(tokio::time::Instant::now()));
                    if let Some(keeper) = &mut keeper {
                        keeper.append(&items).await;
                    }
                }
                // Closed once each follower has dropped its end.
                _ = all_located.recv(), if !ready => {
                    ready = true;
                    self.shared.account.begin();
                    self.shared.ready.send_replace(true);
                }
                change = changed_since(&mut changed, look_again) => {
                    if change.is_err() {
                        return;
                    }
                    look_again = tokio::time::Instant::now() + SETTLE;
                    self.follow(&mut followers, |_| Start::Beginning);
                    let events = events_after(&self.state.namespace(&self.namespace), &self.service, version);
                    version = events.last().and_then(Item::version).unwrap_or(version);
                    let now = tokio::time::Instant::now();
                    for event in events {
                        window.push(event, now);
                    }
                }
            }
        }
    }

    /// What writes the lines down, if they are kept; it has been told which pods went while nobody read.
    async fn keeper(&self) -> Option<Keeper> {
        let mut keeper = Keeper::open(self.keeping.as_ref()?, &self.namespace, &self.service).await;
        let present = sources(&self.state, &self.namespace, &self.service);
        keeper.close_all_but(&present.iter().map(|source| source.id).collect()).await;
        Some(keeper)
    }

    /// Where following a container begins that was there before its hub: where it was left, if lines are kept.
    fn first_start(source: &Source, keeper: Option<&Keeper>, located: &mpsc::Sender<()>) -> Start {
        let Some(keeper) = keeper else { return Start::Now(located.clone()) };
        keeper.cursor(source.id).map_or_else(|| Start::Since(now() - FIRST_HOUR), Start::After)
    }

    /// Follows the containers that aren't followed yet.
    fn follow(&self, followers: &mut Followers, start: impl Fn(&Source) -> Start) {
        while followers.tasks.try_join_next().is_some() {}
        let present: Vec<Source> = sources(&self.state, &self.namespace, &self.service);
        followers.known.retain(|id| present.iter().any(|source| source.id == *id));
        for source in present {
            if followers.known.insert(source.id) {
                let start = start(&source);
                let follower = Follower::new(
                    self.client.clone(),
                    self.state.without_watches(),
                    source,
                    followers.sender.clone(),
                    self.shared.account.clone(),
                );
                followers.tasks.spawn(follower.run(start));
            }
        }
    }

    fn publish(&self, items: Vec<Item>) -> Vec<Arc<Item>> {
        let items: Vec<Arc<Item>> = items.into_iter().map(Arc::new).collect();
        let most = if self.shared.readers.load(Ordering::Relaxed) > 0 { MOST } else { MOST_UNREAD };
        let next = self.shared.with_ring(|ring| {
            for item in &items {
                self.shared.account.note(item);
                ring.push(item.clone(), most);
            }
            ring.next()
        });
        self.shared.next.send_replace(next);
        items
    }
}

/// Waits for a change, but not less than until `earliest`.
async fn changed_since(
    changed: &mut watch::Receiver<u64>,
    earliest: tokio::time::Instant,
) -> Result<(), watch::error::RecvError> {
    tokio::time::sleep_until(earliest).await;
    changed.changed().await
}

/// Who reads the containers.
struct Followers {
    sender: mpsc::Sender<Item>,
    known: HashSet<SourceId>,
    tasks: JoinSet<()>,
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
