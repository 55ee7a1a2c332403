//! Containers that end, by themselves or killed for their memory.

use crate::containers;
use crate::events::{self, Happening};
use crate::observed::{Observed, count};
use crate::pods;
use crate::scene::{Account, Candidate, Scene, evidence, plural};
use fairway_domain::{Cause, Evidence, Timestamp};
use jiff::SignedDuration;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};

/// A restarted container that has run this long is taken to have got over what ended it.
const RECOVERED_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// The kubelet restarts a container that ended for the first time without a delay.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(5);

/// As many of the last log lines are quoted.
const QUOTED_LINES: usize = 20;

/// A container that ended, and where its last words are to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashedContainer {
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub container: String,
    /// Whether the ended instance is the one before the present one (`kubectl logs --previous`).
    pub previous: bool,
    /// How often the container has been restarted: with the names, it tells one crash from the next.
    pub restarts: u32,
}

/// How the container's latest instance ended.
struct Ending<'a> {
    /// The particulars; rarely, Kubernetes keeps none.
    end: Option<&'a ContainerStateTerminated>,
    /// Whether a newer instance exists already.
    previous: bool,
}

/// The containers whose last words explain a crash, for the caller to fetch: their tails belong into
/// [`Observed::last_words`]. Pods that are asked to end are passed over.
pub fn crashed_containers(observed: &Observed) -> Vec<CrashedContainer> {
    let pods =
        observed.own_pods().into_iter().filter(|pod| !pods::is_terminating(pod) && !pods::is_over(pod));
    let containers = pods.flat_map(|pod| pods::container_statuses(pod).map(move |status| (pod, status)));
    let crashed = containers.filter_map(|(pod, status)| {
        let ending = ending(observed, pod, status)?;
        Some(CrashedContainer {
            pod: pods::name(pod).to_owned(),
            container: status.name.clone(),
            previous: ending.previous,
            restarts: count(Some(status.restart_count)),
        })
    });
    crashed.collect()
}

/// How the container ended, as long as that still matters: while it isn't back, until it is ready again after a single
/// crash, and for a while longer after repeated ones (a container that crashes again and again is up now and then).
fn ending<'a>(observed: &Observed, pod: &Pod, status: &'a ContainerStatus) -> Option<Ending<'a>> {
    if let Some(end) = containers::terminated(status) {
        let is_done = end.exit_code == 0 && containers::is_initialising(pod, &status.name);
        return (!is_done).then_some(Ending { end: Some(end), previous: false });
    }
    let end = containers::previously_terminated(status);
    if containers::backs_off(status) {
        return Some(Ending { end, previous: true });
    }
    let (end, started) = (end?, containers::running(status)?.started_at.as_ref()?.0);
    let is_young = observed.now.duration_since(started) < RECOVERED_AFTER;
    let is_back = status.ready && status.restart_count < 2;
    let matters = is_young && !is_back && was_restarted_for(observed, pod, status, end, started);
    matters.then_some(Ending { end: Some(end), previous: true })
}

/// Whether the present instance was started because the one before it ended: at once, or after a delay that the kubelet
/// announced. Otherwise the node was restarted, and every container on it with it.
fn was_restarted_for(
    observed: &Observed,
    pod: &Pod,
    status: &ContainerStatus,
    end: &ContainerStateTerminated,
    started: Timestamp,
) -> bool {
    let Some(ended) = end.finished_at.as_ref().map(|time| time.0) else { return false };
    let delayed =
        backing_off(observed, pod, status).and_then(|event| event.last).is_some_and(|last| last >= ended);
    delayed || started.duration_since(ended) <= AT_ONCE
}

/// The kubelet's note that it waits before it starts the container again.
fn backing_off<'a>(observed: &Observed<'a>, pod: &Pod, status: &ContainerStatus) -> Option<Happening<'a>> {
    events::about_container(observed, pod, &status.name, &["BackOff"], |message| {
        message.contains("restarting failed container")
    })
}

/// The finding about a container that ended.
pub(crate) fn candidate(scene: &Scene, pod: &Pod, status: &ContainerStatus) -> Option<Candidate> {
    let Ending { end, previous } = ending(scene.observed, pod, status)?;
    let account =
        Account { since: since(scene.observed, pod, status, end), ..account(scene, pod, status, end) };
    let command = if account.cause == Cause::Configuration { account.command } else { scene.logs(previous) };
    Some(scene.candidate(Account { command, ..account }))
}

fn account(
    scene: &Scene,
    pod: &Pod,
    status: &ContainerStatus,
    end: Option<&ContainerStateTerminated>,
) -> Account {
    let limit = containers::specification(pod, &status.name).and_then(containers::memory_limit);
    let reason = end.and_then(|end| end.reason.as_deref());
    if let Some(end) = end.filter(|_| matches!(reason, Some("StartError" | "ContainerCannotRun"))) {
        return not_started(scene, end);
    }
    if reason == Some("OOMKilled") {
        return out_of_memory(scene, status, end, limit, true);
    }
    if let Some(killing) = probe_that_killed(scene.observed, pod, status, end) {
        return killed_by_probe(scene, pod, status, &killing);
    }
    // Under cgroup v1 the kill for memory isn't always reported as such.
    if limit.is_some() && end.is_some_and(|end| end.exit_code == 137) {
        return out_of_memory(scene, status, end, limit, false);
    }
    crashed(scene, status, end)
}

fn crashed(scene: &Scene, status: &ContainerStatus, end: Option<&ContainerStateTerminated>) -> Account {
    let code = end.map(|end| exit_code(end.exit_code));
    let ends_well = end.is_some_and(|end| end.exit_code == 0);
    let verb = if ends_well { "ends by itself" } else { "crashes" };
    let suffix = code.as_ref().map_or_else(String::new, |code| format!(": exit code {code}"));
    let step = if ends_well {
        "Let the program run until it is asked to stop, push"
    } else {
        "Fix what the last log lines name, push"
    };
    Account {
        cause: Cause::Crash,
        title: format!("{} {verb}{suffix}", scene.subject()),
        short: format!("{verb}{suffix}"),
        evidence: ending_evidence(scene, status, end),
        next: scene.or_roll_back(&format!("{step} and deploy")),
        command: scene.logs(true),
        since: None,
    }
}

fn out_of_memory(
    scene: &Scene,
    status: &ContainerStatus,
    end: Option<&ContainerStateTerminated>,
    limit: Option<&str>,
    certain: bool,
) -> Account {
    let (probably, short) =
        if certain { ("", "out of memory") } else { ("probably ", "probably out of memory") };
    let mut facts: Vec<Evidence> = limit.map(|limit| evidence("Memory limit", limit)).into_iter().collect();
    facts.extend(ending_evidence(scene, status, end));
    let within = limit.map_or_else(String::new, |limit| format!(" of {limit}"));
    let title =
        format!("{} was {probably}killed for using more memory than its limit{within}", scene.subject());
    let step =
        "Raise resources.limits.memory in fairway.yaml, or find what takes the memory, push and deploy";
    let next = scene.or_roll_back(step);
    Account {
        cause: Cause::OutOfMemory,
        title,
        short: short.into(),
        evidence: facts,
        next,
        command: scene.logs(true),
        since: None,
    }
}

fn killed_by_probe(scene: &Scene, pod: &Pod, status: &ContainerStatus, killing: &Happening) -> Account {
    let probe = if killing.message.contains("startup") { "startup" } else { "liveness" };
    let failure = format!("{} probe failed", capitalised(probe));
    let answer = events::about_container(scene.observed, pod, &status.name, &["Unhealthy"], |message| {
        message.starts_with(&failure)
    });
    let mut facts = vec![evidence("Kubernetes says", killing.message)];
    facts.extend(answer.map(|answer| crate::probes::answer(&answer)));
    facts.extend(restarts(status));
    facts.extend(last_lines(scene, status));
    Account {
        cause: Cause::NeverReady,
        title: format!("{} is restarted again and again: its {probe} probe fails", scene.subject()),
        short: format!("{probe} probe fails"),
        evidence: facts,
        next: scene.or_roll_back("Make the probe's address answer in time, push and deploy"),
        command: scene.logs(true),
        since: None,
    }
}

fn not_started(scene: &Scene, end: &ContainerStateTerminated) -> Account {
    let message = end.message.as_deref().unwrap_or_default();
    let mut facts = vec![evidence("The container runtime answered", runtimes_answer(message))];
    facts.push(evidence("Exit code", exit_code(end.exit_code)));
    Account {
        cause: Cause::Configuration,
        title: format!("{}'s container can't be started", scene.subject()),
        short: "container can't be started".into(),
        evidence: facts,
        next: scene.or_roll_back("Correct the command that the image starts, push and deploy"),
        command: scene.describe_pod(),
        since: None,
    }
}

fn ending_evidence(
    scene: &Scene,
    status: &ContainerStatus,
    end: Option<&ContainerStateTerminated>,
) -> Vec<Evidence> {
    let mut facts = Vec::new();
    if let Some(end) = end {
        facts.push(evidence("Exit code", exit_code(end.exit_code)));
        let telling = end.reason.as_deref().filter(|reason| !matches!(*reason, "Error" | "Completed"));
        facts.extend(telling.map(|reason| evidence("Reason", reason)));
        let message = end.message.as_deref().map(str::trim).filter(|message| !message.is_empty());
        facts.extend(message.map(|message| evidence("Last message", message)));
    }
    facts.extend(restarts(status));
    facts.extend(last_lines(scene, status));
    facts
}

fn restarts(status: &ContainerStatus) -> Option<Evidence> {
    let restarts = usize::try_from(status.restart_count).unwrap_or(0);
    (restarts > 0).then(|| evidence("Restarted", plural(restarts, "time")))
}

fn last_lines(scene: &Scene, status: &ContainerStatus) -> Option<Evidence> {
    let key = (pods::name(scene.pod?).to_owned(), status.name.clone());
    let lines = scene.observed.last_words.get(&key)?;
    let text = lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n");
    (!text.trim().is_empty()).then(|| evidence("Last log lines", text.trim_end()))
}

/// The kubelet's note that it ended the latest instance because a probe of it failed.
fn probe_that_killed<'a>(
    observed: &Observed<'a>,
    pod: &Pod,
    status: &ContainerStatus,
    end: Option<&ContainerStateTerminated>,
) -> Option<Happening<'a>> {
    let killing = events::about_container(observed, pod, &status.name, &["Killing"], |message| {
        message.contains("failed liveness probe") || message.contains("failed startup probe")
    })?;
    let started = end.and_then(|end| end.started_at.as_ref()).map(|time| time.0);
    let is_of_this_instance = started.zip(killing.last).is_none_or(|(started, killed)| killed >= started);
    is_of_this_instance.then_some(killing)
}

/// The earliest moment that Kubernetes still knows of this row of crashes.
fn since(
    observed: &Observed,
    pod: &Pod,
    status: &ContainerStatus,
    end: Option<&ContainerStateTerminated>,
) -> Option<Timestamp> {
    let ended = end.and_then(|end| end.finished_at.as_ref()).map(|time| time.0);
    let backed_off = backing_off(observed, pod, status);
    [ended, backed_off.and_then(|event| event.first)].into_iter().flatten().min()
}

/// containerd and runc wrap what they were told in what they were doing.
fn runtimes_answer(message: &str) -> &str {
    let told = message.split_once("unable to start container process: ").map_or(message, |(_, told)| told);
    let told = told.trim_end_matches(": unknown").trim();
    if told.is_empty() { "nothing" } else { told }
}

/// An exit code, and the signal that it stands for.
fn exit_code(code: i32) -> String {
    let meaning = match code {
        126 => "the command can't be executed",
        127 => "the command wasn't found",
        129 => "SIGHUP",
        130 => "SIGINT",
        131 => "SIGQUIT",
        132 => "SIGILL",
        133 => "SIGTRAP",
        134 => "SIGABRT",
        135 => "SIGBUS",
        136 => "SIGFPE",
        137 => "SIGKILL",
        139 => "SIGSEGV",
        140 => "SIGUSR2",
        141 => "SIGPIPE",
        142 => "SIGALRM",
        143 => "SIGTERM",
        138 | 144..=192 => return format!("{code} (signal {})", code - 128),
        _ => return code.to_string(),
    };
    format!("{code} ({meaning})")
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
