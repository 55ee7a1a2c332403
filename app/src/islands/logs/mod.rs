//! The logs of a service in an environment, live. Only the rows in sight stand in the page, so that it stays fluid however many
//! lines are held. Everything around the rows is drawn by the server (`panels::log`).

#[cfg(feature = "hydrate")]
mod acts;
#[cfg(feature = "hydrate")]
mod elements;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))] // only a browser shows lines
mod entry;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod heights;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod held;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod histogram;
#[cfg(feature = "hydrate")]
mod listen;
#[cfg(feature = "hydrate")]
mod reading;
#[cfg(feature = "hydrate")]
mod rows;
#[cfg(feature = "hydrate")]
mod screen;
#[cfg(feature = "hydrate")]
mod search;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod sift;
#[cfg(feature = "hydrate")]
mod terms;
#[cfg(feature = "hydrate")]
mod view;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod words;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod written;

use leptos::{html, prelude::*};

/// Lines as they come, with follow, pause and a filter, in what the server drew for them.
#[island]
pub(crate) fn LogView(service: String, environment: String, children: Children) -> impl IntoView {
    let drawn = NodeRef::<html::Div>::new();
    begin(drawn, service, environment);
    view! { <div class="log-view" node_ref=drawn>{children()}</div> }
}

/// Once the page is alive.
#[cfg(feature = "hydrate")]
fn begin(drawn: NodeRef<html::Div>, service: String, environment: String) {
    Effect::new(move || {
        if let Some(drawn) = drawn.get_untracked() {
            view::View::begin(&drawn, &service, &environment);
        }
    });
}

#[cfg(not(feature = "hydrate"))]
fn begin(_drawn: NodeRef<html::Div>, _service: String, _environment: String) {}
