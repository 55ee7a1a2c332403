//! What stands where there is no page.

use crate::request::{Trouble, page};
use leptos::prelude::*;

/// There is no such page.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    page(|_| async { Err(Trouble::NotFound) })
}
