//! Errors of the REST API, as RFC 9457 problem details.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fairway_app::{failure_status, refusal_status};
use fairway_domain::{FieldError, PurgeCount};
use fairway_portal::FilterError;
use fairway_portal::{Answer, Error, Refusal};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// A problem: what went wrong, and what to do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
pub(crate) struct Problem(Box<Details>);

/// RFC 9457's members, and ours.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Details {
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
    errors: Vec<WrongField>,
    /// What matches by now, where a purge's count has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<PurgeCount>,
    /// Who holds the lock, where another deploy or purge runs: its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<String>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
enum WrongField {
    /// An answer of the wizard's.
    Answer(FieldError),
    /// How many of the last lines.
    Last {
        /// Its name: `tail`.
        field: &'static str,
        /// What is allowed.
        message: String,
    },
    /// A filter of log lines.
    Filter {
        /// Its name: `filter`.
        field: &'static str,
        /// What is wrong, and what is allowed.
        message: String,
        /// The first of the characters that are meant, counted from 0.
        from: usize,
        /// The one after the last of them.
        to: usize,
    },
}

impl From<FilterError> for WrongField {
    fn from(error: FilterError) -> Self {
        let message = error.to_string();
        Self::Filter { field: "filter", message, from: error.at.start, to: error.at.end }
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            count: None,
            held_by: None,
        }))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&self).unwrap_or_default();
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
    }
}

/// What the API calls a refusal.
fn kind_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NoSuchService(_)
        | Refusal::NoSuchEnvironment(_)
        | Refusal::NoSuchBuild(_)
        | Refusal::NoSuchDeploy(_)
        | Refusal::NoSuchJob(_)
        | Refusal::NoSuchLine
        | Refusal::NoSuchKey(_)
        | Refusal::NoSuchSchedule(_)
        | Refusal::NoSuchObject(_) => "/problems/not-found",
        Refusal::Invalid(_) | Refusal::WrongFilter(..) | Refusal::TooManyLast(_) | Refusal::ReasonNeeded => {
            "/problems/invalid"
        }
        Refusal::NameNeeded(_) => "/problems/name-needed",
        Refusal::Unacceptable(_) => "/problems/unacceptable",
        Refusal::NotPurgeable(_) => "/problems/not-purgeable",
        Refusal::NoImage(_) => "/problems/no-image",
        Refusal::Held(_) | Refusal::PurgeHeld(_) | Refusal::NotDue => "/problems/held",
        Refusal::SharedRedis(..) | Refusal::PerhapsShared(..) => "/problems/shared-redis",
        Refusal::NotRunning(_) => "/problems/not-running",
        Refusal::NotStoppable(_) => "/problems/not-stoppable",
        Refusal::Superseded(_) => "/problems/superseded",
        Refusal::NotFailed(_) => "/problems/not-failed",
        Refusal::NotDeployed(..) => "/problems/not-deployed",
        Refusal::NoRedis(..) => "/problems/no-redis",
        Refusal::NoPassword(..) | Refusal::NoSecret(..) => "/problems/no-secret",
        Refusal::RedisNotRunning(..) => "/problems/redis-not-running",
        Refusal::CountChanged { .. } => "/problems/count-changed",
        Refusal::ClusterAway(..) => "/problems/cluster-away",
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let mut problem = Self::new(refusal_status(&refusal), kind_of(&refusal), refusal.to_string());
        match refusal {
            Refusal::Invalid(errors) => {
                problem.0.errors = errors.into_iter().map(WrongField::Answer).collect();
            }
            Refusal::WrongFilter(_, error) => problem.0.errors = vec![error.into()],
            Refusal::TooManyLast(_) => {
                let message = problem.0.detail.clone();
                problem.0.errors = vec![WrongField::Last { field: "tail", message }];
            }
            Refusal::CountChanged { now, .. } => problem.0.count = Some(now),
            Refusal::Held(deploy) => {
                problem.0.held_by = Some(format!("/services/{}/deploys/{}", deploy.service, deploy.number));
            }
            Refusal::PurgeHeld(purge) => problem.0.held_by = Some(format!("/jobs/{}", purge.job)),
            _ => {}
        }
        problem
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        tracing::error!(%error, "a request failed");
        let kind = match &error {
            Error::Purge(error) if error.is_away() => "/problems/redis-away",
            Error::Purge(_) => "/problems/redis-refuses",
            _ => "/problems/failed",
        };
        Self::new(failure_status(&error), kind, error.for_person())
    }
}

/// How soon what isn't to be had just now is worth another try, in seconds.
const RETRY_AFTER: &str = "5";

/// Says when to ask again, wherever the answer is that it can't be had for the time being: pages and API alike.
pub(crate) async fn retry_after(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().entry(header::RETRY_AFTER).or_insert(HeaderValue::from_static(RETRY_AFTER));
    }
    response
}

/// A request that met a bug. The panic itself is in the log.
pub(crate) fn panicked() -> Response {
    let detail = "Fairway met a bug of its own. What was asked may be half done: look at its page, and tell whoever runs Fairway the request's id.";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "/problems/bug", detail).into_response()
}

/// What was asked for, or the problem.
pub(crate) fn done<T>(answered: Result<Answer<T>, Error>) -> Result<T, Problem> {
    match answered? {
        Answer::Done(value) => Ok(value),
        Answer::Refused(refusal) => Err(refusal.into()),
    }
}
