//! Looking at long work, and going on with it after a failure.

use crate::{Answer, Error, Portal, Refusal};
use fairway_domain::{Actor, Deploy, Job, JobEvent, JobId, JobState};
use fairway_store::Retried;

/// How many events one read gives at most; a reader asks again after the last.
const EVENTS_AT_ONCE: u32 = 1_000;

impl Portal {
    /// A job with its steps and their logs.
    pub async fn job(&self, _actor: &Actor, id: JobId) -> Result<Answer<Job>, Error> {
        Ok(match self.inner.store.job(id).await? {
            Some(job) => Answer::Done(job),
            None => Answer::Refused(Refusal::NoSuchJob(id)),
        })
    }

    /// What happened to a job after the event numbered `after`, in order; at most 1,000 at once.
    pub async fn job_events(
        &self,
        actor: &Actor,
        id: JobId,
        after: i64,
    ) -> Result<Answer<Vec<JobEvent>>, Error> {
        let events = self.inner.store.events(id, after, EVENTS_AT_ONCE).await?;
        if events.is_empty()
            && let Answer::Refused(refusal) = self.job(actor, id).await?
        {
            return Ok(Answer::Refused(refusal));
        }
        Ok(Answer::Done(events))
    }

    /// Goes on from the failed step. A purge counts again first: more than was agreed to isn't removed.
    pub async fn retry(&self, actor: &Actor, id: JobId) -> Result<Answer<Job>, Error> {
        let job = match self.job(actor, id).await? {
            Answer::Done(job) => job,
            refused @ Answer::Refused(_) => return Ok(refused),
        };
        if let Some(newer) = self.newer_deploy(id).await? {
            return Ok(Answer::Refused(Refusal::Superseded(Box::new(newer))));
        }
        let purge = self.inner.store.purge_of_job(id).await?.filter(|_| job.state == JobState::Failed);
        if let Some(purge) = purge
            && let Some(refusal) = self.retry_refused(&purge).await?
        {
            return Ok(Answer::Refused(refusal));
        }
        Ok(match self.inner.store.retry(id, actor).await? {
            Retried::Yes(job) => Answer::Done(job),
            Retried::NotFailed => Answer::Refused(Refusal::NotFailed(Box::new(job))),
            Retried::Held(holder) => Answer::Refused(Refusal::Held(holder)),
            Retried::PurgeHeld(holder) => Answer::Refused(Refusal::PurgeHeld(holder)),
        })
    }

    /// The deploy that came after the job's own, if one did: retrying would bring the older version back.
    async fn newer_deploy(&self, job: JobId) -> Result<Option<Deploy>, Error> {
        let Some(own) = self.inner.store.deploy_of_job(job).await? else { return Ok(None) };
        let newest = self.inner.store.deploys(&own.service, Some(&own.environment), 1).await?.pop();
        Ok(newest.filter(|newest| newest.number > own.number))
    }
}
