//! The record of all that was asked and what came of it.

use crate::rows::{Fields, new_id, now, storable, word};
use crate::{Error, Store};
use fairway_domain::{Action, Activity, Actor, EnvironmentName, JobId, Outcome, ServiceName};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// Something that was asked, to be put on record.
#[derive(Clone, Debug)]
pub struct NewActivity<'a> {
    /// By whom.
    pub actor: &'a Actor,
    /// What.
    pub action: Action,
    /// Of which service.
    pub service: &'a ServiceName,
    /// Where, if it is about one environment.
    pub environment: Option<&'a EnvironmentName>,
    /// The particulars, in words.
    pub detail: &'a str,
    /// What came of it. With a job and [`Outcome::Running`], the job's end writes the outcome.
    pub outcome: Outcome,
    /// The job that does it.
    pub job: Option<JobId>,
}

/// Which part of the record; what is `None` doesn't matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Of which service.
    pub service: Option<ServiceName>,
    /// Where.
    pub environment: Option<EnvironmentName>,
    /// By whom, by their whole name.
    pub actor: Option<String>,
    /// What.
    pub action: Option<Action>,
}

impl Store {
    /// Puts on record what was asked.
    pub async fn record(&self, new: &NewActivity<'_>) -> Result<Activity, Error> {
        let mut write = self.write().await?;
        let id = insert(write.connection(), new).await?;
        let row = sqlx::query("SELECT id, at, actor, action, service, environment, detail, outcome, reason, job, finished_at FROM activity WHERE id = $1")
            .bind(id.to_string())
            .fetch_one(write.connection())
            .await?;
        write.commit().await?;
        activity(&row)
    }

    /// The newest `limit` entries that fit, newest first; only those older than `before`, if it is given.
    pub async fn activity(
        &self,
        filter: &ActivityFilter,
        before: Option<uuid::Uuid>,
        limit: u32,
    ) -> Result<Vec<Activity>, Error> {
        let rows = sqlx::query(
            "SELECT id, at, actor, action, service, environment, detail, outcome, reason, job, finished_at FROM activity
             WHERE ($1 IS NULL OR service = $1) AND ($2 IS NULL OR environment = $2)
               AND ($3 IS NULL OR actor = $3) AND ($4 IS NULL OR action = $4) AND ($5 IS NULL OR id < $5)
             ORDER BY id DESC LIMIT $6",
        )
        .bind(filter.service.as_ref().map(|name| name.as_str().to_owned()))
        .bind(filter.environment.as_ref().map(|name| name.as_str().to_owned()))
        .bind(filter.actor.as_deref().map(storable))
        .bind(filter.action.map(word).transpose()?)
        .bind(before.map(|id| id.to_string()))
        .bind(i64::from(limit))
        .fetch_all(&mut *self.read().await?)
        .await?;
        rows.iter().map(activity).collect()
    }
}

pub(crate) async fn insert(
    connection: &mut AnyConnection,
    new: &NewActivity<'_>,
) -> Result<uuid::Uuid, Error> {
    let (id, at) = (new_id(), now());
    let (outcome, reason) = outcome_columns(&new.outcome);
    sqlx::query(
        "INSERT INTO activity (id, at, actor, action, service, environment, detail, outcome, reason, job, finished_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(id.to_string())
    .bind(at)
    .bind(storable(&new.actor.name))
    .bind(word(new.action)?)
    .bind(new.service.as_str())
    .bind(new.environment.map(|name| name.as_str().to_owned()))
    .bind(storable(new.detail))
    .bind(outcome)
    .bind(reason)
    .bind(new.job.map(|job| job.to_string()))
    .bind((new.outcome != Outcome::Running).then_some(at))
    .execute(connection)
    .await?;
    Ok(id)
}

/// Writes the outcome of what a job was asked to do; `detail`, where the end knows more than the beginning did.
pub(crate) async fn close(
    connection: &mut AnyConnection,
    job: JobId,
    result: &Outcome,
    detail: Option<&str>,
) -> Result<(), Error> {
    let (outcome, reason) = outcome_columns(result);
    sqlx::query(
        "UPDATE activity SET outcome = $1, reason = $2, finished_at = $3, detail = COALESCE($4, detail)
         WHERE job = $5 AND outcome = 'running'",
    )
    .bind(outcome)
    .bind(reason)
    .bind(now())
    .bind(detail.map(storable))
    .bind(job.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

fn outcome_columns(outcome: &Outcome) -> (&'static str, Option<String>) {
    match outcome {
        Outcome::Running => ("running", None),
        Outcome::Succeeded => ("succeeded", None),
        Outcome::Failed(reason) => ("failed", Some(storable(reason))),
        Outcome::Refused(reason) => ("refused", Some(storable(reason))),
        Outcome::Stopped(by) => ("stopped", Some(storable(by))),
    }
}

fn activity(row: &AnyRow) -> Result<Activity, Error> {
    let fields = Fields::of(row, "activity", "id");
    let reason = || Ok::<_, Error>(fields.get::<Option<String>>("reason")?.unwrap_or_default());
    let outcome = match fields.get::<String>("outcome")?.as_str() {
        "running" => Outcome::Running,
        "succeeded" => Outcome::Succeeded,
        "failed" => Outcome::Failed(reason()?),
        "refused" => Outcome::Refused(reason()?),
        "stopped" => Outcome::Stopped(reason()?),
        other => return Err(fields.corrupt("outcome", format!("“{other}” is no outcome"))),
    };
    Ok(Activity {
        id: fields.parsed("id")?,
        at: fields.time("at")?,
        actor: Actor { name: fields.get("actor")? },
        action: fields.word("action")?,
        service: fields.parsed("service")?,
        environment: fields.maybe_parsed("environment")?,
        detail: fields.get("detail")?,
        outcome,
        job: fields.maybe_parsed("job")?,
        finished_at: fields.maybe_time("finished_at")?,
    })
}
