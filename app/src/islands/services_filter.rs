//! The filter over the list of services, and the list, which stays true.

use crate::{
    follow::{Heard, Message, follow},
    islands::live::{alert, redraw},
};
use leptos::{html, prelude::*};

/// Shows only the rows that match; `filter` is what it starts with. It works as a plain form too.
#[island]
pub(crate) fn ServicesFilter(filter: String, children: Children) -> impl IntoView {
    let drawn = NodeRef::<html::Div>::new();
    let trouble = RwSignal::new(None);
    let filter = RwSignal::new(filter);
    let none = RwSignal::new(false);
    follow("services", move |heard: Heard<String>| match heard {
        Heard::Message(Message::Now(drawing), _) => {
            redraw(drawn, &drawing);
            none.set(hide(drawn, &filter.read_untracked()));
            trouble.set(None);
        }
        Heard::Message(Message::Trouble(sentence) | Message::Wrong(sentence), _) => {
            trouble.set(Some(sentence));
        }
        Heard::Lost | Heard::Back => {}
    });
    view! {
        <form class="filter" method="get" action="/" role="search">
            <label for="filter">"Filter"</label>
            <input
                id="filter"
                name="filter"
                type="search"
                autocomplete="off"
                placeholder="name, team, words"
                value=filter.get_untracked()
                on:input=move |event| {
                    filter.set(event_target_value(&event));
                    none.set(hide(drawn, &filter.read_untracked()));
                }
            />
            <span class="quiet" role="status">{move || none.get().then_some("No service matches.")}</span>
        </form>
        {alert(trouble)}
        <div class="scroll live" tabindex="0" role="region" aria-label="Services" node_ref=drawn>{children()}</div>
    }
}

/// Hides the rows that don't match; whether that leaves none.
#[cfg(feature = "hydrate")]
fn hide(drawn: NodeRef<html::Div>, filter: &str) -> bool {
    use wasm_bindgen::JsCast;
    let Some(rows) = drawn.get_untracked().and_then(|drawn| drawn.query_selector_all("[data-words]").ok())
    else {
        return false;
    };
    // The browser's own lower case: a table of all letters would be a good part of the bundle.
    let filter: String = js_sys::JsString::from(filter).to_lower_case().into();
    let mut shown = 0;
    for row in
        (0..rows.length()).filter_map(|place| rows.item(place)?.dyn_into::<web_sys::HtmlElement>().ok())
    {
        let matches = crate::filter::matches(&row.get_attribute("data-words").unwrap_or_default(), &filter);
        row.set_hidden(!matches);
        shown += u32::from(matches);
    }
    shown == 0
}

#[cfg(not(feature = "hydrate"))]
fn hide(_drawn: NodeRef<html::Div>, _filter: &str) -> bool {
    false
}
