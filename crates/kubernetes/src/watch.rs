//! Watches that feed the index, and the probe that says how far it can be trusted.

use crate::index::Watched;
use crate::{Cluster, NamespaceState};
use fairway_domain::{Freshness, Namespace, ServiceName, Timestamp};
use futures::StreamExt;
use jiff::SignedDuration;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How often the API server is asked whether it is there. A watch can sit on a dead connection for minutes without knowing.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// How long the state still counts as known once the API server no longer answers or a watch has to begin anew: one that is only busy
/// isn't away.
const GRACE: SignedDuration = SignedDuration::from_secs(5);
/// How long a watch waits before it tries again: from the first to the last of these, doubling.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// The kinds that are watched in each namespace.
const KINDS: usize = 5;

/// What the cluster is known to hold, kept up to date for as long as a clone of this lives.
#[derive(Clone)]
pub struct ClusterState {
    shared: Arc<Shared>,
    /// Ends the watches with the last clone.
    _watches: Arc<JoinSet<()>>,
}

impl ClusterState {
    /// One namespace as it is known now. One that isn't watched is empty and was never seen.
    pub fn namespace(&self, namespace: &Namespace) -> Arc<NamespaceState> {
        self.shared.lock().get(namespace).map(|watched| watched.state.clone()).unwrap_or_default()
    }

    /// Every service that is known to be there, with its namespace.
    pub(crate) fn services(&self) -> HashSet<(Namespace, ServiceName)> {
        let namespaces = self.shared.lock();
        let services = namespaces.iter().flat_map(|(namespace, watched)| {
            let present = watched.state.services_present();
            present.into_iter().map(|service| (namespace.clone(), service))
        });
        services.collect()
    }

    /// Counts up at each change of any object or of the freshness.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// The same, read only by this crate, without keeping the watches alive.
    pub(crate) fn without_watches(&self) -> Self {
        Self { shared: self.shared.clone(), _watches: Arc::default() }
    }
}

struct Shared {
    namespaces: Mutex<HashMap<Namespace, WatchedNamespace>>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct WatchedNamespace {
    state: Arc<NamespaceState>,
    sync: Sync,
}

impl WatchedNamespace {
    /// Notes how far the state can be trusted now; returns whether that has changed.
    fn bring_up_to_date(&mut self, now: Timestamp) -> bool {
        let known = self.sync.state(now);
        let changed = (self.state.freshness, self.state.in_touch) != known;
        if changed {
            let state = Arc::make_mut(&mut self.state);
            (state.freshness, state.in_touch) = known;
        }
        changed
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<Namespace, WatchedNamespace>> {
        // The maps are whole after every statement, so a panic elsewhere leaves nothing half done.
        self.namespaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes one namespace and tells everybody who looks.
    fn change(&self, namespace: &Namespace, change: impl FnOnce(&mut NamespaceState, &mut Sync)) {
        if let Some(watched) = self.lock().get_mut(namespace) {
            change(Arc::make_mut(&mut watched.state), &mut watched.sync);
            watched.bring_up_to_date(Timestamp::now());
        }
        self.changed.send_modify(|count| *count += 1);
    }

    /// Notes the probe's answer; returns whether the cluster has just come back.
    fn probed(&self, answers: bool) -> bool {
        let mut came_back = false;
        let mut changed = false;
        for watched in self.lock().values_mut() {
            came_back |= answers && !watched.sync.answers;
            let now = Timestamp::now();
            watched.sync.probed(answers, now);
            changed |= watched.bring_up_to_date(now);
        }
        if changed {
            self.changed.send_modify(|count| *count += 1);
        }
        came_back
    }
}

/// Whether what is known is the present state: pure, so that it can be tested without a cluster.
#[derive(Clone, Debug, Default)]
struct Sync {
    answers: bool,
    /// Kinds whose watch has delivered everything and hasn't failed since.
    complete: std::collections::BTreeSet<&'static str>,
    last_good: Option<Timestamp>,
}

impl Sync {
    fn in_touch(&self) -> bool {
        self.answers && self.complete.len() == KINDS
    }

    fn probed(&mut self, answers: bool, now: Timestamp) {
        if self.answers && !answers {
            // A watch may not notice that its connection is dead: each has to deliver everything anew.
            self.complete.clear();
        }
        self.answers = answers;
        if self.in_touch() {
            self.last_good = Some(now);
        }
    }

    fn completed(&mut self, kind: &'static str, now: Timestamp) {
        self.complete.insert(kind);
        if self.in_touch() {
            self.last_good = Some(now);
        }
    }

    fn failed(&mut self, kind: &'static str, now: Timestamp) {
        if self.in_touch() {
            self.last_good = Some(now);
        }
        self.complete.remove(kind);
    }

    /// How far what is known can be trusted, and whether it is followed right now.
    fn state(&self, now: Timestamp) -> (Freshness, bool) {
        let freshness = match self.last_good {
            Some(at) if self.in_touch() || now.duration_since(at) < GRACE => Freshness::Live,
            Some(at) => Freshness::UnknownSince(at),
            None => Freshness::NeverSeen,
        };
        (freshness, self.in_touch())
    }
}

pub(crate) fn start(cluster: &Cluster, namespaces: &[Namespace]) -> ClusterState {
    let watched = namespaces.iter().map(|namespace| (namespace.clone(), WatchedNamespace::default()));
    let shared =
        Arc::new(Shared { namespaces: Mutex::new(watched.collect()), changed: watch::Sender::new(0) });
    let (restart, restarts) = watch::channel(());
    let mut tasks = JoinSet::new();
    for namespace in namespaces {
        let feed = Feed {
            client: cluster.client.clone(),
            namespace: namespace.clone(),
            shared: shared.clone(),
            restarts: restarts.clone(),
        };
        tasks.spawn(feed.clone().run::<Deployment>());
        tasks.spawn(feed.clone().run::<ReplicaSet>());
        tasks.spawn(feed.clone().run::<Pod>());
        tasks.spawn(feed.clone().run::<Event>());
        tasks.spawn(feed.run::<Service>());
    }
    tasks.spawn(probe(cluster.clone(), shared.clone(), restart));
    ClusterState { shared, _watches: Arc::new(tasks) }
}

/// Asks the API server again and again whether it is there, and restarts every watch when it has come back.
async fn probe(cluster: Cluster, shared: Arc<Shared>, restart: watch::Sender<()>) {
    let mut answered_before = None;
    loop {
        let answers = cluster.ready().await;
        if answered_before != Some(answers) {
            tracing::info!(answers, "the cluster's API server was asked whether it is ready");
        }
        // The first answer is no return: the watches have only just begun.
        if shared.probed(answers) && answered_before.is_some() {
            restart.send_replace(());
        }
        answered_before = Some(answers);
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
}

/// One watch: a kind in a namespace.
#[derive(Clone)]
struct Feed {
    client: kube::Client,
    namespace: Namespace,
    shared: Arc<Shared>,
    restarts: watch::Receiver<()>,
}

impl Feed {
    async fn run<K>(self)
    where
        K: Watched + Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + 'static,
    {
        let kind: &'static str = std::any::type_name::<K>();
        let mut restarts = self.restarts.clone();
        let mut pause = RETRY.0;
        loop {
            let mut failed_at_once = true;
            tokio::select! {
                error = self.follow::<K>(kind, &mut failed_at_once) => {
                    tracing::debug!(%error, kind, namespace = %self.namespace, "a watch ended");
                }
                () = restarted(&mut restarts) => continue,
            }
            self.shared.change(&self.namespace, |_, sync| sync.failed(kind, Timestamp::now()));
            pause = if failed_at_once { (pause * 2).min(RETRY.1) } else { RETRY.0 };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = restarted(&mut restarts) => {}
            }
        }
    }

    /// Lists, then follows, until something fails.
    async fn follow<K>(&self, kind: &'static str, failed_at_once: &mut bool) -> watcher::Error
    where
        K: Watched + Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + 'static,
    {
        // Read as a tree first, so that one object that can't be decoded doesn't take the whole list with it.
        let resource = ApiResource::erase::<K>(&());
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), self.namespace.as_str(), &resource);
        let mut events = watcher(api, watcher::Config::default()).boxed();
        let mut listed = Vec::new();
        loop {
            match events.next().await {
                Some(Ok(watcher::Event::Init)) => listed.clear(),
                Some(Ok(watcher::Event::InitApply(object))) => listed.extend(decoded::<K>(object)),
                Some(Ok(watcher::Event::InitDone)) => {
                    let objects = std::mem::take(&mut listed);
                    *failed_at_once = false;
                    self.shared.change(&self.namespace, |state, sync| {
                        K::table(state).reset(objects);
                        sync.completed(kind, Timestamp::now());
                    });
                }
                Some(Ok(watcher::Event::Apply(object))) => {
                    if let Some(object) = decoded::<K>(object) {
                        self.shared.change(&self.namespace, |state, _| K::table(state).apply(object));
                    }
                }
                Some(Ok(watcher::Event::Delete(object))) => {
                    let name = object.name_any();
                    self.shared.change(&self.namespace, |state, _| K::table(state).delete(&name));
                }
                Some(Err(error)) => return error,
                None => return watcher::Error::NoResourceVersion,
            }
        }
    }
}

/// Waits for the next restart; for ever once there can't be one.
async fn restarted(restarts: &mut watch::Receiver<()>) {
    if restarts.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn decoded<K: Resource<DynamicType = ()> + DeserializeOwned>(object: DynamicObject) -> Option<K> {
    let name = object.name_any();
    match object.try_parse() {
        Ok(object) => Some(object),
        Err(error) => {
            tracing::warn!(kind = %K::kind(&()), name, %error, "an object can't be decoded and is left out");
            None
        }
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
