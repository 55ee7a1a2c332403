//! Jobs: asking for one, reading one, going on with a failed one. What their workers write stands in `claims`.

use crate::activity::{self, NewActivity};
use crate::rows::{Fields, new_id, now, storable, word};
use crate::{Error, Store, deploys, purges};
use fairway_domain::{
    Action, Actor, Deploy, EnvironmentName, Job, JobEvent, JobEventKind, JobId, JobKind, Outcome, Purge,
    ServiceName, ShellCommand, Step, StepName, StepState,
};
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// A job to be done.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'a> {
    /// What is done.
    pub kind: JobKind,
    /// To which service; it has to exist.
    pub service: &'a ServiceName,
    /// Where, if it is about one environment.
    pub environment: Option<&'a EnvironmentName>,
    /// What its worker needs to know.
    pub request: &'a Value,
    /// Who asks.
    pub actor: &'a Actor,
    /// How the activity calls it.
    pub action: Action,
    /// The activity's particulars, in words.
    pub detail: &'a str,
}

/// What came of asking to go on with a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It goes on from its failed step.
    Yes(Job),
    /// It didn't fail, or isn't there.
    NotFailed,
    /// It is a deploy, and this other one runs there now.
    Held(Box<Deploy>),
    /// It is a purge, and this other one of the same Redis runs now.
    PurgeHeld(Box<Purge>),
}

macro_rules! select_jobs {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, service, environment, actor, state, created_at, finished_at FROM jobs ",
            $rest
        )
    };
}

impl Store {
    /// Puts a job on record with its steps and its activity; a worker finds it by [`Store::claim`].
    pub async fn enqueue(&self, new: &NewJob<'_>) -> Result<Job, Error> {
        let mut write = self.write().await?;
        let job = insert(write.connection(), new).await?;
        write.commit().await?;
        Ok(job)
    }

    /// A job with its steps and their logs.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, Error> {
        let mut connection = self.read().await?;
        let Some(mut job) = find(&mut connection, id).await? else { return Ok(None) };
        for event in events_after(&mut connection, id, 0, i64::MAX).await? {
            add_to_log(&mut job.steps, event.kind);
        }
        Ok(Some(job))
    }

    /// The job that created a service, or still does, without its logs.
    pub async fn creation(&self, service: &ServiceName) -> Result<Option<Job>, Error> {
        let mut connection = self.read().await?;
        let rows =
            sqlx::query(select_jobs!("WHERE service = $1 AND kind = 'create' ORDER BY id DESC LIMIT 1"))
                .bind(service.as_str())
                .fetch_all(&mut *connection)
                .await?;
        Ok(with_steps(&mut connection, rows).await?.pop())
    }

    /// The creations that run or failed, of all services, without their logs.
    pub async fn unfinished_creations(&self) -> Result<Vec<Job>, Error> {
        let mut connection = self.read().await?;
        let rows = sqlx::query(select_jobs!("WHERE kind = 'create' AND state <> 'succeeded' ORDER BY id"))
            .fetch_all(&mut *connection)
            .await?;
        with_steps(&mut connection, rows).await
    }

    /// What happened to a job after the event `after` (0: from the beginning), at most `limit` events, in order.
    pub async fn events(&self, job: JobId, after: i64, limit: u32) -> Result<Vec<JobEvent>, Error> {
        events_after(&mut *self.read().await?, job, after, i64::from(limit)).await
    }

    /// What a step left for later ones, once it has succeeded.
    pub async fn step_output(&self, job: JobId, step: StepName) -> Result<Option<Value>, Error> {
        let row = sqlx::query("SELECT job, output FROM steps WHERE job = $1 AND name = $2")
            .bind(job.to_string())
            .bind(step.as_str())
            .fetch_optional(&mut *self.read().await?)
            .await?;
        let output = row.as_ref().map(|row| Fields::of(row, "steps", "job").maybe_json("output"));
        Ok(output.transpose()?.flatten())
    }

    /// Goes on with a failed job from its failed step. Its build runs again, and its deploy or purge takes the lock again, or the job
    /// stays as it is because another one holds it.
    pub async fn retry(&self, id: JobId, actor: &Actor) -> Result<Retried, Error> {
        let mut write = self.write().await?;
        let revived = sqlx::query(
            "UPDATE jobs SET state = 'running', finished_at = NULL, worker = NULL, lease_until = 0
             WHERE id = $1 AND state = 'failed'",
        )
        .bind(id.to_string())
        .execute(write.connection())
        .await?;
        if revived.rows_affected() == 0 {
            return Ok(Retried::NotFailed);
        }
        if let Some(holder) = deploys::reopen_of_job(write.connection(), id).await? {
            return Ok(Retried::Held(Box::new(holder)));
        }
        if let Some(holder) = purges::reopen_of_job(write.connection(), id).await? {
            return Ok(Retried::PurgeHeld(Box::new(holder)));
        }
        sqlx::query(
            "UPDATE steps SET state = 'pending', error = NULL, started_at = NULL, finished_at = NULL
             WHERE job = $1 AND state = 'failed'",
        )
        .bind(id.to_string())
        .execute(write.connection())
        .await?;
        sqlx::query(
            "UPDATE builds SET state = 'running', finished_at = NULL WHERE job = $1 AND state = 'failed'",
        )
        .bind(id.to_string())
        .execute(write.connection())
        .await?;
        append_events(write.connection(), id, None, &[JobEventKind::Retried]).await?;
        let job = get(write.connection(), id).await?;
        let detail = format!("the job of {}", job.created_at.strftime("%F %T UTC"));
        let record = NewActivity {
            actor,
            action: Action::Retry,
            service: &job.service,
            environment: job.environment.as_ref(),
            detail: &detail,
            outcome: Outcome::Running,
            job: Some(id),
        };
        activity::insert(write.connection(), &record).await?;
        write.commit().await?;
        Ok(Retried::Yes(job))
    }
}

/// Inserts job, steps and activity.
pub(crate) async fn insert(connection: &mut AnyConnection, new: &NewJob<'_>) -> Result<Job, Error> {
    let id = JobId(new_id());
    sqlx::query(
        "INSERT INTO jobs (id, kind, service, environment, actor, request, state, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'running', $7)",
    )
    .bind(id.to_string())
    .bind(word(new.kind)?)
    .bind(new.service.as_str())
    .bind(new.environment.map(|name| name.as_str().to_owned()))
    .bind(storable(&new.actor.name))
    .bind(new.request.to_string())
    .bind(now())
    .execute(&mut *connection)
    .await?;
    for (position, step) in (0_i64..).zip(new.kind.steps()) {
        sqlx::query("INSERT INTO steps (job, position, name, state) VALUES ($1, $2, $3, 'pending')")
            .bind(id.to_string())
            .bind(position)
            .bind(step.as_str())
            .execute(&mut *connection)
            .await?;
    }
    let record = NewActivity {
        actor: new.actor,
        action: new.action,
        service: new.service,
        environment: new.environment,
        detail: new.detail,
        outcome: Outcome::Running,
        job: Some(id),
    };
    activity::insert(connection, &record).await?;
    get(connection, id).await
}

/// A job with its steps, without their logs.
pub(crate) async fn find(connection: &mut AnyConnection, id: JobId) -> Result<Option<Job>, Error> {
    let rows =
        sqlx::query(select_jobs!("WHERE id = $1")).bind(id.to_string()).fetch_all(&mut *connection).await?;
    Ok(with_steps(connection, rows).await?.pop())
}

/// The same, where the job has to be there.
pub(crate) async fn get(connection: &mut AnyConnection, id: JobId) -> Result<Job, Error> {
    find(connection, id).await?.ok_or_else(|| Error::Missing { table: "jobs", id: id.to_string() })
}

/// Appends events to a job and says whether it did: not if the job's fence is no longer `fence`. The update locks the
/// job's row until the transaction ends, so two writers never give out one sequence number, and numbers have no gaps.
pub(crate) async fn append_events(
    connection: &mut AnyConnection,
    job: JobId,
    fence: Option<i64>,
    kinds: &[JobEventKind],
) -> Result<bool, Error> {
    let count = i64::try_from(kinds.len()).unwrap_or(i64::MAX);
    let row = sqlx::query(
        "UPDATE jobs SET events = events + $1
         WHERE id = $2 AND ($3 IS NULL OR (fence = $3 AND state = 'running')) RETURNING id, events",
    )
    .bind(count)
    .bind(job.to_string())
    .bind(fence)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let last: i64 = Fields::of(&row, "jobs", "id").get("events")?;
    let at = now();
    for (sequence, kind) in (last - count + 1..).zip(kinds) {
        sqlx::query("INSERT INTO job_events (job, sequence, at, body) VALUES ($1, $2, $3, $4)")
            .bind(job.to_string())
            .bind(sequence)
            .bind(at)
            .bind(serde_json::to_string(kind)?)
            .execute(&mut *connection)
            .await?;
    }
    Ok(true)
}

async fn events_after(
    connection: &mut AnyConnection,
    job: JobId,
    after: i64,
    limit: i64,
) -> Result<Vec<JobEvent>, Error> {
    let rows = sqlx::query(
        "SELECT job, sequence, at, body FROM job_events WHERE job = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
    )
    .bind(job.to_string())
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let event = |row: &AnyRow| {
        let fields = Fields::of(row, "job_events", "job");
        Ok(JobEvent { sequence: fields.get("sequence")?, at: fields.time("at")?, kind: fields.json("body")? })
    };
    rows.iter().map(event).collect()
}

/// A step's log is what its latest attempt printed: a new attempt begins a new one.
fn add_to_log(steps: &mut [Step], event: JobEventKind) {
    let (JobEventKind::StepStarted { step: name, .. } | JobEventKind::StepLog { step: name, .. }) = &event
    else {
        return;
    };
    let Some(step) = steps.iter_mut().find(|step| step.name == *name) else { return };
    match event {
        JobEventKind::StepLog { line, .. } => step.log.push(line),
        _ => step.log.clear(),
    }
}

async fn with_steps(connection: &mut AnyConnection, rows: Vec<AnyRow>) -> Result<Vec<Job>, Error> {
    let mut jobs = Vec::with_capacity(rows.len());
    for row in &rows {
        let fields = Fields::of(row, "jobs", "id");
        let id: JobId = fields.parsed("id")?;
        jobs.push(Job {
            id,
            kind: fields.word("kind")?,
            service: fields.parsed("service")?,
            environment: fields.maybe_parsed("environment")?,
            actor: Actor { name: fields.get("actor")? },
            state: fields.word("state")?,
            steps: steps(connection, id).await?,
            created_at: fields.time("created_at")?,
            finished_at: fields.maybe_time("finished_at")?,
        });
    }
    Ok(jobs)
}

async fn steps(connection: &mut AnyConnection, job: JobId) -> Result<Vec<Step>, Error> {
    let rows = sqlx::query(
        "SELECT job, name, state, started_at, finished_at, command, error FROM steps WHERE job = $1 ORDER BY position",
    )
    .bind(job.to_string())
    .fetch_all(connection)
    .await?;
    let step = |row: &AnyRow| {
        let fields = Fields::of(row, "steps", "job");
        Ok(Step {
            name: fields.word("name")?,
            state: fields.word::<StepState>("state")?,
            started_at: fields.maybe_time("started_at")?,
            finished_at: fields.maybe_time("finished_at")?,
            log: Vec::new(),
            command: fields.maybe_json::<ShellCommand>("command")?,
            error: fields.get("error")?,
        })
    };
    rows.iter().map(step).collect()
}
