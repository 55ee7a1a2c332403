//! Pages: every one is rendered here, by the same function for a visit and for a form that was refused.

use crate::{actor::Asking, router::Edge, security};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::{Router, routing::get};
use fairway_app::{CsrfToken, RequestId};
use fairway_domain::Actor;
use http::{HeaderValue, StatusCode, header};
use leptos::prelude::provide_context;

/// The addresses that pages stand at; anything else is a page that says so.
pub(crate) fn routes() -> Router<Edge> {
    [
        "/",
        "/new",
        "/jobs/{id}",
        "/services/{name}",
        "/services/{name}/logs",
        "/services/{name}/purge",
        "/services/{name}/redis",
        "/services/{name}/redis/key",
        "/services/{name}/deploy",
        "/services/{name}/deploys/{number}",
        "/services/{name}/objects/{environment}/{kind}/{object}",
        "/activity",
    ]
    .into_iter()
    .fold(Router::new(), |router, path| router.route(path, get(render)))
}

/// Renders the page that stands at the request's address.
pub(crate) async fn render(State(edge): State<Edge>, Asking(actor): Asking, request: Request) -> Response {
    page(&edge, actor, request, || {}).await
}

/// Renders a page again after its form wasn't done: `context` provides what was typed, or why not.
pub(crate) async fn again(
    edge: &Edge,
    actor: Actor,
    path: &str,
    status: StatusCode,
    context: impl Fn() + Clone + Send + Sync + 'static,
) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = path.parse().unwrap_or_default();
    let mut response = page(edge, actor, request, context).await;
    *response.status_mut() = status;
    response
}

async fn page(
    edge: &Edge,
    actor: Actor,
    request: Request,
    further: impl Fn() + Clone + Send + Sync + 'static,
) -> Response {
    let nonce = leptos::nonce::Nonce::new();
    let policy = security::page_policy(&nonce);
    let id = request
        .extensions()
        .get::<tower_http::request_id::RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let edge = edge.clone();
    let context = move || {
        provide_context(nonce.clone());
        provide_context(edge.portal.clone());
        provide_context(edge.assets.clone());
        provide_context(actor.clone());
        provide_context(CsrfToken(edge.csrf.to_string()));
        provide_context(RequestId(id.clone()));
        further();
    };
    let mut response = leptos_axum::render_app_async_with_context(context, fairway_app::shell)(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
