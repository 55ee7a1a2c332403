//! Long work: a row with steps, whose progress survives a restart.

use crate::{Actor, EnvironmentName, ServiceName, ShellCommand, Timestamp, names::uuid_id};
use serde::{Deserialize, Serialize};

uuid_id! {
    /// A job's id: a UUID, version 7, as text.
    JobId, "A job's id is a UUID."
}

/// Long work that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What is done.
    pub kind: JobKind,
    /// To which service.
    pub service: ServiceName,
    /// Where, if it is about one environment.
    pub environment: Option<EnvironmentName>,
    /// Who asked.
    pub actor: Actor,
    /// How far it is.
    pub state: JobState,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it ended, well or not.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Timestamp>,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum JobKind {
    /// A new service, from its answers to ready on staging.
    Create,
    /// An image of a pushed commit.
    Build,
    /// One build to one environment.
    Deploy,
    /// Removing keys from a Redis.
    Purge,
}

impl JobKind {
    /// The steps of such a job, in order.
    pub const fn steps(self) -> &'static [StepName] {
        match self {
            Self::Create => {
                &[StepName::Render, StepName::Repository, StepName::Build, StepName::Release, StepName::Ready]
            }
            Self::Build => &[StepName::Build],
            Self::Deploy => &[StepName::Release, StepName::Ready],
            Self::Purge => &[StepName::Purge],
        }
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum JobState {
    /// Waiting for a worker, or being worked on.
    Running,
    /// Every step is done.
    Succeeded,
    /// A step failed; *Retry* goes on from it.
    Failed,
    /// Somebody stopped it. What was done stays done.
    Stopped,
}

/// One step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// Which.
    pub name: StepName,
    /// How far it is.
    pub state: StepState,
    /// When its latest attempt began.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub started_at: Option<Timestamp>,
    /// When its latest attempt ended.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Timestamp>,
    /// What it printed, a line an entry.
    pub log: Vec<String>,
    /// The command that does the same from a terminal.
    pub command: Option<ShellCommand>,
    /// Why it failed, as a sentence.
    pub error: Option<String>,
}

/// The steps that jobs are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum StepName {
    /// Template and parameters become files.
    Render,
    /// The files become the first commit of a repository.
    Repository,
    /// The commit becomes an image in the registry.
    Build,
    /// The image becomes a Helm release.
    Release,
    /// The release's pods become available.
    Ready,
    /// Keys are removed.
    Purge,
}

impl StepName {
    /// The word that the store, URLs and pages use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Render => "render",
            Self::Repository => "repository",
            Self::Build => "build",
            Self::Release => "release",
            Self::Ready => "ready",
            Self::Purge => "purge",
        }
    }
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// Done; its outcome is on record.
    Succeeded,
    /// Failed; see its error.
    Failed,
    /// Stopped before its end, because somebody asked for that.
    Stopped,
}

/// Something that happened to a job; `sequence` counts from 1 without gaps, so that a reader resumes after the last it saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobEvent {
    /// Its place.
    pub sequence: i64,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: JobEventKind,
}

/// What happened to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "type")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum JobEventKind {
    /// A step began, for the first time or again.
    StepStarted {
        /// Which.
        step: StepName,
        /// The command that does the same.
        command: Option<ShellCommand>,
    },
    /// A step printed a line.
    StepLog {
        /// Which.
        step: StepName,
        /// The line.
        line: String,
    },
    /// A step is done.
    StepSucceeded {
        /// Which.
        step: StepName,
    },
    /// A step failed.
    StepFailed {
        /// Which.
        step: StepName,
        /// Why, as a sentence.
        error: String,
    },
    /// A step was stopped before its end, because somebody asked for that.
    StepStopped {
        /// Which.
        step: StepName,
    },
    /// Every step is done.
    Succeeded,
    /// The job stopped at a failed step.
    Failed,
    /// The job was stopped.
    Stopped,
    /// Somebody asked to go on from the failed step.
    Retried,
}
