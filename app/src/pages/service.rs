//! How is a service, and what can I do?

use crate::{
    components::copyable,
    islands::Live,
    model::ServiceView,
    pages::alert,
    panels,
    request::{done, page, param},
};
use fairway_domain::{Parameters, ServiceName};
use leptos::prelude::*;
use leptos_meta::Title;

/// A service: a column an environment.
#[component]
pub(crate) fn ServicePage() -> impl IntoView {
    let name = param::<ServiceName>("name");
    page(|request| async move {
        let name = name?;
        let detail = done(request.portal.service(&request.actor, &name).await)?;
        let parameters = detail.service.parameters.clone();
        let clone = format!("git clone {}", detail.clone_url);
        Ok(view! {
            <Title text=name.to_string()/>
            <div class="head">
                <h1>{name.to_string()}</h1>
                <a class="button primary" href=format!("/services/{name}/deploy")>"Deploy"</a>
            </div>
            {about(&parameters)}
            {copyable("$ ", clone)}
            {alert()}
            <Live topic=format!("service/{name}")>{panels::service(&ServiceView::from(detail), &request.csrf)}</Live>
        }
        .into_any())
    })
}

fn about(parameters: &Parameters) -> impl IntoView + use<> {
    let mut made_of = vec![parameters.runtime.title().to_owned()];
    made_of.extend(parameters.components.redis.then(|| "Redis".to_owned()));
    made_of.extend(parameters.components.metrics.then(|| "Metrics".to_owned()));
    let team = parameters.team.to_string();
    view! {
        <p class="about">
            <a class="quiet-link" href=format!("/?filter={team}")>{team.clone()}</a>
            <span class="quiet">" · " {made_of.join(" · ")}</span>
            {(!parameters.description.is_empty()).then(|| view! { <span>" · " {parameters.description.clone()}</span> })}
        </p>
    }
}
