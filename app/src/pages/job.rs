//! A job's page: what is happening, and what came of it.

use crate::{
    islands::{CreatedView, JobProgress},
    model::JobView,
    pages::{alert, crumbs},
    request::{Request, Trouble, done, page, param},
};
use fairway_domain::{Job, JobId, JobKind, JobState};
use leptos::prelude::*;
use leptos_meta::Title;

/// A job, live.
#[component]
pub(crate) fn JobPage() -> impl IntoView {
    let id = param::<JobId>("id");
    page(|request| async move {
        let id = id?;
        let job = done(request.portal.job(&request.actor, id).await)?;
        let events = done(request.portal.job_events(&request.actor, id, 0).await)?;
        let created = created(&request, &job).await?;
        let view = JobView::replayed(job, events);
        let title = title(&view);
        let refresh = view.state == JobState::Running;
        Ok(view! {
            <Title text=title.clone()/>
            {crumbs(&view.service, "job")}
            <div class="head"><h1>{title}</h1></div>
            {alert()}
            {refresh.then(|| view! { <noscript><meta http-equiv="refresh" content="2"/></noscript> })}
            <JobProgress initial=view created=created token=request.csrf/>
        }
        .into_any())
    })
}

fn title(job: &JobView) -> String {
    let name = &job.service;
    let place =
        job.environment.as_deref().map(|environment| format!(" on {environment}")).unwrap_or_default();
    match job.kind {
        JobKind::Create => format!("Create {name}"),
        JobKind::Build => format!("Build {name}"),
        JobKind::Deploy => format!("Deploy {name}{place}"),
        JobKind::Purge => format!("Purge {name}'s Redis{place}"),
    }
}

/// Where a created service will be reached; the page shows it once the job is done.
async fn created(request: &Request, job: &Job) -> Result<Option<CreatedView>, Trouble> {
    if job.kind != JobKind::Create {
        return Ok(None);
    }
    let detail = done(request.portal.service(&request.actor, &job.service).await)?;
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
