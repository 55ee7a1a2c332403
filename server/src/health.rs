//! What a supervisor and Prometheus ask.

use crate::router::Edge;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use std::time::Instant;

/// The program runs.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Requests can be answered: the store is there. A cluster that is away doesn't count; pages say so themselves.
pub(crate) async fn readyz(State(edge): State<Edge>) -> Response {
    if edge.portal.ready().await {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store doesn't answer\n").into_response()
    }
}

/// Prometheus's text format.
pub(crate) async fn metrics(State(edge): State<Edge>) -> Response {
    edge.process.collect();
    for cluster in edge.portal.clusters() {
        let live = matches!(cluster.freshness, fairway_domain::Freshness::Live);
        metrics::gauge!("fairway_cluster_live", "environment" => cluster.environment.to_string())
            .set(f64::from(u8::from(live)));
    }
    let text = edge.metrics.render();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Counts and times requests by route, never by address, so that the number of series stays bounded. Requests that change something leave a
/// line in the log.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let reads = request.method().is_safe();
    let method = request.method().to_string();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    if !reads {
        tracing::info!(status, seconds = begun.elapsed().as_secs_f64(), "answered");
    }
    let labels = [("method", method), ("route", route), ("status", status)];
    metrics::counter!("fairway_http_requests_total", &labels).increment(1);
    metrics::histogram!("fairway_http_request_seconds", &labels).record(begun.elapsed().as_secs_f64());
    response
}
