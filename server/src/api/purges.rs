//! Purges of a service's Redis in an environment.

use super::services::accepted;
use crate::{actor::Asking, extract::Json, extract::Path, problem::Problem, problem::done};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fairway_domain::{
    EnvironmentName, IdleTime, Job, KeyFilter, KeyPattern, KeyPrefix, KeyType, Purge, PurgeReason,
    PurgeSchedule, PurgeSelection, ScheduleId, ServiceName, TimeOfDay,
};
use fairway_portal::{Portal, PurgeOrder, PurgePreview};
use http::StatusCode;
use serde::Deserialize;

/// Which keys to remove: a pattern, a prefix or everything, and of these only some.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewPurge {
    /// Redis's glob over key names.
    pattern: Option<KeyPattern>,
    /// How the names begin, literally; what isn't printable escaped, as names are shown.
    prefix: Option<KeyPrefix>,
    /// Every key instead.
    #[serde(default)]
    everything: bool,
    /// Only keys that hold this.
    r#type: Option<KeyType>,
    /// Only keys that never expire.
    #[serde(default)]
    without_expiry: bool,
    /// Only keys that nobody read or wrote for so many seconds.
    idle_seconds: Option<IdleTime>,
    /// Only count; nothing is removed.
    #[serde(default)]
    dry_run: bool,
    /// How many keys the dry run counted; needed to remove any.
    expected_count: Option<u64>,
    /// Why; needed to remove any.
    reason: Option<PurgeReason>,
    /// Do it every day at this time, in UTC, instead of now: of at most `expectedCount` keys; where more match, none is removed
    /// that day.
    daily_at: Option<TimeOfDay>,
    /// The service's name; needed to remove every key there is, or more than the configured number of them.
    #[serde(default)]
    confirm: String,
}

impl NewPurge {
    fn selection(&self) -> Result<PurgeSelection, Problem> {
        let filter = KeyFilter {
            kind: self.r#type,
            without_expiry: self.without_expiry,
            idle_seconds: self.idle_seconds,
        };
        PurgeSelection::choose(self.pattern.clone(), self.prefix.clone(), self.everything, filter)
            .map_err(|error| invalid(&error.to_string()))
    }

    fn order(self, service: ServiceName, environment: EnvironmentName) -> Result<PurgeOrder, Problem> {
        let selection = self.selection()?;
        let expected =
            self.expected_count.ok_or_else(|| invalid("Give expectedCount: what the dry run counted."))?;
        let Self { reason, confirm, .. } = self;
        Ok(PurgeOrder { service, environment, selection, expected, reason, confirm })
    }
}

/// The purges of a service's Redis, newest first, those that run with how far they are.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/purges",
    params(("name" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = [Purge]), (status = 404, body = Problem)))]
pub(super) async fn list(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((service, environment)): Path<(ServiceName, EnvironmentName)>,
) -> Result<Json<Vec<Purge>>, Problem> {
    Ok(Json(done(portal.purges(&actor, &service, &environment).await)?))
}

/// Count or remove keys of a service's Redis, where the environment is marked purgeable. One purge of a Redis runs at a time.
#[utoipa::path(post, path = "/api/v1/services/{name}/environments/{environment}/purges",
    params(("name" = String, Path), ("environment" = String, Path)), request_body = NewPurge,
    responses((status = 200, body = PurgePreview), (status = 201, body = PurgeSchedule), (status = 202, body = Job, headers(("Location" = String))), (status = 403, body = Problem), (status = 409, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem, headers(("Retry-After" = u32)))))]
pub(super) async fn purge(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((service, environment)): Path<(ServiceName, EnvironmentName)>,
    Json(purge): Json<NewPurge>,
) -> Result<Response, Problem> {
    if purge.dry_run {
        let selection = purge.selection()?;
        let preview = done(portal.purge_preview(&actor, &service, &environment, &selection).await)?;
        return Ok(Json(preview).into_response());
    }
    let daily_at = purge.daily_at;
    let order = purge.order(service, environment)?;
    if let Some(at) = daily_at {
        let schedule = done(portal.schedule_purge(&actor, &order, at).await)?;
        return Ok((StatusCode::CREATED, Json(schedule)).into_response());
    }
    Ok(accepted(&done(portal.purge(&actor, &order).await)?))
}

/// The purges of a service's Redis that are done every day.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/purge-schedules",
    params(("name" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = [PurgeSchedule]), (status = 404, body = Problem)))]
pub(super) async fn schedules(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((service, environment)): Path<(ServiceName, EnvironmentName)>,
) -> Result<Json<Vec<PurgeSchedule>>, Problem> {
    Ok(Json(done(portal.purge_schedules(&actor, &service, &environment).await)?))
}

/// Remove a purge that is done every day; one that runs goes on.
#[utoipa::path(delete, path = "/api/v1/purge-schedules/{id}", params(("id" = String, Path)),
    responses((status = 200, body = PurgeSchedule), (status = 404, body = Problem)))]
pub(super) async fn unschedule(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path(id): Path<ScheduleId>,
) -> Result<Json<PurgeSchedule>, Problem> {
    Ok(Json(done(portal.unschedule_purge(&actor, id).await)?))
}

fn invalid(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid", detail)
}
