//! What needs a page to act on.

use super::{
    HeldLines, Histogram, Log,
    entry::{Entry, Source},
    reading::Reading,
    rows,
    screen::{Places, Screen},
};
use crate::follow::call;
use fairway_domain::Level;
use js_sys::Array;
use leptos::{
    ev::{KeyboardEvent, MouseEvent, PointerEvent},
    html,
    prelude::*,
};
use std::{cmp::Ordering, time::Duration};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};

impl Log {
    /// Forgets what is held and what is drawn of it.
    pub(super) fn clear(self) {
        self.held.update_value(|held| *held = HeldLines::default());
        self.screen.update_value(Screen::clear);
        self.below.set(0);
        self.halted.set(false);
        self.redraw();
    }

    /// Draws once a frame, however many messages come in it.
    pub(super) fn redraw(self) {
        if self.screen.try_update_value(|screen| std::mem::replace(&mut screen.is_due, true)) != Some(false) {
            return;
        }
        request_animation_frame(move || {
            self.screen.update_value(|screen| screen.is_due = false);
            self.version.update(|version| *version += 1);
            self.paint();
        });
    }

    fn paint(self) {
        let following = self.following.get_untracked();
        let reading = self.reading.get_untracked();
        self.on_screen(|screen, held, places| screen.paint(held, places, following, reading));
    }

    fn on_screen<T>(self, act: impl FnOnce(&mut Screen, &mut HeldLines, &Places) -> T) -> Option<T> {
        let places = Places {
            list: self.list.get_untracked()?.into(),
            room: self.room.get_untracked()?.into(),
            drawn: self.drawn.get_untracked()?.into(),
        };
        self.held
            .try_update_value(|held| self.screen.try_update_value(|screen| act(screen, held, &places)))?
    }

    pub(super) fn first_in_sight(self) -> usize {
        self.screen.with_value(Screen::first)
    }

    pub(super) fn inserted(self, numbers: &[usize]) {
        self.screen.update_value(|screen| screen.inserted(numbers));
    }

    /// Pauses when the reader scrolls up from the end, and follows again when they scroll down to it: lines that come quicker than they
    /// are drawn move the end away too, and are no reason to stop.
    pub(super) fn scrolled(self) {
        let moved = self.on_screen(|screen, held, places| screen.scrolled(held, &places.list));
        match (moved, self.following.get_untracked()) {
            (Some((Ordering::Greater, true)), false) => self.set_following(true),
            (Some((Ordering::Less, false)), true) => self.following.set(false),
            _ => {}
        }
        self.paint();
    }

    /// A click on a row opens or closes it, one on a button of it does what that says. To mark text is no click.
    pub(super) fn clicked(self, event: &MouseEvent) {
        let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
            return;
        };
        let Some(number) = self.screen.with_value(|screen| screen.number_of(&target)) else { return };
        let act = target.closest("[data-act]").ok().flatten();
        if let Some(button) = act {
            let copied = match button.get_attribute("data-act").as_deref() {
                Some("json") => Copied::Json,
                Some("link") => Copied::Link,
                _ => Copied::Text,
            };
            return self.copy(number, copied, Some(&button));
        }
        let marked =
            window().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed());
        if marked || target.closest(".detail").ok().flatten().is_some() {
            return;
        }
        self.select(number);
        self.toggle(number);
    }

    fn toggle(self, number: usize) {
        self.following.set(false);
        self.held.update_value(|held| held.toggle(number));
        self.redraw();
    }

    fn copy(self, number: usize, what: Copied, button: Option<&Element>) {
        let entry = |make: fn(&Entry, &Source) -> Option<String>| {
            self.held.with_value(|held| {
                let entry = held.get(number)?;
                make(entry, held.source_of(entry)?)
            })
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
    fn select(self, number: usize) {
        let seen = self.on_screen(|screen, held, places| screen.shows(held, &places.list, number));
        if seen == Some(false) {
            self.show(number);
        }
        self.mean(Some(number));
        if let Some(row) = self.screen.with_value(|screen| screen.row(number).cloned()) {
            focus(&row);
        }
    }

    /// Says which line is meant, in the list and in the address.
    pub(super) fn mean(self, number: Option<usize>) {
        if self.screen.try_update_value(|screen| screen.select(number)) != Some(true) {
            return;
        }
        let place = self.held.with_value(|held| {
            let entry = held.get(number?)?;
            held.source_of(entry)?.place(entry)
        });
        let at = place.map(|place| place.to_string()).unwrap_or_default();
        self.feed.update_value(|feed| feed.asked.at = at);
        self.remember();
    }

    /// Shows the line that the address means once it has come; or its time, where the line doesn't match or is gone.
    pub(super) fn look(self) {
        let Ok(place) = self.feed.with_value(|feed| feed.asked.at.parse()) else { return };
        let Some((number, found)) = self.held.with_value(|held| held.find(place)) else { return };
        self.feed.update_value(|feed| feed.looking = false);
        self.show(number);
        if found {
            self.select(number);
        } else {
            self.note.set(Some("The line of this address isn't among these: this is its time".to_owned()));
        }
    }

    /// Goes to what was written from a time on.
    pub(super) fn go_to(self, at: i64) {
        if let Some(number) = self.held.with_value(|held| held.at(at)) {
            self.show(number);
        }
    }

    /// Brings an entry into the upper part of the list.
    fn show(self, number: usize) {
        self.following.set(false);
        self.on_screen(|screen, held, places| {
            let above = places.list.client_height().unsigned_abs() / 3;
            screen.go(held, number, above);
        });
        self.paint();
    }

    /// Puts what is seen into the address, so that it can be linked to.
    pub(super) fn remember(self) {
        let search = window().location().search().unwrap_or_default();
        let environment =
            search.trim_start_matches('?').split('&').find(|pair| pair.starts_with("environment="));
        let query = self.feed.with_value(|feed| feed.asked.query());
        let said: Vec<&str> =
            environment.into_iter().chain([&*query]).filter(|part| !part.is_empty()).collect();
        if let Ok(history) = window().history() {
            let address = format!("?{}", said.join("&"));
            history.replace_state_with_url(&JsValue::NULL, "", Some(&address)).ok();
        }
    }

    fn to_start(self) {
        self.following.set(false);
        self.on_screen(|screen, held, _| screen.go(held, held.first(), 0));
        self.redraw();
    }

    /// Selects the next entry in a direction that is one of those.
    fn step(self, forwards: bool, wanted: fn(&Entry) -> bool) {
        let found = self.on_screen(|screen, held, _| {
            let from =
                screen.selected.unwrap_or_else(|| if forwards { screen.first() } else { screen.last(held) });
            let mut after = held.iter_from((from + 1).saturating_sub(held.first()));
            let mut before = held.iter_back(from.saturating_sub(held.first()));
            let which = |(_, entry): &(usize, &Entry)| wanted(entry);
            let found = if forwards { after.find(which) } else { before.find(which) };
            found.map(|(number, _)| number)
        });
        if let Some(number) = found.flatten() {
            self.following.set(false);
            self.select(number);
        }
    }

    fn selected(self) -> Option<usize> {
        self.screen.with_value(|screen| screen.selected)
    }

    /// Does what a key stands for; whether it stands for anything.
    fn press(self, key: &str, filter: NodeRef<html::Input>, keys: NodeRef<html::Details>) -> Option<()> {
        let failed = |entry: &Entry| entry.level >= Level::Error;
        match key {
            "/" => filter.get_untracked()?.focus().ok()?,
            " " => self.set_following(!self.following.get_untracked()),
            "g" => self.to_start(),
            "G" => self.set_following(true),
            "j" => self.step(true, |_| true),
            "k" => self.step(false, |_| true),
            "n" => self.step(true, failed),
            "N" => self.step(false, failed),
            "Enter" => self.toggle(self.selected()?),
            "c" => self.copy(self.selected()?, Copied::Text, None),
            "Escape" => self.mean(None),
            "?" => keys.get_untracked().map(|keys| keys.set_open(!keys.open()))?,
            "w" => self.read_as(|reading| reading.wrap = !reading.wrap),
            _ => return None,
        }
        Some(())
    }
}

/// What of an entry is copied.
enum Copied {
    Text,
    Json,
    /// The address that leads to it.
    Link,
}

fn focus(element: &HtmlElement) {
    let options = web_sys::FocusOptions::new();
    options.set_prevent_scroll(true);
    element.focus_with_options(&options).ok();
}

/// Keys act unless somebody types or has a control of the page in hand. What is seen follows the window's size and the clock.
pub(super) fn listen(log: Log, filter: NodeRef<html::Input>, keys: NodeRef<html::Details>) {
    window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
        let typing =
            event.target().and_then(|target| target.dyn_into::<Element>().ok()).is_some_and(|element| {
                ["INPUT", "TEXTAREA", "SELECT", "BUTTON", "SUMMARY", "A"]
                    .contains(&element.tag_name().as_str())
            });
        let with = event.ctrl_key() || event.meta_key() || event.alt_key();
        if !typing && !with && log.press(&event.key(), filter, keys).is_some() {
            event.prevent_default();
        }
    });
    // Once the page is alive as the server drew it.
    Effect::new(move || {
        log.reading.set(Reading::kept());
        log.redraw();
    });
    window_event_listener(leptos::ev::resize, move |_| log.redraw());
    let drawn = StoredValue::new(0);
    set_interval(
        move || {
            let version = log.version.get_untracked();
            if drawn.get_value() != version {
                drawn.set_value(version);
                log.histogram.set(log.held.with_value(Histogram::of));
            }
        },
        Duration::from_secs(1),
    );
}

/// Where in an element's width a pointer is, as a part of it.
pub(super) fn part(event: &PointerEvent) -> f64 {
    let width = element(event).map_or(1, |element| element.client_width().max(1));
    f64::from(event.offset_x()) / f64::from(width)
}

/// Hears of a pointer also where it leaves the element.
pub(super) fn hold(event: &PointerEvent) {
    if let Some(element) = element(event) {
        element.set_pointer_capture(event.pointer_id()).ok();
    }
}

fn element(event: &PointerEvent) -> Option<Element> {
    event.current_target()?.dyn_into().ok()
}
