//! Services, and how they are in each environment.

use crate::{
    CommitSha, EnvironmentName, Finding, Freshness, ImageDigest, Parameters, ShellCommand, Timestamp,
};
use serde::{Deserialize, Serialize};

/// A service that Fairway knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Service {
    /// What it was created from. `fairway.yaml` in its repository is what it is now.
    pub parameters: Parameters,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
}

/// How something is, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Health {
    /// Everything that should run does.
    Healthy,
    /// On its way.
    Moving,
    /// Stuck or failing; a finding says why.
    Failing,
    /// Nothing is meant to run.
    Stopped,
    /// Not deployed there.
    Absent,
    /// The cluster can't be asked.
    Unknown,
}

impl Health {
    /// The word that stands beside the shape.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Moving => "moving",
            Self::Failing => "failing",
            Self::Stopped => "stopped",
            Self::Absent => "not deployed",
            Self::Unknown => "unknown",
        }
    }

    /// The shape that stands beside the word.
    pub const fn shape(self) -> &'static str {
        match self {
            Self::Healthy => "●",
            Self::Moving => "◐",
            Self::Failing => "▲",
            Self::Stopped | Self::Absent => "○",
            Self::Unknown => "?",
        }
    }
}

/// How a service is in one environment: what the cluster says, with its age.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnvironmentStatus {
    /// Where.
    pub environment: EnvironmentName,
    /// How far the rest can be trusted.
    pub freshness: Freshness,
    /// In one word.
    pub health: Health,
    /// In one short sentence: *rolling out, 1 of 2 pods new*.
    pub sentence: String,
    /// Pods that are ready.
    pub ready: u32,
    /// Pods that should be.
    pub desired: u32,
    /// The commit that the newest revision runs, as its pods are labelled.
    pub commit: Option<CommitSha>,
    /// The digest that the newest revision asks for.
    pub digest: Option<ImageDigest>,
    /// Its pods, newest revision first.
    pub pods: Vec<PodStatus>,
    /// The address inside the cluster, such as `http://orders.staging.svc:8080`.
    pub address: Option<String>,
    /// Since when the newest revision exists.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub since: Option<Timestamp>,
    /// Why it doesn't move, if it doesn't. The first is the cause; the others are further ones.
    pub findings: Vec<Finding>,
    /// The command that shows the same facts.
    pub command: ShellCommand,
}

/// How one pod is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PodStatus {
    /// Its name.
    pub name: String,
    /// In one word.
    pub health: Health,
    /// As Kubernetes says: `Running`, `CrashLoopBackOff`, `Terminating`.
    pub reason: String,
    /// How often its containers were restarted.
    pub restarts: u32,
    /// Whether it belongs to the newest revision.
    pub new: bool,
    /// The commit it runs, as labelled.
    pub commit: Option<CommitSha>,
    /// When it was created.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub created_at: Option<Timestamp>,
}
