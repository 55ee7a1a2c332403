//! *Show the command*.

use leptos::prelude::*;

/// The command that shows the same facts or does the same thing, folded.
pub(crate) fn command(line: String) -> impl IntoView + use<> {
    view! {
        <details class="command">
            <summary>"Show the command"</summary>
            {copyable("$ ", line)}
        </details>
    }
}

/// A line to copy.
pub(crate) fn copyable(prompt: &'static str, line: String) -> impl IntoView + use<> {
    let prompt =
        (!prompt.is_empty()).then(|| view! { <span class="prompt" aria-hidden="true">{prompt}</span> });
    view! {
        <div class="copyable">
            <code tabindex="0">{prompt} {line.clone()}</code>
            <button type="button" class="copy" data-copy=line>"Copy"</button>
        </div>
    }
}
