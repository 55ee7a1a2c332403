//! A worker's hold on a job, and everything that only the worker who holds it may write.

use crate::jobs::{self, append_events};
use crate::rows::{Fields, now, storable};
use crate::{Error, Store, activity, purges};
use fairway_domain::{Job, JobEventKind, JobId, Outcome, ShellCommand, StepName};
use serde_json::Value;
use sqlx::AnyConnection;
use std::time::Duration;

/// The proof that a worker holds a job. Only [`Store::claim`] gives one, and there is one for each number of the fence.
#[derive(Debug)]
pub struct Claim {
    /// The job as it was when it was claimed, without logs: a worker goes on from its first step that hasn't succeeded.
    pub job: Job,
    /// What the worker needs to know.
    pub request: Value,
    pub(crate) fence: i64,
}

impl Store {
    /// The oldest running job that nobody holds, held for `lease` from now by this machine's clock; `None` if there is nothing to do.
    /// `worker` says in the table who it is.
    pub async fn claim(&self, worker: &str, lease: Duration) -> Result<Option<Claim>, Error> {
        // A worker that only looks doesn't queue with those who write; one that another was quicker than looks again.
        while self.oldest_free_job().await?.is_some() {
            if let Some(claim) = self.claim_oldest(worker, lease).await? {
                return Ok(Some(claim));
            }
        }
        Ok(None)
    }

    async fn claim_oldest(&self, worker: &str, lease: Duration) -> Result<Option<Claim>, Error> {
        let mut write = self.write().await?;
        let at = now();
        let row = sqlx::query(
            "UPDATE jobs SET worker = $1, lease_until = $2, fence = fence + 1
             WHERE state = 'running' AND lease_until <= $3 AND id =
               (SELECT MIN(id) FROM jobs WHERE state = 'running' AND lease_until <= $3)
             RETURNING id, request, fence",
        )
        .bind(storable(worker))
        .bind(at + milliseconds(lease))
        .bind(at)
        .fetch_optional(write.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let fields = Fields::of(&row, "jobs", "id");
        let claim = Claim {
            job: jobs::get(write.connection(), fields.parsed("id")?).await?,
            request: fields.json("request")?,
            fence: fields.get("fence")?,
        };
        write.commit().await?;
        Ok(Some(claim))
    }

    async fn oldest_free_job(&self) -> Result<Option<JobId>, Error> {
        let row = sqlx::query(
            "SELECT id FROM jobs WHERE state = 'running' AND lease_until <= $1 ORDER BY id LIMIT 1",
        )
        .bind(now())
        .fetch_optional(&mut *self.read().await?)
        .await?;
        row.as_ref().map(|row| Fields::of(row, "jobs", "id").parsed("id")).transpose()
    }

    /// Holds the job for `lease` from now.
    pub async fn renew(&self, claim: &Claim, lease: Duration) -> Result<(), Error> {
        self.set_lease(claim, now() + milliseconds(lease)).await
    }

    /// Gives the job back unfinished, so that the next worker goes on with it at once.
    pub async fn release(&self, claim: Claim) -> Result<(), Error> {
        self.set_lease(&claim, 0).await
    }

    async fn set_lease(&self, claim: &Claim, until: i64) -> Result<(), Error> {
        let mut write = self.write().await?;
        let held = sqlx::query(
            "UPDATE jobs SET lease_until = $1 WHERE id = $2 AND fence = $3 AND state = 'running'",
        )
        .bind(until)
        .bind(claim.job.id.to_string())
        .bind(claim.fence)
        .execute(write.connection())
        .await?;
        if held.rows_affected() == 0 {
            return Err(Error::LeaseLost(claim.job.id));
        }
        write.commit().await
    }

    /// A step begins, for the first time or again; `command` does the same from a terminal.
    pub async fn step_started(
        &self,
        claim: &Claim,
        step: StepName,
        command: Option<&ShellCommand>,
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        append(write.connection(), claim, &[JobEventKind::StepStarted { step, command: command.cloned() }])
            .await?;
        sqlx::query(
            "UPDATE steps SET state = 'running', started_at = $1, finished_at = NULL, error = NULL, command = $2
             WHERE job = $3 AND name = $4",
        )
        .bind(now())
        .bind(command.map(serde_json::to_string).transpose()?)
        .bind(claim.job.id.to_string())
        .bind(step.as_str())
        .execute(write.connection())
        .await?;
        write.commit().await
    }

    /// What the step printed, a line an entry, in one transaction however many they are.
    pub async fn step_log(&self, claim: &Claim, step: StepName, lines: &[String]) -> Result<(), Error> {
        let mut write = self.write().await?;
        let events: Vec<JobEventKind> =
            lines.iter().map(|line| JobEventKind::StepLog { step, line: line.clone() }).collect();
        append(write.connection(), claim, &events).await?;
        write.commit().await
    }

    /// The step is done; `output` is what later steps need of it, [`Store::step_output`] gives it back.
    pub async fn step_succeeded(&self, claim: &Claim, step: StepName, output: &Value) -> Result<(), Error> {
        let mut write = self.write().await?;
        append(write.connection(), claim, &[JobEventKind::StepSucceeded { step }]).await?;
        sqlx::query(
            "UPDATE steps SET state = 'succeeded', finished_at = $1, output = $2 WHERE job = $3 AND name = $4",
        )
        .bind(now())
        .bind(output.to_string())
        .bind(claim.job.id.to_string())
        .bind(step.as_str())
        .execute(write.connection())
        .await?;
        write.commit().await
    }

    /// The step failed, and with it the job, its activity, and a build or deploy of it that still counts as running (so that no
    /// lock outlives its job).
    pub async fn step_failed(&self, claim: &Claim, step: StepName, error: &str) -> Result<(), Error> {
        let mut write = self.write().await?;
        let events = [JobEventKind::StepFailed { step, error: error.to_owned() }, JobEventKind::Failed];
        append(write.connection(), claim, &events).await?;
        sqlx::query(
            "UPDATE steps SET state = 'failed', finished_at = $1, error = $2 WHERE job = $3 AND name = $4",
        )
        .bind(now())
        .bind(storable(error))
        .bind(claim.job.id.to_string())
        .bind(step.as_str())
        .execute(write.connection())
        .await?;
        end_all(write.connection(), claim, "failed").await?;
        let outcome = Outcome::Failed(error.to_owned());
        activity::close(write.connection(), claim.job.id, &outcome, None).await?;
        write.commit().await
    }

    /// The step was stopped before its end, because somebody asked for that; with it the job and its activity. `detail` replaces
    /// the activity's particulars, `by` says who asked.
    pub async fn step_stopped(
        &self,
        claim: &Claim,
        step: StepName,
        detail: &str,
        by: &str,
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        append(write.connection(), claim, &[JobEventKind::StepStopped { step }, JobEventKind::Stopped])
            .await?;
        sqlx::query("UPDATE steps SET state = 'stopped', finished_at = $1 WHERE job = $2 AND name = $3")
            .bind(now())
            .bind(claim.job.id.to_string())
            .bind(step.as_str())
            .execute(write.connection())
            .await?;
        end_all(write.connection(), claim, "stopped").await?;
        let outcome = Outcome::Stopped(by.to_owned());
        activity::close(write.connection(), claim.job.id, &outcome, Some(detail)).await?;
        write.commit().await
    }

    /// Every step is done: the job, its activity and its deploy have succeeded. `detail` replaces the activity's particulars, where the
    /// end knows more than the beginning did.
    pub async fn finish(&self, claim: Claim, detail: Option<&str>) -> Result<(), Error> {
        let mut write = self.write().await?;
        append(write.connection(), &claim, &[JobEventKind::Succeeded]).await?;
        end_all(write.connection(), &claim, "succeeded").await?;
        activity::close(write.connection(), claim.job.id, &Outcome::Succeeded, detail).await?;
        write.commit().await
    }
}

/// Appends events, if the claim still holds. Every write of a worker begins with this or with [`hold`].
pub(crate) async fn append(
    connection: &mut AnyConnection,
    claim: &Claim,
    kinds: &[JobEventKind],
) -> Result<(), Error> {
    append_held(connection, claim.job.id, claim.fence, kinds).await
}

/// Locks the job's row until the transaction ends, if the fence is still that number.
pub(crate) async fn hold(connection: &mut AnyConnection, job: JobId, fence: i64) -> Result<(), Error> {
    append_held(connection, job, fence, &[]).await
}

async fn append_held(
    connection: &mut AnyConnection,
    job: JobId,
    fence: i64,
    kinds: &[JobEventKind],
) -> Result<(), Error> {
    let held = append_events(connection, job, Some(fence), kinds).await?;
    if held { Ok(()) } else { Err(Error::LeaseLost(job)) }
}

/// Ends the job and its deploy or purge, and a build of it that was left running by a failure.
async fn end_all(connection: &mut AnyConnection, claim: &Claim, state: &str) -> Result<(), Error> {
    let (id, at) = (claim.job.id.to_string(), now());
    sqlx::query("UPDATE jobs SET state = $1, finished_at = $2, worker = NULL, lease_until = 0 WHERE id = $3")
        .bind(state)
        .bind(at)
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE deploys SET state = $1, finished_at = $2 WHERE job = $3 AND state = 'running'")
        .bind(state)
        .bind(at)
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    purges::end_of_job(connection, &id).await?;
    if state == "failed" {
        sqlx::query(
            "UPDATE builds SET state = 'failed', finished_at = $1 WHERE job = $2 AND state = 'running'",
        )
        .bind(at)
        .bind(&id)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}
