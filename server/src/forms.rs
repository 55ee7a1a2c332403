//! What pages' forms do without a line of JavaScript: POST, then 303 to where it can be seen, or the same page with what is wrong.

use crate::{actor::Asking, extract::Path, pages, problem::Problem, router::Edge};
use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, routing::post};
use fairway_app::CsrfToken;
use fairway_app::forms::{Alert, CreateBody, CreateForm, DeployBody, JobBody, PurgeBody, RestartBody};
use fairway_app::{failure_status, refusal_status};
use fairway_domain::{Actor, JobId, PurgeSchedule, ScheduleId, ServiceName};
use fairway_portal::{Answer, Error, Refusal, Remembered, Reservation, StoredResponse};
use http::{StatusCode, header};
use leptos::prelude::provide_context;
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
) -> Result<Response, Response> {
    let typed = CreateForm { draft: body.draft(), errors: Vec::new() };
    let draft = typed.draft.clone();
    let sent = Sent::of(&edge, &actor, CreateBody::PAGE).with(typed);
    let sent = sent.checked(&body.csrf, &body.idempotency).await?;
    let answered = edge.portal.create(&actor, &draft).await;
    Ok(sent.settled(answered, |job| format!("/jobs/{}", job.id)).await)
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
) -> Result<Response, Response> {
    let sent = Sent::of(&edge, &actor, body.page(&service));
    let sent = sent.checked(&body.csrf, &body.idempotency).await?;
    let order = match body.order(&service) {
        Ok(order) => order,
        Err(alert) => return Ok(sent.wrong(alert).await),
    };
    let answered = edge.portal.deploy(&actor, &order).await;
    Ok(sent.settled(answered, |deploy| format!("/services/{service}/deploys/{}", deploy.number)).await)
}

async fn purge(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(service): Path<ServiceName>,
    Form(body): Form<PurgeBody>,
) -> Result<Response, Response> {
    let sent = Sent::of(&edge, &actor, body.page(&service));
    let sent = sent.checked(&body.csrf, &body.idempotency).await?;
    let order = match body.order(&service) {
        Ok(order) => order,
        Err(alert) => return Ok(sent.wrong(alert).await),
    };
    let answered = edge.portal.purge(&actor, &order).await;
    Ok(sent.settled(answered, |job| format!("/jobs/{}", job.id)).await)
}

async fn schedule(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(service): Path<ServiceName>,
    Form(body): Form<PurgeBody>,
) -> Result<Response, Response> {
    let sent = Sent::of(&edge, &actor, body.page(&service));
    let sent = sent.checked(&body.csrf, &body.idempotency).await?;
    let asked = body.order(&service).and_then(|order| Ok((order, body.daily_at()?)));
    let (order, at) = match asked {
        Ok(asked) => asked,
        Err(alert) => return Ok(sent.wrong(alert).await),
    };
    let answered = edge.portal.schedule_purge(&actor, &order, at).await;
    Ok(sent.settled(answered, schedules_page).await)
}

async fn unschedule(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path((service, id)): Path<(ServiceName, ScheduleId)>,
    Form(body): Form<JobBody>,
) -> Result<Response, Response> {
    let sent = Sent::of(&edge, &actor, format!("/services/{service}")).checked(&body.csrf, "").await?;
    let answered = edge.portal.unschedule_purge(&actor, id).await;
    Ok(sent.settled(answered, schedules_page).await)
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
) -> Result<Response, Response> {
    let page = format!("/services/{service}");
    let sent = Sent::of(&edge, &actor, &*page).checked(&body.csrf, "").await?;
    let environment = match body.environment() {
        Ok(environment) => environment,
        Err(alert) => return Ok(sent.wrong(alert).await),
    };
    let answered = edge.portal.restart(&actor, &service, &environment).await;
    Ok(sent.settled(answered, |()| page).await)
}

async fn retry(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(id): Path<JobId>,
    Form(body): Form<JobBody>,
) -> Result<Response, Response> {
    let page = format!("/jobs/{id}");
    let sent = Sent::of(&edge, &actor, &*page).checked(&body.csrf, "").await?;
    let answered = edge.portal.retry(&actor, id).await;
    Ok(sent.settled(answered, |_| page).await)
}

async fn stop(
    State(edge): State<Edge>,
    Asking(actor): Asking,
    Path(id): Path<JobId>,
    Form(body): Form<JobBody>,
) -> Result<Response, Response> {
    let page = format!("/jobs/{id}");
    let sent = Sent::of(&edge, &actor, &*page).checked(&body.csrf, "").await?;
    let answered = edge.portal.stop(&actor, id).await;
    Ok(sent.settled(answered, |_| page).await)
}

/// A form as it was sent. Whatever comes of it, who sent it is shown a page.
struct Sent {
    edge: Edge,
    actor: Actor,
    /// The page that it stands on, which is shown again if it isn't done.
    page: String,
    /// What was typed, if the page's address doesn't say it.
    typed: Option<CreateForm>,
    /// A form that is sent twice (a double click) is done once: both get the same answer.
    reservation: Option<Reservation>,
}

impl Sent {
    fn of(edge: &Edge, actor: &Actor, page: impl Into<String>) -> Self {
        Self { edge: edge.clone(), actor: actor.clone(), page: page.into(), typed: None, reservation: None }
    }

    fn with(self, typed: CreateForm) -> Self {
        Self { typed: Some(typed), ..self }
    }

    /// The same if its token is our own and it wasn't sent before, or what is answered instead.
    async fn checked(mut self, csrf: &str, idempotency: &str) -> Result<Self, Response> {
        if csrf != &*self.edge.csrf {
            let detail = "This form is out of date, or isn't one of Fairway's. Nothing was changed: reload the page and send it again.";
            return Err(self.again(StatusCode::FORBIDDEN, Some(Alert::new(detail))).await);
        }
        if idempotency.is_empty() {
            return Ok(self);
        }
        let key = format!("form {idempotency}");
        loop {
            match self.edge.portal.remembered(&key, "").await {
                Ok(Remembered::New(reservation)) => {
                    self.reservation = Some(reservation);
                    return Ok(self);
                }
                Ok(Remembered::InProgress) => tokio::time::sleep(LOOK).await,
                Ok(Remembered::Same(stored)) => {
                    let location =
                        stored.headers.into_iter().next().map_or_else(String::new, |(_, value)| value);
                    return Err(Redirect::to(&location).into_response());
                }
                Ok(Remembered::Different) => {
                    let alert = Alert::new("This form was sent before.");
                    return Err(self.again(StatusCode::CONFLICT, Some(alert)).await);
                }
                Err(error) => return Err(self.failed(&error).await),
            }
        }
    }

    /// Answers with what came of it: if it was done, with the way to where that is `seen`.
    async fn settled<T>(
        mut self,
        answered: Result<Answer<T>, Error>,
        seen: impl FnOnce(&T) -> String,
    ) -> Response {
        let refusal = match answered {
            Ok(Answer::Done(done)) => return self.see_other(seen(&done)).await,
            Err(error) => return self.failed(&error).await,
            Ok(Answer::Refused(refusal)) => refusal,
        };
        let status = refusal_status(&refusal);
        let mut alert = Some(Alert::from(&refusal));
        if let (Refusal::Invalid(errors), Some(typed)) = (refusal, &mut self.typed) {
            // Each stands at its field.
            (typed.errors, alert) = (errors, None);
        }
        self.again(status, alert).await
    }

    /// What it says can't be: the same page, with why.
    async fn wrong(self, alert: Alert) -> Response {
        self.again(StatusCode::UNPROCESSABLE_ENTITY, Some(alert)).await
    }

    /// Failed, and nothing was begun: the same page, with what failed, and it may be sent again.
    async fn failed(self, error: &Error) -> Response {
        tracing::error!(%error, "what a form asks for failed");
        self.again(failure_status(error), Some(Alert::new(error.for_person()))).await
    }

    /// Done: where to look.
    async fn see_other(self, location: String) -> Response {
        if let Some(reservation) = self.reservation {
            let stored = StoredResponse {
                status: StatusCode::SEE_OTHER.as_u16(),
                headers: vec![(header::LOCATION.to_string(), location.clone())],
                body: String::new(),
            };
            if let Err(error) = self.edge.portal.remember(reservation, &stored).await {
                tracing::error!(%error, "what came of a form can't be remembered");
            }
        }
        Redirect::to(&location).into_response()
    }

    /// Not done: the same page, and it may be sent again.
    async fn again(self, status: StatusCode, alert: Option<Alert>) -> Response {
        let Self { edge, actor, page, typed, reservation } = self;
        if let Some(reservation) = reservation
            && let Err(error) = edge.portal.forget(reservation).await
        {
            tracing::error!(%error, "that a form wasn't done can't be remembered");
        }
        let context = move || {
            if let Some(alert) = &alert {
                provide_context(alert.clone());
            }
            if let Some(typed) = &typed {
                provide_context(typed.clone());
            }
        };
        pages::again(&edge, actor, &page, status, context).await
    }
}
