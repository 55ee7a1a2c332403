//! The pages' islands, as the one WebAssembly bundle that a browser loads.

use wasm_bindgen::prelude::wasm_bindgen;

/// Makes ready for islands to be brought to life; `boot.js` calls it, then each island of the page.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
    fairway_app::keep_times_true();
}
