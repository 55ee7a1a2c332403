//! `Idempotency-Key`: a POST that is repeated with the same key gets the first one's answer, and is done once.

use crate::{problem::Problem, router::Edge};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fairway_portal::{Remembered, StoredResponse};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The largest body that a POST of the API may have; its answers are smaller.
pub(crate) const BODY_LIMIT: usize = 256 * 1024;
/// The largest answer that is remembered.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// Remembers answers by key. Requests without one pass as they are.
pub(crate) async fn remember(State(edge): State<Edge>, request: Request, next: Next) -> Response {
    let key = request.headers().get("idempotency-key").map(|key| key.to_str().map(str::to_owned));
    match key {
        Some(Ok(key)) if request.method() == Method::POST => {
            once(&edge, key, request, next).await.unwrap_or_else(IntoResponse::into_response)
        }
        Some(Err(_)) => invalid("An Idempotency-Key is printable ASCII text.").into_response(),
        _ => next.run(request).await,
    }
}

async fn once(edge: &Edge, key: String, request: Request, next: Next) -> Result<Response, Problem> {
    if key.is_empty() || key.len() > 200 {
        return Err(invalid("An Idempotency-Key has 1 to 200 characters."));
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| {
        let detail = format!("The body is larger than {} KiB. Nothing was changed.", BODY_LIMIT / 1024);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "/problems/body", detail)
    })?;
    let mut hasher = DefaultHasher::new();
    (parts.uri.path(), &body).hash(&mut hasher);
    let fingerprint = format!("{:016x}", hasher.finish());
    let reservation = match edge.portal.remembered(&key, &fingerprint).await? {
        Remembered::New(reservation) => reservation,
        Remembered::Same(stored) => return Ok(replayed(stored)),
        Remembered::Different => {
            return Err(invalid(
                "This Idempotency-Key was used for another request. Nothing was changed; use a new key.",
            ));
        }
        Remembered::InProgress => {
            let detail =
                "The first request with this Idempotency-Key is still under way. Ask again in a moment.";
            return Err(Problem::new(StatusCode::CONFLICT, "/problems/running", detail));
        }
    };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if response.status().is_server_error() {
        edge.portal.forget(reservation).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, ANSWER_LIMIT).await.unwrap_or_default();
    let text = |name: HeaderName| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
    let headers = [header::CONTENT_TYPE, header::LOCATION]
        .into_iter()
        .filter_map(|name| Some((name.to_string(), text(name)?)))
        .collect();
    let stored = StoredResponse {
        status: parts.status.as_u16(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    edge.portal.remember(reservation, &stored).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replayed(stored: StoredResponse) -> Response {
    let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    let mut response = (status, stored.body).into_response();
    for (name, value) in stored.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    response
}

fn invalid(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid", detail)
}
