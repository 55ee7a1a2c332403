//! The one object that every edge holds.

use crate::{ClusterStatus, Error, Settings, status::Crashes, worker};
use fairway_delivery::{Builder, Helm, Registry};
use fairway_domain::{Environment, EnvironmentName, Namespace};
use fairway_history::History;
use fairway_kubernetes::{Cluster, ClusterState};
use fairway_scaffold::Repositories;
use fairway_store::Store;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Everything that an actor can ask for. Cheap to clone.
#[derive(Clone)]
pub struct Portal {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) cluster: Cluster,
    pub(crate) state: ClusterState,
    pub(crate) repositories: Repositories,
    pub(crate) builder: Builder,
    pub(crate) registry: Registry,
    pub(crate) helm: Helm,
    pub(crate) crashes: Crashes,
    pub(crate) histories: BTreeMap<EnvironmentName, History>,
    changed: watch::Sender<u64>,
    stopping: CancellationToken,
    tasks: TaskTracker,
}

fn histories(settings: &Settings) -> Result<BTreeMap<EnvironmentName, History>, Error> {
    let given = settings.histories.clone().into_iter();
    given.map(|(environment, settings)| Ok((environment, History::new(settings)?))).collect()
}

/// Changes within this time become one, so that a rollout's burst of events redraws a page once.
const SETTLE: Duration = Duration::from_millis(100);

impl Portal {
    /// Opens the store, begins to watch the cluster and takes up unfinished jobs. Succeeds also while the cluster is away.
    pub async fn open(settings: Settings) -> Result<Self, Error> {
        let store = Store::open(&settings.database_url).await?;
        let cluster = Cluster::connect(settings.kubeconfig.as_deref(), settings.context.as_deref()).await?;
        let namespaces: Vec<Namespace> = settings.environments.iter().map(|e| e.namespace.clone()).collect();
        let state = cluster.watch(&namespaces);
        let registry = Registry::new(settings.registry.clone(), settings.registry_plain_http);
        let inner = Inner {
            repositories: Repositories::new(settings.data.join("repositories"), &settings.hook_program)?,
            builder: Builder::new(settings.builder.clone(), registry.clone()),
            helm: Helm::new(settings.helm.clone(), registry.clone()),
            crashes: Crashes::default(),
            histories: histories(&settings)?,
            changed: watch::Sender::new(0),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            settings,
            store,
            cluster,
            state,
            registry,
        };
        let portal = Self { inner: Arc::new(inner) };
        if let Some(keeping) = portal.inner.settings.log_keeping.clone() {
            portal.spawn(portal.inner.cluster.keep_logs(&portal.inner.state, keeping));
        }
        portal.spawn(portal.clone().count_changes());
        portal.spawn(portal.clone().catch_up_with_pushes());
        portal.spawn(worker::run(portal.clone()));
        portal.spawn(portal.clone().keep_schedules());
        Ok(portal)
    }

    /// Stops taking up work, gives running jobs back and waits for all of it to end.
    pub async fn close(&self) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// Whether the store answers: without it nothing can be asked. The cluster may be away; pages say so.
    pub async fn ready(&self) -> bool {
        self.inner.store.ready().await
    }

    /// Where services run, in the configuration's order.
    pub fn environments(&self) -> &[Environment] {
        &self.inner.settings.environments
    }

    /// Where people reach Fairway, without a slash at the end.
    pub fn public_url(&self) -> &str {
        &self.inner.settings.public_url
    }

    /// How the cluster of each environment is.
    pub fn clusters(&self) -> Vec<ClusterStatus> {
        let status = |environment: &Environment| ClusterStatus {
            environment: environment.name.clone(),
            freshness: self.inner.state.namespace(&environment.namespace).freshness,
        };
        self.environments().iter().map(status).collect()
    }

    /// Counts up whenever anything that a page shows may have changed.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.inner.changed.subscribe()
    }

    /// Done once the portal is asked to close: streams end then.
    pub fn closing(&self) -> impl Future<Output = ()> + Send + 'static {
        self.inner.stopping.clone().cancelled_owned()
    }

    pub(crate) fn environment(&self, name: &EnvironmentName) -> Option<&Environment> {
        self.environments().iter().find(|environment| &environment.name == name)
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.inner.stopping
    }

    /// Runs `task` until it ends or the portal closes.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.inner.stopping.clone();
        self.inner.tasks.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Runs `task` to its end, also while the portal closes.
    pub(crate) fn spawn_to_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.spawn(task);
    }

    pub(crate) fn notice_change(&self) {
        self.inner.changed.send_modify(|count| *count += 1);
    }

    async fn count_changes(self) {
        let mut store = self.inner.store.changed();
        let mut cluster = self.inner.state.changed();
        loop {
            let gone = tokio::select! {
                changed = store.changed() => changed.is_err(),
                changed = cluster.changed() => changed.is_err(),
            };
            if gone {
                return;
            }
            self.notice_change();
            tokio::time::sleep(SETTLE).await;
        }
    }
}
