//! Relative times stay true while a page is open.

use crate::clock;
use leptos::prelude::{document, set_interval};
use std::time::Duration;
use wasm_bindgen::JsCast;
use web_sys::{CharacterData, Element};

/// From now on, every second, each relative time on the page says what is true then.
pub fn keep_times_true() {
    set_interval(tick, Duration::from_secs(1));
}

fn tick() {
    let Ok(times) = document().query_selector_all("time[data-ago],time[data-since]") else { return };
    let now = clock::now();
    for place in 0..times.length() {
        if let Some(element) = times.item(place).and_then(|node| node.dyn_into::<Element>().ok()) {
            refresh(&element, now);
        }
    }
}

/// Changes the text node itself, which the island that drew it goes on to use.
fn refresh(element: &Element, now: i64) -> Option<()> {
    let at = |name: &str| element.get_attribute(name)?.parse::<i64>().ok();
    let text = match (at("data-ago"), at("data-since")) {
        (Some(at), _) => clock::ago(now - at),
        (None, at) => clock::lasting_still(now - at?),
    };
    let node: CharacterData = element.first_child()?.dyn_into().ok()?;
    if node.data() != text {
        node.set_data(&text);
    }
    Some(())
}
