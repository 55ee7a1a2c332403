//! The commands that show a log in a terminal, which follow the filter as it is typed.

use crate::{
    address,
    follow::{self, Following, Heard, Message, follow},
    islands::live::redraw,
};
use leptos::{html, prelude::*};

/// What the server drew for `filter`, and what it draws for another one. A filter that is wrong changes nothing.
#[island]
pub(crate) fn LogCommands(
    service: String,
    environment: String,
    filter: String,
    children: Children,
) -> impl IntoView {
    let commands = Commands {
        topic: StoredValue::new(format!("log-commands/{service}/{environment}?filter=")),
        drawn: NodeRef::new(),
        stream: StoredValue::new(None),
    };
    commands.show(&filter);
    follow_typing(commands);
    view! { <div node_ref=commands.drawn>{children()}</div> }
}

#[derive(Clone, Copy)]
struct Commands {
    /// Without the filter.
    topic: StoredValue<String>,
    drawn: NodeRef<html::Div>,
    stream: StoredValue<Option<Following>>,
}

impl Commands {
    fn show(self, filter: &str) {
        if let Some(before) = self.stream.get_value() {
            follow::stop(before);
        }
        let topic = format!("{}{}", self.topic.get_value(), address::encoded(filter));
        let stream = follow(&topic, move |heard: Heard<String>| {
            if let Heard::Message(Message::Now(drawing), _) = heard {
                redraw(self.drawn, &drawing);
            }
        });
        self.stream.set_value(Some(stream));
    }
}

/// The filter's field is another island's, so what is typed is heard at the window.
#[cfg(feature = "hydrate")]
fn follow_typing(commands: Commands) {
    use std::cell::RefCell;
    use std::time::Duration;
    use wasm_bindgen::JsCast;
    let show =
        RefCell::new(debounce(Duration::from_millis(250), move |filter: String| commands.show(&filter)));
    window_event_listener(leptos::ev::input, move |event| {
        let field = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
        if let Some(field) = field.filter(|field| field.id() == "filter") {
            (show.borrow_mut())(field.value());
        }
    });
}

#[cfg(not(feature = "hydrate"))]
fn follow_typing(_commands: Commands) {}
