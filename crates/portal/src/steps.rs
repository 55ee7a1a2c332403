//! The steps that jobs are made of. Each is idempotent: it looks what is there, and does what is missing.

mod build;
mod creation;
mod purge;
mod ready;
mod release;

use crate::Portal;
use fairway_domain::{Deploy, Environment, Finding, Job, ServiceName, ShellCommand, StepName, StepState};
use fairway_store::Claim;
use serde_json::Value;
use tokio::sync::mpsc;

/// How a job's steps came out, all on record.
pub(crate) enum Outcome {
    /// Every step is done; the particulars for the record of activity, if there is more to say than what was asked.
    Done(Option<String>),
    /// A step failed, or was stopped.
    Ended,
}

/// How a step came out, where it didn't fail.
enum Performed {
    /// It is done; what it leaves for later steps.
    Done(Value),
    /// Somebody asked to stop it: what was done until then, and who asked.
    Stopped {
        /// The particulars for the record of activity.
        detail: String,
        /// Who asked.
        by: String,
    },
}

/// Why a step failed.
#[derive(Debug)]
pub(crate) struct StepFailure {
    /// The sentence for the person.
    error: String,
}

impl StepFailure {
    fn new(error: impl Into<String>) -> Self {
        Self { error: error.into() }
    }

    fn found(finding: &Finding) -> Self {
        let evidence: Vec<String> =
            finding.evidence.iter().map(|e| format!("{}: {}", e.label, e.text)).collect();
        Self::new(format!("{} {}", finding.title, evidence.join("\n")))
    }
}

impl<E: Into<crate::Error>> From<E> for StepFailure {
    fn from(error: E) -> Self {
        Self::new(error.into().to_string())
    }
}

/// What a step is worked on with.
pub(super) struct StepRun<'a> {
    portal: &'a Portal,
    claim: &'a Claim,
    step: StepName,
}

/// Does every step that isn't done yet, in order. An error means that the record can't be written.
pub(crate) async fn run(portal: &Portal, claim: &Claim) -> Result<Outcome, fairway_store::Error> {
    let store = &portal.inner.store;
    let mut detail = None;
    for step in claim.job.steps.iter().filter(|step| step.state != StepState::Succeeded) {
        let run = StepRun { portal, claim, step: step.name };
        let prepared = run.prepare().await;
        let command = prepared.as_ref().ok().and_then(Option::as_ref);
        store.step_started(claim, step.name, command).await?;
        let performed = match prepared {
            Ok(_) => run.perform().await,
            Err(failure) => Err(failure),
        };
        match performed {
            Ok(Performed::Stopped { detail, by }) => {
                store.step_log(claim, step.name, std::slice::from_ref(&detail)).await?;
                store.step_stopped(claim, step.name, &detail, &by).await?;
                return Ok(Outcome::Ended);
            }
            Ok(Performed::Done(output)) => {
                detail = output.get("detail").and_then(Value::as_str).map(str::to_owned).or(detail);
                store.step_succeeded(claim, step.name, &output).await?;
            }
            Err(failure) => {
                tracing::info!(job = %claim.job.id, step = step.name.as_str(), error = failure.error, "a step failed");
                store.step_failed(claim, step.name, &failure.error).await?;
                return Ok(Outcome::Ended);
            }
        }
    }
    Ok(Outcome::Done(detail))
}

impl StepRun<'_> {
    async fn perform(&self) -> Result<Performed, StepFailure> {
        let output = match self.step {
            StepName::Render => self.render().await,
            StepName::Repository => self.repository().await,
            StepName::Build => self.build().await,
            StepName::Release => self.release().await,
            StepName::Ready => self.wait_until_ready().await,
            StepName::Purge => return self.purge().await,
        };
        output.map(Performed::Done)
    }

    /// Puts on record what the step works on, and gives the command that does the same from a terminal.
    async fn prepare(&self) -> Result<Option<ShellCommand>, StepFailure> {
        let command = match self.step {
            StepName::Render => return Ok(None),
            StepName::Repository => {
                ShellCommand::new("git", ["clone", &self.portal.clone_url(self.service())])
            }
            StepName::Build => {
                let commit = self.commit().await?;
                self.portal.inner.builder.command(self.service(), &commit.sha)
            }
            StepName::Release => self.prepare_release().await?,
            StepName::Ready => {
                let namespace = &self.environment()?.namespace;
                let deployment = format!("deployment/{}", self.service());
                ShellCommand::new("kubectl", ["-n", namespace.as_str(), "rollout", "status", &deployment])
            }
            StepName::Purge => self.purge_command().await?,
        };
        Ok(Some(command))
    }

    fn job(&self) -> &Job {
        &self.claim.job
    }

    fn service(&self) -> &ServiceName {
        &self.job().service
    }

    fn environment(&self) -> Result<&Environment, StepFailure> {
        let name = self
            .job()
            .environment
            .as_ref()
            .ok_or_else(|| StepFailure::new("The job names no environment."))?;
        self.portal.environment(name).ok_or_else(|| {
            StepFailure::new(format!("The configuration names no environment {name} any more."))
        })
    }

    async fn deploy(&self) -> Result<Deploy, StepFailure> {
        self.portal
            .inner
            .store
            .deploy_of_job(self.job().id)
            .await?
            .ok_or_else(|| StepFailure::new("The deploy of this job is not on record."))
    }

    async fn log(&self, line: impl Into<String>) -> Result<(), StepFailure> {
        Ok(self.portal.inner.store.step_log(self.claim, self.step, &[line.into()]).await?)
    }

    /// Logs what a step that waits is waiting for, unless `said` was that already.
    async fn say(&self, said: &mut String, sentence: String) -> Result<(), StepFailure> {
        if *said != sentence {
            self.log(sentence.clone()).await?;
            *said = sentence;
        }
        Ok(())
    }

    /// Does `work`, and writes what it sends to the step's log while it is under way.
    async fn logged<T, E>(
        &self,
        work: impl AsyncFnOnce(mpsc::UnboundedSender<String>) -> Result<T, E>,
    ) -> Result<T, StepFailure>
    where
        StepFailure: From<E>,
    {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let write = async {
            let mut lines = Vec::new();
            while receiver.recv_many(&mut lines, 200).await > 0 {
                self.portal.inner.store.step_log(self.claim, self.step, &lines).await?;
                lines.clear();
            }
            Ok::<(), fairway_store::Error>(())
        };
        let (outcome, written) = tokio::join!(work(sender), write);
        let outcome = outcome?;
        written?;
        Ok(outcome)
    }
}
