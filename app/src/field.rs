//! What stands at a form's fields.

use leptos::prelude::*;

/// The hidden field that proves that a form came from a page of Fairway's.
pub(crate) fn csrf(token: String) -> impl IntoView + use<> {
    view! { <input type="hidden" name="csrf" value=token/> }
}

/// The error at a field; empty while there is none, so that a reader that watches the place hears it come.
pub(crate) fn error_of(field: &'static str, message: Option<String>) -> impl IntoView + use<> {
    view! {
        <p class="field-error" id=format!("{field}-error") role="status">
            {message
                .map(|message| view! { <span class="shape" aria-hidden="true">"▲"</span> " " {message} })}
        </p>
    }
}

/// What a field is for.
pub(crate) fn hint_of(field: &'static str, hint: &'static str) -> impl IntoView + use<> {
    view! { <p class="hint" id=format!("{field}-hint")>{hint}</p> }
}
