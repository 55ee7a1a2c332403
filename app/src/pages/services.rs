//! What runs where, and is anything wrong?

use crate::{
    islands::ServicesFilter,
    model::ServicesView,
    panels,
    request::{page, query},
};
use leptos::prelude::*;
use leptos_meta::Title;

/// Home: every service.
#[component]
pub(crate) fn ServicesPage() -> impl IntoView {
    let filter = query("filter").unwrap_or_default();
    page(|request| async move {
        let services = request.portal.services(&request.actor).await?;
        let services = ServicesView::new(request.portal.environments(), services);
        let none = services.rows.is_empty();
        Ok(view! {
            <Title text="Services"/>
            <div class="head">
                <h1>"Services"</h1>
                <a class="button primary" href="/new">"New service"</a>
            </div>
            {if none { nothing_yet().into_any() } else {
                let table = panels::services(&services, &filter);
                view! { <ServicesFilter filter=filter>{table}</ServicesFilter> }.into_any()
            }}
        }
        .into_any())
    })
}

fn nothing_yet() -> impl IntoView {
    view! {
        <section class="empty">
            <h2>"No service yet"</h2>
            <p>
                "Here will stand what runs where: each service with its version, its health and its last deploy, environment by environment."
            </p>
            <p>"A new one takes a form and a minute or two: repository, image, release, all of it yours."</p>
            <p><a class="button primary" href="/new">"Create the first service"</a></p>
        </section>
    }
}
