//! A job: its steps as they happen, and what comes after them.

use crate::{
    address,
    components::{ago, copyable, csrf, duration, job_state, steps},
    follow::{Heard, Live, follow, trouble},
    model::{JobEventView, JobView},
};
use fairway_domain::{JobKind, JobState};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// Where a created service is reached once it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreatedView {
    pub address: String,
    pub clone_url: String,
    pub environment: String,
    /// The other environments, in order.
    pub further: Vec<String>,
}

/// A job's steps, live.
#[island]
pub(crate) fn JobProgress(initial: JobView, created: Option<CreatedView>, token: String) -> impl IntoView {
    let topic = format!("job/{}", initial.id);
    let after = initial.sequence.to_string();
    let job = RwSignal::new(initial);
    let why = RwSignal::new(None);
    follow(&topic, Some(&after), move |heard: Heard<Vec<JobEventView>>| match heard {
        Heard::Message(Live::Now(events)) => {
            job.update(|job| events.into_iter().for_each(|event| job.apply(event)));
            why.set(None);
        }
        Heard::Message(Live::Trouble(sentence)) => why.set(Some(sentence)),
        Heard::Lost | Heard::Back => {}
    });
    view! {
        {trouble(why)}
        <div class="live">{move || progress(&job.read(), created.as_ref(), &token)}</div>
    }
}

fn progress(job: &JobView, created: Option<&CreatedView>, token: &str) -> impl IntoView + use<> {
    let done = job.state == JobState::Succeeded;
    view! {
        <p class="summary" role="status">
            {job_state(job.state)}
            <span class="quiet">
                {duration(Some(job.created), job.finished)} " · asked by " {job.actor.clone()} " " {ago(job.created)}
            </span>
        </p>
        {steps(job)}
        {(job.state == JobState::Failed).then(|| retry(job, token))}
        {(done && job.kind == JobKind::Create).then(|| created.map(|created| next_things(&job.service, created)))}
        {(job.state == JobState::Running)
            .then(|| view! { <p class="quiet">"You can close this page: it goes on without you."</p> })}
    }
}

fn retry(job: &JobView, token: &str) -> impl IntoView + use<> {
    view! {
        <form method="post" action=format!("/jobs/{}/retry", job.id) class="retry">
            {csrf(token.to_owned())}
            <button class="primary">"Retry from the failed step"</button>
            <span class="quiet">"What is done stays done."</span>
        </form>
    }
}

fn next_things(service: &str, created: &CreatedView) -> impl IntoView + use<> {
    let further = created.further.first().cloned();
    view! {
        <section class="created" aria-label="What now">
            <h2>{service.to_owned()} " runs on " {created.environment.clone()}</h2>
            <p>"Inside the cluster it answers at"</p>
            {copyable("", created.address.clone())}
            <p>"Its repository is yours:"</p>
            {copyable("$ ", format!("git clone {}", created.clone_url))}
            <h3>"What people do next"</h3>
            <ol class="next-things">
                <li>
                    <a href=address::logs(service, &created.environment)>"Read its logs"</a>
                    <span class="quiet">" live, from all its pods"</span>
                </li>
                <li>
                    <a href=address::service(service)>"Push a change"</a>
                    <span class="quiet">" and see it built and ready to deploy"</span>
                </li>
                {further
                    .map(|environment| {
                        view! {
                            <li>
                                <a href=format!("/services/{service}/deploy?environment={environment}")>
                                    "Deploy to " {environment.clone()}
                                </a>
                                <span class="quiet">" once you are content with it"</span>
                            </li>
                        }
                    })}
            </ol>
        </section>
    }
}
