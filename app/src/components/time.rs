//! Times: relative in the text, exact in the title; the browser keeps the text true.

use crate::clock;
use leptos::prelude::*;

/// *2 min ago*.
pub(crate) fn ago(at: i64) -> impl IntoView + use<> {
    view! {
        <time datetime=clock::machine(at) title=clock::exact(at) data-ago=at.to_string()>
            {clock::ago(clock::now() - at)}
        </time>
    }
}

/// How long something has lasted that isn't over: *42 s*, counting.
pub(crate) fn since(at: i64) -> impl IntoView + use<> {
    view! {
        <time datetime=clock::machine(at) title=format!("since {}", clock::exact(at)) data-since=at.to_string()>
            {clock::lasting_still(clock::now() - at)}
        </time>
    }
}

/// How long something took, or has lasted while it isn't over; nothing before it began.
pub(crate) fn duration(started: Option<i64>, finished: Option<i64>) -> impl IntoView + use<> {
    match (started, finished) {
        (Some(started), Some(finished)) => view! {
            <span class="number" title=format!("{} to {}", clock::exact(started), clock::exact(finished))>
                {clock::lasting(finished - started)}
            </span>
        }
        .into_any(),
        (Some(started), None) => since(started).into_any(),
        (None, _) => ().into_any(),
    }
}
