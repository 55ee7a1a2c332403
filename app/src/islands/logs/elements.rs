//! What the server drew of a log, and how it is changed.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, Event, EventTarget, HtmlDetailsElement, HtmlElement, HtmlInputElement};

/// The elements that change, by their classes.
pub(super) struct Elements {
    pub(super) root: Element,
    pub(super) filter: HtmlInputElement,
    pub(super) since: HtmlInputElement,
    /// From when, and until when.
    pub(super) range: [HtmlInputElement; 2],
    /// What opens the menu with these.
    pub(super) range_menu: Element,
    pub(super) wrap: HtmlInputElement,
    pub(super) times: HtmlInputElement,
    pub(super) keys: HtmlDetailsElement,
    pub(super) follow: HtmlElement,
    pub(super) error: HtmlElement,
    pub(super) histogram: HtmlElement,
    /// What scrolls, the room that all rows would take in it, and what holds the rows that are drawn.
    pub(super) list: HtmlElement,
    pub(super) room: HtmlElement,
    pub(super) drawn: HtmlElement,
    /// What stands there where no line matches.
    pub(super) none: HtmlElement,
    pub(super) account: HtmlElement,
    pub(super) search: HtmlElement,
    /// The menu of terms, as far as it depends on the lines.
    pub(super) sources: HtmlElement,
    pub(super) announcement: HtmlElement,
}

impl Elements {
    /// Those in an element. A `select` has all of an input that is used here.
    pub(super) fn of(root: &Element) -> Option<Self> {
        let one = |selector: &str| root.query_selector(selector).ok().flatten();
        let input = |selector: &str| one(selector).map(JsCast::unchecked_into);
        let element = |selector: &str| one(selector).map(JsCast::unchecked_into);
        Some(Self {
            root: root.clone(),
            filter: input("#filter")?,
            since: input("[name=since]")?,
            range: [input("[name=from]")?, input("[name=until]")?],
            range_menu: one(".range summary")?,
            wrap: input(".wrap-lines")?,
            times: input(".times")?,
            keys: one(".log-keys")?.unchecked_into(),
            follow: element(".follow")?,
            error: element(".field-error")?,
            histogram: element(".histogram")?,
            list: element(".log-list")?,
            room: element(".log-height")?,
            drawn: element(".log-rows")?,
            none: element(".log-none")?,
            account: element(".account")?,
            search: element(".search")?,
            sources: element(".sources")?,
            announcement: element(".announcement")?,
        })
    }
}

/// Shows a text where another stood.
pub(super) fn say(element: &Element, text: &str) {
    if element.text_content().as_deref() != Some(text) {
        element.set_text_content(Some(text));
    }
}

/// Shows a text, or nothing at all.
pub(super) fn offer(element: &HtmlElement, text: Option<&str>) {
    say(element, text.unwrap_or_default());
    element.set_hidden(text.is_none());
}

pub(super) fn class(element: &Element, class: &str, is: bool) {
    element.class_list().toggle_with_force(class, is).ok();
}

/// Hears an event for as long as the page is there.
pub(super) fn on(target: &EventTarget, name: &str, heard: impl FnMut(Event) + 'static) {
    let heard = Closure::<dyn FnMut(Event)>::new(heard);
    target.add_event_listener_with_callback(name, heard.as_ref().unchecked_ref()).ok();
    heard.forget();
}
