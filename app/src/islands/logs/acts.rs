//! What a reader does with the lines, by pointer and by keys.

use super::{
    entry::{Entry, Source},
    heights::ROW,
    rows,
    view::View,
};
use crate::follow::call;
use fairway_domain::Level;
use js_sys::Array;
use leptos::prelude::window;
use std::cmp::Ordering;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, FocusOptions, HtmlElement, KeyboardEvent, WheelEvent};

/// What of an entry is copied.
enum Copied {
    Text,
    Json,
    /// The address that leads to it.
    Link,
}

impl View {
    /// Pauses when the reader scrolls up from the end, and follows again when they scroll down to it: lines that come quicker than they
    /// are drawn move the end away too, and are no reason to stop.
    pub(super) fn scrolled(&'static self) {
        let moved = self.screen.borrow_mut().scrolled(&self.held.borrow(), &self.page.list);
        match (moved, self.following.get()) {
            ((Ordering::Greater, left), false) if left < ROW.cast_signed() => self.set_following(true),
            // By however little: a wheel begins slowly, and would be stopped by being led back to the end. What a higher window moves
            // stays there, but for the fractions that a zoomed page is rounded by.
            ((Ordering::Less, 2..), true) => {
                self.following.set(false);
                self.redraw();
            }
            _ => {}
        }
        self.paint();
    }

    /// Pauses as soon as a wheel is turned upwards: the list may be led to its end before the turn has moved it.
    pub(super) fn turned(&'static self, event: &WheelEvent) {
        // Without keys, which make a wheel do something else.
        if event.delta_y() < 0.0 && !event.ctrl_key() && !event.shift_key() {
            self.begin_to_scroll_up(event);
        }
    }

    fn begin_to_scroll_up(&'static self, event: &Event) {
        let list = &self.page.list;
        let target = event.target().and_then(|target| target.dyn_into().ok());
        if self.following.get() && list.scroll_top() > 0 && list.contains(target.as_ref()) {
            self.set_following(false);
        }
    }

    /// A click on a row opens or closes it, one on a button of it does what that says. To mark text is no click.
    pub(super) fn clicked(&'static self, target: &Element) {
        if self.clicked_tool(target) {
            return;
        }
        let Some(number) = self.screen.borrow().number_of(target) else { return };
        let inside = |selector: &str| target.closest(selector).ok().flatten();
        if let Some(button) = inside("[data-act]") {
            let copied = match button.get_attribute("data-act").as_deref() {
                Some("json") => Copied::Json,
                Some("link") => Copied::Link,
                _ => Copied::Text,
            };
            return self.copy(number, &copied, Some(&button));
        }
        let marked =
            window().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed());
        if !marked && inside(".detail").is_none() {
            self.select(number);
            self.toggle(number);
        }
    }

    fn toggle(&'static self, number: usize) {
        self.following.set(false);
        self.held.borrow_mut().toggle(number);
        // How high it is now is known once it is drawn.
        self.paint();
        self.screen.borrow_mut().reveal(&self.held.borrow(), &self.page.list, number);
        self.paint();
        self.redraw();
    }

    fn copy(&self, number: usize, what: &Copied, button: Option<&Element>) {
        let entry = |make: fn(&Entry, &Source) -> Option<String>| {
            let held = self.held.borrow();
            let entry = held.get(number)?;
            make(entry, held.source_of(entry)?)
        };
        let text = match what {
            Copied::Text => entry(|entry, source| Some(rows::as_text(entry, source))),
            Copied::Json => entry(rows::as_json),
            Copied::Link => {
                self.mean(Some(number));
                window().location().href().ok()
            }
        };
        if let Some(text) = text {
            let button = button.map_or(JsValue::UNDEFINED, Into::into);
            call("copy", &Array::of2(&text.into(), &button)).ok();
        }
    }

    /// Marks an entry as the one that is meant, and brings it into sight.
    fn select(&'static self, number: usize) {
        let seen = self.screen.borrow().shows(&self.held.borrow(), &self.page.list, number);
        if !seen {
            self.show(number);
        }
        self.mean(Some(number));
        let row = self.screen.borrow().row(number).cloned();
        if let Some(row) = row {
            focus(&row);
        }
    }

    /// Says which line is meant, in the list and in the address.
    pub(super) fn mean(&self, number: Option<usize>) {
        if !self.screen.borrow_mut().select(number) {
            return;
        }
        let place = number.and_then(|number| {
            let held = self.held.borrow();
            let entry = held.get(number)?;
            held.source_of(entry)?.place(entry)
        });
        self.feed.borrow_mut().asked.at = place.map(|place| place.to_string()).unwrap_or_default();
        self.remember();
    }

    /// Shows the line that the address means once it has come; or its time, where the line doesn't match or is gone.
    pub(super) fn look(&'static self) {
        let Ok(place) = self.feed.borrow().asked.at.parse() else { return };
        let Some((number, found)) = self.held.borrow().find(place) else { return };
        self.feed.borrow_mut().looking = false;
        self.show(number);
        if found {
            self.select(number);
        } else {
            self.remark(Some("The line of this address isn't among these: this is its time".to_owned()));
        }
    }

    /// Goes to what was written from a time on.
    pub(super) fn go_to(&'static self, at: i64) {
        let number = self.held.borrow().at(at);
        if let Some(number) = number {
            self.show(number);
        }
    }

    /// Brings an entry into the upper part of the list.
    fn show(&'static self, number: usize) {
        self.following.set(false);
        let above = self.page.list.client_height().unsigned_abs() / 3;
        self.screen.borrow_mut().go(&self.held.borrow(), number, above);
        self.paint();
        self.redraw();
    }

    fn to_start(&'static self) {
        self.following.set(false);
        {
            let held = self.held.borrow();
            self.screen.borrow_mut().go(&held, held.first(), 0);
        }
        self.redraw();
    }

    /// Selects the next entry in a direction that is one of those.
    fn step(&'static self, forwards: bool, wanted: fn(&Entry) -> bool) {
        let found = {
            let (held, screen) = (self.held.borrow(), self.screen.borrow());
            let first = || if forwards { screen.first() } else { screen.last(&held) };
            let from = screen.selected.unwrap_or_else(first);
            let mut after = held.iter_from((from + 1).saturating_sub(held.first()));
            let mut before = held.iter_back(from.saturating_sub(held.first()));
            let which = |(_, entry): &(usize, &Entry)| wanted(entry);
            if forwards { after.find(which) } else { before.find(which) }.map(|(number, _)| number)
        };
        if let Some(number) = found {
            self.following.set(false);
            self.select(number);
        }
    }

    /// Keys act unless somebody types, or has something in hand that is pressed with them.
    pub(super) fn key(&'static self, event: &KeyboardEvent) {
        const TYPED: &str = "input:not([type=checkbox]),textarea,select";
        const PRESSED: &str = "input,button,summary,a";
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let is = |which: &str| target.as_ref().is_some_and(|element| element.matches(which) == Ok(true));
        let key = event.key();
        let its_own = is(TYPED) || (matches!(&*key, " " | "Enter") && is(PRESSED));
        let with = event.ctrl_key() || event.meta_key() || event.alt_key();
        // The browser scrolls by these.
        if matches!(&*key, "ArrowUp" | "PageUp" | "Home") {
            return self.begin_to_scroll_up(event);
        }
        if !its_own && !with && self.press(&key).is_some() {
            event.prevent_default();
        }
    }

    /// Does what a key stands for; whether it stands for anything.
    fn press(&'static self, key: &str) -> Option<()> {
        let selected = || self.screen.borrow().selected;
        // With a filter, what matches; without one, what went wrong.
        let wanted: fn(&Entry) -> bool = if self.feed.borrow().asked.filter.trim().is_empty() {
            |entry| entry.level >= Level::Error
        } else {
            |entry| entry.marker.is_none()
        };
        match key {
            "/" => self.page.filter.focus().ok()?,
            " " => self.set_following(!self.following.get()),
            "g" => self.to_start(),
            "G" => self.set_following(true),
            "j" => self.step(true, |_| true),
            "k" => self.step(false, |_| true),
            "n" => self.step(true, wanted),
            "N" => self.step(false, wanted),
            "Enter" => self.toggle(selected()?),
            "c" => self.copy(selected()?, &Copied::Text, None),
            "Escape" => self.mean(None),
            "?" => self.page.keys.set_open(!self.page.keys.open()),
            "w" => self.read_as(|reading| reading.wrap = !reading.wrap),
            _ => return None,
        }
        Some(())
    }
}

fn focus(element: &HtmlElement) {
    let options = FocusOptions::new();
    options.set_prevent_scroll(true);
    element.focus_with_options(&options).ok();
}
