//! Purges that are done every day: agreed to once, begun by Fairway itself at their time.

use crate::refusal::done;
use crate::{Answer, Error, Portal, PurgeOrder, Refusal};
use fairway_domain::{
    Action, Actor, EnvironmentName, Outcome, PurgeSchedule, ScheduleId, ServiceName, TimeOfDay, Timestamp,
};
use fairway_store::{NewActivity, NewSchedule};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_secs(5);

/// How often what couldn't be begun is tried again, since trying may count all keys.
const TRY_AGAIN: Duration = Duration::from_secs(30);

/// A purge for the night isn't done in the morning because Fairway or its Redis was away: one that is later than this waits for the
/// next day.
const LATEST_SECONDS: i64 = 3600;

/// What is due and couldn't be begun yet: when that was tried last, and why it wasn't done.
type Waiting = HashMap<ScheduleId, (Instant, Outcome)>;

impl Portal {
    /// Has a purge done every day: of at most as many keys as the order expects, whatever matches by then. Asks for what a purge
    /// asks for.
    pub async fn schedule_purge(
        &self,
        actor: &Actor,
        order: &PurgeOrder,
        at: TimeOfDay,
    ) -> Result<Answer<PurgeSchedule>, Error> {
        let PurgeOrder { service, environment, selection, expected, .. } = order;
        done!(self.purgeable(service, environment).await?);
        let reason = match self.agreed(order) {
            Ok(reason) => reason,
            Err(refusal) => return Ok(Answer::Refused(refusal)),
        };
        let detail = format!("every day at {at} UTC, at most {expected} {selection}. Why: {reason}");
        let new = NewSchedule {
            service,
            environment,
            selection,
            reason,
            most: *expected,
            at,
            actor,
            detail: &detail,
        };
        Ok(Answer::Done(self.inner.store.add_schedule(&new).await?))
    }

    /// The purges that are done every day, the oldest first.
    pub async fn purge_schedules(
        &self,
        _actor: &Actor,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Answer<Vec<PurgeSchedule>>, Error> {
        done!(self.known(service, environment).await?);
        Ok(Answer::Done(self.inner.store.schedules(service, environment).await?))
    }

    /// Removes one; a purge of it that runs goes on.
    pub async fn unschedule_purge(
        &self,
        actor: &Actor,
        id: ScheduleId,
    ) -> Result<Answer<PurgeSchedule>, Error> {
        let detail = |schedule: &PurgeSchedule| {
            format!("no longer every day at {} UTC: {}", schedule.at, schedule.selection)
        };
        Ok(match self.inner.store.remove_schedule(id, actor, detail).await? {
            Some(schedule) => Answer::Done(schedule),
            None => Answer::Refused(Refusal::NoSuchSchedule(id)),
        })
    }

    /// Begins what is due, until the portal closes.
    pub(crate) async fn keep_schedules(self) {
        let mut waiting = Waiting::new();
        loop {
            if let Err(error) = self.begin_all_due(Timestamp::now(), &mut waiting).await {
                tracing::warn!(%error, "purges that are due can't be begun; trying again");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn begin_all_due(&self, now: Timestamp, waiting: &mut Waiting) -> Result<(), Error> {
        let all_due = self.inner.store.due_schedules(now).await?;
        waiting.retain(|id, _| all_due.iter().any(|due| due.id == *id));
        for due in all_due {
            if now.as_second() - due.next_at.as_second() > LATEST_SECONDS {
                let away =
                    || format!("Fairway wasn't running at {:.0}; it waits for the next day.", due.next_at);
                let why = waiting.remove(&due.id).map(|(_, why)| why);
                self.skip(&due, why.unwrap_or_else(|| Outcome::Refused(away()))).await?;
            } else if waiting.get(&due.id).is_none_or(|(tried, _)| tried.elapsed() >= TRY_AGAIN) {
                match self.begin_due(&due).await? {
                    Some(why) => waiting.insert(due.id, (Instant::now(), why)),
                    None => waiting.remove(&due.id),
                };
            }
        }
        Ok(())
    }

    /// Begins it, or puts on record why not. What may be over soon doesn't cost the day: then it says why not yet.
    async fn begin_due(&self, due: &PurgeSchedule) -> Result<Option<Outcome>, Error> {
        let order = PurgeOrder {
            service: due.service.clone(),
            environment: due.environment.clone(),
            selection: due.selection.clone(),
            expected: due.most,
            reason: Some(due.reason.clone()),
            confirm: due.service.to_string(),
        };
        let (may_pass, outcome) = match self.begin_purge(&due.actor, &order, Some(due)).await {
            Ok(Answer::Done(_)) => return Ok(None),
            Ok(Answer::Refused(refusal)) => (refusal.may_pass(), Outcome::Refused(refusal.to_string())),
            Err(error) => (error.may_pass(), Outcome::Failed(error.for_person().into())),
        };
        if may_pass {
            tracing::info!(schedule = %due.id, ?outcome, "a purge that is due can't be begun yet");
            return Ok(Some(outcome));
        }
        self.skip(due, outcome).await?;
        Ok(None)
    }

    async fn skip(&self, due: &PurgeSchedule, outcome: Outcome) -> Result<(), Error> {
        let detail = format!("every day at {} UTC, {}. Why: {}", due.at, due.selection, due.reason);
        let record = NewActivity {
            actor: &due.actor,
            action: Action::Purge,
            service: &due.service,
            environment: Some(&due.environment),
            detail: &detail,
            outcome,
            job: None,
        };
        Ok(self.inner.store.skip_schedule(due, &record).await?)
    }
}
