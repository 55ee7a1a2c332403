//! Purges: what was agreed to, how far each is, and the lock of a Redis. Their jobs stand in `jobs`.

use crate::jobs::{self, NewJob};
use crate::rows::{Fields, storable};
use crate::{Claim, Error, Store, activity, claims, schedules};
use fairway_domain::{
    Action, Actor, EnvironmentName, Job, JobId, JobKind, JobState, Outcome, Purge, PurgeCounts, PurgeReason,
    PurgeSchedule, PurgeSelection, RedisRunId, ServiceName,
};
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// A purge to be done.
#[derive(Clone, Copy, Debug)]
pub struct NewPurge<'a> {
    /// Whose Redis.
    pub service: &'a ServiceName,
    /// Where.
    pub environment: &'a EnvironmentName,
    /// Which Redis that is at present.
    pub redis: &'a RedisRunId,
    /// Which keys.
    pub selection: &'a PurgeSelection,
    /// Why.
    pub reason: &'a PurgeReason,
    /// How many keys were agreed to.
    pub expected: u64,
    /// Who asks.
    pub actor: &'a Actor,
    /// The activity's particulars, in words.
    pub detail: &'a str,
    /// The schedule whose time has come, if that is why.
    pub schedule: Option<&'a PurgeSchedule>,
}

/// What came of asking for a purge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PurgeBegun {
    /// It is on record and holds the lock; this job does it.
    New(Job),
    /// This other purge holds the lock. Nothing was changed.
    Held(Box<Purge>),
    /// Somebody else has begun or removed what was scheduled. Nothing was changed.
    NotDue,
}

/// The proof that a worker's purge holds the lock of its Redis. Only [`Store::lock_purge`] gives one.
#[derive(Debug)]
pub struct PurgeLock {
    job: JobId,
    fence: i64,
}

/// What came of a worker's asking for the lock of its purge.
#[derive(Debug)]
pub enum PurgeLocked {
    /// It holds the lock, still or again; what is on record of it.
    Yes(PurgeLock, Box<Purge>),
    /// This other purge of the same Redis runs.
    Held(Box<Purge>),
}

/// What came of asking to stop a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopAsked {
    /// Its worker will stop it.
    Yes(Job),
    /// It has ended, or isn't there.
    NotRunning,
    /// It is no purge: another kind of job goes on to its end.
    NotStoppable,
}

macro_rules! select_purges {
    ($rest:literal) => {
        concat!(
            "SELECT p.job, p.service, p.environment, p.selection, p.reason, p.redis, p.expected, p.found, p.removed, p.already_gone, \
             p.rate, p.attempts, p.stopped_by, j.actor, j.state, j.created_at, j.finished_at \
             FROM purges p JOIN jobs j ON j.id = p.job ",
            $rest
        )
    };
}

impl Store {
    /// Takes the lock and puts purge, job and activity on record, in one transaction.
    pub async fn begin_purge(&self, new: &NewPurge<'_>) -> Result<PurgeBegun, Error> {
        let mut write = self.write().await?;
        let job = NewJob {
            kind: JobKind::Purge,
            service: new.service,
            environment: Some(new.environment),
            request: &Value::Null,
            actor: new.actor,
            action: Action::Purge,
            detail: new.detail,
        };
        let job = jobs::insert(write.connection(), &job).await?;
        if let Some(due) = new.schedule
            && !schedules::move_on(write.connection(), due, Some(job.id)).await?
        {
            return Ok(PurgeBegun::NotDue); // The job goes with the transaction.
        }
        while !insert(write.connection(), new, job.id).await? {
            if let Some(holder) =
                holder(write.connection(), new.redis, new.service, new.environment, job.id).await?
            {
                return Ok(PurgeBegun::Held(Box::new(holder))); // The job goes with the transaction.
            }
        }
        write.commit().await?;
        Ok(PurgeBegun::New(job))
    }

    /// The proof that the purge of a worker's job holds the lock of the Redis that was reached. It may be another one than is on record,
    /// as after a restart of it: its keys have been counted then, and it is what is on record from now on.
    pub async fn lock_purge(&self, claim: &Claim, redis: &RedisRunId) -> Result<PurgeLocked, Error> {
        let mut write = self.write().await?;
        let job = claim.job.id;
        claims::hold(write.connection(), job, claim.fence).await?;
        let purge = of_job(write.connection(), job).await?.ok_or_else(|| missing(job))?;
        let holder = holder(write.connection(), redis, &purge.service, &purge.environment, job).await?;
        if let Some(holder) = holder {
            return Ok(PurgeLocked::Held(Box::new(holder)));
        }
        sqlx::query(
            "UPDATE purges SET state = 'running', redis = $1, attempts = attempts + 1, rate = 0 WHERE job = $2",
        )
        .bind(redis.as_str())
        .bind(job.to_string())
        .execute(write.connection())
        .await?;
        let purge = of_job(write.connection(), job).await?.ok_or_else(|| missing(job))?;
        write.commit().await?;
        Ok(PurgeLocked::Yes(PurgeLock { job, fence: claim.fence }, Box::new(purge)))
    }

    /// What the purge has done so far, over all attempts, and how many keys a second it removes. Gives who asked to stop it.
    pub async fn purge_progress(
        &self,
        lock: &PurgeLock,
        counts: PurgeCounts,
        rate: u64,
    ) -> Result<Option<Actor>, Error> {
        let mut write = self.write().await?;
        claims::hold(write.connection(), lock.job, lock.fence).await?;
        let row = sqlx::query(
            "UPDATE purges SET found = $1, removed = $2, already_gone = $3, rate = $4 WHERE job = $5 RETURNING job, stopped_by",
        )
        .bind(number(counts.found))
        .bind(number(counts.removed))
        .bind(number(counts.already_gone))
        .bind(number(rate))
        .bind(lock.job.to_string())
        .fetch_one(write.connection())
        .await?;
        let stopped_by = stopped_by(&Fields::of(&row, "purges", "job"))?;
        write.commit().await?;
        Ok(stopped_by)
    }

    /// Asks the worker of a running purge to stop it, and puts that on record. Asked again, the first to ask stays on record.
    pub async fn ask_to_stop(&self, id: JobId, actor: &Actor) -> Result<StopAsked, Error> {
        let mut write = self.write().await?;
        let Some(job) = jobs::find(write.connection(), id).await? else { return Ok(StopAsked::NotRunning) };
        if job.kind != JobKind::Purge {
            return Ok(StopAsked::NotStoppable);
        }
        let asked = sqlx::query(
            "UPDATE purges SET stopped_by = $1 WHERE job = $2 AND state = 'running' AND stopped_by IS NULL",
        )
        .bind(storable(&actor.name))
        .bind(id.to_string())
        .execute(write.connection())
        .await?;
        if asked.rows_affected() == 0 {
            let running = job.state == JobState::Running;
            return Ok(if running { StopAsked::Yes(job) } else { StopAsked::NotRunning });
        }
        let detail = format!("the purge of {}", job.created_at.strftime("%F %T UTC"));
        let record = activity::NewActivity {
            actor,
            action: Action::Stop,
            service: &job.service,
            environment: job.environment.as_ref(),
            detail: &detail,
            outcome: Outcome::Succeeded,
            job: Some(id),
        };
        activity::insert(write.connection(), &record).await?;
        write.commit().await?;
        Ok(StopAsked::Yes(job))
    }

    /// The purge that a job does, if it does one.
    pub async fn purge_of_job(&self, job: JobId) -> Result<Option<Purge>, Error> {
        of_job(&mut *self.read().await?, job).await
    }

    /// The newest `limit` purges of a service's Redis in an environment, newest first.
    pub async fn purges(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
        limit: u32,
    ) -> Result<Vec<Purge>, Error> {
        let rows = sqlx::query(select_purges!(
            "WHERE p.service = $1 AND p.environment = $2 ORDER BY p.job DESC LIMIT $3"
        ))
        .bind(service.as_str())
        .bind(environment.as_str())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read().await?)
        .await?;
        rows.iter().map(purge).collect()
    }
}

/// Makes the ended purge of a job run again. Gives the purge that keeps it from that, if one does; a job without a purge is left as
/// it is.
pub(crate) async fn reopen_of_job(
    connection: &mut AnyConnection,
    job: JobId,
) -> Result<Option<Purge>, Error> {
    let row = sqlx::query("SELECT job, redis, service, environment FROM purges WHERE job = $1")
        .bind(job.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let fields = Fields::of(&row, "purges", "job");
    let (redis, service, environment) =
        (fields.parsed("redis")?, fields.parsed("service")?, fields.parsed("environment")?);
    if let Some(holder) = holder(connection, &redis, &service, &environment, job).await? {
        return Ok(Some(holder));
    }
    sqlx::query("UPDATE purges SET state = 'running', stopped_by = NULL WHERE job = $1")
        .bind(job.to_string())
        .execute(connection)
        .await?;
    Ok(None)
}

/// Gives the lock back, if the job is a purge.
pub(crate) async fn end_of_job(connection: &mut AnyConnection, job: &str) -> Result<(), Error> {
    sqlx::query("UPDATE purges SET state = 'ended' WHERE job = $1").bind(job).execute(connection).await?;
    Ok(())
}

/// Whether the lock was free: the unique indexes decide, also between two that come at once.
async fn insert(connection: &mut AnyConnection, new: &NewPurge<'_>, job: JobId) -> Result<bool, Error> {
    let inserted = sqlx::query(
        "INSERT INTO purges (job, service, environment, redis, selection, reason, expected, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'running') ON CONFLICT DO NOTHING",
    )
    .bind(job.to_string())
    .bind(new.service.as_str())
    .bind(new.environment.as_str())
    .bind(new.redis.as_str())
    .bind(serde_json::to_string(new.selection)?)
    .bind(new.reason.as_str())
    .bind(number(new.expected))
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// The purge of another job that runs on this Redis, or on whatever Redis the service has there.
async fn holder(
    connection: &mut AnyConnection,
    redis: &RedisRunId,
    service: &ServiceName,
    environment: &EnvironmentName,
    job: JobId,
) -> Result<Option<Purge>, Error> {
    let row = sqlx::query(select_purges!(
        "WHERE p.state = 'running' AND (p.redis = $1 OR (p.service = $2 AND p.environment = $3)) AND p.job <> $4 LIMIT 1"
    ))
    .bind(redis.as_str())
    .bind(service.as_str())
    .bind(environment.as_str())
    .bind(job.to_string())
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(purge).transpose()
}

async fn of_job(connection: &mut AnyConnection, job: JobId) -> Result<Option<Purge>, Error> {
    let row = sqlx::query(select_purges!("WHERE p.job = $1"))
        .bind(job.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(purge).transpose()
}

fn missing(job: JobId) -> Error {
    Error::Missing { table: "purges", id: format!("of job {job}") }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn stopped_by(fields: &Fields<'_>) -> Result<Option<Actor>, Error> {
    Ok(fields.get::<Option<String>>("stopped_by")?.map(|name| Actor { name }))
}

fn purge(row: &AnyRow) -> Result<Purge, Error> {
    let fields = Fields::of(row, "purges", "job");
    let count = |column| {
        let number: i64 = fields.get(column)?;
        u64::try_from(number).map_err(|error| fields.corrupt(column, error))
    };
    Ok(Purge {
        job: fields.parsed("job")?,
        service: fields.parsed("service")?,
        environment: fields.parsed("environment")?,
        actor: Actor { name: fields.get("actor")? },
        selection: fields.json("selection")?,
        reason: fields.parsed("reason")?,
        redis: fields.parsed("redis")?,
        expected: count("expected")?,
        counts: PurgeCounts {
            found: count("found")?,
            removed: count("removed")?,
            already_gone: count("already_gone")?,
        },
        rate: count("rate")?,
        attempts: count("attempts")?,
        stopped_by: stopped_by(&fields)?,
        state: fields.word("state")?,
        created_at: fields.time("created_at")?,
        finished_at: fields.maybe_time("finished_at")?,
    })
}
