//! What is known of one service in one environment, and which of it belongs to the newest revision.

use fairway_domain::{CommitSha, EnvironmentName, Freshness, ImageDigest, Namespace, ServiceName, Timestamp};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod, PodSpec, PodTemplateSpec, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;

const REVISION: &str = "deployment.kubernetes.io/revision";
const COMMIT: &str = "app.kubernetes.io/version";
const COMPONENT: &str = "app.kubernetes.io/component";

/// The last lines of crashed containers, by pod and container.
pub type LastWords = BTreeMap<(String, String), Vec<String>>;

/// The objects of one service in one environment, borrowed, as the cluster last reported them. Objects of the service's
/// components (its Redis) may be among them; they are passed over.
#[derive(Clone)]
pub struct Observed<'a> {
    /// Which service.
    pub name: &'a ServiceName,
    /// Where.
    pub environment: &'a EnvironmentName,
    /// The namespace that holds it.
    pub namespace: &'a Namespace,
    /// How far the objects can be trusted to be the present state.
    pub freshness: Freshness,
    /// Its Deployment, if there is one.
    pub deployment: Option<&'a Deployment>,
    /// The Deployment's ReplicaSets, in any order.
    pub replica_sets: Vec<&'a ReplicaSet>,
    /// Its pods, in any order.
    pub pods: Vec<&'a Pod>,
    /// Events about any of these, in any order; unrelated ones are passed over.
    pub events: Vec<&'a Event>,
    /// Its Service, if there is one.
    pub service: Option<&'a Service>,
    /// The last lines of the containers that [`crate::crashed_containers`] names, as far as the caller has them.
    pub last_words: &'a LastWords,
    /// The present time.
    pub now: Timestamp,
}

impl<'a> Observed<'a> {
    /// The ReplicaSet of the Deployment's newest revision; none while it isn't known yet.
    pub(crate) fn newest(&self) -> Option<&'a ReplicaSet> {
        let newest =
            self.own_replica_sets().max_by_key(|set| (revision(&set.metadata), created(&set.metadata)))?;
        let expected = self.deployment.map_or(0, |deployment| revision(&deployment.metadata));
        (revision(&newest.metadata) >= expected).then_some(newest)
    }

    fn own_replica_sets(&self) -> impl Iterator<Item = &'a ReplicaSet> {
        let owner = self.deployment.and_then(|deployment| deployment.metadata.uid.as_deref());
        self.replica_sets.iter().copied().filter(move |set| {
            let owners = set.metadata.owner_references.as_deref().unwrap_or_default();
            owner.is_none_or(|uid| owners.is_empty() || owners.iter().any(|reference| reference.uid == uid))
                && is_the_service_itself(&set.metadata)
        })
    }

    /// The service's own pods, those of the newest revision first, then by revision and age, youngest first.
    pub(crate) fn own_pods(&self) -> Vec<&'a Pod> {
        let mut pods: Vec<&Pod> =
            self.pods.iter().copied().filter(|pod| is_the_service_itself(&pod.metadata)).collect();
        pods.sort_by_key(|pod| {
            let revision = self.replica_set_of(pod).map_or(0, |set| revision(&set.metadata));
            let age_order = (std::cmp::Reverse(revision), std::cmp::Reverse(created(&pod.metadata)));
            (!self.is_new(pod), age_order, pod.metadata.name.clone())
        });
        pods
    }

    /// The ReplicaSet that a pod belongs to, if it is among those observed.
    pub(crate) fn replica_set_of(&self, pod: &Pod) -> Option<&'a ReplicaSet> {
        let name = owner_name(pod)?;
        self.replica_sets.iter().copied().find(|set| set.metadata.name.as_deref() == Some(name))
    }

    /// Whether a pod belongs to the newest revision.
    pub(crate) fn is_new(&self, pod: &Pod) -> bool {
        let newest = self.newest().and_then(|set| set.metadata.name.as_deref());
        newest.is_some() && owner_name(pod) == newest
    }

    /// How many pods should run: Kubernetes' default is one.
    pub(crate) fn desired(&self) -> u32 {
        let replicas =
            self.deployment.and_then(|deployment| deployment.spec.as_ref()).map(|spec| spec.replicas);
        replicas.map_or(0, |replicas| count(replicas.or(Some(1))))
    }

    /// Whether the Deployment's controller has seen the newest version of the Deployment.
    pub(crate) fn controller_is_up_to_date(&self) -> bool {
        let Some(deployment) = self.deployment else { return false };
        let seen = deployment.status.as_ref().and_then(|status| status.observed_generation).unwrap_or(0);
        seen >= deployment.metadata.generation.unwrap_or(0)
    }

    /// Whether all that should run is of the newest revision and available, and nothing older is left.
    pub(crate) fn rollout_is_complete(&self) -> bool {
        let Some(status) = self.deployment.and_then(|deployment| deployment.status.as_ref()) else {
            return false;
        };
        let desired = self.desired();
        self.controller_is_up_to_date()
            && [status.updated_replicas, status.available_replicas, status.replicas]
                .into_iter()
                .all(|replicas| count(replicas) == desired)
    }
}

/// A ReplicaSet's or Deployment's revision; 0 while it has none.
pub(crate) fn revision(metadata: &ObjectMeta) -> u64 {
    let annotation = metadata.annotations.as_ref().and_then(|annotations| annotations.get(REVISION));
    annotation.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// When an object was created.
pub(crate) fn created(metadata: &ObjectMeta) -> Option<Timestamp> {
    metadata.creation_timestamp.as_ref().map(|time| time.0)
}

/// The commit that an object is labelled with.
pub(crate) fn commit(metadata: &ObjectMeta) -> Option<CommitSha> {
    metadata.labels.as_ref()?.get(COMMIT)?.parse().ok()
}

/// The commit that a revision's pods are labelled with.
pub(crate) fn template_commit(template: &PodTemplateSpec) -> Option<CommitSha> {
    commit(template.metadata.as_ref()?)
}

/// The digest of the image that a pod's specification asks for.
pub(crate) fn digest(spec: Option<&PodSpec>) -> Option<ImageDigest> {
    let containers = &spec?.containers;
    let container = containers.iter().find(|container| container.name == "app").or(containers.first())?;
    container.image.as_deref()?.split_once('@')?.1.parse().ok()
}

/// A count that Kubernetes leaves out where it is zero.
pub(crate) fn count(replicas: Option<i32>) -> u32 {
    replicas.and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn is_the_service_itself(metadata: &ObjectMeta) -> bool {
    let component = metadata.labels.as_ref().and_then(|labels| labels.get(COMPONENT));
    component.is_none_or(|component| component == "service")
}

fn owner_name(pod: &Pod) -> Option<&str> {
    let owners = pod.metadata.owner_references.as_deref()?;
    owners.iter().find(|owner| owner.kind == "ReplicaSet").map(|owner| owner.name.as_str())
}
