//! Containers that run without ever getting ready.

use crate::containers;
use crate::events::{self, Happening};
use crate::pods;
use crate::scene::{Account, Candidate, Scene, evidence, plural};
use fairway_domain::{Cause, Evidence, Timestamp};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// A container is given this long to start before its probe's failures count, whatever its specification says.
const GRACE: i64 = 10;

/// A program that doesn't listen yet is given up to this long where its startup probe allows it: waiting for all of that
/// probe's allowance would leave the reader without a word for a minute.
const START_GRACE: i64 = 20;

/// Without a word from the kubelet, a container that isn't ready is given this long.
const SILENT_GRACE: i64 = 30;

/// The finding about a container that runs but isn't ready.
pub(crate) fn candidate(scene: &Scene, pod: &Pod, status: &ContainerStatus) -> Option<Candidate> {
    let started = containers::running(status)?.started_at.as_ref()?.0;
    if status.ready || containers::is_initialising(pod, &status.name) {
        return None;
    }
    let specification = containers::specification(pod, &status.name);
    let failure = events::about_container(scene.observed, pod, &status.name, &["Unhealthy"], |message| {
        message.starts_with("Readiness probe") || message.starts_with("Startup probe")
    });
    // An event of an instance before this one says nothing about this one.
    let failure = failure.filter(|event| event.last.is_none_or(|last| last >= started));
    let running = scene.observed.now.duration_since(started);
    if running < SignedDuration::from_secs(grace(specification, status, failure.as_ref())) {
        return None;
    }
    let was_ready = was_ready(pod, started);
    let subject = scene.subject();
    let title = if was_ready {
        format!("{subject} runs but is no longer ready")
    } else {
        format!("{subject} runs but never gets ready")
    };
    Some(scene.candidate(Account {
        cause: Cause::NeverReady,
        title,
        short: if was_ready { "no longer ready".into() } else { "never gets ready".into() },
        evidence: facts(specification, failure.as_ref()),
        next: scene.or_roll_back(&next(specification)),
        command: scene.describe_pod(),
        since: Some(not_ready_since(pod, started)),
    }))
}

/// What the probe was answered, how often, and for how long.
pub(crate) fn answer(failure: &Happening) -> Evidence {
    let lasting = failure.first.zip(failure.last).map(|(first, last)| last.duration_since(first).as_secs());
    let lasting =
        lasting.filter(|seconds| *seconds > 0).map_or_else(String::new, |seconds| format!(" in {seconds} s"));
    let often = plural(failure.count as usize, "time");
    evidence("The probe was answered", format!("{} ({often}{lasting})", failure.message.trim()))
}

/// How long, in seconds, the container may take before it is called not ready.
fn grace(container: Option<&Container>, status: &ContainerStatus, failure: Option<&Happening>) -> i64 {
    let readiness = container.and_then(|container| container.readiness_probe.as_ref());
    let delay = readiness.map_or(0, |probe| seconds(probe.initial_delay_seconds, 0));
    let startup = container.and_then(|container| container.startup_probe.as_ref());
    // A program that doesn't listen yet may still be starting; one that answers wrongly has started.
    let answers = failure.is_some_and(|failure| failure.message.contains("statuscode"));
    let startup = startup.filter(|_| status.started != Some(true) && !answers);
    let starting = startup.map_or(0, |probe| (allowance(probe) / 2).min(START_GRACE));
    let least = if failure.is_some() { GRACE } else { SILENT_GRACE };
    least.max(delay).max(starting)
}

/// How long a startup probe lets a start take, in seconds.
fn allowance(probe: &Probe) -> i64 {
    let tries = seconds(probe.failure_threshold, 3).saturating_mul(seconds(probe.period_seconds, 10));
    seconds(probe.initial_delay_seconds, 0).saturating_add(tries)
}

fn seconds(given: Option<i32>, default: i64) -> i64 {
    given.map_or(default, i64::from)
}

fn was_ready(pod: &Pod, started: Timestamp) -> bool {
    // The condition turns false when the pod is created, before any container starts; later only by losing readiness.
    let changed = pods::condition(pod, "Ready").and_then(|condition| condition.last_transition_time.as_ref());
    changed.is_some_and(|time| time.0 > started)
}

fn not_ready_since(pod: &Pod, started: Timestamp) -> Timestamp {
    let changed = pods::condition(pod, "Ready").and_then(|condition| condition.last_transition_time.as_ref());
    changed.map_or(started, |time| time.0.max(started))
}

fn facts(container: Option<&Container>, failure: Option<&Happening>) -> Vec<Evidence> {
    let mut facts = vec![failure.map_or_else(
        || evidence("The probe was answered", "The cluster keeps no record of the probe's answer."),
        answer,
    )];
    facts.extend(container.and_then(asked).map(|probe| evidence("Readiness probe", probe)));
    facts
}

fn next(container: Option<&Container>) -> String {
    let asked = container.and_then(asked).unwrap_or_else(|| "the readiness probe".into());
    format!("Make the program answer {asked}, or correct the port in fairway.yaml, push and deploy")
}

/// What the kubelet asks to know whether the container is ready: `GET /healthz on port 8080`.
fn asked(container: &Container) -> Option<String> {
    let probe = container.readiness_probe.as_ref()?;
    if let Some(get) = &probe.http_get {
        return Some(format!(
            "GET {} on port {}",
            get.path.as_deref().unwrap_or("/"),
            number(container, &get.port)
        ));
    }
    if let Some(socket) = &probe.tcp_socket {
        return Some(format!("a connection to port {}", number(container, &socket.port)));
    }
    let command = probe.exec.as_ref()?.command.as_deref().unwrap_or_default();
    Some(format!("the command {}", command.join(" ")))
}

fn number(container: &Container, port: &IntOrString) -> String {
    let name = match port {
        IntOrString::Int(number) => return number.to_string(),
        IntOrString::String(name) => name,
    };
    let ports = container.ports.as_deref().unwrap_or_default();
    let named = ports.iter().find(|port| port.name.as_ref() == Some(name));
    named.map_or_else(|| name.clone(), |port| port.container_port.to_string())
}
