//! A part of a page that stays true.

use crate::follow::{Heard, Message, follow};
use leptos::{html, prelude::*};

/// What the server drew, and whatever it draws for `topic` from then on.
#[island]
pub(crate) fn Live(topic: String, children: Children) -> impl IntoView {
    let drawn = NodeRef::<html::Div>::new();
    let trouble = RwSignal::new(None);
    follow(&topic, move |heard: Heard<String>| match heard {
        Heard::Message(Message::Now(drawing), _) => {
            redraw(drawn, &drawing);
            trouble.set(None);
        }
        Heard::Message(Message::Trouble(sentence) | Message::Wrong(sentence), _) => {
            trouble.set(Some(sentence));
        }
        Heard::Lost | Heard::Back => {}
    });
    view! {
        {alert(trouble)}
        <div class="live" node_ref=drawn>{children()}</div>
    }
}

/// The line that says why nothing new comes.
pub(super) fn alert(trouble: RwSignal<Option<String>>) -> impl IntoView {
    view! { <p class="alert" role="status" hidden=move || trouble.read().is_none()>{move || trouble.get()}</p> }
}

/// Brings what is on the page to what `drawing`, HTML from the server, shows.
#[cfg(feature = "hydrate")]
pub(super) fn redraw(drawn: NodeRef<html::Div>, drawing: &str) {
    if let Some(drawn) = drawn.get_untracked() {
        super::patch::redraw(&drawn, drawing);
    }
}

#[cfg(not(feature = "hydrate"))]
pub(super) fn redraw(_drawn: NodeRef<html::Div>, _drawing: &str) {}
