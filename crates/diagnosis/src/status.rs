//! How a service is in one environment, for pages and the REST API.

use crate::findings;
use crate::observed::{Observed, count, created, digest, template_commit};
use crate::pods;
use crate::rollout::{pods_of_the_newest, progress};
use crate::scene::{Candidate, plural};
use fairway_domain::{EnvironmentStatus, Freshness, Health, PodStatus, ShellCommand};
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};

/// How the service is. Where the cluster is away, counts and pods are the last known ones, and health says *unknown*.
pub fn status(observed: &Observed) -> EnvironmentStatus {
    let candidates = findings::candidates(observed);
    let (health, sentence) = match observed.freshness {
        Freshness::Live => live(observed, &candidates),
        Freshness::UnknownSince(since) => {
            (Health::Unknown, format!("unknown since {}", since.strftime("%H:%M")))
        }
        Freshness::NeverSeen => (Health::Unknown, "unknown: the cluster hasn't answered yet".into()),
    };
    let template = newest_template(observed);
    let deployment = observed.deployment.map(|deployment| &deployment.metadata);
    EnvironmentStatus {
        environment: observed.environment.clone(),
        freshness: observed.freshness,
        health,
        sentence,
        ready: ready(observed),
        desired: observed.desired(),
        commit: template.and_then(template_commit),
        digest: template.and_then(|template| digest(template.spec.as_ref())),
        pods: observed.own_pods().into_iter().map(|pod| pod_status(observed, pod, &candidates)).collect(),
        address: address(observed),
        since: observed.newest().map(|set| &set.metadata).or(deployment).and_then(created),
        findings: candidates.into_iter().map(|candidate| candidate.finding).collect(),
        command: ShellCommand::new(
            "kubectl",
            ["-n", observed.namespace.as_str(), "get", "deployment", observed.name.as_str()],
        ),
    }
}

fn live(observed: &Observed, candidates: &[Candidate]) -> (Health, String) {
    if observed.deployment.is_none() {
        return (Health::Absent, "not deployed".into());
    }
    if let Some(candidate) = candidates.iter().find(|candidate| candidate.new) {
        return (Health::Failing, candidate.short.clone());
    }
    let standing = observed.own_pods().into_iter().filter(|pod| !pods::is_over(pod)).count();
    if observed.desired() == 0 {
        return match standing {
            0 => (Health::Stopped, "stopped: no pod is wanted".into()),
            left => (Health::Moving, format!("stopping, {} left", plural(left, "pod"))),
        };
    }
    let is_ready = |pods: Vec<&Pod>| pods.into_iter().filter(|pod| pods::is_ready(pod)).count();
    let new_ready = is_ready(pods_of_the_newest(observed));
    let old_ready = is_ready(observed.own_pods()) - new_ready;
    if !observed.controller_is_up_to_date() || old_ready > 0 || updated(observed) < observed.desired() {
        return (Health::Moving, progress(observed, new_ready, old_ready));
    }
    let (ready, desired) = (ready(observed), observed.desired());
    let sentence = format!("{ready} of {} ready", plural(desired as usize, "pod"));
    if ready >= desired && observed.rollout_is_complete() {
        return (Health::Healthy, sentence);
    }
    (Health::Moving, format!("starting, {sentence}"))
}

fn pod_status(observed: &Observed, pod: &Pod, candidates: &[Candidate]) -> PodStatus {
    let is_in_trouble =
        candidates.iter().any(|candidate| candidate.pods.iter().any(|name| name == pods::name(pod)));
    let status = pods::pod_status(observed, pod);
    if is_in_trouble { PodStatus { health: Health::Failing, ..status } } else { status }
}

fn newest_template<'a>(observed: &Observed<'a>) -> Option<&'a PodTemplateSpec> {
    let of_newest = observed.newest().and_then(|set| set.spec.as_ref()?.template.as_ref());
    of_newest.or_else(|| Some(&observed.deployment?.spec.as_ref()?.template))
}

fn ready(observed: &Observed) -> u32 {
    count(observed.deployment.and_then(|deployment| deployment.status.as_ref()?.ready_replicas))
}

fn updated(observed: &Observed) -> u32 {
    count(observed.deployment.and_then(|deployment| deployment.status.as_ref()?.updated_replicas))
}

fn address(observed: &Observed) -> Option<String> {
    let service = observed.service?;
    let port = service.spec.as_ref()?.ports.as_deref()?.first()?.port;
    Some(format!("http://{}.{}.svc:{port}", service.metadata.name.as_deref()?, observed.namespace))
}
