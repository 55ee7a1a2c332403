//! What a page needs of the request that asks for it, and what a page is when it can't be had.

use fairway_domain::Actor;
use fairway_portal::{Answer, Error, Portal, Refusal};
use http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use std::{future::Future, str::FromStr};

/// The value of every form's hidden field `csrf`; the server provides it and checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsrfToken(pub String);

/// The request's id, as the log knows it. It also keys the page's form, so that a form that is sent twice does one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Who asks, and whom.
#[derive(Clone)]
pub(crate) struct Request {
    pub portal: Portal,
    pub actor: Actor,
    pub csrf: String,
    pub id: String,
}

impl Request {
    /// The request being answered; nothing while routes are only being listed.
    pub(crate) fn current() -> Option<Self> {
        Some(Self {
            portal: use_context()?,
            actor: use_context()?,
            csrf: use_context::<CsrfToken>()?.0,
            id: use_context::<RequestId>()?.0,
        })
    }
}

/// Why a page isn't the one that was asked for.
pub(crate) enum Trouble {
    /// There is no such page.
    NotFound,
    /// What was asked for isn't so.
    Refused(Refusal),
    /// Fairway, or something that it depends on, failed.
    Failed(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a use case was asked for, or why not.
pub(crate) fn done<T>(answer: Result<Answer<T>, Error>) -> Result<T, Trouble> {
    match answer? {
        Answer::Done(value) => Ok(value),
        Answer::Refused(refusal) => Err(Trouble::Refused(refusal)),
    }
}

/// A part of the address, as the word that it has to be.
pub(crate) fn param<T: FromStr>(name: &str) -> Result<T, Trouble> {
    use_params_map().read_untracked().get(name).and_then(|text| text.parse().ok()).ok_or(Trouble::NotFound)
}

/// A value of the query, if it is given and not empty.
pub(crate) fn query(name: &str) -> Option<String> {
    given(name).filter(|text| !text.is_empty())
}

/// A value of the query, if it is given, even if it is empty. The router's own map decodes twice: of `%2541` it makes `A`.
pub(crate) fn given(name: &str) -> Option<String> {
    let parts = use_context::<http::request::Parts>()?;
    let values = form_urlencoded::parse(parts.uri.query()?.as_bytes());
    values.filter(|(known, _)| known == name).last().map(|(_, value)| value.into_owned())
}

/// Sets the response's status.
pub(crate) fn status(status: StatusCode) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
}

/// A page: `load` gets what it shows and draws it, or says why not.
pub(crate) fn page<F, Fut>(load: F) -> impl IntoView
where
    F: FnOnce(Request) -> Fut,
    Fut: Future<Output = Result<AnyView, Trouble>> + Send + 'static,
{
    let request = Request::current()?;
    let id = request.id.clone();
    let loading = load(request);
    Some(Suspend::new(async move {
        match loading.await {
            Ok(view) => view,
            Err(trouble) => trouble_page(trouble, &id).into_any(),
        }
    }))
}

fn trouble_page(trouble: Trouble, id: &str) -> impl IntoView + use<> {
    let (code, title, sentence) = match trouble {
        Trouble::NotFound => (
            StatusCode::NOT_FOUND,
            "There is no such page",
            "The address may be mistyped, or what it named may be gone.".to_owned(),
        ),
        Trouble::Refused(refusal) => (refusal_status(&refusal), refusal_title(&refusal), refusal.to_string()),
        Trouble::Failed(error) => {
            (failure_status(&error), "This page can't be had right now", failed(&error, id))
        }
    };
    status(code);
    let failed = code.is_server_error();
    let id = id.to_owned();
    view! {
        <Title text=title/>
        <section class="trouble">
            <h1>{title}</h1>
            <p>{sentence}</p>
            {failed.then(|| view! { <p>"Nothing was changed. Try again; if it stays so, tell whoever runs Fairway the request's id."</p> })}
            <p><a class="button" href="/">"All services"</a></p>
            <p class="quiet">"Request " <code>{id}</code></p>
        </section>
    }
}

fn refusal_title(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::ClusterAway(..) => "The cluster is away",
        Refusal::RedisNotRunning(..) => "Redis isn't running",
        refusal if refusal_status(refusal) == StatusCode::NOT_FOUND => "There is no such thing here",
        _ => "This can't be done",
    }
}

/// Logs what failed, and sets the page's status; gives the sentence for the person.
pub(crate) fn failed(error: &Error, request: &str) -> String {
    tracing::error!(request, %error, "a page failed");
    status(failure_status(error));
    error.for_person().into_owned()
}

/// The status that a failure has over HTTP, on pages and in the API: 503 for what may be over when it is asked for again.
pub fn failure_status(error: &Error) -> StatusCode {
    match error {
        // It was asked, and its answer is of no use.
        Error::Purge(error) if !error.is_away() => StatusCode::BAD_GATEWAY,
        Error::File { .. } | Error::Record(_) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The status that a refusal has over HTTP, on pages and in the API.
pub fn refusal_status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::NoSuchService(_)
        | Refusal::NoSuchEnvironment(_)
        | Refusal::NoSuchBuild(_)
        | Refusal::NoSuchDeploy(_)
        | Refusal::NoSuchJob(_)
        | Refusal::NoSuchLine
        | Refusal::NoSuchKey(_)
        | Refusal::NoSuchSchedule(_)
        | Refusal::NoSuchObject(_) => StatusCode::NOT_FOUND,
        Refusal::Invalid(_)
        | Refusal::WrongFilter(..)
        | Refusal::TooManyLast(_)
        | Refusal::Unacceptable(_)
        | Refusal::NameNeeded(_)
        | Refusal::ReasonNeeded => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::ClusterAway(..) | Refusal::RedisNotRunning(..) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::NotPurgeable(_) | Refusal::SharedRedis(..) | Refusal::PerhapsShared(..) => {
            StatusCode::FORBIDDEN
        }
        Refusal::NoImage(_)
        | Refusal::Held(_)
        | Refusal::Superseded(_)
        | Refusal::NotFailed(_)
        | Refusal::NotDeployed(..)
        | Refusal::NoRedis(..)
        | Refusal::NoPassword(..)
        | Refusal::NoSecret(..)
        | Refusal::PurgeHeld(_)
        | Refusal::NotDue
        | Refusal::NotRunning(_)
        | Refusal::NotStoppable(_)
        | Refusal::CountChanged { .. } => StatusCode::CONFLICT,
    }
}
