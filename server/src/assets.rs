//! The files that pages load: named by their content, compressed in advance, cached for ever.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use fairway_app::Assets;
use http::{HeaderValue, header};
use std::path::Path;
use tower_http::services::ServeDir;

/// Reads which files the site's build made.
pub(crate) fn load(site: &Path) -> Result<Assets, String> {
    let path = site.join("manifest.json");
    let advice = "run `make build`, or set FAIRWAY_SITE to the folder that it made";
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}; {advice}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}; {advice}", path.display()))
}

/// Serves them under `/assets`.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(site: &Path) -> Router<S> {
    let files = ServeDir::new(site.join("assets")).precompressed_br();
    Router::new().nest_service("/assets", files).layer(middleware::from_fn(cache_for_ever))
}

async fn cache_for_ever(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status().is_success() {
        let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, for_ever);
        // A cache in between must not give the compressed file to somebody who can't read it.
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    response
}
