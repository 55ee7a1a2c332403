//! The commands that show a log in a terminal, which follow what is asked for.

use crate::{
    follow::{self, Following, Heard, Message, follow},
    islands::live::redraw,
    model::LogAsked,
};
use leptos::{html, prelude::*};

/// What the server drew for what the address asks for, and what it draws once that asks for something else. What is wrong changes
/// nothing.
#[island]
pub(crate) fn LogCommands(service: String, environment: String, children: Children) -> impl IntoView {
    let commands = Commands {
        topic: StoredValue::new(format!("log-commands/{service}/{environment}")),
        drawn: NodeRef::new(),
        stream: StoredValue::new(None),
    };
    commands.show();
    // The log view says so when it has changed the address.
    let _ = window_event_listener_untyped("log-asked", move |_| commands.show());
    view! { <div node_ref=commands.drawn>{children()}</div> }
}

#[derive(Clone, Copy)]
struct Commands {
    /// Without what is asked for.
    topic: StoredValue<String>,
    drawn: NodeRef<html::Div>,
    stream: StoredValue<Option<Following>>,
}

impl Commands {
    fn show(self) {
        if let Some(before) = self.stream.get_value() {
            follow::stop(before);
        }
        let topic = format!("{}?{}", self.topic.get_value(), LogAsked::of_address().query());
        let stream = follow(&topic, move |heard: Heard<String>| {
            if let Heard::Message(Message::Now(drawing), _) = heard {
                redraw(self.drawn, &drawing);
            }
        });
        self.stream.set_value(Some(stream));
    }
}
