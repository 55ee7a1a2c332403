//! Pods that can't come into being, can't be placed, or can't be set up; and the deadline, when nothing better is known.

use crate::containers;
use crate::events;
use crate::observed::{Observed, created};
use crate::pods;
use crate::scene::{Account, Candidate, Scene, evidence};
use fairway_domain::{Cause, Evidence};
use jiff::SignedDuration;
use k8s_openapi::api::apps::v1::DeploymentCondition;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

/// A pod that no node takes at first is often placed a moment later, when another one has gone.
const PLACEMENT_GRACE: SignedDuration = SignedDuration::from_secs(3);

/// The finding about a pod that no node takes.
pub(crate) fn unschedulable(scene: &Scene, pod: &Pod) -> Option<Candidate> {
    let condition = pods::condition(pod, "PodScheduled").filter(|condition| condition.status == "False")?;
    if condition.reason.as_deref() != Some("Unschedulable") {
        return None;
    }
    let since = condition.last_transition_time.as_ref().map(|time| time.0).or_else(|| created(&pod.metadata));
    if since.is_some_and(|since| scene.observed.now.duration_since(since) < PLACEMENT_GRACE) {
        return None;
    }
    let message = condition.message.as_deref().unwrap_or_default();
    // What was tried by evicting others repeats the same numbers.
    let answer = [" no new claims to deallocate", " preemption:"]
        .into_iter()
        .fold(message, |text, attempt| text.split_once(attempt).map_or(text, |(answer, _)| answer))
        .trim();
    let mut facts = vec![evidence("The scheduler says", answer)];
    facts.extend(requests(pod));
    Some(scene.candidate(Account {
        cause: Cause::Unschedulable,
        title: format!("No node takes {}'s pod", scene.subject().replacen("The", "the", 1)),
        short: "no node takes its pod".into(),
        evidence: facts,
        next: scene.or_roll_back("Ask for less in fairway.yaml (resources), or add a node that has it"),
        command: scene.describe_pod(),
        since,
    }))
}

/// The finding about a container that can't be created as it is configured.
pub(crate) fn misconfigured(scene: &Scene, pod: &Pod, status: &ContainerStatus) -> Option<Candidate> {
    if !containers::waits_for_configuration(status) {
        return None;
    }
    let waiting = containers::waiting(status)?;
    let event = events::about_container(
        scene.observed,
        pod,
        &status.name,
        &["Failed", "FailedPostStartHook"],
        |_| true,
    );
    let said = waiting.message.as_deref().or(event.as_ref().map(|event| event.message));
    let said = said.or(waiting.reason.as_deref()).unwrap_or_default();
    let since = event.as_ref().and_then(|event| event.first).or_else(|| created(&pod.metadata));
    let title = format!("{}'s container can't be started as it is configured", scene.subject());
    Some(scene.candidate(configuration(scene, title, said, since)))
}

/// The finding about a pod whose volumes or network can't be set up, so that its containers wait for ever.
pub(crate) fn not_set_up(scene: &Scene, pod: &Pod) -> Option<Candidate> {
    let creating = |status: &ContainerStatus| {
        let reason = containers::waiting(status).and_then(|waiting| waiting.reason.as_deref());
        matches!(reason, Some("ContainerCreating" | "PodInitializing"))
    };
    if !pods::container_statuses(pod).any(creating) {
        return None;
    }
    let reasons = ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"];
    // Once is normal while other objects of the same release are still on their way.
    let event =
        events::about(scene.observed, &pod.metadata, "Pod", &reasons).filter(|event| event.count > 1)?;
    let title = format!("{}'s pod can't be set up", scene.subject());
    Some(scene.candidate(configuration(scene, title, event.message, event.first)))
}

/// The finding about pods that the API server refuses.
pub(crate) fn refused(observed: &Observed) -> Option<Candidate> {
    let condition =
        deployment_condition(observed, "ReplicaFailure").filter(|condition| condition.status == "True")?;
    let scene = Scene { observed, pod: None, container: None };
    let message = condition.message.clone().unwrap_or_default();
    let is_quota = message.contains("exceeded quota");
    Some(scene.candidate(Account {
        cause: Cause::Refused,
        title: format!("Kubernetes refuses to create {}'s pods", scene.subject().replacen("The", "the", 1)),
        short: if is_quota { "quota exceeded".into() } else { "pods are refused".into() },
        evidence: vec![evidence("The API server answered", message)],
        next: scene.or_roll_back(if is_quota {
            "Ask for less in fairway.yaml (resources, replicas), or have the namespace's quota raised"
        } else {
            "Correct what the answer names and deploy again"
        }),
        command: scene.describe_deployment(),
        since: condition.last_transition_time.as_ref().map(|time| time.0),
    }))
}

/// The finding that the rollout's deadline has passed.
pub(crate) fn deadline(observed: &Observed) -> Option<Candidate> {
    let condition = deployment_condition(observed, "Progressing").filter(|condition| {
        condition.status == "False" && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
    })?;
    let scene = Scene { observed, pod: None, container: None };
    let seconds =
        observed.deployment.and_then(|deployment| deployment.spec.as_ref()?.progress_deadline_seconds);
    let within = format!("within {} s", seconds.unwrap_or(600));
    Some(scene.candidate(Account {
        cause: Cause::Deadline,
        title: format!("{} made no progress {within}", scene.subject()),
        short: format!("no progress {within}"),
        evidence: vec![evidence("Kubernetes says", condition.message.clone().unwrap_or_default())],
        next: scene.or_roll_back("Read the Deployment's events for what holds it up"),
        command: scene.describe_deployment(),
        since: condition.last_transition_time.as_ref().map(|time| time.0),
    }))
}

fn configuration(
    scene: &Scene,
    title: String,
    said: &str,
    since: Option<fairway_domain::Timestamp>,
) -> Account {
    // A short message (`configmap "settings" not found`) is the best summary of itself.
    let short =
        if said.len() <= 60 && !said.contains('\n') { said } else { "can't be started as configured" };
    Account {
        cause: Cause::Configuration,
        title,
        short: short.into(),
        evidence: vec![evidence("Kubernetes says", said)],
        next: scene.or_roll_back("Add or correct what the message names, and deploy again"),
        command: scene.describe_pod(),
        since,
    }
}

fn requests(pod: &Pod) -> Option<Evidence> {
    let containers = pod.spec.as_ref().map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let asked: Vec<String> = containers
        .iter()
        .filter_map(|container| container.resources.as_ref()?.requests.as_ref())
        .flat_map(|requests| requests.iter().map(|(resource, quantity)| format!("{resource} {}", quantity.0)))
        .collect();
    (!asked.is_empty()).then(|| evidence("The pod asks for", asked.join(", ")))
}

fn deployment_condition<'a>(observed: &Observed<'a>, kind: &str) -> Option<&'a DeploymentCondition> {
    let conditions = observed.deployment?.status.as_ref()?.conditions.as_deref()?;
    conditions.iter().find(|condition| condition.type_ == kind)
}
