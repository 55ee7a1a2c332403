//! Terms of the filter that needn't be typed: levels, pods, containers and revisions.

use super::{
    elements::say,
    view::View,
    written::{terms, toggled},
};
use leptos::prelude::document;
use web_sys::Element;

/// How many are offered.
const MOST: usize = 100;

impl View {
    /// Puts a term into the filter in the place of one of the same name, or takes it out.
    pub(super) fn toggle_term(&'static self, term: &str) {
        let filter = toggled(&self.page.filter.value(), term);
        self.ask(|asked| asked.filter = filter);
        self.press_terms();
    }

    /// Offers those whose lines this page has seen.
    pub(super) fn name_sources(&self) {
        let known = &mut *self.known.borrow_mut();
        let before = known.len();
        for source in self.held.borrow().sources().iter().filter(|source| !source.pod.is_empty()) {
            let revision = source.revision.map(|revision| revision.to_string());
            let terms = [
                ("container:", Some(&*source.container)),
                ("pod:", Some(source.short_pod())),
                ("revision:", revision.as_deref()),
            ];
            for (name, value) in terms {
                let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
                let term = [name, value].concat();
                let place = known.partition_point(|known| *known < term);
                if known.get(place) != Some(&term) && known.len() < MOST {
                    known.insert(place, term);
                }
            }
        }
        if known.len() > before {
            self.page.sources.set_text_content(None);
            for term in known {
                self.offer_term(term);
            }
        }
        self.press_terms();
    }

    fn offer_term(&self, term: &str) -> Option<()> {
        let button = document().create_element("button").ok()?;
        button.set_attribute("type", "button").ok()?;
        button.set_attribute("data-term", term).ok()?;
        say(&button, term);
        self.page.sources.append_child(&button).ok()?;
        Some(())
    }

    /// Shows which terms the filter has.
    fn press_terms(&self) {
        let filter = self.page.filter.value();
        let Ok(buttons) = self.page.root.query_selector_all("[data-term]") else { return };
        for place in 0..buttons.length() {
            let Some(node) = buttons.item(place) else { continue };
            let button: Element = wasm_bindgen::JsCast::unchecked_into(node);
            let term = button.get_attribute("data-term");
            let has = terms(&filter).any(|other| Some(other) == term.as_deref());
            button.set_attribute("aria-pressed", if has { "true" } else { "false" }).ok();
        }
    }
}
