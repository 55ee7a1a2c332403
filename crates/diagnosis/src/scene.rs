//! Where something went wrong, and who is affected: what every finding says beside its own cause.

use crate::observed::{Observed, commit, revision, template_commit};
use crate::pods;
use fairway_domain::{Cause, CommitSha, Evidence, Finding, ObjectReference, ShellCommand, Timestamp};
use k8s_openapi::api::core::v1::Pod;

/// The object that is in trouble: a container, a pod, or (where there is no pod) the Deployment itself.
pub(crate) struct Scene<'o, 'a> {
    pub(crate) observed: &'o Observed<'a>,
    pub(crate) pod: Option<&'a Pod>,
    pub(crate) container: Option<&'a str>,
}

/// What one cause has to say of itself.
pub(crate) struct Account {
    pub(crate) cause: Cause,
    pub(crate) title: String,
    /// The cause in a few words, to stand in a row.
    pub(crate) short: String,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) next: String,
    pub(crate) command: ShellCommand,
    pub(crate) since: Option<Timestamp>,
}

/// A finding with what is needed to put it in order.
pub(crate) struct Candidate {
    pub(crate) finding: Finding,
    pub(crate) short: String,
    /// Whether it is about the newest revision.
    pub(crate) new: bool,
    /// The pods in this trouble; the finding's path names the first.
    pub(crate) pods: Vec<String>,
}

impl Scene<'_, '_> {
    /// The finding that `account` tells about this scene.
    pub(crate) fn candidate(&self, account: Account) -> Candidate {
        let finding = Finding {
            cause: account.cause,
            title: account.title,
            path: self.path(),
            evidence: account.evidence,
            impact: impact(self.observed),
            next: account.next,
            command: account.command,
            since: account.since,
        };
        let pods = self.pod.map(|pod| pods::name(pod).to_owned()).into_iter().collect();
        Candidate { finding, short: account.short, new: self.is_new(), pods }
    }

    /// Whether this is about the newest revision; what has no pod is.
    pub(crate) fn is_new(&self) -> bool {
        self.pod.is_none_or(|pod| self.observed.is_new(pod))
    }

    /// Who a sentence is about.
    pub(crate) fn subject(&self) -> &'static str {
        match (self.is_new(), old_version(self.observed)) {
            (false, _) => "The old version",
            (true, Some(_)) => "The new version",
            (true, None) => "The service",
        }
    }

    /// A next step, which may be to go back where there is a version to go back to.
    pub(crate) fn or_roll_back(&self, step: &str) -> String {
        match old_version(self.observed) {
            Some(old) if self.is_new() => format!("{step}, or roll back to {}.", old.short()),
            _ => format!("{step}."),
        }
    }

    /// `kubectl describe pod`, which shows a pod's state and its events.
    pub(crate) fn describe_pod(&self) -> ShellCommand {
        let pod = self.pod.map(pods::name).unwrap_or_default();
        ShellCommand::new("kubectl", ["-n", self.observed.namespace.as_str(), "describe", "pod", pod])
    }

    /// `kubectl logs`, of the instance before the present one if `previous`.
    pub(crate) fn logs(&self, previous: bool) -> ShellCommand {
        let (pod, container) =
            (self.pod.map(pods::name).unwrap_or_default(), self.container.unwrap_or_default());
        let mut arguments = vec!["-n", self.observed.namespace.as_str(), "logs", pod, "-c", container];
        arguments.extend(previous.then_some("--previous"));
        ShellCommand::new("kubectl", arguments)
    }

    /// `kubectl describe deployment`.
    pub(crate) fn describe_deployment(&self) -> ShellCommand {
        let (namespace, name) = (self.observed.namespace.as_str(), self.observed.name.as_str());
        ShellCommand::new("kubectl", ["-n", namespace, "describe", "deployment", name])
    }

    fn path(&self) -> Vec<ObjectReference> {
        let reference = |kind: &str, name: String| ObjectReference { kind: kind.into(), name };
        let mut path = vec![reference("Deployment", self.observed.name.to_string())];
        let replica_set = match self.pod {
            Some(pod) => self.observed.replica_set_of(pod),
            None => self.observed.newest(),
        };
        if let Some(set) = replica_set {
            let name = set.metadata.name.as_deref().unwrap_or_default();
            path.push(reference("ReplicaSet", format!("{name} (revision {})", revision(&set.metadata))));
        }
        path.extend(self.pod.map(|pod| reference("Pod", pods::name(pod).to_owned())));
        path.extend(self.container.map(|name| reference("container", name.to_owned())));
        path
    }
}

/// A quoted fact.
pub(crate) fn evidence(label: &str, text: impl Into<String>) -> Evidence {
    Evidence { label: label.into(), text: text.into() }
}

/// The commit of the revision before the newest one, while that one still has pods.
pub(crate) fn old_version(observed: &Observed) -> Option<CommitSha> {
    let newest = observed.newest()?;
    let current = newest.spec.as_ref().and_then(|spec| template_commit(spec.template.as_ref()?));
    let old = observed.own_pods().into_iter().filter(|pod| !observed.is_new(pod) && !pods::is_over(pod));
    let mut commits = old.filter_map(|pod| commit(&pod.metadata));
    commits.find(|commit| Some(commit) != current.as_ref())
}

/// Who still serves.
fn impact(observed: &Observed) -> String {
    let ready: Vec<&Pod> = observed.own_pods().into_iter().filter(|pod| pods::is_ready(pod)).collect();
    let (new, old): (Vec<&Pod>, Vec<&Pod>) = ready.into_iter().partition(|pod| observed.is_new(pod));
    match (new.len(), old.len()) {
        (0, 0) => "Nothing serves: no pod is ready.".into(),
        (new, 0) => format!(
            "{} of {} still serve{}.",
            new,
            plural(observed.desired() as usize, "pod"),
            singular_s(new)
        ),
        (0, count) => {
            format!("The old version{} keeps serving with {}.", quoted_commit(&old), plural(count, "pod"))
        }
        (new, count) => format!(
            "The old version{} keeps serving with {}; {} of the new one serve{} too.",
            quoted_commit(&old),
            plural(count, "pod"),
            plural(new, "pod"),
            singular_s(new)
        ),
    }
}

fn quoted_commit(pods: &[&Pod]) -> String {
    let commit = pods.first().and_then(|pod| commit(&pod.metadata));
    commit.map_or_else(String::new, |commit| format!(" ({})", commit.short()))
}

/// `1 pod`, `2 pods`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn singular_s(count: usize) -> &'static str {
    if count == 1 { "s" } else { "" }
}
