//! The logs of a service in an environment, live. Only the rows in sight stand in the page, so that it stays fluid however many
//! lines are held.

use crate::{
    address, clock,
    follow::{self, Following, Heard, Message, follow},
    islands::held_lines::HeldLines,
    model::{LogLineView, LogStatusView},
    words,
};
use fairway_domain::Level;
#[cfg(feature = "hydrate")]
use leptos::ev::KeyboardEvent;
use leptos::{html, prelude::*};
use std::time::Duration;

/// The height of a row in CSS pixels; the style sheet says the same.
const ROW: i32 = 20;
/// Rows that stand above and below those in sight, so that a quick scroll shows no hole.
const MARGIN: usize = 20;

/// What the view is made from.
#[derive(Clone, Copy)]
struct Log {
    held: StoredValue<HeldLines>,
    /// Counts up when the held lines changed; what is drawn depends on it.
    version: RwSignal<u64>,
    redraw_is_due: StoredValue<bool>,
    /// How far the list is scrolled and how much of it is in sight, in pixels.
    scroll: RwSignal<(i32, i32)>,
    following: RwSignal<bool>,
    below: RwSignal<u64>,
    note: RwSignal<Option<String>>,
    /// How completely the log is being read.
    reading: RwSignal<Option<LogStatusView>>,
    /// What is wrong with the filter.
    wrong: RwSignal<Option<String>>,
    /// What scrolls, the room that all rows would take in it, and the rows that are drawn.
    list: NodeRef<html::Div>,
    room: NodeRef<html::Div>,
    drawn: NodeRef<html::Div>,
    stream: StoredValue<Option<Following>>,
}

/// Lines as they come, with follow, pause and a filter.
#[island]
pub(crate) fn LogView(
    service: String,
    environment: String,
    filter: String,
    wrong: Option<String>,
) -> impl IntoView {
    let log = Log::new(wrong);
    log.read_status(&format!("log-status/{service}/{environment}"));
    let topic =
        move |filter: &str| format!("logs/{service}/{environment}?filter={}", address::encoded(filter));
    log.read(&topic(&filter));
    let mut search = debounce(Duration::from_millis(250), move |text: String| {
        log.read(&topic(&text));
        remember(&text);
    });
    lay_out(log);
    let field = NodeRef::<html::Input>::new();
    listen_for_keys(log, field);
    view! {
        <div class="log-tools">
            <label for="filter">"Filter"</label>
            <input
                id="filter"
                name="filter"
                form="log-filter"
                type="search"
                autocomplete="off"
                spellcheck="false"
                maxlength="2000"
                placeholder="timeout level>=warn -healthz"
                aria-describedby="filter-error filter-help"
                aria-invalid=move || log.wrong.get().map(|_| "true")
                aria-keyshortcuts="/"
                value=filter
                node_ref=field
                on:input=move |event| search(event_target_value(&event))
            />
            <button form="log-filter" class="without-script">"Filter"</button>
            <span class="keys-hint" aria-hidden="true">
                <kbd>"/"</kbd> " filter  " <kbd>"space"</kbd> " pause  " <kbd>"g"</kbd> " first  " <kbd>"G"</kbd> " last"
            </span>
            <button
                type="button"
                class="follow"
                aria-keyshortcuts="Space"
                on:click=move |_| log.set_following(!log.following.get_untracked())
            >
                {move || if log.following.get() { "Pause" } else { "Follow" }}
            </button>
        </div>
        <p class="field-error" id="filter-error" role="status">
            {move || {
                let wrong = log.wrong.get()?;
                Some(view! { <span class="shape" aria-hidden="true">"▲"</span> " " {wrong} })
            }}
        </p>
        <div
            class="log-list"
            role="log"
            aria-live="off"
            aria-label="Lines"
            tabindex="0"
            node_ref=log.list
            on:scroll=move |_| log.scrolled()
        >
            <div class="log-height" node_ref=log.room>
                <div class="log-rows" node_ref=log.drawn>{move || log.rows()}</div>
            </div>
        </div>
        <p class="log-status" role="status">{move || log.status()}</p>
    }
}

impl Log {
    fn new(wrong: Option<String>) -> Self {
        Self {
            held: StoredValue::new(HeldLines::default()),
            version: RwSignal::new(0),
            redraw_is_due: StoredValue::new(false),
            scroll: RwSignal::new((0, 800)),
            following: RwSignal::new(true),
            below: RwSignal::new(0),
            reading: RwSignal::new(None),
            note: RwSignal::new(Some("Connecting …".to_owned())),
            wrong: RwSignal::new(wrong),
            list: NodeRef::new(),
            room: NodeRef::new(),
            drawn: NodeRef::new(),
            stream: StoredValue::new(None),
        }
    }

    /// Forgets what is held and follows `topic`.
    fn read(self, topic: &str) {
        if let Some(before) = self.stream.get_value() {
            follow::stop(before);
        }
        self.held.set_value(HeldLines::default());
        self.version.update(|version| *version += 1);
        let stream = follow(topic, move |heard| match heard {
            Heard::Message(Message::Now(lines)) => self.take(lines),
            Heard::Message(Message::Trouble(sentence)) => self.note.set(Some(sentence)),
            Heard::Message(Message::Wrong(sentence)) => {
                self.note.set(None);
                self.wrong.set(Some(sentence));
            }
            Heard::Lost => self
                .note
                .set(Some("Connection lost: going on after the last line once it is back".to_owned())),
            Heard::Back => self.note.set(None),
        });
        self.stream.set_value(Some(stream));
    }

    /// Follows how completely the log is being read.
    fn read_status(self, topic: &str) {
        follow(topic, move |heard| {
            if let Heard::Message(Message::Now(status)) = heard {
                self.reading.set(Some(status));
            }
        });
    }

    fn take(self, lines: Vec<LogLineView>) {
        self.note.set(None);
        self.wrong.set(None);
        let came = lines.len() as u64;
        let mut went = 0;
        self.held.update_value(|held| went = held.extend(lines));
        if !self.following.get_untracked() {
            self.below.update(|below| *below += came);
            self.keep_place(went);
        }
        self.redraw();
    }

    /// Draws once a frame, however many messages come in it.
    fn redraw(self) {
        if self.redraw_is_due.get_value() {
            return;
        }
        self.redraw_is_due.set_value(true);
        request_animation_frame(move || {
            self.redraw_is_due.set_value(false);
            self.version.update(|version| *version += 1);
            // The rows have their place by the next frame; the reader may have scrolled up by then.
            request_animation_frame(move || {
                if self.following.get_untracked() {
                    self.to_end();
                }
            });
        });
    }

    fn set_following(self, following: bool) {
        self.following.set(following);
        if following {
            self.below.set(0);
            self.to_end();
        }
    }

    /// Which row is drawn first.
    fn first(self) -> usize {
        usize::try_from(self.scroll.get().0 / ROW).unwrap_or_default().saturating_sub(MARGIN)
    }

    fn rows(self) -> Vec<AnyView> {
        self.version.track();
        let rows = usize::try_from(self.scroll.get().1 / ROW).unwrap_or_default() + 2 * MARGIN;
        self.held
            .with_value(|held| held.window(self.first(), rows).map(|line| row(line).into_any()).collect())
    }

    fn status(self) -> String {
        self.version.track();
        let mut parts: Vec<String> = self.reading.get().map(|status| status.sentence()).into_iter().collect();
        parts.push(self.held.with_value(HeldLines::account));
        let below = self.below.get();
        if !self.following.get() {
            parts.push(match below {
                0 => "paused".to_owned(),
                _ => format!("paused, {} below", words::counted(below, "new line")),
            });
        }
        parts.extend(self.note.get());
        parts.join(" · ")
    }
}

fn row(line: &LogLineView) -> impl IntoView + use<> {
    let level = match line.level {
        Level::Error | Level::Fatal => "error",
        Level::Warn => "warn",
        Level::Debug | Level::Trace => "faint",
        Level::Info | Level::Unknown => "",
    };
    let marker = if line.marker.is_some() { " marker" } else { "" };
    view! {
        <div class=format!("row {level}{marker}")>
            <time title=clock::exact(line.at)>{clock::time_of_day_exact(line.at)}</time>
            <span class="pod" title=line.pod.clone()>{line.short_pod().to_owned()}</span>
            <span class="level">{line.level.word()}</span>
            <span class="text">{line.text.clone()}</span>
            <span class="fields">{line.written_fields()}</span>
        </div>
    }
}

/// What needs a page to act on; on the server there is none.
#[cfg(feature = "hydrate")]
mod browser {
    use super::{HeldLines, KeyboardEvent, Log, NodeRef, ROW, html};
    use leptos::prelude::*;
    use wasm_bindgen::JsCast;

    impl Log {
        /// Follows while the end is in sight, pauses when the reader scrolls up from it: lines that come quicker than they are drawn
        /// move the end away too, and are no reason to stop.
        pub(super) fn scrolled(self) {
            let Some(list) = self.list.get_untracked() else { return };
            let (top, seen) = (list.scroll_top(), list.client_height());
            let upwards = top < self.scroll.get_untracked().0;
            self.scroll.set((top, seen));
            let at_end = list.scroll_height() - top - seen < ROW;
            if at_end && !self.following.get_untracked() {
                self.following.set(true);
                self.below.set(0);
            } else if upwards && !at_end && self.following.get_untracked() {
                self.following.set(false);
            }
        }

        pub(super) fn to_end(self) {
            if let Some(list) = self.list.get_untracked() {
                list.set_scroll_top(list.scroll_height());
                self.scroll.set((list.scroll_top(), list.client_height()));
            }
        }

        pub(super) fn to_start(self) {
            self.following.set(false);
            if let Some(list) = self.list.get_untracked() {
                list.set_scroll_top(0);
            }
        }

        /// Where the drawn rows stand, and the room of those that aren't drawn: by style properties, which the page's policy allows
        /// where it forbids `style` attributes.
        fn place(self) {
            self.version.track();
            let rows = self.held.with_value(HeldLines::len);
            let first = self.first();
            if let (Some(room), Some(drawn)) = (self.room.get(), self.drawn.get()) {
                style(&room, "height", &format!("{}px", pixels(rows)));
                style(&drawn, "transform", &format!("translateY({}px)", pixels(first)));
            }
        }

        /// Lines that went at the top must not move those that are being read.
        pub(super) fn keep_place(self, went: usize) {
            if let Some(list) = self.list.get_untracked().filter(|_| went > 0) {
                list.set_scroll_top(list.scroll_top() - pixels(went));
            }
        }
    }

    fn pixels(rows: usize) -> i32 {
        i32::try_from(rows).unwrap_or(i32::MAX).saturating_mul(ROW)
    }

    fn style(element: &web_sys::HtmlElement, property: &str, value: &str) {
        element.style().set_property(property, value).ok();
    }

    /// Keeps the rows in their place as lines come and the list is scrolled.
    pub(super) fn lay_out(log: Log) {
        Effect::new(move || log.place());
    }

    /// `/` filters, space pauses, `g` and `G` lead to the first and the last line.
    pub(super) fn listen_for_keys(log: Log, filter: NodeRef<html::Input>) {
        window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
            let typing = event
                .target()
                .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
                .is_some_and(|element| {
                    ["INPUT", "TEXTAREA", "SELECT", "BUTTON", "SUMMARY", "A"]
                        .contains(&element.tag_name().as_str())
                });
            if typing || event.ctrl_key() || event.meta_key() || event.alt_key() {
                return;
            }
            match event.key().as_str() {
                "/" => drop(filter.get_untracked().map(|input| input.focus())),
                " " => log.set_following(!log.following.get_untracked()),
                "g" => log.to_start(),
                "G" => log.set_following(true),
                _ => return,
            }
            event.prevent_default();
        });
    }

    /// Puts the filter into the address, so that what is seen can be linked to.
    pub(super) fn remember(filter: &str) {
        let location = window().location();
        let environment = location
            .search()
            .unwrap_or_default()
            .trim_start_matches('?')
            .split('&')
            .find(|pair| pair.starts_with("environment="))
            .unwrap_or_default()
            .to_owned();
        let address = format!("?{environment}&filter={}", crate::address::encoded(filter));
        if let Ok(history) = window().history() {
            history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address)).ok();
        }
    }
}

#[cfg(feature = "hydrate")]
use browser::{lay_out, listen_for_keys, remember};

#[cfg(not(feature = "hydrate"))]
mod server {
    use super::{Log, NodeRef, html};

    impl Log {
        pub(super) fn scrolled(self) {}
        pub(super) fn to_end(self) {}
        pub(super) fn keep_place(self, _went: usize) {}
    }

    pub(super) fn lay_out(_log: Log) {}
    pub(super) fn listen_for_keys(_log: Log, _filter: NodeRef<html::Input>) {}
    pub(super) fn remember(_filter: &str) {}
}

#[cfg(not(feature = "hydrate"))]
use server::{lay_out, listen_for_keys, remember};
