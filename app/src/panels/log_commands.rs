//! The commands that show a log in a terminal.

use crate::components::copyable;
use fairway_portal::{Equivalent, LogCommands};
use leptos::prelude::*;

/// `kubectl` and `stern`, each with what it can't say, and `kubectl` again for earlier runs, which stand between the others here.
pub(crate) fn log_commands(commands: &LogCommands) -> impl IntoView + use<> {
    view! {
        {command(&commands.kubectl)}
        {command(&commands.stern)}
        <p class="quiet">"What containers wrote before their last restart, which " <code>"stern"</code> " can't show:"</p>
        {command(&commands.previous)}
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
