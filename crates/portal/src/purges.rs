//! Removing keys from a service's Redis, where that is allowed.

use crate::refusal::done;
use crate::{Answer, Error, Portal, PurgePreview, Refusal};
use fairway_domain::{
    Action, Actor, EnvironmentName, Job, JobId, Outcome, Purge, PurgeReason, PurgeSchedule, PurgeSelection,
    RedisRunId, ServiceName,
};
use fairway_purge::Pace;
use fairway_store::{NewActivity, NewPurge, PurgeBegun, StopAsked};

/// How purges are done, as the configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeSettings {
    /// A purge of more keys than this, or of every key there is, needs the service's name typed.
    pub name_above: u64,
    /// How fast.
    pub pace: Pace,
}

impl Default for PurgeSettings {
    fn default() -> Self {
        Self { name_above: 10_000, pace: Pace::Gentle(std::time::Duration::from_micros(250)) }
    }
}

/// Which keys of which Redis, and how many the person agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeOrder {
    /// Whose Redis.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// Which keys.
    pub selection: PurgeSelection,
    /// How many the dry run counted. If more match by now, nothing is removed.
    pub expected: u64,
    /// Why. Without, nothing is removed.
    pub reason: Option<PurgeReason>,
    /// The service's name as it was typed, where that is asked for.
    pub confirm: String,
}

impl PurgeOrder {
    fn is_confirmed(&self) -> bool {
        self.confirm.trim() == self.service.as_str()
    }
}

/// How many earlier purges are listed.
const EARLIER: u32 = 50;

impl Portal {
    /// Counts what a purge would remove. Nothing is changed.
    pub async fn purge_preview(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
        selection: &PurgeSelection,
    ) -> Result<Answer<PurgePreview>, Error> {
        Ok(match self.counted(service, environment, selection).await? {
            Answer::Done((preview, _)) => Answer::Done(preview),
            Answer::Refused(refusal) => Answer::Refused(refusal),
        })
    }

    /// Begins a purge, or says why not. What was refused or failed is on record too.
    pub async fn purge(&self, actor: &Actor, order: &PurgeOrder) -> Result<Answer<Job>, Error> {
        let begun = self.begin_purge(actor, order, None).await;
        let outcome = match &begun {
            // What names no service has no place in the record of services.
            Ok(
                Answer::Done(_) | Answer::Refused(Refusal::NoSuchService(_) | Refusal::NoSuchEnvironment(_)),
            ) => {
                return begun;
            }
            Ok(Answer::Refused(refusal)) => Outcome::Refused(refusal.to_string()),
            Err(error) => Outcome::Failed(error.for_person().into()),
        };
        self.record_purge(actor, order, outcome).await?;
        begun
    }

    /// `due` is the schedule whose time has come, if that is why.
    pub(crate) async fn begin_purge(
        &self,
        actor: &Actor,
        order: &PurgeOrder,
        due: Option<&PurgeSchedule>,
    ) -> Result<Answer<Job>, Error> {
        let PurgeOrder { service, environment, selection, expected, .. } = order;
        done!(self.purgeable(service, environment).await?);
        let reason = match self.agreed(order) {
            Ok(reason) => reason,
            Err(refusal) => return Ok(Answer::Refused(refusal)),
        };
        let (preview, redis) = done!(self.counted(service, environment, selection).await?);
        if preview.count.matching > *expected {
            let refusal = Refusal::CountChanged { expected: *expected, now: preview.count };
            return Ok(Answer::Refused(refusal));
        }
        if preview.needs_name && !order.is_confirmed() {
            return Ok(Answer::Refused(Refusal::NameNeeded(service.clone())));
        }
        let new = NewPurge {
            service,
            environment,
            redis: &redis,
            selection,
            reason,
            expected: *expected,
            actor,
            detail: &match due {
                Some(due) => format!("every day at {} UTC: {}", due.at, detail(order)),
                None => detail(order),
            },
            schedule: due,
        };
        Ok(match self.inner.store.begin_purge(&new).await? {
            PurgeBegun::New(job) => Answer::Done(job),
            PurgeBegun::Held(holder) => Answer::Refused(Refusal::PurgeHeld(holder)),
            PurgeBegun::NotDue => Answer::Refused(Refusal::NotDue),
        })
    }

    /// Why it is done, where everything was said that a purge as large as that asks for.
    pub(crate) fn agreed<'a>(&self, order: &'a PurgeOrder) -> Result<&'a PurgeReason, Refusal> {
        let reason = order.reason.as_ref().ok_or(Refusal::ReasonNeeded)?;
        // By what was agreed to: that fewer match by now takes nobody's word back.
        if self.name_needed(&order.selection, order.expected) && !order.is_confirmed() {
            return Err(Refusal::NameNeeded(order.service.clone()));
        }
        Ok(reason)
    }

    /// What would go by now, and from which Redis.
    async fn counted(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
        selection: &PurgeSelection,
    ) -> Result<Answer<(PurgePreview, RedisRunId)>, Error> {
        let (environment, mut redis) = done!(self.redis_to_purge(service, environment).await?);
        let count = redis.count(selection, self.inner.settings.purge.pace).await?;
        let terminal = self.terminal(service, environment);
        let preview = PurgePreview {
            // Whatever they are called, when they are gone there is nothing left.
            needs_name: self.name_needed(selection, count.matching)
                || (count.matching > 0 && count.matching == count.total),
            count,
            count_command: fairway_purge::count_command(terminal, selection),
            command: fairway_purge::purge_command(terminal, selection),
        };
        Ok(Answer::Done((preview, redis.as_redis().id().clone())))
    }

    fn name_needed(&self, selection: &PurgeSelection, keys: u64) -> bool {
        selection.takes_every_key() || keys > self.inner.settings.purge.name_above
    }

    async fn record_purge(&self, actor: &Actor, order: &PurgeOrder, outcome: Outcome) -> Result<(), Error> {
        let record = NewActivity {
            actor,
            action: Action::Purge,
            service: &order.service,
            environment: Some(&order.environment),
            detail: &detail(order),
            outcome,
            job: None,
        };
        self.inner.store.record(&record).await?;
        Ok(())
    }

    /// The purges of a service's Redis in an environment, newest first, those that run with how far they are.
    pub async fn purges(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<Vec<Purge>>, Error> {
        done!(self.known(service, environment).await?);
        Ok(Answer::Done(self.inner.store.purges(service, environment, EARLIER).await?))
    }

    /// The purge that a job does, if it does one.
    pub async fn purge_of_job(&self, _actor: &Actor, job: JobId) -> Result<Option<Purge>, Error> {
        Ok(self.inner.store.purge_of_job(job).await?)
    }

    /// Asks a purge to stop: it does so after the batch it is at.
    pub async fn stop(&self, actor: &Actor, id: JobId) -> Result<Answer<Job>, Error> {
        let job = done!(self.job(actor, id).await?);
        Ok(match self.inner.store.ask_to_stop(id, actor).await? {
            StopAsked::Yes(job) => Answer::Done(job),
            StopAsked::NotRunning => Answer::Refused(Refusal::NotRunning(Box::new(job))),
            StopAsked::NotStoppable => Answer::Refused(Refusal::NotStoppable(Box::new(job))),
        })
    }

    /// Why a failed purge can't go on: more keys match by now than are left of what was agreed to.
    pub(crate) async fn retry_refused(&self, purge: &Purge) -> Result<Option<Refusal>, Error> {
        let counted = self.counted(&purge.service, &purge.environment, &purge.selection).await?;
        let count = match counted {
            Answer::Done((preview, _)) => preview.count,
            Answer::Refused(refusal) => return Ok(Some(refusal)),
        };
        let expected = purge.left();
        Ok((count.matching > expected).then_some(Refusal::CountChanged { expected, now: count }))
    }
}

/// A purge in the record's words.
fn detail(order: &PurgeOrder) -> String {
    match &order.reason {
        Some(reason) => format!("{}. Why: {reason}", order.selection),
        None => order.selection.to_string(),
    }
}
