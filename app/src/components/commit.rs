//! A commit in one line.

use crate::{components::time, model::CommitView};
use leptos::prelude::*;

/// Id, message, author and age.
pub(crate) fn commit(commit: &CommitView) -> impl IntoView + use<> {
    view! {
        <span class="commit">
            <code title=commit.sha.clone()>{commit.short.clone()}</code>
            <span class="subject" title=commit.subject.clone()>{commit.subject.clone()}</span>
            <span class="quiet">{commit.author.clone()} ", " {time::ago(commit.at)}</span>
        </span>
    }
}
