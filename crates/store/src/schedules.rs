//! Purges that are done every day.

use crate::activity::{self, NewActivity};
use crate::rows::{Fields, new_id, now, storable};
use crate::{Error, Store};
use fairway_domain::{
    Action, Actor, EnvironmentName, JobId, Outcome, PurgeReason, PurgeSchedule, PurgeSelection, ScheduleId,
    ServiceName, TimeOfDay, Timestamp,
};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// A purge to be done every day.
#[derive(Clone, Copy, Debug)]
pub struct NewSchedule<'a> {
    /// Whose Redis.
    pub service: &'a ServiceName,
    /// Where.
    pub environment: &'a EnvironmentName,
    /// Which keys.
    pub selection: &'a PurgeSelection,
    /// Why.
    pub reason: &'a PurgeReason,
    /// How many keys may go at most.
    pub most: u64,
    /// When.
    pub at: TimeOfDay,
    /// Who asks.
    pub actor: &'a Actor,
    /// The activity's particulars, in words.
    pub detail: &'a str,
}

macro_rules! select_schedules {
    ($rest:literal) => {
        concat!(
            "SELECT id, service, environment, selection, reason, most, at, actor, created_at, next_at, last_job FROM purge_schedules ",
            $rest
        )
    };
}

impl Store {
    /// Puts it on record, with the activity, in one transaction. It is done for the first time when it is `at` next.
    pub async fn add_schedule(&self, new: &NewSchedule<'_>) -> Result<PurgeSchedule, Error> {
        let mut write = self.write().await?;
        let id = ScheduleId(new_id());
        sqlx::query(
            "INSERT INTO purge_schedules (id, service, environment, selection, reason, most, at, actor, created_at, next_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(id.to_string())
        .bind(new.service.as_str())
        .bind(new.environment.as_str())
        .bind(serde_json::to_string(new.selection)?)
        .bind(new.reason.as_str())
        .bind(i64::try_from(new.most).unwrap_or(i64::MAX))
        .bind(new.at.to_string())
        .bind(storable(&new.actor.name))
        .bind(now())
        .bind(new.at.next_after(Timestamp::now()).as_millisecond())
        .execute(write.connection())
        .await?;
        let record = activity_of(Action::Schedule, new.actor, new.service, new.environment, new.detail);
        activity::insert(write.connection(), &record).await?;
        let schedule = find(write.connection(), id).await?;
        write.commit().await?;
        schedule.ok_or_else(|| Error::Missing { table: "purge_schedules", id: id.to_string() })
    }

    /// Those of a service's Redis in an environment, the oldest first.
    pub async fn schedules(
        &self,
        service: &ServiceName,
        environment: &EnvironmentName,
    ) -> Result<Vec<PurgeSchedule>, Error> {
        let rows = sqlx::query(select_schedules!("WHERE service = $1 AND environment = $2 ORDER BY id"))
            .bind(service.as_str())
            .bind(environment.as_str())
            .fetch_all(&mut *self.read().await?)
            .await?;
        rows.iter().map(schedule).collect()
    }

    /// Those whose time has come by `at`, the longest due first.
    pub async fn due_schedules(&self, at: Timestamp) -> Result<Vec<PurgeSchedule>, Error> {
        let rows = sqlx::query(select_schedules!("WHERE next_at <= $1 ORDER BY next_at, id"))
            .bind(at.as_millisecond())
            .fetch_all(&mut *self.read().await?)
            .await?;
        rows.iter().map(schedule).collect()
    }

    /// Removes it, with the activity. Gives what was removed; nothing if it isn't there.
    pub async fn remove_schedule(
        &self,
        id: ScheduleId,
        actor: &Actor,
        detail: impl FnOnce(&PurgeSchedule) -> String,
    ) -> Result<Option<PurgeSchedule>, Error> {
        let mut write = self.write().await?;
        let Some(schedule) = find(write.connection(), id).await? else { return Ok(None) };
        sqlx::query("DELETE FROM purge_schedules WHERE id = $1")
            .bind(id.to_string())
            .execute(write.connection())
            .await?;
        let detail = detail(&schedule);
        let record =
            activity_of(Action::Unschedule, actor, &schedule.service, &schedule.environment, &detail);
        activity::insert(write.connection(), &record).await?;
        write.commit().await?;
        Ok(Some(schedule))
    }

    /// Puts on record why it wasn't done this time, and waits for the next. Does nothing where somebody else has dealt with it.
    pub async fn skip_schedule(&self, due: &PurgeSchedule, record: &NewActivity<'_>) -> Result<(), Error> {
        let mut write = self.write().await?;
        if move_on(write.connection(), due, None).await? {
            activity::insert(write.connection(), record).await?;
            write.commit().await?;
        }
        Ok(())
    }
}

/// Waits for the next time; `job` does it this time. Says no where somebody else has moved it on, or removed it.
pub(crate) async fn move_on(
    connection: &mut AnyConnection,
    due: &PurgeSchedule,
    job: Option<JobId>,
) -> Result<bool, Error> {
    let moved = sqlx::query(
        "UPDATE purge_schedules SET next_at = $1, last_job = COALESCE($2, last_job) WHERE id = $3 AND next_at = $4",
    )
    .bind(due.at.next_after(Timestamp::now()).as_millisecond())
    .bind(job.map(|job| job.to_string()))
    .bind(due.id.to_string())
    .bind(due.next_at.as_millisecond())
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() > 0)
}

fn activity_of<'a>(
    action: Action,
    actor: &'a Actor,
    service: &'a ServiceName,
    environment: &'a EnvironmentName,
    detail: &'a str,
) -> NewActivity<'a> {
    let environment = Some(environment);
    NewActivity { actor, action, service, environment, detail, outcome: Outcome::Succeeded, job: None }
}

async fn find(connection: &mut AnyConnection, id: ScheduleId) -> Result<Option<PurgeSchedule>, Error> {
    let row = sqlx::query(select_schedules!("WHERE id = $1"))
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(schedule).transpose()
}

fn schedule(row: &AnyRow) -> Result<PurgeSchedule, Error> {
    let fields = Fields::of(row, "purge_schedules", "id");
    let most: i64 = fields.get("most")?;
    Ok(PurgeSchedule {
        id: fields.parsed("id")?,
        service: fields.parsed("service")?,
        environment: fields.parsed("environment")?,
        selection: fields.json("selection")?,
        reason: fields.parsed("reason")?,
        most: u64::try_from(most).map_err(|error| fields.corrupt("most", error))?,
        at: fields.parsed("at")?,
        actor: Actor { name: fields.get("actor")? },
        created_at: fields.time("created_at")?,
        next_at: fields.time("next_at")?,
        last_job: fields.maybe_parsed("last_job")?,
    })
}
