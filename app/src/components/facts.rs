//! Terms and what is known of each.

use leptos::prelude::*;

/// A list of terms, each with its value.
pub(crate) fn facts(facts: Vec<(&'static str, AnyView)>) -> impl IntoView + use<> {
    let rows = facts
        .into_iter()
        .map(|(term, value)| view! { <div><dt>{term}</dt><dd>{value}</dd></div> })
        .collect_view();
    view! { <dl class="facts">{rows}</dl> }
}
