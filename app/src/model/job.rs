//! A job, as its page shows it.

use super::milliseconds;
use fairway_domain::{Job, JobKind, JobState, Step, StepName, StepState};

/// A job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobView {
    pub id: String,
    pub kind: JobKind,
    pub service: String,
    pub environment: Option<String>,
    pub actor: String,
    pub state: JobState,
    pub steps: Vec<StepView>,
    pub created: i64,
    pub finished: Option<i64>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepView {
    pub name: StepName,
    pub state: StepState,
    pub started: Option<i64>,
    pub finished: Option<i64>,
    pub log: Vec<String>,
    pub command: Option<String>,
    pub error: Option<String>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.to_string(),
            kind: job.kind,
            service: job.service.into(),
            environment: job.environment.map(Into::into),
            actor: job.actor.name,
            state: job.state,
            steps: job.steps.into_iter().map(Into::into).collect(),
            created: milliseconds(job.created_at),
            finished: job.finished_at.map(milliseconds),
        }
    }
}

impl From<Step> for StepView {
    fn from(step: Step) -> Self {
        Self {
            name: step.name,
            state: step.state,
            started: step.started_at.map(milliseconds),
            finished: step.finished_at.map(milliseconds),
            log: step.log,
            command: step.command.map(|command| command.to_string()),
            error: step.error,
        }
    }
}
