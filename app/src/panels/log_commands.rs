//! The commands that show a log in a terminal.

use crate::components::copyable;
use fairway_portal::{Equivalent, LogCommands};
use leptos::prelude::*;

/// `kubectl` and `stern`, each with what it can't say.
pub(crate) fn log_commands(commands: &LogCommands) -> impl IntoView + use<> {
    view! {
        {command(&commands.kubectl)}
        {command(&commands.stern)}
    }
}

fn command(equivalent: &Equivalent) -> impl IntoView + use<> {
    let unsaid = (!equivalent.unsaid.is_empty()).then(|| {
        let terms = equivalent.unsaid.join(", ");
        view! { <p class="quiet">"Shows more: it can't say " <code>{terms}</code> "."</p> }
    });
    view! {
        {copyable("$ ", equivalent.command.to_string())}
        {unsaid}
    }
}
