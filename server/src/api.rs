//! The REST API: a thin way to the use cases, described by an OpenAPI document made from this code.

mod activity;
mod environments;
mod jobs;
mod log_download;
mod logs;
mod purges;
mod redis;
mod services;

use crate::{problem::Problem, router::Edge};
use axum::{Router, routing::any, routing::get};
use http::StatusCode;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The document's own facts; paths and schemas come from the handlers.
#[derive(OpenApi)]
#[openapi(info(
    title = "Fairway",
    description = "Everything that Fairway's pages do. A refusal or failure is an RFC 9457 problem; an `Idempotency-Key` header makes every POST safe to repeat."
))]
struct Document;

/// The API's routes, and its description at `/api/v1/openapi.json`.
pub(crate) fn routes() -> Router<Edge> {
    let (routes, mut document) = OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(services::list, services::create))
        .routes(routes!(services::show))
        .routes(routes!(services::preview))
        .routes(routes!(services::builds))
        .routes(routes!(environments::diff))
        .routes(routes!(environments::deploy))
        .routes(routes!(environments::diagnosis))
        .routes(routes!(environments::restart))
        .routes(routes!(purges::list, purges::purge))
        .routes(routes!(purges::schedules))
        .routes(routes!(purges::unschedule))
        .routes(routes!(logs::logs))
        .routes(routes!(logs::status))
        .routes(routes!(logs::line))
        .routes(routes!(log_download::download))
        .routes(routes!(redis::overview))
        .routes(routes!(redis::key))
        .routes(routes!(jobs::show))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::stop))
        .routes(routes!(jobs::events))
        .routes(routes!(activity::list))
        .split_for_parts();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    let described = document.to_json().unwrap_or_default();
    let json = [(http::header::CONTENT_TYPE, "application/json")];
    routes
        .route("/api/v1/openapi.json", get(async move || (json, described)))
        .route("/api/{*path}", any(unknown))
        .method_not_allowed_fallback(not_allowed)
}

/// An address that the API doesn't have is a problem too, not a page.
async fn unknown() -> Problem {
    let detail = "The API has no such address; /api/v1/openapi.json lists them all.";
    Problem::new(StatusCode::NOT_FOUND, "/problems/not-found", detail)
}

/// So is a method that an address doesn't take; the header `Allow` lists those that it does.
async fn not_allowed(method: http::Method) -> Problem {
    let detail = format!("This address doesn't take {method}; /api/v1/openapi.json says what it takes.");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "/problems/method", detail)
}
