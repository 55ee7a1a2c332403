//! A job's page: what is happening, and what came of it.

use crate::{
    islands::Live,
    model::JobView,
    pages::{alert, crumbs},
    panels::{self, JobPanel},
    request::{done, page, param},
    words,
};
use fairway_domain::{JobId, JobKind, JobState};
use leptos::prelude::*;
use leptos_meta::Title;

/// A job, live.
#[component]
pub(crate) fn JobPage() -> impl IntoView {
    let id = param::<JobId>("id");
    page(|request| async move {
        let id = id?;
        let panel = done(JobPanel::load(&request.portal, &request.actor, id).await)?;
        let view = &panel.job;
        let title = title(view);
        let refresh = view.state == JobState::Running;
        Ok(view! {
            <Title text=title.clone()/>
            {crumbs(&view.service, "job")}
            <div class="head"><h1>{title}</h1></div>
            {alert()}
            {refresh.then(|| view! { <noscript><meta http-equiv="refresh" content="2"/></noscript> })}
            <Live topic=format!("job/{id}")>{panels::job(&panel, &request.csrf)}</Live>
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
        JobKind::Purge => format!("Purge {} Redis{place}", words::possessive(name)),
    }
}
