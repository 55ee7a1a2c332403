//! The pages, each complete HTML.

mod activity;
mod deploy;
mod deploy_preview;
mod job;
mod logs;
mod new_service;
mod not_found;
mod object;
mod purge;
mod purge_records;
mod redis;
mod redis_key;
mod service;
mod services;

pub(crate) use activity::ActivityPage;
pub(crate) use deploy::DeployPage;
pub(crate) use deploy_preview::DeployPreviewPage;
pub(crate) use job::JobPage;
pub(crate) use logs::LogsPage;
pub(crate) use new_service::NewServicePage;
pub use new_service::draft;
pub(crate) use not_found::NotFoundPage;
pub(crate) use object::ObjectPage;
pub(crate) use purge::PurgePage;
pub(crate) use redis::RedisPage;
pub(crate) use redis_key::RedisKeyPage;
pub(crate) use service::ServicePage;
pub(crate) use services::ServicesPage;

use crate::forms::Alert;
use fairway_portal::Portal;
use leptos::prelude::*;

/// Why the form that led here wasn't done.
fn alert() -> Option<impl IntoView> {
    let alert = use_context::<Alert>()?;
    Some(view! {
        <p class="alert" role="alert">
            <span class="shape" aria-hidden="true">"▲"</span>
            " "
            {alert.sentence}
            {alert.link.map(|(address, words)| view! { " " <a href=address>{words}</a> })}
        </p>
    })
}

/// The way back from a page about a service.
fn crumbs(service: &str, here: &str) -> impl IntoView + use<> {
    view! {
        <nav class="crumbs" aria-label="Where this is">
            <a href="/">"Services"</a>
            " / "
            <a href=crate::address::service(service)>{service.to_owned()}</a>
            " / "
            <span aria-current="page">{here.to_owned()}</span>
        </nav>
    }
}

/// The environments to choose from, as links; `address` gives the page for each.
fn environments<F: Fn(&str) -> String>(portal: &Portal, chosen: &str, address: F) -> impl IntoView + use<F> {
    let links = portal
        .environments()
        .iter()
        .map(|environment| {
            let name = environment.name.to_string();
            let here = (name == chosen).then_some("true");
            view! { <li><a href=address(&name) aria-current=here>{name.clone()}</a></li> }
        })
        .collect_view();
    view! { <ul class="choices" aria-label="Environment">{links}</ul> }
}
