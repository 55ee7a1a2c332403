//! Services: list, create, look at.

use crate::{actor::Asking, extract::Json, extract::Path, problem::Problem, problem::done};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fairway_domain::{Build, Job, ParametersDraft, ServiceName};
use fairway_portal::{Portal, Preview, ServiceDetail, ServiceSummary};
use http::{StatusCode, header};

/// Every service, with how it is in each environment.
#[utoipa::path(get, path = "/api/v1/services", responses((status = 200, body = [ServiceSummary])))]
pub(super) async fn list(
    State(portal): State<Portal>,
    Asking(actor): Asking,
) -> Result<Json<Vec<ServiceSummary>>, Problem> {
    Ok(Json(portal.services(&actor).await?))
}

/// Begin to create a service. The job's address stands in `Location`.
#[utoipa::path(post, path = "/api/v1/services", request_body = ParametersDraft,
    responses((status = 202, body = Job, headers(("Location" = String))), (status = 422, body = Problem)))]
pub(super) async fn create(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Json(draft): Json<ParametersDraft>,
) -> Result<Response, Problem> {
    Ok(accepted(&done(portal.create(&actor, &draft).await)?))
}

/// One service, whole.
#[utoipa::path(get, path = "/api/v1/services/{name}", params(("name" = String, Path)),
    responses((status = 200, body = ServiceDetail), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path(name): Path<ServiceName>,
) -> Result<Json<ServiceDetail>, Problem> {
    Ok(Json(done(portal.service(&actor, &name).await)?))
}

/// The files and manifests that given answers would create, and what is wrong with the answers.
#[utoipa::path(post, path = "/api/v1/preview", request_body = ParametersDraft, responses((status = 200, body = Preview)))]
pub(super) async fn preview(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Json(draft): Json<ParametersDraft>,
) -> Result<Json<Preview>, Problem> {
    Ok(Json(portal.preview(&actor, &draft).await?))
}

/// A service's builds, newest first.
#[utoipa::path(get, path = "/api/v1/services/{name}/builds", params(("name" = String, Path)),
    responses((status = 200, body = [Build]), (status = 404, body = Problem)))]
pub(super) async fn builds(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path(name): Path<ServiceName>,
) -> Result<Json<Vec<Build>>, Problem> {
    Ok(Json(done(portal.builds(&actor, &name).await)?))
}

/// A job that was begun: 202, with its address.
pub(super) fn accepted(job: &Job) -> Response {
    let location = format!("/api/v1/jobs/{}", job.id);
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], axum::Json(job)).into_response()
}
