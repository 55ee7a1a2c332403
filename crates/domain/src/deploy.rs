//! One attempt to bring one build to one environment.

use crate::{
    Actor, BuildId, Commit, EnvironmentName, Finding, ImageReference, Invalid, JobId, ServiceName, Timestamp,
    names::uuid_id,
};
use serde::{Deserialize, Serialize};

uuid_id! {
    /// A deploy's id: a UUID, version 7, as text.
    DeployId, "A deploy's id is a UUID."
}

/// A deploy's number within its service, from 1: `/services/orders/deploys/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeployNumber(pub i64);

/// One attempt to bring one build to one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Deploy {
    /// Its id.
    pub id: DeployId,
    /// Its number within the service.
    pub number: DeployNumber,
    /// Which service.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// What.
    pub build: BuildId,
    /// The commit of the build.
    pub commit: Commit,
    /// The image of the build.
    pub image: ImageReference,
    /// The chart's version.
    pub chart_version: String,
    /// The deploy that this one goes back to, for a rollback.
    pub rollback_of: Option<DeployNumber>,
    /// Helm's revision, once released.
    pub revision: Option<i64>,
    /// Who asked.
    pub actor: Actor,
    /// How far it is.
    pub state: DeployState,
    /// What changed, as previewed when it was asked for. Empty for a first deploy.
    pub changes: Vec<ObjectDiff>,
    /// Why it failed, frozen at the verdict.
    pub finding: Option<Finding>,
    /// The job that does it.
    pub job: JobId,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it ended, well or not.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Timestamp>,
}

/// How far a deploy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeployState {
    /// It holds the service's lock in its environment.
    Running,
    /// The new revision's pods are available and run the digest that was asked for.
    Succeeded,
    /// It didn't get there; see the finding and the job.
    Failed,
}

/// What a deploy does to one object, by a server-side dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ObjectDiff {
    /// Kubernetes' kind, such as `Deployment`.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// What happens to it.
    pub change: Change,
    /// The lines of its YAML, with a few unchanged ones around each change. Never a secret's values.
    pub lines: Vec<DiffLine>,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)] // the words are the definition
pub enum Change {
    Added,
    Changed,
    Removed,
    Unchanged,
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "tag", content = "text")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs)] // the words are the definition
pub enum DiffLine {
    Added(String),
    Removed(String),
    Same(String),
    /// Unchanged lines left out; how many.
    Gap(usize),
}

/// Something about a deploy that a person should read before agreeing to it, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
pub struct Risk(pub String);

impl std::fmt::Display for DeployNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for DeployNumber {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text.parse() {
            Ok(number) if number > 0 => Ok(Self(number)),
            _ => Err(Invalid::new("A deploy's number is a whole number from 1.")),
        }
    }
}
