//! Which request goes where, and what every request passes through.

use crate::{api, assets, compression, events, forms, git, health, idempotency, pages, problem, security};
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use axum::{Router, http::Request};
use fairway_app::Assets;
use fairway_portal::Portal;
use http::HeaderName;
use metrics_exporter_prometheus::PrometheusHandle;
use std::{path::Path, sync::Arc, time::Duration};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use tower_http::trace::TraceLayer;

/// What requests are answered with.
#[derive(Clone)]
pub(crate) struct Edge {
    /// The use cases.
    pub(crate) portal: Portal,
    /// The names of the files that pages load.
    pub(crate) assets: Assets,
    /// The hosts that a request may name.
    pub(crate) hosts: Arc<[String]>,
    /// What forms carry, so that only our own pages can send them.
    pub(crate) csrf: Arc<str>,
    /// How often a stream says something where nothing happens.
    pub(crate) heartbeat: Duration,
    /// Where counts are kept.
    pub(crate) metrics: PrometheusHandle,
    /// The process's own numbers.
    pub(crate) process: metrics_process::Collector,
}

impl FromRef<Edge> for Portal {
    fn from_ref(edge: &Edge) -> Self {
        edge.portal.clone()
    }
}

/// Everything that Fairway answers.
pub(crate) fn router(edge: Edge, site: &Path) -> Router {
    let id = HeaderName::from_static("x-request-id");
    let api = api::routes().layer(from_fn_with_state(edge.clone(), idempotency::remember));
    let git =
        Router::new().route("/git/{repository}/{*path}", any(git::serve)).layer(DefaultBodyLimit::disable());
    Router::new()
        .merge(api)
        .merge(forms::routes())
        .merge(pages::routes())
        .route("/events", get(events::topics))
        .layer(DefaultBodyLimit::max(idempotency::BODY_LIMIT))
        .merge(git)
        .fallback(pages::render)
        .layer(from_fn_with_state(edge.clone(), security::guard))
        .merge(assets::routes(site))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| problem::panicked()))
        .layer(from_fn(problem::retry_after))
        .layer(from_fn(security::headers))
        .layer(from_fn(compression::streams))
        .layer(CompressionLayer::new().compress_when(compressible()))
        .layer(from_fn(health::measure))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(PropagateRequestIdLayer::new(id.clone()))
        .layer(SetRequestIdLayer::new(id, MakeRequestUuid))
        .with_state(edge)
}

/// Streams have a compression of their own, and git compresses by itself.
fn compressible() -> impl Predicate {
    let [events, json_lines] = compression::STREAMS.map(NotForContentType::const_new);
    DefaultPredicate::new().and(events).and(json_lines).and(NotForContentType::new("application/x-git"))
}

fn span<B>(request: &Request<B>) -> tracing::Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}
