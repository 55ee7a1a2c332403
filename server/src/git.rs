//! Repositories over HTTP, for any Git client: `git clone http://127.0.0.1:3000/git/orders.git`.

use crate::{actor::Asking, problem::Problem, problem::done, router::Edge};
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use fairway_domain::ServiceName;
use fairway_portal::GitRequest;
use futures::TryStreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Hands the request to the service's repository. A path that names no service names no repository.
pub(crate) async fn serve(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path((repository, path)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let service =
        repository.strip_suffix(".git").and_then(|name| name.parse::<ServiceName>().ok()).ok_or_else(
            || Problem::new(StatusCode::NOT_FOUND, "/problems/not-found", "There is no such repository."),
        )?;
    let (parts, body) = request.into_parts();
    let text = |name: &str| text_of(&parts.headers, name);
    let git = GitRequest {
        method: parts.method.to_string(),
        path_in_repository: path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        content_type: text(header::CONTENT_TYPE.as_str()),
        content_encoding: text(header::CONTENT_ENCODING.as_str()),
        git_protocol: text("git-protocol"),
        remote_user: Some(actor.name.clone()),
        body: Box::pin(body.into_data_stream().map_err(std::io::Error::other)),
    };
    let answer = done(edge.portal.git(&actor, &service, git).await)?;
    let mut response = Response::new(Body::from_stream(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
