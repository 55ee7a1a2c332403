//! A service in an environment: what a deploy would change, deploys, restarts, the diagnosis.

use crate::{actor::Asking, extract::Json, extract::Path, extract::Query, problem::Problem, problem::done};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use fairway_domain::{BuildId, Deploy, DeployNumber, EnvironmentName, EnvironmentStatus, ServiceName};
use fairway_portal::{DeployOrder, DeployPreview, DeployTarget, Portal};
use http::{StatusCode, header};
use serde::Deserialize;

/// A build, or a deploy to go back to: exactly one.
#[derive(Deserialize, utoipa::ToSchema, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Target {
    /// The build to deploy.
    build: Option<BuildId>,
    /// The number of the deploy to go back to.
    back_to: Option<DeployNumber>,
}

impl Target {
    fn order(&self, service: ServiceName, environment: EnvironmentName) -> Result<DeployOrder, Problem> {
        let target = match (self.build, self.back_to) {
            (Some(build), None) => DeployTarget::Build(build),
            (None, Some(number)) => DeployTarget::BackTo(number),
            _ => {
                let detail = "Name either a build or a deploy to go back to (backTo).";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid", detail));
            }
        };
        Ok(DeployOrder { service, environment, target })
    }
}

/// What a deploy would change, object by object, by a server-side dry run.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/diff",
    params(("name" = String, Path), ("environment" = String, Path), Target),
    responses((status = 200, body = DeployPreview), (status = 404, body = Problem)))]
pub(super) async fn diff(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((name, environment)): Path<(ServiceName, EnvironmentName)>,
    Query(target): Query<Target>,
) -> Result<Json<DeployPreview>, Problem> {
    let order = target.order(name, environment)?;
    Ok(Json(done(portal.deploy_preview(&actor, &order).await)?))
}

/// Begin a deploy. One of a service and environment runs at a time; another is refused with who holds it.
#[utoipa::path(post, path = "/api/v1/services/{name}/environments/{environment}/deploys",
    params(("name" = String, Path), ("environment" = String, Path)), request_body = Target,
    responses((status = 202, body = Deploy, headers(("Location" = String))), (status = 409, body = Problem)))]
pub(super) async fn deploy(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((name, environment)): Path<(ServiceName, EnvironmentName)>,
    Json(target): Json<Target>,
) -> Result<Response, Problem> {
    let order = target.order(name, environment)?;
    let deploy = done(portal.deploy(&actor, &order).await)?;
    let location = format!("/api/v1/jobs/{}", deploy.job);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], axum::Json(deploy)).into_response())
}

/// How a service is there, and why it doesn't move if it doesn't.
#[utoipa::path(get, path = "/api/v1/services/{name}/environments/{environment}/diagnosis",
    params(("name" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = EnvironmentStatus), (status = 404, body = Problem)))]
pub(super) async fn diagnosis(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((name, environment)): Path<(ServiceName, EnvironmentName)>,
) -> Result<Json<EnvironmentStatus>, Problem> {
    Ok(Json(done(portal.diagnosis(&actor, &name, &environment).await)?))
}

/// Replace a service's pods one by one.
#[utoipa::path(post, path = "/api/v1/services/{name}/environments/{environment}/restarts",
    params(("name" = String, Path), ("environment" = String, Path)),
    responses((status = 202), (status = 404, body = Problem)))]
pub(super) async fn restart(
    State(portal): State<Portal>,
    Asking(actor): Asking,
    Path((name, environment)): Path<(ServiceName, EnvironmentName)>,
) -> Result<StatusCode, Problem> {
    done(portal.restart(&actor, &name, &environment).await)?;
    Ok(StatusCode::ACCEPTED)
}
