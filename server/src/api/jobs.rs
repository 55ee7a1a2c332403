//! Jobs: how far they are, and everything that happened to them.

use super::services::accepted;
use crate::{
    actor::Asking, events, extract::Json, extract::Path, problem::Problem, problem::done, router::Edge,
};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fairway_domain::{Job, JobId};
use fairway_portal::Portal;
use http::HeaderMap;

/// A job with its steps and their logs.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path(id): Path<JobId>,
) -> Result<Json<Job>, Problem> {
    Ok(Json(done(portal.job(&actor, id).await)?))
}

/// Go on from the failed step.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/retries", params(("id" = String, Path)),
    responses((status = 202, body = Job), (status = 409, body = Problem)))]
pub(super) async fn retry(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path(id): Path<JobId>,
) -> Result<Response, Problem> {
    Ok(accepted(&done(portal.retry(&actor, id).await)?))
}

/// Stop a purge after the batch it is at. What is removed stays removed.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/stop", params(("id" = String, Path)),
    responses((status = 202, body = Job), (status = 409, body = Problem)))]
pub(super) async fn stop(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path(id): Path<JobId>,
) -> Result<Response, Problem> {
    Ok(accepted(&done(portal.stop(&actor, id).await)?))
}

/// What happened to a job, as server-sent events; the id of an event is its sequence number, and `Last-Event-ID` resumes after it.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/events", params(("id" = String, Path), ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, content_type = "text/event-stream"), (status = 404, body = Problem)))]
pub(super) async fn events(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(id): Path<JobId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = events::last_event_id(&headers).and_then(|id| id.parse().ok()).unwrap_or(0);
    done(edge.portal.job(&actor, id).await)?;
    Ok(events::job(&edge, actor, id, after).into_response())
}
