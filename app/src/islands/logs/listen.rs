//! What a reader does with the page besides its lines.

use super::{
    elements::on,
    histogram::{BARS, HEIGHT, Histogram},
    reading::Times,
    view::View,
};
use crate::clock;
use leptos::prelude::{debounce, document, set_interval, window};
use std::{cell::Cell, time::Duration};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlInputElement, PointerEvent};

impl View {
    /// From now on, hears what a reader does. What is seen follows the window's size and the clock.
    pub(super) fn listen(&'static self) {
        let page = &self.page;
        let mut read = debounce(Duration::from_millis(250), move |()| self.read_asked());
        on(&page.filter, "input", move |_| {
            self.typed();
            read(());
        });
        on(&page.root, "change", move |event| {
            if let Some(field) = event.target() {
                self.changed(field.unchecked_ref());
            }
        });
        on(&page.root, "click", move |event| {
            if let Some(target) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) {
                self.clicked(&target);
            }
        });
        on(&page.list, "scroll", move |_| self.scrolled());
        // Heard at the window, where the browser scrolls without waiting for who hears it.
        on(&window(), "wheel", move |event| self.turned(event.unchecked_ref()));
        self.listen_to_histogram();
        on(&window(), "keydown", move |event| self.key(event.unchecked_ref()));
        // What was typed is asked for already: Enter leads to the lines.
        if let Some(form) = document().get_element_by_id("log-filter") {
            on(&form, "submit", move |event| {
                event.prevent_default();
                page.list.focus().ok();
            });
        }
        on(&window(), "resize", move |_| self.redraw());
        let draw = move || {
            if !self.held.borrow().is_asking() && self.news.replace(false) {
                self.draw_histogram();
                self.name_sources();
            }
        };
        set_interval(draw, Duration::from_secs(1));
    }

    fn changed(&'static self, field: &HtmlInputElement) {
        let value = field.value();
        match (&*field.name(), &*field.class_name()) {
            ("since", _) => self.ask(|asked| asked.since = value),
            ("from", _) => self.ask(|asked| asked.from = value),
            ("until", _) => self.ask(|asked| asked.until = value),
            (_, "wrap-lines") => self.read_as(|reading| reading.wrap = field.checked()),
            (_, "times") => self.read_as(|reading| reading.times = Times::named(&value)),
            _ => {}
        }
    }

    /// A click on something that isn't a line; whether it was one.
    pub(super) fn clicked_tool(&'static self, target: &Element) -> bool {
        let inside = |selector: &str| target.closest(selector).ok().flatten().is_some();
        if let Some(term) = target.closest("[data-term]").ok().flatten() {
            self.toggle_term(&term.get_attribute("data-term").unwrap_or_default());
        } else if inside(".search") {
            self.press_search();
        } else if inside(".follow") {
            self.set_following(!self.following.get());
        } else if inside(".download summary") {
            self.name_downloads();
        } else {
            return false;
        }
        true
    }

    /// What the links to files lead to is made when they are shown.
    fn name_downloads(&self) {
        let [shown, everything] = self.downloads();
        let Ok(links) = self.page.root.query_selector_all(".download a") else { return };
        for place in 0..links.length() {
            let Some(link) = links.item(place).and_then(|node| node.dyn_into::<Element>().ok()) else {
                continue;
            };
            let asked = if link.has_attribute("data-all") { &everything } else { &shown };
            let to = link.get_attribute("data-to").unwrap_or_default();
            link.set_attribute("href", &(to + &asked.query())).ok();
        }
    }

    /// A click leads to a time, a drag asks for a range.
    fn listen_to_histogram(&'static self) {
        // Where a pointer went down, as a part of the width.
        let begun: &'static Cell<Option<f64>> = Box::leak(Box::default());
        let hear = |name: &str, act: fn(&'static Self, &'static Cell<Option<f64>>, &PointerEvent)| {
            on(&self.page.histogram, name, move |event: Event| act(self, begun, event.unchecked_ref()));
        };
        hear("pointerdown", |view, begun, event| {
            // It is heard of also where it leaves the element.
            view.page.histogram.set_pointer_capture(event.pointer_id()).ok();
            begun.set(Some(view.part(event)));
        });
        hear("pointermove", |view, begun, event| {
            if let Some(from) = begun.get() {
                view.draw_selection(Some((from, view.part(event))));
            }
        });
        hear("pointerup", |view, begun, event| {
            view.draw_selection(None);
            if let Some(from) = begun.take() {
                let until = view.part(event);
                view.selected_time(from.min(until), from.max(until));
            }
        });
        hear("pointercancel", |view, begun, _| {
            begun.set(None);
            view.draw_selection(None);
        });
    }

    /// Where in the histogram's width a pointer is, as a part of it.
    fn part(&self, event: &PointerEvent) -> f64 {
        f64::from(event.offset_x()) / f64::from(self.page.histogram.client_width().max(1))
    }

    /// A part of the histogram's width was drawn over, or clicked at: the time that it stands for is asked for, or gone to.
    fn selected_time(&'static self, from: f64, until: f64) {
        let (begin, end) = {
            let histogram = self.histogram.borrow();
            (histogram.time(from), histogram.time(until))
        };
        if until - from < 0.01 {
            return self.go_to(begin);
        }
        // Whole seconds, as the fields of the range have them.
        let field = |at: i64| clock::machine(at).trim_end_matches('Z').to_owned();
        self.ask(|asked| {
            (asked.from, asked.until) = (field(begin), field(end + 999));
            (asked.since, asked.at) = (String::new(), String::new());
        });
    }

    fn draw_histogram(&self) {
        let histogram = Histogram::of(&self.held.borrow());
        self.page.histogram.set_hidden(histogram.is_empty());
        if let Some(picture) = self.page.histogram.first_element_child() {
            picture.set_attribute("viewBox", &format!("0 0 {BARS} {HEIGHT}")).ok();
            picture.set_attribute("aria-label", &histogram.sentence()).ok();
            let paths = picture.children();
            for kind in 0..3 {
                if let Some(path) = paths.item(kind) {
                    path.set_attribute("d", &histogram.path(kind as usize)).ok();
                }
            }
        }
        *self.histogram.borrow_mut() = histogram;
    }

    /// Shows which part of the histogram is drawn over.
    fn draw_selection(&self, drawn: Option<(f64, f64)>) {
        let Ok(Some(path)) = self.page.histogram.query_selector(".selection") else { return };
        let shape = drawn.map(|(from, until)| {
            #[allow(clippy::cast_possible_truncation)] // a part of a small width
            let x = |part: f64| (part * f64::from(BARS)) as i32;
            format!("M{0} 0H{1}V{HEIGHT}H{0}z", x(from.min(until)), x(from.max(until)) + 1)
        });
        path.set_attribute("d", &shape.unwrap_or_default()).ok();
    }
}
