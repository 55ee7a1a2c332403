//! The environments' own health, in the bar of every page.

use crate::{
    components::freshness,
    follow::{Heard, Live, follow},
    model::{FreshnessView, LightView},
};
use leptos::prelude::*;

/// A light an environment; and a word when the browser has lost Fairway itself.
#[island]
pub(crate) fn Lights(initial: Vec<LightView>) -> impl IntoView {
    let lights = RwSignal::new(initial);
    let lost = RwSignal::new(false);
    follow("bar", None, move |heard| match heard {
        Heard::Message(Live::Now(value)) => {
            lights.set(value);
            lost.set(false);
        }
        Heard::Message(Live::Trouble(_)) | Heard::Back => lost.set(false),
        Heard::Lost => lost.set(true),
    });
    view! {
        <ul class="lights" aria-label="Environments">
            {move || {
                lights
                    .read()
                    .iter()
                    .map(|light| view! { <li><span class="name">{light.environment.clone()}</span> {word(light.freshness)}</li> })
                    .collect_view()
            }}
            <li class="lost" role="status">
                {move || lost.get().then_some("No connection to Fairway: what you see may be old. Reconnecting …")}
            </li>
        </ul>
    }
}

/// A cluster that answers needs no word to be seen, but one to be read aloud.
fn word(light: FreshnessView) -> impl IntoView {
    view! { <span class:answers=light == FreshnessView::Live>{freshness(light)}</span> }
}
