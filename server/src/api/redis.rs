//! Looking at a service's Redis.

use crate::{actor::Asking, extract::Json, extract::Path, extract::Query, problem::Problem, problem::done};
use axum::extract::State;
use fairway_domain::{EnvironmentName, KeyName, KeyPosition, ServiceName};
use fairway_portal::{Portal, RedisKeyView, RedisView};
use serde::Deserialize;

/// A service's Redis at a glance: what its server says of itself, and what its keys are like, by up to 5,000 of them. Changes nothing, and is
/// there in every environment.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/redis",
    params(("name" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = RedisView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem, headers(("Retry-After" = u32)))))]
pub(super) async fn overview(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((name, environment)): Path<(ServiceName, EnvironmentName)>,
) -> Result<Json<RedisView>, Problem> {
    Ok(Json(done(portal.redis(&actor, &name, &environment).await)?))
}

/// Which key, and which page of it.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The key's name as it is shown: a backslash begins an escape (`\\` for itself, `\xff` for a byte, `\n`). Empty for the key
    /// whose name is.
    #[param(value_type = String)]
    key: KeyName,
    /// What the page before gave as `next`.
    #[param(value_type = Option<String>)]
    from: Option<KeyPosition>,
}

/// One key of a service's Redis, with a page of its value: 16 KiB of a string, about 100 elements of the others. Secrets are hidden. Who
/// looked is on record in the activity.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/redis/keys",
    params(("name" = String, Path), ("environment" = String, Path), Wanted),
    responses((status = 200, body = RedisKeyView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 502, body = Problem), (status = 503, body = Problem, headers(("Retry-After" = u32)))))]
pub(super) async fn key(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((name, environment)): Path<(ServiceName, EnvironmentName)>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<RedisKeyView>, Problem> {
    let Wanted { key, from } = wanted;
    Ok(Json(done(portal.redis_key(&actor, &name, &environment, &key, from.as_ref()).await)?))
}
