//! Deploys, and the lock that a running one is: at most one runs for a service in an environment.

use crate::claims::{self, Claim};
use crate::jobs::{self, NewJob};
use crate::rows::{Fields, new_id, now, storable};
use crate::{Error, Store, builds};
use fairway_domain::{
    Action, Actor, Build, Deploy, DeployId, DeployNumber, EnvironmentName, Finding, ImageReference, Job,
    JobId, JobKind, ObjectDiff, ServiceName,
};
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// A deploy to be done.
#[derive(Clone, Copy, Debug)]
pub struct DeployRequest<'a> {
    /// Which service.
    pub service: &'a ServiceName,
    /// Where.
    pub environment: &'a EnvironmentName,
    /// What.
    pub build: &'a Build,
    /// The build's image: a build without one can't be deployed.
    pub image: &'a ImageReference,
    /// The chart's version.
    pub chart_version: &'a str,
    /// The deploy that this one goes back to.
    pub rollback_of: Option<DeployNumber>,
    /// What it changes, as previewed.
    pub changes: &'a [ObjectDiff],
    /// Who asks.
    pub actor: &'a Actor,
    /// The job that does it.
    pub job: DeployJob<'a>,
}

/// The job that does a deploy.
#[derive(Clone, Copy, Debug)]
pub enum DeployJob<'a> {
    /// A job that is at it already: the first release of a new service is part of its creation.
    Existing(&'a Claim),
    /// A job of its own.
    New {
        /// What its worker needs to know.
        request: &'a Value,
        /// The activity's particulars, in words.
        detail: &'a str,
    },
}

/// What came of asking for a deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is on record and holds the lock; this job does it.
    New(Deploy, Job),
    /// This other deploy holds the lock. Nothing was changed.
    Held(Deploy),
}

/// The proof that a worker's deploy holds the lock. Only [`Store::lock_deploy`] gives one.
#[derive(Debug)]
pub struct DeployLock {
    deploy: DeployId,
    job: JobId,
    fence: i64,
}

/// What came of a worker's asking for the lock of its deploy.
#[derive(Debug)]
pub enum Locked {
    /// It holds the lock, still or again.
    Yes(DeployLock, Deploy),
    /// Its deploy had ended, and this other one runs there now.
    Held(Deploy),
}

macro_rules! select_deploys {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.number, d.service, d.environment, d.build, b.sha, b.subject, b.author, b.committed_at, d.image, \
             d.chart_version, d.rollback_of, d.revision, d.actor, d.state, d.changes, d.finding, d.job, d.created_at, d.finished_at \
             FROM deploys d JOIN builds b ON b.id = d.build ",
            $rest
        )
    };
}

impl Store {
    /// Takes the lock and puts deploy, job and activity on record, in one transaction. With a job that has a deploy already, that one is
    /// given back, whatever its state: a repeated step does nothing twice.
    pub async fn begin_deploy(&self, request: &DeployRequest<'_>) -> Result<Begun, Error> {
        let mut write = self.write().await?;
        if let DeployJob::Existing(claim) = request.job {
            claims::hold(write.connection(), claim.job.id, claim.fence).await?;
            if let Some(deploy) = of_job(write.connection(), claim.job.id).await? {
                let job = jobs::get(write.connection(), claim.job.id).await?;
                return Ok(Begun::New(deploy, job));
            }
        }
        let number = next_number(write.connection(), request.service).await?;
        if let Some(holder) = running(write.connection(), request.service, request.environment).await? {
            return Ok(Begun::Held(holder)); // The number goes back with the transaction.
        }
        let job = job_of_request(write.connection(), request).await?;
        insert(write.connection(), request, number, job.id).await?;
        let deploy = of_job(write.connection(), job.id).await?.ok_or_else(|| missing(job.id))?;
        write.commit().await?;
        Ok(Begun::New(deploy, job))
    }

    /// The proof that the deploy of a worker's job holds the lock. A deploy that had ended takes it again, unless another one runs.
    pub async fn lock_deploy(&self, claim: &Claim) -> Result<Locked, Error> {
        let mut write = self.write().await?;
        claims::hold(write.connection(), claim.job.id, claim.fence).await?;
        if let Some(holder) = reopen_of_job(write.connection(), claim.job.id).await? {
            return Ok(Locked::Held(holder));
        }
        let deploy = of_job(write.connection(), claim.job.id).await?.ok_or_else(|| missing(claim.job.id))?;
        write.commit().await?;
        let lock = DeployLock { deploy: deploy.id, job: claim.job.id, fence: claim.fence };
        Ok(Locked::Yes(lock, deploy))
    }

    /// Helm has released it as this revision.
    pub async fn deploy_released(&self, lock: &DeployLock, revision: i64) -> Result<(), Error> {
        let mut write = self.write().await?;
        claims::hold(write.connection(), lock.job, lock.fence).await?;
        sqlx::query("UPDATE deploys SET revision = $1 WHERE id = $2")
            .bind(revision)
            .bind(lock.deploy.to_string())
            .execute(write.connection())
            .await?;
        write.commit().await
    }

    /// The verdict, which gives the lock back: it succeeded, or it failed, for the reason found if one was.
    pub async fn finish_deploy(
        &self,
        lock: DeployLock,
        verdict: Result<(), Option<&Finding>>,
    ) -> Result<(), Error> {
        let mut write = self.write().await?;
        claims::hold(write.connection(), lock.job, lock.fence).await?;
        let finding = verdict.err().flatten().map(serde_json::to_string).transpose()?;
        sqlx::query(
            "UPDATE deploys SET state = $1, finding = $2, finished_at = $3 WHERE id = $4 AND state = 'running'",
        )
        .bind(if verdict.is_ok() { "succeeded" } else { "failed" })
        .bind(finding)
        .bind(now())
        .bind(lock.deploy.to_string())
        .execute(write.connection())
        .await?;
        write.commit().await
    }

    /// The deploy of that number, if there is one.
    pub async fn deploy_by_number(
        &self,
        service: &ServiceName,
        number: DeployNumber,
    ) -> Result<Option<Deploy>, Error> {
        let row = sqlx::query(select_deploys!("WHERE d.service = $1 AND d.number = $2"))
            .bind(service.as_str())
            .bind(number.0)
            .fetch_optional(&mut *self.read().await?)
            .await?;
        row.as_ref().map(deploy).transpose()
    }

    /// The deploy that a job does, if it does one.
    pub async fn deploy_of_job(&self, job: JobId) -> Result<Option<Deploy>, Error> {
        of_job(&mut *self.read().await?, job).await
    }

    /// The newest `limit` deploys of a service, newest first, to one environment or to all.
    pub async fn deploys(
        &self,
        service: &ServiceName,
        environment: Option<&EnvironmentName>,
        limit: u32,
    ) -> Result<Vec<Deploy>, Error> {
        let rows = sqlx::query(select_deploys!(
            "WHERE d.service = $1 AND ($2 IS NULL OR d.environment = $2) ORDER BY d.number DESC LIMIT $3"
        ))
        .bind(service.as_str())
        .bind(environment.map(|name| name.as_str().to_owned()))
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read().await?)
        .await?;
        rows.iter().map(deploy).collect()
    }

    /// The newest deploy of each service.
    pub async fn newest_deploys(&self) -> Result<Vec<Deploy>, Error> {
        let rows = sqlx::query(select_deploys!(
            "JOIN services s ON s.name = d.service WHERE d.number = s.deploys ORDER BY d.id"
        ))
        .fetch_all(&mut *self.read().await?)
        .await?;
        rows.iter().map(deploy).collect()
    }

    /// The deploy that holds the lock, if one does.
    pub async fn running_deploy(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Option<Deploy>, Error> {
        running(&mut *self.read().await?, service, environment).await
    }

    /// The newest deploy that succeeded there; with `before`, the newest with a smaller number.
    pub async fn last_succeeded_deploy(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
        before: Option<DeployNumber>,
    ) -> Result<Option<Deploy>, Error> {
        let row = sqlx::query(select_deploys!(
            "WHERE d.service = $1 AND d.environment = $2 AND d.state = 'succeeded' AND ($3 IS NULL OR d.number < $3)
             ORDER BY d.number DESC LIMIT 1"
        ))
        .bind(service.as_str())
        .bind(environment.as_str())
        .bind(before.map(|number| number.0))
        .fetch_optional(&mut *self.read().await?)
        .await?;
        row.as_ref().map(deploy).transpose()
    }
}

/// Makes the ended deploy of a job run again. Gives the deploy that keeps it from that, if one does; a job without a deploy is left
/// as it is. The job's row is locked before, the service's here: always in this order, so that two never wait for each other.
pub(crate) async fn reopen_of_job(
    connection: &mut AnyConnection,
    job: JobId,
) -> Result<Option<Deploy>, Error> {
    let Some(deploy) = of_job(connection, job).await? else { return Ok(None) };
    lock_service(connection, &deploy.service).await?;
    let holder = running(connection, &deploy.service, &deploy.environment).await?;
    match holder {
        Some(holder) if holder.id != deploy.id => return Ok(Some(holder)),
        Some(_) => return Ok(None),
        None => {}
    }
    sqlx::query("UPDATE deploys SET state = 'running', finding = NULL, finished_at = NULL WHERE id = $1")
        .bind(deploy.id.to_string())
        .execute(connection)
        .await?;
    Ok(None)
}

async fn job_of_request(connection: &mut AnyConnection, request: &DeployRequest<'_>) -> Result<Job, Error> {
    match request.job {
        DeployJob::Existing(claim) => jobs::get(connection, claim.job.id).await,
        DeployJob::New { request: job_request, detail } => {
            let new = NewJob {
                kind: JobKind::Deploy,
                service: request.service,
                environment: Some(request.environment),
                request: job_request,
                actor: request.actor,
                action: if request.rollback_of.is_some() { Action::RollBack } else { Action::Deploy },
                detail,
            };
            jobs::insert(connection, &new).await
        }
    }
}

async fn insert(
    connection: &mut AnyConnection,
    request: &DeployRequest<'_>,
    number: i64,
    job: JobId,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO deploys (id, number, service, environment, build, image, chart_version, rollback_of, actor, state, changes, job, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'running', $10, $11, $12)",
    )
    .bind(new_id().to_string())
    .bind(number)
    .bind(request.service.as_str())
    .bind(request.environment.as_str())
    .bind(request.build.id.to_string())
    .bind(serde_json::to_string(request.image)?)
    .bind(request.chart_version)
    .bind(request.rollback_of.map(|number| number.0))
    .bind(storable(&request.actor.name))
    .bind(serde_json::to_string(request.changes)?)
    .bind(job.to_string())
    .bind(now())
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts the service's deploys up by one, and locks its row until the transaction ends.
async fn next_number(connection: &mut AnyConnection, service: &ServiceName) -> Result<i64, Error> {
    count_deploys(connection, service, 1).await
}

async fn lock_service(connection: &mut AnyConnection, service: &ServiceName) -> Result<(), Error> {
    count_deploys(connection, service, 0).await.map(drop)
}

async fn count_deploys(
    connection: &mut AnyConnection,
    service: &ServiceName,
    more: i64,
) -> Result<i64, Error> {
    let row =
        sqlx::query("UPDATE services SET deploys = deploys + $1 WHERE name = $2 RETURNING name, deploys")
            .bind(more)
            .bind(service.as_str())
            .fetch_optional(connection)
            .await?
            .ok_or_else(|| Error::Missing { table: "services", id: service.to_string() })?;
    Fields::of(&row, "services", "name").get("deploys")
}

async fn running(
    connection: &mut AnyConnection,
    service: &ServiceName,
    environment: &EnvironmentName,
) -> Result<Option<Deploy>, Error> {
    let row =
        sqlx::query(select_deploys!("WHERE d.service = $1 AND d.environment = $2 AND d.state = 'running'"))
            .bind(service.as_str())
            .bind(environment.as_str())
            .fetch_optional(connection)
            .await?;
    row.as_ref().map(deploy).transpose()
}

async fn of_job(connection: &mut AnyConnection, job: JobId) -> Result<Option<Deploy>, Error> {
    let row = sqlx::query(select_deploys!("WHERE d.job = $1"))
        .bind(job.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(deploy).transpose()
}

fn missing(job: JobId) -> Error {
    Error::Missing { table: "deploys", id: format!("of job {job}") }
}

fn deploy(row: &AnyRow) -> Result<Deploy, Error> {
    let fields = Fields::of(row, "deploys", "id");
    Ok(Deploy {
        id: fields.parsed("id")?,
        number: DeployNumber(fields.get("number")?),
        service: fields.parsed("service")?,
        environment: fields.parsed("environment")?,
        build: fields.parsed("build")?,
        commit: builds::commit(&fields)?,
        image: fields.json("image")?,
        chart_version: fields.get("chart_version")?,
        rollback_of: fields.get::<Option<i64>>("rollback_of")?.map(DeployNumber),
        revision: fields.get("revision")?,
        actor: Actor { name: fields.get("actor")? },
        state: fields.word("state")?,
        changes: fields.json("changes")?,
        finding: fields.maybe_json("finding")?,
        job: fields.parsed("job")?,
        created_at: fields.time("created_at")?,
        finished_at: fields.maybe_time("finished_at")?,
    })
}
