//! One service: a column an environment, its builds and its timeline.

use crate::{
    address,
    components::{
        ago, build_state, command, commit, copyable, finding, freshness, health, roll_back, since, timeline,
    },
    field::csrf,
    model::{BuildView, ColumnView, FreshnessView, PodView, PurgeView, ServiceView},
    words,
};
use fairway_domain::{BuildState, JobState};
use leptos::prelude::*;

/// How is it, and what can I do?
pub(crate) fn service(service: &ServiceView, token: &str) -> impl IntoView + use<> {
    let first = service.columns.first().map(|column| column.status.environment.clone()).unwrap_or_default();
    view! {
        {creation(service)}
        <div class="environments">
            {service.columns.iter().map(|one| column(&service.name, one, token)).collect_view()}
        </div>
        <section class="block">
            <h2>"Builds"</h2>
            {if service.builds.is_empty() {
                view! { <p class="quiet">"A push to the repository builds its newest commit; it will stand here."</p> }.into_any()
            } else {
                builds(&service.name, &first, &service.builds).into_any()
            }}
        </section>
        <section class="block">
            <h2>"Timeline"</h2>
            {timeline(&service.timeline, false)}
        </section>
    }
}

fn creation(service: &ServiceView) -> Option<impl IntoView + use<>> {
    let creation = service.creation.clone().filter(|creation| creation.state != JobState::Succeeded)?;
    let words = match creation.state {
        JobState::Failed => "Its creation failed: see why, and retry.",
        _ => "It is being created: follow the steps.",
    };
    Some(view! { <p class="alert"><a href=format!("/jobs/{}", creation.job)>{words}</a></p> })
}

fn column(service: &str, column: &ColumnView, token: &str) -> impl IntoView + use<> {
    let status = &column.status;
    let environment = status.environment.clone();
    let deployed = status.is_deployed();
    let back_to = column.back_to.clone();
    let findings = status
        .findings
        .iter()
        .enumerate()
        .map(|(place, one)| {
            let roll_back = back_to.clone().filter(|_| place == 0);
            let roll_back =
                roll_back.map(|(number, commit)| (service.to_owned(), environment.clone(), number, commit));
            finding(one, false, roll_back)
        })
        .collect_view();
    view! {
        <section class="environment" class:away=status.freshness != FreshnessView::Live data-key=environment.clone() id=environment.clone() aria-label=environment.clone()>
            <header>
                <h2>{environment.clone()}</h2>
                <p class="now">
                    {health(status.health_now(), Some(status.sentence.clone()))}
                    {status.since.filter(|_| deployed).map(|at| view! { <span class="quiet">{ago(at)}</span> })}
                </p>
            </header>
            {(status.freshness != FreshnessView::Live)
                .then(|| view! { <p class="stale">{freshness(status.freshness)} " What stands here is the last that was known."</p> })}
            {column.running.clone().map(|(number, commit)| {
                view! {
                    <p class="moving-note">
                        <span class="shape" aria-hidden="true">"◐"</span>
                        " Deploying " <code>{commit}</code> ": "
                        <a href=address::deploy(service, number)>"follow deploy " {number}</a>
                    </p>
                }
            })}
            {version(service, column)}
            {findings}
            {pods(&status.pods)}
            {status.address.clone().map(|address| copyable("", address))}
            {actions(service, column, token)}
            <footer>
                {command(status.command.clone())}
                {objects(service, column)}
            </footer>
        </section>
    }
}

fn version(service: &str, column: &ColumnView) -> impl IntoView + use<> {
    let short = column.status.commit.clone();
    view! {
        <p class="version">
            {match (&column.commit, short) {
                (Some(known), _) => commit(known).into_any(),
                (None, Some(short)) => view! { <code>{short}</code> }.into_any(),
                (None, None) => ().into_any(),
            }}
            {(column.behind > 0)
                .then(|| {
                    let href = format!("/services/{service}/deploy?environment={}", column.status.environment);
                    view! { <a class="badge" href=href>{words::counted(column.behind as u64, "newer build")}</a> }
                })}
        </p>
    }
}

fn pods(pods: &[PodView]) -> impl IntoView + use<> {
    (!pods.is_empty()).then(|| {
        view! { <ul class="pods" aria-label="Pods">{pods.iter().map(pod).collect_view()}</ul> }
    })
}

pub(super) fn pod(pod: &PodView) -> impl IntoView + use<> {
    view! {
        <li data-key=pod.name.clone() class:old=!pod.new>
            {health(pod.health, Some(pod.reason.clone()))}
            <code title=pod.name.clone()>{pod.name.clone()}</code>
            <span class="quiet">
                {pod.commit.clone()}
                {(pod.restarts > 0).then(|| format!(" · {}", words::counted(u64::from(pod.restarts), "restart")))}
                {pod.created.map(|at| view! { " · " {since(at)} })}
            </span>
        </li>
    }
}

fn actions(service: &str, column: &ColumnView, token: &str) -> impl IntoView + use<> {
    let environment = column.status.environment.clone();
    let deployed = column.status.is_deployed();
    let purge = format!("/services/{service}/purge?environment={environment}");
    view! {
        <div class="actions">
            <a class="button" href=format!("/services/{service}/deploy?environment={environment}")>"Deploy"</a>
            {deployed.then(|| view! { <a class="button" href=address::logs(service, &environment)>"Logs"</a> })}
            {(column.purge != PurgeView::NoRedis)
                .then(|| view! { <a class="button" href=address::redis(service, &environment)>"Redis"</a> })}
            {column.back_to.clone().map(|to| roll_back(service, &environment, to))}
            {(column.purge == PurgeView::Allowed && deployed)
                .then(|| view! { <a class="button danger-quiet" href=purge.clone()>"Purge Redis"</a> })}
            {(column.purge == PurgeView::NotPurgeable)
                .then(|| view! { <a class="quiet-link" href=purge.clone()>"Why no purge here?"</a> })}
            {deployed.then(|| restart(service, &environment, token))}
        </div>
    }
}

/// Two steps, without JavaScript too: open it, then say yes.
fn restart(service: &str, environment: &str, token: &str) -> impl IntoView + use<> {
    view! {
        <details class="confirm">
            <summary class="button">"Restart"</summary>
            <form method="post" action=format!("/services/{service}/restart")>
                {csrf(token.to_owned())}
                <input type="hidden" name="environment" value=environment.to_owned()/>
                <p>"Its pods are replaced one after the other; the old ones serve until the new ones are ready."</p>
                <button class="danger">"Restart " {service.to_owned()} " on " {environment.to_owned()}</button>
            </form>
        </details>
    }
}

fn objects(service: &str, column: &ColumnView) -> impl IntoView + use<> {
    let environment = column.status.environment.clone();
    let links = column
        .objects
        .iter()
        .map(|object| {
            let href = address::object(service, &environment, &object.kind, &object.name);
            view! { <li><a href=href><span class="kind">{object.kind.clone()}</span> " " {object.name.clone()}</a></li> }
        })
        .collect_view();
    (!column.objects.is_empty()).then(|| {
        view! {
            <details class="objects">
                <summary>{format!("YAML of {}", words::counted(column.objects.len() as u64, "object"))}</summary>
                <ul>{links}</ul>
            </details>
        }
    })
}

fn builds(service: &str, environment: &str, builds: &[BuildView]) -> impl IntoView + use<> {
    let rows = builds.iter().map(|build| build_row(service, environment, build)).collect_view();
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label="Builds">
            <table class="builds">
                <thead>
                    <tr>
                        <th scope="col">"Commit"</th>
                        <th scope="col" class="wide">"Message"</th>
                        <th scope="col">"Build"</th>
                        <th scope="col">"Runs on"</th>
                        <th scope="col">"Asked"</th>
                        <th scope="col"><span class="unseen">"Action"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn build_row(service: &str, environment: &str, build: &BuildView) -> impl IntoView + use<> {
    let deployable =
        build.state == BuildState::Succeeded && !build.live_in.iter().any(|name| name == environment);
    view! {
        <tr data-key=build.id.clone()>
            <td><code title=build.commit.sha.clone()>{build.commit.short.clone()}</code></td>
            <td class="wide" title=build.commit.subject.clone()>
                {build.commit.subject.clone()} <span class="quiet">" " {build.commit.author.clone()}</span>
            </td>
            <td><a class="quiet-link" href=format!("/jobs/{}", build.job)>{build_state(build.state)}</a></td>
            <td>{build.live_in.join(", ")}</td>
            <td class="quiet">{ago(build.created)}</td>
            <td class="end">
                {deployable
                    .then(|| {
                        let href = address::deploy_build(service, environment, &build.id);
                        view! { <a href=href>"Deploy to " {environment.to_owned()}</a> }
                    })}
            </td>
        </tr>
    }
}
