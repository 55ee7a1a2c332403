//! Why something doesn't move: the cause, its evidence and the next step.

use crate::{ShellCommand, Timestamp};
use serde::{Deserialize, Serialize};

/// One cause that keeps a service from moving, with what a person needs to act on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// What kind of trouble.
    pub cause: Cause,
    /// The cause in one sentence: *The new version's image can't be pulled*.
    pub title: String,
    /// Where it happens, from the Deployment down to the container.
    pub path: Vec<ObjectReference>,
    /// What Kubernetes, the registry or the container said.
    pub evidence: Vec<Evidence>,
    /// Who is affected: *The old version (9f8e7d) keeps serving with 2 pods.*
    pub impact: String,
    /// What to do next, in one sentence.
    pub next: String,
    /// The command that shows the same facts.
    pub command: ShellCommand,
    /// Since when, as far as Kubernetes knows.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub since: Option<Timestamp>,
}

/// The kinds of trouble that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Cause {
    /// The container ends by itself, again and again.
    Crash,
    /// The image can't be pulled.
    ImagePull,
    /// The container was killed for using more memory than its limit.
    OutOfMemory,
    /// No node takes the pod.
    Unschedulable,
    /// The container runs, but its readiness probe keeps failing.
    NeverReady,
    /// The container can't be started: its configuration refers to something that isn't there or isn't allowed.
    Configuration,
    /// The API server refuses to create the pods (quota, admission).
    Refused,
    /// No progress within the Deployment's deadline, and no better cause is known.
    Deadline,
}

/// A quoted fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// What it is: *Exit code*, *The registry answered*, *Last log lines*, *Memory limit*.
    pub label: String,
    /// The fact, verbatim; may have several lines.
    pub text: String,
}

/// A Kubernetes object, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ObjectReference {
    /// Its kind, such as `Pod`; `container` for a container.
    pub kind: String,
    /// Its name.
    pub name: String,
}
