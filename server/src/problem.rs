//! Errors of the REST API, as RFC 9457 problem details.

use axum::response::{IntoResponse, Response};
use fairway_domain::{FieldError, PurgeCount};
use fairway_portal::{Answer, Error, Refusal};
use http::{StatusCode, header};
use serde::Serialize;

/// A problem: what went wrong, and what to do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// Tells the kinds apart; a path of this API's own.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened and what to do, in a sentence.
    detail: String,
    /// What is wrong with which field, for answers that don't hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// What matches by now, where a purge's count has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<PurgeCount>,
    /// Who holds the lock, where another deploy runs: its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            count: None,
            held_by: None,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

/// The status that a refusal has over HTTP, for pages and the API alike, and the kind that the API names.
pub(crate) fn status_of(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::NoSuchService(_)
        | Refusal::NoSuchEnvironment(_)
        | Refusal::NoSuchBuild(_)
        | Refusal::NoSuchDeploy(_)
        | Refusal::NoSuchJob(_)
        | Refusal::NoSuchObject(_) => (StatusCode::NOT_FOUND, "/problems/not-found"),
        Refusal::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid"),
        Refusal::Unacceptable(_) => (StatusCode::UNPROCESSABLE_ENTITY, "/problems/unacceptable"),
        Refusal::NotPurgeable(_) => (StatusCode::FORBIDDEN, "/problems/not-purgeable"),
        Refusal::NoImage(_) => (StatusCode::CONFLICT, "/problems/no-image"),
        Refusal::Held(_) => (StatusCode::CONFLICT, "/problems/held"),
        Refusal::Superseded(_) => (StatusCode::CONFLICT, "/problems/superseded"),
        Refusal::NotFailed(_) => (StatusCode::CONFLICT, "/problems/not-failed"),
        Refusal::NotDeployed(..) => (StatusCode::CONFLICT, "/problems/not-deployed"),
        Refusal::NoRedis(..) => (StatusCode::CONFLICT, "/problems/no-redis"),
        Refusal::CountChanged { .. } => (StatusCode::CONFLICT, "/problems/count-changed"),
        Refusal::ClusterAway(..) => (StatusCode::SERVICE_UNAVAILABLE, "/problems/cluster-away"),
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, kind) = status_of(&refusal);
        let mut problem = Self::new(status, kind, refusal.to_string());
        match refusal {
            Refusal::Invalid(errors) => problem.errors = errors,
            Refusal::CountChanged { now, .. } => problem.count = Some(now),
            Refusal::Held(deploy) => {
                problem.held_by = Some(format!("/services/{}/deploys/{}", deploy.service, deploy.number));
            }
            _ => {}
        }
        problem
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a request failed");
        let kind = "/problems/failed";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, kind, error.for_person())
    }
}

/// What was asked for, or the problem.
pub(crate) fn done<T>(answered: Result<Answer<T>, Error>) -> Result<T, Problem> {
    match answered? {
        Answer::Done(value) => Ok(value),
        Answer::Refused(refusal) => Err(refusal.into()),
    }
}
