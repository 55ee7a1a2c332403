//! All that is wrong, the cause first.

use crate::observed::Observed;
use crate::pods;
use crate::scene::{Candidate, Scene, evidence};
use crate::{crash, images, placement, probes};
use fairway_domain::Cause;
use k8s_openapi::api::core::v1::Pod;

/// What keeps the service from moving: the newest revision's troubles first, among these the one that explains most.
/// Pods in the same trouble are one finding.
pub(crate) fn candidates(observed: &Observed) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = placement::refused(observed).into_iter().collect();
    let standing =
        observed.own_pods().into_iter().filter(|pod| !pods::is_terminating(pod) && !pods::is_over(pod));
    for candidate in standing.flat_map(|pod| about_pod(observed, pod)) {
        add(&mut found, candidate);
    }
    if !found.iter().any(|candidate| candidate.new) {
        found.extend(placement::deadline(observed));
    }
    found.iter_mut().for_each(name_the_others);
    found.sort_by_key(|candidate| (!candidate.new, rank(candidate.finding.cause)));
    found
}

fn about_pod(observed: &Observed, pod: &Pod) -> Vec<Candidate> {
    let scene = Scene { observed, pod: Some(pod), container: None };
    let mut found: Vec<Candidate> = placement::unschedulable(&scene, pod).into_iter().collect();
    for status in pods::container_statuses(pod) {
        let scene = Scene { container: Some(&status.name), ..scene };
        let candidate = images::candidate(&scene, pod, status)
            .or_else(|| placement::misconfigured(&scene, pod, status))
            .or_else(|| crash::candidate(&scene, pod, status))
            .or_else(|| probes::candidate(&scene, pod, status));
        found.extend(candidate);
    }
    if found.is_empty() {
        found.extend(placement::not_set_up(&scene, pod));
    }
    found
}

/// Adds a finding, or only its pod to the finding that says the same of another pod of that revision.
fn add(found: &mut Vec<Candidate>, candidate: Candidate) {
    let container = |candidate: &Candidate| candidate.finding.path.get(3).cloned();
    let same = found.iter_mut().find(|other| {
        other.finding.cause == candidate.finding.cause
            && other.new == candidate.new
            && container(other) == container(&candidate)
    });
    match same {
        Some(same) => same.pods.extend(candidate.pods),
        None => found.push(candidate),
    }
}

fn name_the_others(candidate: &mut Candidate) {
    if let [_, others @ ..] = candidate.pods.as_slice()
        && !others.is_empty()
    {
        candidate.finding.evidence.push(evidence("Also affected", others.join(", ")));
    }
}

/// What explains more comes first: a pod that never came into being, then one that can't start, then one that ends.
const fn rank(cause: Cause) -> u8 {
    match cause {
        Cause::Refused => 0,
        Cause::ImagePull => 1,
        Cause::Configuration => 2,
        Cause::OutOfMemory => 3,
        Cause::Crash => 4,
        Cause::Unschedulable => 5,
        Cause::NeverReady => 6,
        Cause::Deadline => 7,
    }
}
