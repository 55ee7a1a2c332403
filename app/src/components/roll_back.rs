//! The way back to an earlier deploy.

use crate::address;
use leptos::prelude::*;

/// The button that leads to the preview of going back to a deploy: its number, and the commit that it brought.
pub(crate) fn roll_back(service: &str, environment: &str, to: (i64, String)) -> impl IntoView + use<> {
    let (number, commit) = to;
    view! { <a class="button" href=address::roll_back(service, environment, number)>"Roll back to " {commit}</a> }
}
