//! What would a deploy change?

use crate::{
    address,
    components::{ago, build_state, command, commit, diff},
    field::csrf,
    forms::deploy_order,
    model::{BuildView, CommitView},
    pages::{alert, crumbs, environments},
    request::{Request, Trouble, done, page, param, query, refusal_status, status},
};
use fairway_domain::{BuildState, Deploy, EnvironmentName, Health, ServiceName};
use fairway_portal::{DeployPreview, EnvironmentDetail, Refusal};
use leptos::prelude::*;
use leptos_meta::Title;

/// The difference between what is live and what would be, and the button that says what it does; or the builds to choose from.
#[component]
pub(crate) fn DeployPreviewPage() -> impl IntoView {
    let name = param::<ServiceName>("name");
    let environment = query("environment");
    let build = query("build").unwrap_or_default();
    let back_to = query("back_to").unwrap_or_default();
    page(move |request| async move {
        let name = name?;
        let first = request.portal.environments().first().map(|environment| environment.name.to_string());
        let environment = environment.or(first).unwrap_or_default();
        let environment: EnvironmentName = environment.parse().map_err(|_| Trouble::NotFound)?;
        if build.is_empty() && back_to.is_empty() {
            return choose(&request, &name, &environment).await;
        }
        let order =
            deploy_order(&name, environment.as_str(), &build, &back_to).map_err(|_| Trouble::NotFound)?;
        match done(request.portal.deploy_preview(&request.actor, &order).await) {
            Ok(preview) => Ok(ready(&request, &name, &build, &back_to, preview)),
            Err(Trouble::Refused(refusal)) => Ok(refused(&name, &environment, &refusal)),
            Err(trouble) => Err(trouble),
        }
    })
}

/// The builds that could be deployed.
async fn choose(
    request: &Request,
    name: &ServiceName,
    environment: &EnvironmentName,
) -> Result<AnyView, Trouble> {
    let detail = done(request.portal.service(&request.actor, name).await)?;
    let place = detail
        .environments
        .iter()
        .find(|one| one.environment.name == *environment)
        .ok_or(Trouble::NotFound)?;
    let live = place.live.as_ref().map(|deploy| deploy.build);
    let rows = detail
        .builds
        .into_iter()
        .map(|build| {
            let runs = live == Some(build.id);
            build_row(name, environment, runs, &build.into())
        })
        .collect_view();
    let shown = environment.to_string();
    Ok(view! {
        <Title text=format!("Deploy {name} to {environment}")/>
        {crumbs(name.as_str(), "deploy")}
        <div class="head">
            <h1>"Deploy " {name.to_string()}</h1>
            {environments(&request.portal, &shown, |other| format!("/services/{name}/deploy?environment={other}"))}
        </div>
        {alert()}
        {present(place)}
        <section class="part">
            <h2>"Choose a build"</h2>
            <div class="scroll" tabindex="0" role="region" aria-label="Builds">
                <table class="builds">
                    <thead>
                        <tr>
                            <th scope="col">"Commit"</th>
                            <th scope="col" class="wide">"Message"</th>
                            <th scope="col">"Build"</th>
                            <th scope="col">"Asked"</th>
                            <th scope="col"><span class="unseen">"Action"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="quiet">"A push to the repository builds its newest commit, and it stands here."</p>
        </section>
    }
    .into_any())
}

fn present(place: &EnvironmentDetail) -> impl IntoView + use<> {
    let environment = place.environment.name.to_string();
    let commit_view = place.commit.clone().map(CommitView::from);
    let absent = place.status.health == Health::Absent;
    view! {
        <p class="version">
            {if absent { "Nothing runs there yet." } else { "Runs there now: " }}
            {commit_view.map(|known| commit(&known))}
        </p>
        {place
            .running
            .clone()
            .map(|deploy| held(&deploy, &environment))}
    }
}

fn build_row(
    name: &ServiceName,
    environment: &EnvironmentName,
    runs: bool,
    build: &BuildView,
) -> impl IntoView + use<> {
    let preview = address::deploy_build(name.as_str(), environment.as_str(), &build.id);
    let deployable = build.state == BuildState::Succeeded;
    view! {
        <tr>
            <td><code title=build.commit.sha.clone()>{build.commit.short.clone()}</code></td>
            <td class="wide" title=build.commit.subject.clone()>
                {build.commit.subject.clone()} <span class="quiet">" " {build.commit.author.clone()}</span>
            </td>
            <td><a class="quiet-link" href=format!("/jobs/{}", build.job)>{build_state(build.state)}</a></td>
            <td class="quiet">{ago(build.created)}</td>
            <td class="end">
                {runs.then(|| view! { <span class="badge good">"live"</span> " " })}
                {deployable.then(|| view! { <a href=preview>"What would change"</a> })}
            </td>
        </tr>
    }
}

fn ready(
    request: &Request,
    name: &ServiceName,
    build: &str,
    back_to: &str,
    preview: DeployPreview,
) -> AnyView {
    let environment = preview.environment.name.to_string();
    let short = preview.build.commit.sha.short().to_owned();
    let back = preview.rollback_of.is_some();
    let title = if back {
        format!("Roll {name} back to {short}?")
    } else {
        format!("Deploy {short} to {environment}?")
    };
    let button = if back {
        format!("Roll {name} back to {short} on {environment}")
    } else {
        format!("Deploy {short} to {environment}")
    };
    let free = preview.held_by.is_none();
    view! {
        <Title text=title.clone()/>
        {crumbs(name.as_str(), "deploy")}
        <div class="head">
            <h1>{title}</h1>
            {free
                .then(|| {
                    view! {
                        <form method="post" action=format!("/services/{name}/deploy")>
                            {csrf(request.csrf.clone())}
                            <input type="hidden" name="idempotency" value=request.id.clone()/>
                            <input type="hidden" name="environment" value=environment.clone()/>
                            <input type="hidden" name="build" value=build.to_owned()/>
                            <input type="hidden" name="back_to" value=back_to.to_owned()/>
                            <button class="primary">{button}</button>
                        </form>
                    }
                })}
        </div>
        {alert()}
        {preview.held_by.as_ref().map(|deploy| held(deploy, &environment))}
        {risks(&preview)}
        {commits(&preview)}
        <section class="part">
            <h2>"What changes on " {environment.clone()}</h2>
            {diff(&preview.objects)}
            {command(preview.command.to_string())}
        </section>
    }
    .into_any()
}

fn held(deploy: &Deploy, environment: &str) -> impl IntoView + use<> {
    view! {
        <p class="alert" role="status">
            <span class="shape" aria-hidden="true">"◐"</span>
            " " {deploy.actor.name.clone()} " is deploying " <code>{deploy.commit.sha.short().to_owned()}</code> " to "
            {environment.to_owned()} " right now; one at a time. "
            <a href=address::deploy(deploy.service.as_str(), deploy.number.0)>"Follow deploy " {deploy.number.0}</a>
        </p>
    }
}

fn risks(preview: &DeployPreview) -> impl IntoView + use<> {
    let risks: Vec<String> = preview.risks.iter().map(|risk| risk.0.clone()).collect();
    (!risks.is_empty()).then(|| {
        view! {
            <section class="part risks" aria-label="Before you agree">
                <h2>"Before you agree"</h2>
                <ul>{risks.into_iter().map(|risk| view! { <li>{risk}</li> }).collect_view()}</ul>
            </section>
        }
    })
}

fn commits(preview: &DeployPreview) -> impl IntoView + use<> {
    let target = CommitView::from(preview.build.commit.clone());
    let live = preview.live.as_ref().map(|deploy| CommitView::from(deploy.commit.clone()));
    let between: Vec<CommitView> = preview.commits.iter().cloned().map(Into::into).collect();
    let words =
        if preview.backwards { "Commits that would be taken away" } else { "Commits that come with it" };
    let between = (!between.is_empty()).then(|| {
        view! {
            <h3>{words}</h3>
            <ul class="commits" class:backwards=preview.backwards>
                {between.iter().map(|one| view! { <li>{commit(one)}</li> }).collect_view()}
            </ul>
        }
    });
    view! {
        <section class="part">
            <h2>"From, to"</h2>
            <dl class="from-to">
                <dt>"live"</dt>
                <dd>{match &live {
                    Some(live) => commit(live).into_any(),
                    None => view! { <span class="quiet">"nothing"</span> }.into_any(),
                }}</dd>
                <dt>"would be"</dt>
                <dd>{commit(&target)}</dd>
            </dl>
            {between}
        </section>
    }
}

fn refused(name: &ServiceName, environment: &EnvironmentName, refusal: &Refusal) -> AnyView {
    status(refusal_status(refusal));
    let job = match refusal {
        Refusal::NoImage(build) => Some(format!("/jobs/{}", build.job)),
        _ => None,
    };
    view! {
        <Title text=format!("Deploy {name}")/>
        {crumbs(name.as_str(), "deploy")}
        <div class="head"><h1>"This can't be deployed"</h1></div>
        {alert()}
        <section class="trouble">
            <p>{refusal.to_string()}</p>
            <p>"Nothing was changed."</p>
            <p>
                {job.map(|job| view! { <a class="button" href=job>"Look at the build"</a> " " })}
                <a class="button" href=format!("/services/{name}/deploy?environment={environment}")>"Choose another build"</a>
            </p>
        </section>
    }
    .into_any()
}
