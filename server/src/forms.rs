//! What pages' forms do without a line of JavaScript: POST, then 303 to where it can be seen, or the same page with what is wrong.

use crate::{actor::Asking, extract::Path, pages, problem::Problem, router::Edge};
use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, routing::post};
use fairway_app::CsrfToken;
use fairway_app::forms::{Alert, CreateBody, CreateForm, DeployBody, JobBody, PurgeBody, RestartBody};
use fairway_app::{failure_status, refusal_status};
use fairway_domain::{Actor, Job, JobId, PurgeSchedule, ScheduleId, ServiceName};
use fairway_portal::{Answer, Error, Refusal, Remembered, Reservation, StoredResponse};
use http::{StatusCode, header};
use std::time::Duration;

/// How often a form that was sent twice looks whether its first sending is done.
const LOOK: Duration = Duration::from_millis(50);

/// Where forms are sent to.
pub(crate) fn routes() -> Router<Edge> {
    Router::new()
        .route("/new", post(create))
        .route("/new/preview", post(preview))
        .route("/services/{name}/deploy", post(deploy))
        .route("/services/{name}/purge", post(purge))
        .route("/services/{name}/purge/schedules", post(schedule))
        .route("/services/{name}/purge/schedules/{id}/removal", post(unschedule))
        .route("/services/{name}/restart", post(restart))
        .route("/jobs/{id}/retry", post(retry))
        .route("/jobs/{id}/stop", post(stop))
}

async fn create(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Form(body): Form<CreateBody>,
) -> Result<Response, Instead> {
    let sent = Sent::check(&edge, &body.csrf, &body.idempotency).await?;
    let draft = body.draft();
    match edge.portal.create(&actor, &draft).await? {
        Answer::Done(job) => sent.see_other(&edge, format!("/jobs/{}", job.id)).await,
        Answer::Refused(refusal) => {
            sent.forget(&edge).await?;
            let status = refusal_status(&refusal);
            let errors = if let Refusal::Invalid(errors) = refusal { errors } else { Vec::new() };
            let form = CreateForm { draft, errors };
            Ok(pages::again(&edge, actor, CreateBody::PAGE, status, form).await)
        }
    }
}

/// What the form's answers would give, as the page shows it; changes nothing.
async fn preview(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Form(body): Form<CreateBody>,
) -> Result<Html<String>, Problem> {
    let token = CsrfToken(edge.csrf.to_string());
    Ok(Html(fairway_app::draft(&edge.portal, &actor, &token, &body).await?))
}

async fn deploy(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(service): Path<ServiceName>,
    Form(body): Form<DeployBody>,
) -> Result<Response, Instead> {
    let sent = Sent::check(&edge, &body.csrf, &body.idempotency).await?;
    let page = body.page(&service);
    let order = match body.order(&service) {
        Ok(order) => order,
        Err(alert) => return sent.again(&edge, actor, &page, StatusCode::UNPROCESSABLE_ENTITY, alert).await,
    };
    match edge.portal.deploy(&actor, &order).await? {
        Answer::Done(deploy) => {
            sent.see_other(&edge, format!("/services/{service}/deploys/{}", deploy.number)).await
        }
        Answer::Refused(refusal) => sent.refused(&edge, actor, &page, &refusal).await,
    }
}

async fn purge(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(service): Path<ServiceName>,
    Form(body): Form<PurgeBody>,
) -> Result<Response, Instead> {
    let sent = Sent::check(&edge, &body.csrf, &body.idempotency).await?;
    let page = body.page(&service);
    let order = match body.order(&service) {
        Ok(order) => order,
        Err(alert) => return sent.again(&edge, actor, &page, StatusCode::UNPROCESSABLE_ENTITY, alert).await,
    };
    match edge.portal.purge(&actor, &order).await {
        Ok(Answer::Done(job)) => sent.see_other(&edge, format!("/jobs/{}", job.id)).await,
        Ok(Answer::Refused(refusal)) => sent.refused(&edge, actor, &page, &refusal).await,
        Err(error) => sent.failed(&edge, actor, &page, &error).await,
    }
}

async fn schedule(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(service): Path<ServiceName>,
    Form(body): Form<PurgeBody>,
) -> Result<Response, Instead> {
    let sent = Sent::check(&edge, &body.csrf, &body.idempotency).await?;
    let page = body.page(&service);
    let asked = body.order(&service).and_then(|order| Ok((order, body.daily_at()?)));
    let (order, at) = match asked {
        Ok(asked) => asked,
        Err(alert) => return sent.again(&edge, actor, &page, StatusCode::UNPROCESSABLE_ENTITY, alert).await,
    };
    match edge.portal.schedule_purge(&actor, &order, at).await {
        Ok(Answer::Done(schedule)) => sent.see_other(&edge, schedules_page(&schedule)).await,
        Ok(Answer::Refused(refusal)) => sent.refused(&edge, actor, &page, &refusal).await,
        Err(error) => sent.failed(&edge, actor, &page, &error).await,
    }
}

async fn unschedule(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path((service, id)): Path<(ServiceName, ScheduleId)>,
    Form(body): Form<JobBody>,
) -> Result<Response, Instead> {
    let sent = Sent::check(&edge, &body.csrf, "").await?;
    match edge.portal.unschedule_purge(&actor, id).await? {
        Answer::Done(schedule) => sent.see_other(&edge, schedules_page(&schedule)).await,
        Answer::Refused(refusal) => {
            sent.refused(&edge, actor, &format!("/services/{service}"), &refusal).await
        }
    }
}

/// Where the purges that are done every day stand.
fn schedules_page(schedule: &PurgeSchedule) -> String {
    format!("/services/{}/purge?environment={}", schedule.service, schedule.environment)
}

async fn restart(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(service): Path<ServiceName>,
    Form(body): Form<RestartBody>,
) -> Result<Response, Instead> {
    let sent = Sent::check(&edge, &body.csrf, "").await?;
    let page = format!("/services/{service}");
    let environment = match body.environment() {
        Ok(environment) => environment,
        Err(alert) => return sent.again(&edge, actor, &page, StatusCode::UNPROCESSABLE_ENTITY, alert).await,
    };
    match edge.portal.restart(&actor, &service, &environment).await? {
        Answer::Done(()) => sent.see_other(&edge, page).await,
        Answer::Refused(refusal) => sent.refused(&edge, actor, &page, &refusal).await,
    }
}

async fn retry(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(id): Path<JobId>,
    Form(body): Form<JobBody>,
) -> Result<Response, Instead> {
    let sent = Sent::check(&edge, &body.csrf, "").await?;
    match edge.portal.retry(&actor, id).await {
        Ok(retried) => sent.job(&edge, actor, id, retried).await,
        Err(error) => sent.failed(&edge, actor, &format!("/jobs/{id}"), &error).await,
    }
}

async fn stop(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(id): Path<JobId>,
    Form(body): Form<JobBody>,
) -> Result<Response, Instead> {
    let sent = Sent::check(&edge, &body.csrf, "").await?;
    let stopped = edge.portal.stop(&actor, id).await?;
    sent.job(&edge, actor, id, stopped).await
}

/// What is answered instead of doing what a form asks for.
enum Instead {
    /// The way to what came of the same form when it was sent before.
    Before(Redirect),
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Instead {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        match self {
            Self::Before(answer) => answer.into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

/// A form that came from our own page. A form that is sent twice (a double click) is done once: both get the same answer.
struct Sent(Option<Reservation>);

impl Sent {
    /// Checks the form's token and key.
    async fn check(edge: &Edge, csrf: &str, idempotency: &str) -> Result<Self, Instead> {
        if csrf != &*edge.csrf {
            let detail = "This form is out of date, or isn't one of Fairway's. Nothing was changed: go back, reload the page and send it again.";
            return Err(Problem::new(StatusCode::FORBIDDEN, "/problems/form", detail).into());
        }
        if idempotency.is_empty() {
            return Ok(Self(None));
        }
        let key = format!("form {idempotency}");
        loop {
            match edge.portal.remembered(&key, "").await? {
                Remembered::New(reservation) => return Ok(Self(Some(reservation))),
                Remembered::InProgress => tokio::time::sleep(LOOK).await,
                Remembered::Same(stored) => {
                    let location =
                        stored.headers.into_iter().next().map_or_else(String::new, |(_, value)| value);
                    return Err(Instead::Before(Redirect::to(&location)));
                }
                Remembered::Different => {
                    let detail = "This form was sent before.";
                    return Err(Problem::new(StatusCode::CONFLICT, "/problems/form", detail).into());
                }
            }
        }
    }

    /// Done: where to look.
    async fn see_other(self, edge: &Edge, location: String) -> Result<Response, Instead> {
        if let Some(reservation) = self.0 {
            let stored = StoredResponse {
                status: StatusCode::SEE_OTHER.as_u16(),
                headers: vec![(header::LOCATION.to_string(), location.clone())],
                body: String::new(),
            };
            edge.portal.remember(reservation, &stored).await?;
        }
        Ok(Redirect::to(&location).into_response())
    }

    /// Back to the job's page, whether it was done or not.
    async fn job(
        self,
        edge: &Edge,
        actor: Actor,
        id: JobId,
        answer: Answer<Job>,
    ) -> Result<Response, Instead> {
        let page = format!("/jobs/{id}");
        match answer {
            Answer::Done(_) => self.see_other(edge, page).await,
            Answer::Refused(refusal) => self.refused(edge, actor, &page, &refusal).await,
        }
    }

    /// Not done: the same page, with the refusal's sentence.
    async fn refused(
        self,
        edge: &Edge,
        actor: Actor,
        page: &str,
        refusal: &Refusal,
    ) -> Result<Response, Instead> {
        self.again(edge, actor, page, refusal_status(refusal), Alert::from(refusal)).await
    }

    /// Failed, and nothing was begun: the same page, with what failed, and it may be sent again.
    async fn failed(self, edge: &Edge, actor: Actor, page: &str, error: &Error) -> Result<Response, Instead> {
        tracing::error!(%error, "what a form asks for failed");
        self.again(edge, actor, page, failure_status(error), Alert::new(error.for_person())).await
    }

    async fn again(
        self,
        edge: &Edge,
        actor: Actor,
        page: &str,
        status: StatusCode,
        alert: Alert,
    ) -> Result<Response, Instead> {
        self.forget(edge).await?;
        Ok(pages::again(edge, actor, page, status, alert).await)
    }

    /// The form may be sent again.
    async fn forget(self, edge: &Edge) -> Result<(), Problem> {
        if let Some(reservation) = self.0 {
            edge.portal.forget(reservation).await?;
        }
        Ok(())
    }
}
