//! One log stream per container, however many people read it: a ring of the latest lines that all readers share.

use super::account::Account;
use super::events::{events_after, latest_version};
use super::follow::{Follower, Start};
use super::line::{Item, Source, SourceId};
use super::merge::Window;
use super::sources;
use crate::ClusterState;
use fairway_domain::{Freshness, Namespace, ServiceName};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// What the ring holds at most. Who falls further behind reads from the kubelet again.
const MOST_ITEMS: usize = 20_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How long reading goes on after the last reader left, so that one who comes right back misses nothing of a pod that ends.
const LINGER: Duration = Duration::from_secs(60);
/// How many items a reader takes at once.
const CHUNK: usize = 512;

/// The hubs of all services that somebody reads.
#[derive(Default)]
pub(crate) struct Hubs(Mutex<HashMap<(Namespace, ServiceName), Weak<Hub>>>);

impl Hubs {
    /// The hub of a service, started if nobody reads it yet.
    pub(super) fn join(
        &self,
        client: &kube::Client,
        state: &ClusterState,
        key: (Namespace, ServiceName),
    ) -> Reader {
        let mut hubs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hubs.retain(|_, hub| hub.strong_count() > 0);
        if let Some(hub) = hubs.get(&key).and_then(Weak::upgrade) {
            return Reader { hub };
        }
        let shared = Arc::new(Shared::default());
        let mut task = JoinSet::new();
        let feed = Feed {
            client: client.clone(),
            state: state.without_watches(),
            namespace: key.0.clone(),
            service: key.1.clone(),
            shared: shared.clone(),
        };
        task.spawn(feed.run());
        let hub = Arc::new(Hub { shared, _task: task });
        hubs.insert(key, Arc::downgrade(&hub));
        Reader { hub }
    }
}

/// The reading of one service's log. It ends with the last reader.
struct Hub {
    shared: Arc<Shared>,
    _task: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    ring: Mutex<Ring>,
    account: Arc<Account>,
    /// The number of the next item: changes as items come.
    next: watch::Sender<u64>,
    /// Whether every source that was there at the beginning is being read.
    ready: watch::Sender<bool>,
}

/// The latest items, each with its number from 0.
#[derive(Default)]
struct Ring {
    first: u64,
    items: VecDeque<Arc<Item>>,
    bytes: usize,
}

impl Ring {
    fn push(&mut self, item: Item) {
        self.bytes += item.weight();
        self.items.push_back(Arc::new(item));
        while self.items.len() > MOST_ITEMS || (self.bytes > MOST_BYTES && self.items.len() > 1) {
            let Some(dropped) = self.items.pop_front() else { break };
            self.bytes -= dropped.weight();
            self.first += 1;
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

    /// The number of the oldest item that is held.
    pub(super) fn oldest(&self) -> u64 {
        self.hub.shared.with_ring(|ring| ring.first)
    }

    /// Everything that is held.
    pub(super) fn held(&self) -> Vec<Arc<Item>> {
        self.hub.shared.with_ring(|ring| ring.items.iter().cloned().collect())
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
                drop(hub);
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
        let (sender, mut items) = mpsc::channel(1024);
        let mut followers = JoinSet::new();
        let mut known = HashSet::new();
        let (located, mut all_located) = mpsc::channel::<()>(1);
        let now = Start::Now(located);
        self.start_followers(&now, &sender, &mut known, &mut followers);
        drop(now);
        let mut version = latest_version(&self.state.namespace(&self.namespace), &self.service);

        let mut window = Window::default();
        let mut ready = false;
        loop {
            let deadline = window.deadline();
            let waited = async {
                match deadline {
                    Some(deadline) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                item = items.recv() => {
                    // Never closed: a sender is held here.
                    let Some(item) = item else { return };
                    window.push(item, tokio::time::Instant::now());
                }
                () = waited => self.publish(window.release(tokio::time::Instant::now())),
                // Closed once each follower has dropped its end.
                _ = all_located.recv(), if !ready => {
                    ready = true;
                    self.shared.account.begin();
                    self.shared.ready.send_replace(true);
                }
                change = changed.changed() => {
                    if change.is_err() {
                        return;
                    }
                    self.start_followers(&Start::Beginning, &sender, &mut known, &mut followers);
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

    /// Follows the containers that aren't followed yet.
    fn start_followers(
        &self,
        start: &Start,
        sender: &mpsc::Sender<Item>,
        known: &mut HashSet<SourceId>,
        followers: &mut JoinSet<()>,
    ) {
        while followers.try_join_next().is_some() {}
        let present: Vec<Source> = sources(&self.state, &self.namespace, &self.service);
        known.retain(|id| present.iter().any(|source| source.id == *id));
        for source in present {
            if known.insert(source.id) {
                let follower = Follower::new(
                    self.client.clone(),
                    self.state.without_watches(),
                    source,
                    sender.clone(),
                    self.shared.account.clone(),
                );
                followers.spawn(follower.run(start.clone()));
            }
        }
    }

    fn publish(&self, items: Vec<Item>) {
        let next = self.shared.with_ring(|ring| {
            for item in items {
                self.shared.account.note(&item);
                ring.push(item);
            }
            ring.next()
        });
        self.shared.next.send_replace(next);
    }
}

#[cfg(test)]
#[path = "hub_tests.rs"]
mod tests;
