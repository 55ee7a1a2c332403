//! One deploy: what is happening, and what came of it.

use crate::{
    islands::Live,
    model::DeployView,
    pages::{alert, crumbs},
    panels,
    request::{done, page, param},
};
use fairway_domain::{DeployNumber, DeployState, ServiceName};
use leptos::prelude::*;
use leptos_meta::Title;

/// A deploy, live until its verdict.
#[component]
pub(crate) fn DeployPage() -> impl IntoView {
    let name = param::<ServiceName>("name");
    let number = param::<DeployNumber>("number");
    page(|request| async move {
        let (name, number) = (name?, number?);
        let detail = done(request.portal.deploy_detail(&request.actor, &name, number).await)?;
        let deploy = DeployView::from(detail);
        let refresh = deploy.state == DeployState::Running;
        let what = match deploy.rollback_of {
            Some(_) => format!("Roll back {name} to {} on {}", deploy.commit.short, deploy.environment),
            None => format!("Deploy {} of {name} to {}", deploy.commit.short, deploy.environment),
        };
        Ok(view! {
            <Title text=what.clone()/>
            {crumbs(name.as_str(), &format!("deploy {number}"))}
            <div class="head"><h1>{what}</h1></div>
            {alert()}
            {refresh.then(|| view! { <noscript><meta http-equiv="refresh" content="2"/></noscript> })}
            <Live topic=format!("deploy/{name}/{number}")>{panels::deploy(&deploy, &request.csrf)}</Live>
        }
        .into_any())
    })
}
