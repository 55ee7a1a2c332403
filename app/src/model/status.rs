//! How a service, its pods and its clusters are.

use super::milliseconds;
use fairway_domain::{EnvironmentStatus, Finding, Freshness, Health, PodStatus};

/// Whether what is shown is what is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FreshnessView {
    Live,
    UnknownSince(i64),
    NeverSeen,
}

impl From<Freshness> for FreshnessView {
    fn from(freshness: Freshness) -> Self {
        match freshness {
            Freshness::Live => Self::Live,
            Freshness::UnknownSince(at) => Self::UnknownSince(milliseconds(at)),
            Freshness::NeverSeen => Self::NeverSeen,
        }
    }
}

/// An environment in the bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LightView {
    pub environment: String,
    pub freshness: FreshnessView,
}

/// A service in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatusView {
    pub environment: String,
    pub freshness: FreshnessView,
    pub health: Health,
    pub sentence: String,
    pub ready: u32,
    pub desired: u32,
    /// The first seven digits.
    pub commit: Option<String>,
    pub address: Option<String>,
    pub since: Option<i64>,
    pub pods: Vec<PodView>,
    pub findings: Vec<FindingView>,
    pub command: String,
}

impl StatusView {
    /// Whether it was there when the cluster was last heard.
    pub(crate) fn is_deployed(&self) -> bool {
        self.commit.is_some() || !matches!(self.health, Health::Absent | Health::Unknown)
    }

    /// How it is as far as can be said: a cluster that is away leaves nothing certain.
    pub(crate) fn health_now(&self) -> Health {
        if self.freshness == FreshnessView::Live { self.health } else { Health::Unknown }
    }
}

impl From<EnvironmentStatus> for StatusView {
    fn from(status: EnvironmentStatus) -> Self {
        Self {
            environment: status.environment.into(),
            freshness: status.freshness.into(),
            health: status.health,
            sentence: status.sentence,
            ready: status.ready,
            desired: status.desired,
            commit: status.commit.map(|sha| sha.short().to_owned()),
            address: status.address,
            since: status.since.map(milliseconds),
            pods: status.pods.into_iter().map(Into::into).collect(),
            findings: status.findings.into_iter().map(Into::into).collect(),
            command: status.command.to_string(),
        }
    }
}

/// One pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PodView {
    pub name: String,
    pub health: Health,
    pub reason: String,
    pub restarts: u32,
    pub new: bool,
    pub commit: Option<String>,
    pub created: Option<i64>,
}

impl From<PodStatus> for PodView {
    fn from(pod: PodStatus) -> Self {
        Self {
            name: pod.name,
            health: pod.health,
            reason: pod.reason,
            restarts: pod.restarts,
            new: pod.new,
            commit: pod.commit.map(|sha| sha.short().to_owned()),
            created: pod.created_at.map(milliseconds),
        }
    }
}

/// Why something doesn't move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FindingView {
    pub title: String,
    pub path: Vec<ObjectView>,
    pub evidence: Vec<EvidenceView>,
    pub impact: String,
    pub next: String,
    pub command: String,
    pub since: Option<i64>,
}

/// A Kubernetes object, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectView {
    pub kind: String,
    pub name: String,
}

/// A quoted fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EvidenceView {
    pub label: String,
    pub text: String,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        Self {
            title: finding.title,
            path: finding.path.into_iter().map(|o| ObjectView { kind: o.kind, name: o.name }).collect(),
            evidence: finding
                .evidence
                .into_iter()
                .map(|e| EvidenceView { label: e.label, text: e.text })
                .collect(),
            impact: finding.impact,
            next: finding.next,
            command: finding.command.to_string(),
            since: finding.since.map(milliseconds),
        }
    }
}

impl From<fairway_portal::ClusterStatus> for LightView {
    fn from(cluster: fairway_portal::ClusterStatus) -> Self {
        Self { environment: cluster.environment.into(), freshness: cluster.freshness.into() }
    }
}
