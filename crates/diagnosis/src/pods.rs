//! What a pod says of itself.

use crate::containers;
use crate::observed::{Observed, commit, created};
use fairway_domain::{Health, PodStatus};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition};

/// The pod's name; empty only for an object that no API server would give.
pub(crate) fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

/// Whether the pod has been asked to end. What its containers then do is no failure.
pub(crate) fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether the pod ran its course or was evicted: it never runs again, and its ReplicaSet has replaced it.
pub(crate) fn is_over(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Whether the pod takes requests.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    !is_terminating(pod) && condition(pod, "Ready").is_some_and(|condition| condition.status == "True")
}

/// A condition of the pod by its type.
pub(crate) fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    let conditions = pod.status.as_ref()?.conditions.as_deref()?;
    conditions.iter().find(|condition| condition.type_ == kind)
}

/// The pod's containers in the order in which they start: the initialising ones first.
pub(crate) fn container_statuses(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let initialising = status.and_then(|status| status.init_container_statuses.as_deref());
    let running = status.and_then(|status| status.container_statuses.as_deref());
    initialising.unwrap_or_default().iter().chain(running.unwrap_or_default())
}

/// How one pod is by itself, for the list of pods.
pub(crate) fn pod_status(observed: &Observed, pod: &Pod) -> PodStatus {
    PodStatus {
        name: name(pod).to_owned(),
        health: health(pod),
        reason: reason(pod),
        restarts: container_statuses(pod)
            .map(|container| crate::observed::count(Some(container.restart_count)))
            .sum(),
        new: observed.is_new(pod),
        commit: commit(&pod.metadata),
        created_at: created(&pod.metadata),
    }
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

fn health(pod: &Pod) -> Health {
    if is_terminating(pod) {
        return Health::Moving;
    }
    if is_over(pod) {
        return Health::Stopped;
    }
    if is_ready(pod) {
        return Health::Healthy;
    }
    let is_failing = container_statuses(pod).any(containers::is_failing);
    if is_failing { Health::Failing } else { Health::Moving }
}

/// The word that `kubectl get pods` shows.
fn reason(pod: &Pod) -> String {
    if is_terminating(pod) {
        return "Terminating".into();
    }
    if let Some(reason) = pod.status.as_ref().and_then(|status| status.reason.clone()) {
        return reason;
    }
    let stopped = container_statuses(pod).find_map(containers::reason_not_running);
    stopped.unwrap_or_else(|| phase(pod).to_owned())
}
