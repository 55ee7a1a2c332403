//! A deploy: what is happening, and what came of it.

use crate::{
    address,
    components::{commit, deploy_state, diff, duration, finding, health, roll_back, steps},
    field::csrf,
    model::{DeployView, StatusView},
    panels::service::pod,
};
use fairway_domain::{DeployState, JobState};
use leptos::prelude::*;

/// A deploy until its verdict and after it; the service's present state beside it.
pub(crate) fn deploy(deploy: &DeployView, token: &str) -> impl IntoView + use<> {
    let running = deploy.state == DeployState::Running;
    let back_to = deploy
        .back_to
        .clone()
        .map(|(number, commit)| (deploy.service.clone(), deploy.environment.clone(), number, commit));
    let verdict = if running { deploy.status.findings.first() } else { deploy.finding.as_ref() };
    let offered = back_to.clone().filter(|_| !running && deploy.finding.is_none());
    view! {
        <p class="summary" role="status">
            {deploy_state(deploy.state)}
            <span class="quiet">
                {duration(Some(deploy.created), deploy.finished)}
                {deploy.revision.map(|revision| format!(" · Helm revision {revision}"))}
                " · asked by " {deploy.actor.clone()}
            </span>
        </p>
        <p class="version">{commit(&deploy.commit)}</p>
        {verdict.map(|one| finding(one, !running, back_to.clone()))}
        <div class="halves">
            <section>
                <h2>"Steps"</h2>
                {steps(&deploy.job)}
                {(deploy.job.state == JobState::Failed).then(|| retry(deploy, token))}
                {offered
                    .map(|(service, environment, number, commit)| {
                        view! {
                            <p>{roll_back(&service, &environment, (number, commit))}</p>
                        }
                    })}
            </section>
            {now(&deploy.service, &deploy.status)}
        </div>
        <section class="block">
            <h2>"What changed"</h2>
            {if deploy.changes.is_empty() {
                view! { <p class="quiet">"Nothing ran there before: every object is new."</p> }.into_any()
            } else {
                diff(&deploy.changes).into_any()
            }}
            <p class="quiet">"Image " <code class="image">{deploy.image.clone()}</code></p>
        </section>
    }
}

fn now(service: &str, status: &StatusView) -> impl IntoView + use<> {
    view! {
        <section>
            <h2>"Pods on " {status.environment.clone()} " now"</h2>
            <p class="now">{health(status.health_now(), Some(status.sentence.clone()))}</p>
            <ul class="pods" aria-label="Pods">{status.pods.iter().map(pod).collect_view()}</ul>
            <p>
                <a href=address::logs(service, &status.environment)>"Logs"</a>
                " · "
                <a href=format!("/services/{service}#{}", status.environment)>"The service"</a>
            </p>
        </section>
    }
}

fn retry(deploy: &DeployView, token: &str) -> impl IntoView + use<> {
    view! {
        <form method="post" action=format!("/jobs/{}/retry", deploy.job.id) class="retry">
            {csrf(token.to_owned())}
            <button>"Retry from the failed step"</button>
        </form>
    }
}
