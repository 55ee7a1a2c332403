//! What is known of one namespace: pure and synchronous. Watches put objects in; pages take snapshots out.

use fairway_domain::{Freshness, ServiceName};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use kube::ResourceExt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Everything watched in one namespace, as it was at one instant.
#[derive(Clone)]
pub struct NamespaceState {
    /// How far the rest can be trusted.
    pub freshness: Freshness,
    /// Whether every watch goes on right now. A moment without makes nothing unknown, but who has a stream open through the same API
    /// server can't count on it any more.
    pub(crate) in_touch: bool,
    pub(crate) deployments: Table<Deployment>,
    pub(crate) replica_sets: Table<ReplicaSet>,
    pub(crate) pods: Table<Pod>,
    pub(crate) events: Table<Event>,
    pub(crate) services: Table<Service>,
}

/// The objects that belong to one service.
#[derive(Clone, Debug, Default)]
pub struct ServiceObjects {
    /// The Deployment that runs it.
    pub deployment: Option<Arc<Deployment>>,
    /// Its ReplicaSets, the newest revision first.
    pub replica_sets: Vec<Arc<ReplicaSet>>,
    /// Its pods, those created last first.
    pub pods: Vec<Arc<Pod>>,
    /// What Kubernetes reported about any of these objects, the latest last.
    pub events: Vec<Arc<Event>>,
    /// The Service that leads to its pods.
    pub service: Option<Arc<Service>>,
    /// The pods of its Redis.
    pub redis_pods: Vec<Arc<Pod>>,
}

impl ServiceObjects {
    /// The revision of the Deployment that made a pod, if its ReplicaSet is known.
    pub fn revision_of(&self, pod: &Pod) -> Option<u64> {
        let of = |set: &&Arc<ReplicaSet>| {
            set.uid().is_some_and(|uid| pod.owner_references().iter().any(|owner| owner.uid == uid))
        };
        self.replica_sets.iter().find(of).map(|set| revision(set)).filter(|revision| *revision > 0)
    }
}

impl Default for NamespaceState {
    fn default() -> Self {
        Self {
            freshness: Freshness::NeverSeen,
            in_touch: false,
            deployments: Table::default(),
            replica_sets: Table::default(),
            pods: Table::default(),
            events: Table::default(),
            services: Table::default(),
        }
    }
}

impl NamespaceState {
    /// The objects of one service: those labelled with its name, told apart by their component.
    pub fn service(&self, name: &ServiceName) -> ServiceObjects {
        let name = name.as_str();
        let of =
            |component: &'static str| move |labels: &BTreeMap<String, String>| labelled(labels, component);
        let deployment = self.deployments.of(name).find(|object| of("service")(object.labels())).cloned();
        let owner = deployment.as_ref().and_then(|object| object.uid());
        let mut replica_sets: Vec<_> = self
            .replica_sets
            .of(name)
            .filter(|set| of("service")(set.labels()) && owned_by(set.as_ref(), owner.as_deref()))
            .cloned()
            .collect();
        replica_sets.sort_by_key(|set| std::cmp::Reverse((revision(set), set.creation_timestamp())));
        let pods = newest_first(self.pods.of(name).filter(|pod| of("service")(pod.labels())));
        let redis_pods = newest_first(self.pods.of(name).filter(|pod| of("redis")(pod.labels())));
        let service = self.services.of(name).find(|object| of("service")(object.labels())).cloned();

        let names = deployment
            .iter()
            .map(|object| ("Deployment", object.name_any()))
            .chain(replica_sets.iter().map(|object| ("ReplicaSet", object.name_any())))
            .chain(pods.iter().map(|object| ("Pod", object.name_any())))
            .chain(service.iter().map(|object| ("Service", object.name_any())));
        let events = self.events_of(names);
        ServiceObjects { deployment, replica_sets, pods, events, service, redis_pods }
    }

    /// The pods of every service's Redis, with the service's name.
    pub fn redis_pods(&self) -> Vec<(ServiceName, Arc<Pod>)> {
        let pods = self.pods.objects.values().filter(|pod| labelled(pod.labels(), "redis"));
        let named = |pod: &Arc<Pod>| Some((pod.labels().get(NAME)?.parse().ok()?, pod.clone()));
        pods.filter_map(named).collect()
    }

    /// The services that have a Deployment or a pod.
    pub(crate) fn services_present(&self) -> BTreeSet<ServiceName> {
        let deployments = self.deployments.objects.values().map(|object| object.labels());
        let labels = deployments.chain(self.pods.objects.values().map(|object| object.labels()));
        let names = labels.filter(|labels| labelled(labels, "service")).filter_map(|labels| labels.get(NAME));
        names.filter_map(|name| name.parse().ok()).collect()
    }

    /// What is reported of a service's objects, of those that are gone too as long as their ReplicaSet is known.
    pub(crate) fn events_about(&self, service: &ServiceName) -> Vec<Arc<Event>> {
        let objects = self.service(service);
        let sets: BTreeSet<String> = objects.replica_sets.iter().map(|set| set.name_any()).collect();
        let made = |pod: &str| pod.rsplit_once('-').is_some_and(|(set, _)| sets.contains(set));
        let about = |kind: &str, name: &str| match kind {
            "Pod" => made(name) || objects.pods.iter().any(|pod| pod.name_any() == name),
            "ReplicaSet" => sets.contains(name),
            "Deployment" => objects.deployment.as_ref().is_some_and(|object| object.name_any() == name),
            "Service" => objects.service.as_ref().is_some_and(|object| object.name_any() == name),
            _ => false,
        };
        let ours = |event: &&Arc<Event>| {
            let object = &event.involved_object;
            about(object.kind.as_deref().unwrap_or_default(), object.name.as_deref().unwrap_or_default())
        };
        self.events.of_those_named(service.as_str()).filter(ours).cloned().collect()
    }

    fn events_of<'a>(&self, objects: impl Iterator<Item = (&'a str, String)>) -> Vec<Arc<Event>> {
        let mut events: Vec<Arc<Event>> = Vec::new();
        for (kind, name) in objects {
            let of_kind = |event: &&Arc<Event>| event.involved_object.kind.as_deref() == Some(kind);
            events.extend(self.events.of(&name).filter(of_kind).cloned());
        }
        events.sort_by_key(|event| last_seen(event));
        events
    }
}

/// Objects of one kind by name, and by the service (for events: the object) that they belong to.
#[derive(Clone)]
pub(crate) struct Table<K> {
    objects: BTreeMap<String, Arc<K>>,
    by_group: BTreeMap<String, BTreeSet<String>>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { objects: BTreeMap::new(), by_group: BTreeMap::new() }
    }
}

impl<K: Watched> Table<K> {
    /// An object was created or changed.
    pub(crate) fn apply(&mut self, object: K) {
        let name = object.name_any();
        self.delete(&name);
        if let Some(group) = object.group() {
            self.by_group.entry(group).or_default().insert(name.clone());
        }
        self.objects.insert(name, Arc::new(object));
    }

    /// An object is gone.
    pub(crate) fn delete(&mut self, name: &str) {
        let Some(group) = self.objects.remove(name).and_then(|object| object.group()) else { return };
        if let Some(names) = self.by_group.get_mut(&group) {
            names.remove(name);
            if names.is_empty() {
                self.by_group.remove(&group);
            }
        }
    }

    /// These are all the objects that there are.
    pub(crate) fn reset(&mut self, objects: Vec<K>) {
        *self = Self::default();
        for object in objects {
            self.apply(object);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<K>> {
        self.objects.get(name)
    }

    /// The objects of all groups whose name begins so.
    fn of_those_named(&self, prefix: &str) -> impl Iterator<Item = &Arc<K>> {
        let groups = self.by_group.range(prefix.to_owned()..);
        let groups = groups.take_while(move |(group, _)| group.starts_with(prefix));
        groups.flat_map(|(_, names)| names).filter_map(|name| self.objects.get(name))
    }

    fn of(&self, group: &str) -> impl Iterator<Item = &Arc<K>> {
        self.by_group.get(group).into_iter().flatten().filter_map(|name| self.objects.get(name))
    }
}

/// A kind that is watched.
pub(crate) trait Watched: ResourceExt {
    /// What its objects are looked up by.
    fn group(&self) -> Option<String>;
    /// Where its objects stand.
    fn table(state: &mut NamespaceState) -> &mut Table<Self>
    where
        Self: Sized;
}

macro_rules! watched_by_service {
    ($($kind:ty => $field:ident),*) => {$(
        impl Watched for $kind {
            fn group(&self) -> Option<String> {
                self.labels().get(NAME).cloned()
            }
            fn table(state: &mut NamespaceState) -> &mut Table<Self> {
                &mut state.$field
            }
        }
    )*};
}
watched_by_service!(Deployment => deployments, ReplicaSet => replica_sets, Pod => pods, Service => services);

impl Watched for Event {
    fn group(&self) -> Option<String> {
        self.involved_object.name.clone()
    }
    fn table(state: &mut NamespaceState) -> &mut Table<Self> {
        &mut state.events
    }
}

fn labelled(labels: &BTreeMap<String, String>, component: &str) -> bool {
    labels.get(COMPONENT).is_some_and(|value| value == component)
}

/// Without a Deployment to compare with, the labels alone decide.
fn owned_by(set: &ReplicaSet, deployment: Option<&str>) -> bool {
    deployment.is_none_or(|uid| set.owner_references().iter().any(|owner| owner.uid == uid))
}

fn revision(set: &ReplicaSet) -> u64 {
    set.annotations().get(REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn newest_first<'a>(pods: impl Iterator<Item = &'a Arc<Pod>>) -> Vec<Arc<Pod>> {
    let mut pods: Vec<_> = pods.cloned().collect();
    pods.sort_by_key(|pod| std::cmp::Reverse((pod.creation_timestamp(), pod.name_any())));
    pods
}

pub(crate) fn last_seen(event: &Event) -> Option<jiff::Timestamp> {
    let series =
        event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let first = event.event_time.as_ref().map(|time| time.0);
    series.or(last).or(first).or_else(|| event.creation_timestamp().map(|time| time.0))
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;
