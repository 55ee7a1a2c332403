//! Which keys, in words.

use fairway_domain::PurgeSelection;
use leptos::prelude::*;

/// *keys matching `session:*` of type hash*: what somebody typed is told apart from the sentence around it.
pub(crate) fn selection(selection: &PurgeSelection) -> impl IntoView + use<> {
    let named = selection.named().map(|names| view! { " " <code>{names}</code> });
    view! { {selection.which()} {named} {selection.filter.to_string()} }
}
