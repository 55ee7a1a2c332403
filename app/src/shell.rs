//! The document around every page, and the pages' addresses.

use crate::{
    islands::Live,
    model::LightView,
    pages::{
        ActivityPage, DeployPage, DeployPreviewPage, JobPage, LogsPage, NewServicePage, NotFoundPage,
        ObjectPage, PurgePage, RedisKeyPage, RedisPage, ServicePage, ServicesPage,
    },
    panels,
};
use fairway_domain::Actor;
use fairway_portal::Portal;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};
use serde::Deserialize;

/// Where the browser gets its files: the addresses that `islands/build` wrote into `manifest.json`, with their contents' hashes
/// in them. The server provides them to every page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Assets {
    /// The style sheet.
    pub css: String,
    /// The script that starts the islands and holds the live connection.
    pub boot: String,
    /// The islands' JavaScript side.
    pub glue: String,
    /// The islands.
    pub wasm: String,
    /// The same for the page of logs, with its own island.
    pub glue_with_logs: String,
    /// That page's islands.
    pub wasm_with_logs: String,
    /// The worker that all tabs share for the live stream.
    pub worker: String,
    /// The icon.
    pub icon: String,
}

/// The whole document.
pub fn shell() -> impl IntoView {
    if let Some(context) = Owner::current_shared_context() {
        // Only islands are hydrated; the rest of the page needs no marks for it.
        context.set_is_hydrating(false);
    }
    let assets = use_context::<Assets>().unwrap_or_default();
    let (glue, wasm) = if path().ends_with("/logs") {
        (assets.glue_with_logs, assets.wasm_with_logs)
    } else {
        (assets.glue, assets.wasm)
    };
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="stylesheet" href=assets.css/>
                <link rel="icon" href=assets.icon type="image/svg+xml"/>
                <link rel="modulepreload" href=glue.clone()/>
                <link rel="preload" href=wasm.clone() r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                <script
                    type="module"
                    id="boot"
                    nonce=use_nonce()
                    src=assets.boot
                    data-glue=glue
                    data-wasm=wasm
                    data-worker=assets.worker
                ></script>
                <MetaTags/>
            </head>
            <body>
                <a class="skip" href="#main">"To the content"</a>
                <Bar/>
                <main id="main"><App/></main>
            </body>
        </html>
    }
}

/// The path of the page that is asked for.
fn path() -> String {
    use_context::<http::request::Parts>().map(|parts| parts.uri.path().to_owned()).unwrap_or_default()
}

#[component]
fn Bar() -> impl IntoView {
    let path = path();
    let lights = use_context::<Portal>().map(|portal| portal.clusters()).unwrap_or_default();
    let lights: Vec<LightView> = lights.into_iter().map(Into::into).collect();
    let person = use_context::<Actor>().map(|actor| actor.name);
    let services = path == "/" || path == "/new" || path.starts_with("/services");
    let here = |is: bool| is.then_some("page");
    view! {
        <header class="bar">
            <a class="brand" href="/">
                <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
                    <path d="M4 3v14M16 3v14" class="bank"/>
                    <path d="M10 17V3m0 0L7 7m3-4 3 4" class="way"/>
                </svg>
                "Fairway"
            </a>
            <nav aria-label="Main">
                <a href="/" aria-current=here(services)>"Services"</a>
                <a href="/activity" aria-current=here(path.starts_with("/activity"))>"Activity"</a>
            </nav>
            <Live topic="bar".to_owned()>{panels::lights(&lights)}</Live>
            <p id="lost" role="status"></p>
            <span class="person">{person}</span>
        </header>
    }
}

/// The pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let mode = || SsrMode::Async;
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Fairway".to_owned() } else { format!("{title} · Fairway") }/>
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/") view=ServicesPage ssr=mode()/>
                <Route path=path!("/new") view=NewServicePage ssr=mode()/>
                <Route path=path!("/activity") view=ActivityPage ssr=mode()/>
                <Route path=path!("/jobs/:id") view=JobPage ssr=mode()/>
                <Route path=path!("/services/:name") view=ServicePage ssr=mode()/>
                <Route path=path!("/services/:name/logs") view=LogsPage ssr=mode()/>
                <Route path=path!("/services/:name/purge") view=PurgePage ssr=mode()/>
                <Route path=path!("/services/:name/redis") view=RedisPage ssr=mode()/>
                <Route path=path!("/services/:name/redis/key") view=RedisKeyPage ssr=mode()/>
                <Route path=path!("/services/:name/deploy") view=DeployPreviewPage ssr=mode()/>
                <Route path=path!("/services/:name/deploys/:number") view=DeployPage ssr=mode()/>
                <Route path=path!("/services/:name/objects/:environment/:kind/:object") view=ObjectPage ssr=mode()/>
            </Routes>
        </Router>
    }
}
