//! The environments' own health, in the bar of every page.

use crate::{
    components::freshness,
    model::{FreshnessView, LightView},
};
use leptos::prelude::*;

/// A light an environment. A cluster that answers needs no word to be seen, but one to be read aloud.
pub(crate) fn lights(lights: &[LightView]) -> impl IntoView + use<> {
    let lights = lights
        .iter()
        .map(|light| {
            let answers = light.freshness == FreshnessView::Live;
            view! {
                <li>
                    <span class="name">{light.environment.clone()}</span>
                    " "
                    <span class:answers=answers>{freshness(light.freshness)}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="lights" aria-label="Environments">{lights}</ul> }
}
