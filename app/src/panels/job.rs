//! A job: its steps as they happen, and what comes after them.

use crate::{
    address,
    components::{ago, copyable, duration, job_state, steps},
    field::csrf,
    model::{JobView, PurgeProgressView},
    panels::purge_progress,
};
use fairway_domain::{Actor, Job, JobId, JobKind, JobState};
use fairway_portal::{Answer, Error, Portal};
use leptos::prelude::*;

/// A job, and what there is once it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JobPanel {
    pub job: JobView,
    created: Option<CreatedView>,
    purge: Option<PurgeProgressView>,
}

/// Where a created service is reached once it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CreatedView {
    address: String,
    clone_url: String,
    environment: String,
    /// The other environments, in order.
    further: Vec<String>,
}

impl JobPanel {
    /// The job as it is now.
    pub(crate) async fn load(portal: &Portal, actor: &Actor, id: JobId) -> Result<Answer<Self>, Error> {
        let job = match portal.job(actor, id).await? {
            Answer::Done(job) => job,
            Answer::Refused(refusal) => return Ok(Answer::Refused(refusal)),
        };
        let created = created(portal, actor, &job).await?;
        let purge = portal.purge_of_job(actor, id).await?.map(PurgeProgressView::from);
        Ok(Answer::Done(Self { job: job.into(), created, purge }))
    }
}

async fn created(portal: &Portal, actor: &Actor, job: &Job) -> Result<Option<CreatedView>, Error> {
    if job.kind != JobKind::Create {
        return Ok(None);
    }
    let Answer::Done(detail) = portal.service(actor, &job.service).await? else { return Ok(None) };
    let mut environments = detail.environments.into_iter();
    let first = environments.next();
    Ok(first.map(|first| CreatedView {
        address: first.status.address.unwrap_or_else(|| {
            let port = detail.service.parameters.port.get();
            format!("http://{}.{}.svc:{port}", job.service, first.environment.namespace)
        }),
        clone_url: detail.clone_url,
        environment: first.environment.name.into(),
        further: environments.map(|environment| environment.environment.name.into()).collect(),
    }))
}

/// The steps, and at the end the next things.
pub(crate) fn job(panel: &JobPanel, token: &str) -> impl IntoView + use<> {
    let JobPanel { job, created, purge } = panel;
    let done = job.state == JobState::Succeeded;
    view! {
        <p class="summary" role="status">
            {job_state(job.state)}
            <span class="quiet">
                {duration(Some(job.created), job.finished)} " · asked by " {job.actor.clone()} " " {ago(job.created)}
            </span>
        </p>
        {purge.as_ref().map(|purge| purge_progress(purge, token))}
        {steps(job)}
        {(job.state == JobState::Failed).then(|| retry(job, token))}
        {(done && job.kind == JobKind::Create).then(|| created.as_ref().map(|created| next_things(&job.service, created)))}
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
