//! The record of activity.

use crate::{actor::Asking, extract::Json, extract::Query, problem::Problem};
use axum::extract::State;
use fairway_domain::{Activity, EnvironmentName, ServiceName};
use fairway_portal::{ActivityFilter, Portal};
use serde::Deserialize;

/// Which activity; every parameter narrows it.
#[derive(Deserialize, utoipa::IntoParams)]
pub(super) struct Wanted {
    /// Of this service.
    #[param(value_type = Option<String>)]
    service: Option<ServiceName>,
    /// In this environment.
    #[param(value_type = Option<String>)]
    environment: Option<EnvironmentName>,
    /// By this actor.
    actor: Option<String>,
    /// At most this many; 200 if not said, 1,000 at most.
    limit: Option<u32>,
}

/// Who did what to which service where, with the outcome; newest first.
#[utoipa::path(get, path = "/api/v1/activity", params(Wanted), responses((status = 200, body = [Activity])))]
pub(super) async fn list(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Vec<Activity>>, Problem> {
    let Wanted { service, environment, actor: by, limit } = wanted;
    let filter = ActivityFilter { service, environment, actor: by, limit };
    Ok(Json(portal.activity(&actor, &filter).await?))
}
