//! A job and what happens to it.

use super::milliseconds;
use fairway_domain::{Job, JobEvent, JobEventKind, JobKind, JobState, StepName, StepState};
use serde::{Deserialize, Serialize};

/// More lines of a step's log than this are kept by nobody's browser; the first ones go.
const LOG_LIMIT: usize = 2000;

/// A job as far as its events tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The last event that is in this.
    pub sequence: i64,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepView {
    pub name: StepName,
    pub state: StepState,
    pub started: Option<i64>,
    pub finished: Option<i64>,
    pub log: Vec<String>,
    pub command: Option<String>,
    pub error: Option<String>,
}

impl StepView {
    #[cfg(any(feature = "ssr", test))]
    fn pending(name: StepName) -> Self {
        Self {
            name,
            state: StepState::Pending,
            started: None,
            finished: None,
            log: Vec::new(),
            command: None,
            error: None,
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobEventView {
    pub sequence: i64,
    pub at: i64,
    pub kind: JobEventKind,
}

impl From<JobEvent> for JobEventView {
    fn from(event: JobEvent) -> Self {
        Self { sequence: event.sequence, at: milliseconds(event.at), kind: event.kind }
    }
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
            steps: job
                .steps
                .into_iter()
                .map(|step| StepView {
                    name: step.name,
                    state: step.state,
                    started: step.started_at.map(milliseconds),
                    finished: step.finished_at.map(milliseconds),
                    log: step.log,
                    command: step.command.map(|command| command.to_string()),
                    error: step.error,
                })
                .collect(),
            created: milliseconds(job.created_at),
            finished: job.finished_at.map(milliseconds),
            sequence: 0,
        }
    }
}

impl JobView {
    /// The job as its events tell it, so that a reader can go on after the last of them.
    #[cfg(feature = "ssr")]
    pub(crate) fn replayed(job: Job, events: impl IntoIterator<Item = JobEvent>) -> Self {
        let mut view = Self::from(job);
        let (state, finished) = (view.state, view.finished);
        for step in &mut view.steps {
            *step = StepView::pending(step.name);
        }
        view.state = JobState::Running;
        view.finished = None;
        for event in events {
            view.apply(event.into());
        }
        if view.sequence == 0 {
            (view.state, view.finished) = (state, finished);
        }
        view
    }

    /// What one more event changes. An event that is already in it changes nothing.
    pub(crate) fn apply(&mut self, event: JobEventView) {
        if event.sequence <= self.sequence {
            return;
        }
        self.sequence = event.sequence;
        let at = event.at;
        match event.kind {
            JobEventKind::StepStarted { step, command } => {
                self.state = JobState::Running;
                self.finished = None;
                self.step(step, |step| {
                    step.state = StepState::Running;
                    step.started = Some(at);
                    step.finished = None;
                    step.error = None;
                    if let Some(command) = command {
                        step.command = Some(command.to_string());
                    }
                });
            }
            JobEventKind::StepLog { step, line } => self.step(step, |step| {
                if step.log.len() >= LOG_LIMIT {
                    step.log.remove(0);
                }
                step.log.push(line);
            }),
            JobEventKind::StepSucceeded { step } => self.step(step, |step| {
                step.state = StepState::Succeeded;
                step.finished = Some(at);
            }),
            JobEventKind::StepFailed { step, error } => self.step(step, |step| {
                step.state = StepState::Failed;
                step.finished = Some(at);
                step.error = Some(error);
            }),
            JobEventKind::Succeeded => self.end(JobState::Succeeded, at),
            JobEventKind::Failed => self.end(JobState::Failed, at),
            JobEventKind::Retried => {
                self.state = JobState::Running;
                self.finished = None;
            }
        }
    }

    fn end(&mut self, state: JobState, at: i64) {
        self.state = state;
        self.finished = Some(at);
    }

    fn step(&mut self, name: StepName, change: impl FnOnce(&mut StepView)) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.name == name) {
            change(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> JobView {
        JobView {
            id: "1".into(),
            kind: JobKind::Build,
            service: "orders".into(),
            environment: None,
            actor: "ada".into(),
            state: JobState::Running,
            steps: vec![StepView::pending(StepName::Build)],
            created: 0,
            finished: None,
            sequence: 0,
        }
    }

    fn event(sequence: i64, kind: JobEventKind) -> JobEventView {
        JobEventView { sequence, at: sequence * 1000, kind }
    }

    #[test]
    fn an_event_that_comes_twice_counts_once() {
        let mut job = job();
        let line = || event(1, JobEventKind::StepLog { step: StepName::Build, line: "STEP 1".into() });
        job.apply(line());
        job.apply(line());
        assert_eq!(job.steps[0].log, ["STEP 1"]);
    }

    #[test]
    fn a_retry_runs_the_failed_step_again_and_forgets_its_error() {
        let mut job = job();
        let step = StepName::Build;
        for (sequence, kind) in [
            (1, JobEventKind::StepStarted { step, command: None }),
            (2, JobEventKind::StepFailed { step, error: "no space".into() }),
            (3, JobEventKind::Failed),
        ] {
            job.apply(event(sequence, kind));
        }
        assert_eq!((job.state, job.finished), (JobState::Failed, Some(3000)));
        assert_eq!(job.steps[0].error.as_deref(), Some("no space"));
        job.apply(event(4, JobEventKind::Retried));
        job.apply(event(5, JobEventKind::StepStarted { step, command: None }));
        assert_eq!((job.state, job.finished), (JobState::Running, None));
        assert_eq!((job.steps[0].state, job.steps[0].error.clone()), (StepState::Running, None));
    }
}
