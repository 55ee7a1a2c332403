//! Whether the version that was asked for is what runs.

use crate::findings;
use crate::observed::{Observed, digest};
use crate::pods;
use crate::scene::plural;
use fairway_domain::{Finding, Freshness, ImageDigest};
use k8s_openapi::api::core::v1::Pod;

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// On its way.
    Waiting {
        /// What is waited for, in a short sentence.
        sentence: String,
        /// Pods that are ready and run what was asked for.
        new_ready: u32,
        /// Pods that should.
        desired: u32,
    },
    /// All pods that should run are available, run what was asked for, and no older one is left.
    Done,
    /// Something keeps it from moving. Kubernetes may still get over it; how long it has to last is for the caller to say.
    Stuck(Box<Finding>),
}

/// How far the rollout of the image with `wanted` is. It is judged by the pods themselves, so that it isn't called done where
/// `helm --wait` would already be satisfied (one replica, of which one may be unavailable).
pub fn rollout(observed: &Observed, wanted: &ImageDigest) -> Rollout {
    let new_pods = pods_of_the_newest(observed);
    let runs_wanted = |pod: &&Pod| digest(pod.spec.as_ref()).as_ref() == Some(wanted);
    let new_ready = new_pods.iter().copied().filter(|pod| pods::is_ready(pod)).filter(runs_wanted).count();
    let waiting = |sentence: String| Rollout::Waiting {
        sentence,
        new_ready: u32::try_from(new_ready).unwrap_or(u32::MAX),
        desired: observed.desired(),
    };
    if observed.freshness != Freshness::Live {
        return waiting("the cluster doesn't answer".into());
    }
    if observed.deployment.is_none() {
        return waiting("the Deployment isn't there yet".into());
    }
    if !observed.controller_is_up_to_date() || newest_digest(observed).as_ref() != Some(wanted) {
        return waiting("Kubernetes hasn't begun with the new version yet".into());
    }
    if let Some(candidate) = findings::candidates(observed).into_iter().find(|candidate| candidate.new) {
        return Rollout::Stuck(Box::new(candidate.finding));
    }
    let old_ready =
        observed.own_pods().iter().filter(|pod| !observed.is_new(pod) && pods::is_ready(pod)).count();
    let all_are_there = new_ready == observed.desired() as usize && new_pods.iter().all(runs_wanted);
    if all_are_there && old_ready == 0 && observed.rollout_is_complete() {
        return Rollout::Done;
    }
    waiting(progress(observed, new_ready, old_ready))
}

/// How a rollout that moves is told: *1 of 2 pods new, 1 old pod left*.
pub(crate) fn progress(observed: &Observed, new_ready: usize, old_ready: usize) -> String {
    let paused = observed.deployment.and_then(|deployment| deployment.spec.as_ref()?.paused) == Some(true);
    let verb = if paused { "paused" } else { "rolling out" };
    let new = format!("{verb}, {new_ready} of {} ready", plural(observed.desired() as usize, "new pod"));
    if old_ready == 0 { new } else { format!("{new}, {} left", plural(old_ready, "old pod")) }
}

/// The standing pods of the newest revision.
pub(crate) fn pods_of_the_newest<'a>(observed: &Observed<'a>) -> Vec<&'a Pod> {
    let mut pods = observed.own_pods();
    pods.retain(|pod| observed.is_new(pod) && !pods::is_terminating(pod) && !pods::is_over(pod));
    pods
}

/// The digest of the image that the newest revision's pods are to run.
fn newest_digest(observed: &Observed) -> Option<ImageDigest> {
    let template = observed.newest()?.spec.as_ref()?.template.as_ref()?;
    digest(template.spec.as_ref())
}
