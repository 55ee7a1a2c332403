//! The logs of a service in an environment, live. Only the rows in sight stand in the page, so that it stays fluid however many
//! lines are held.

#[cfg_attr(not(feature = "hydrate"), allow(dead_code))] // only a browser shows lines
mod entry;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod heights;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod held;
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
mod histogram;
mod reading;
#[cfg(feature = "hydrate")]
mod rows;
#[cfg(feature = "hydrate")]
mod screen;
mod tools;

#[cfg(feature = "hydrate")]
#[path = "browser.rs"]
mod parts;
#[cfg(not(feature = "hydrate"))]
#[path = "server.rs"]
mod parts;

use crate::{
    clock,
    follow::{self, Following, Heard, Message, follow, follow_after},
    model::{LogAsked, LogLineView, LogStatusView},
    words,
};
use held::HeldLines;
use histogram::Histogram;
use leptos::{html, prelude::*};
use parts::listen;
use reading::Reading;
use std::time::Duration;

/// What the view is made from.
#[derive(Clone, Copy)]
struct Log {
    held: StoredValue<HeldLines>,
    /// Counts up when the held lines changed; what is said of them depends on it.
    version: RwSignal<u64>,
    following: RwSignal<bool>,
    /// Lines that came since the reader paused.
    below: RwSignal<u64>,
    /// What stands in the way of new lines.
    note: RwSignal<Option<String>>,
    /// What is wrong with what is asked for.
    wrong: RwSignal<Option<String>>,
    /// How completely the log is being read.
    completeness: RwSignal<Option<LogStatusView>>,
    reading: RwSignal<Reading>,
    /// What scrolls, the room that all rows would take in it, and the rows that are drawn.
    list: NodeRef<html::Div>,
    room: NodeRef<html::Div>,
    drawn: NodeRef<html::Div>,
    feed: StoredValue<Feed>,
    histogram: RwSignal<Histogram>,
    /// The range that is asked for: from when, until when.
    range: RwSignal<[String; 2]>,
    /// There was no room for more lines while the reader paused: they come once they are followed again.
    halted: RwSignal<bool>,
    #[cfg(feature = "hydrate")]
    screen: StoredValue<screen::Screen, LocalStorage>,
}

/// Where the lines come from.
#[derive(Debug, Default)]
struct Feed {
    /// The address of the log in the REST interface.
    api: String,
    /// The topic that is followed, without what is asked for.
    topic: String,
    asked: LogAsked,
    stream: Option<Following>,
    /// The id of the last message that came.
    heard: String,
    /// The line that is meant isn't there yet.
    looking: bool,
}

/// Lines as they come, with follow, pause and a filter.
#[island]
pub(crate) fn LogView(
    service: String,
    environment: String,
    asked: LogAsked,
    wrong: Option<String>,
) -> impl IntoView {
    let api = format!("/api/v1/services/{service}/environments/{environment}/logs");
    let log = Log::new(api, format!("logs/{service}/{environment}"), asked.clone(), wrong);
    log.read_status(&format!("log-status/{service}/{environment}"));
    log.read();
    let mut search =
        debounce(Duration::from_millis(250), move |text: String| log.ask(|asked| asked.filter = text));
    let filter = NodeRef::<html::Input>::new();
    let keys = NodeRef::<html::Details>::new();
    listen(log, filter, keys);
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
                value=asked.filter.clone()
                node_ref=filter
                on:input=move |event| search(event_target_value(&event))
            />
            {tools::range(log, &asked)}
            <button form="log-filter" class="without-script">"Show"</button>
            {tools::reading(log)}
            {tools::download(log, &asked)}
            {tools::keys(keys)}
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
        {tools::histogram(log)}
        <div
            class="log-list"
            class:wrap=move || log.reading.get().wrap
            class:containers=move || log.kinds().0
            class:revisions=move || log.kinds().1
            role="log"
            aria-live="off"
            aria-label="Lines"
            tabindex="0"
            node_ref=log.list
            on:scroll=move |_| log.scrolled()
            on:click=move |event| log.clicked(&event)
        >
            <div class="log-height" node_ref=log.room>
                <div class="log-rows" node_ref=log.drawn></div>
            </div>
        </div>
        <p class="log-status">{move || log.status()}</p>
        <p class="unseen" role="status">{move || log.announcement()}</p>
    }
}

impl Log {
    /// The view of the log at an address of the REST interface, and of what is followed.
    fn new(api: String, topic: String, asked: LogAsked, wrong: Option<String>) -> Self {
        Self {
            range: RwSignal::new([asked.from.clone(), asked.until.clone()]),
            #[cfg(feature = "hydrate")]
            screen: StoredValue::new_local(screen::Screen::new(api.clone())),
            held: StoredValue::new(HeldLines::default()),
            version: RwSignal::new(0),
            following: RwSignal::new(true),
            below: RwSignal::new(0),
            note: RwSignal::new(Some("Connecting …".to_owned())),
            wrong: RwSignal::new(wrong),
            completeness: RwSignal::new(None),
            reading: RwSignal::new(Reading::default()),
            list: NodeRef::new(),
            room: NodeRef::new(),
            drawn: NodeRef::new(),
            histogram: RwSignal::new(Histogram::default()),
            feed: StoredValue::new(Feed { api, topic, asked, ..Feed::default() }),
            halted: RwSignal::new(false),
        }
    }

    /// Asks for other lines.
    fn ask(self, change: impl FnOnce(&mut LogAsked)) {
        self.feed.update_value(|feed| change(&mut feed.asked));
        self.range.set(self.feed.with_value(|feed| [feed.asked.from.clone(), feed.asked.until.clone()]));
        self.remember();
        self.read();
    }

    /// Forgets what is held and reads what is asked for.
    fn read(self) {
        self.feed.update_value(|feed| feed.heard.clear());
        self.begin();
        self.following.set(!self.feed.with_value(|feed| feed.looking));
        self.start();
    }

    /// Forgets what is held, for lines that come from the beginning.
    fn begin(self) {
        self.feed.update_value(|feed| feed.looking = !feed.asked.at.is_empty());
        self.clear();
    }

    /// Follows the topic, from what comes after the last message that was heard.
    fn start(self) {
        self.stop();
        let (topic, after) = self
            .feed
            .with_value(|feed| (format!("{}?{}", feed.topic, feed.asked.query()), feed.heard.clone()));
        let stream = follow_after(&topic, &after, move |heard| match heard {
            Heard::Message(Message::Now(lines), id) => self.take(lines, id),
            Heard::Message(Message::Trouble(sentence), _) => self.note.set(Some(sentence)),
            Heard::Message(Message::Wrong(sentence), _) => {
                self.note.set(None);
                self.wrong.set(Some(sentence));
            }
            Heard::Lost => self
                .note
                .set(Some("Connection lost: going on after the last line once it is back".to_owned())),
            Heard::Back => {
                self.note.set(None);
                if self.feed.with_value(|feed| feed.heard.is_empty()) {
                    // Nothing that can be resumed: all of it comes again.
                    self.begin();
                }
            }
        });
        self.feed.update_value(|feed| feed.stream = Some(stream));
    }

    fn stop(self) {
        if let Some(stream) = self.feed.try_update_value(|feed| feed.stream.take()).flatten() {
            follow::stop(stream);
        }
    }

    /// Follows how completely the log is being read.
    fn read_status(self, topic: &str) {
        follow(topic, move |heard| {
            if let Heard::Message(Message::Now(status), _) = heard {
                self.completeness.set(Some(status));
            }
        });
    }

    fn take(self, lines: Vec<LogLineView>, id: String) {
        if self.note.with_untracked(Option::is_some) {
            self.note.set(None);
        }
        if self.wrong.with_untracked(Option::is_some) {
            self.wrong.set(None);
        }
        if !id.is_empty() {
            self.feed.update_value(|feed| feed.heard = id);
        }
        let following = self.following.get_untracked();
        let keep = if following { usize::MAX } else { self.first_in_sight() };
        let Some((came, full)) =
            self.held.try_update_value(|held| (held.extend(lines, keep), held.is_full()))
        else {
            return;
        };
        if !following {
            self.below.update(|below| *below += came.lines);
        }
        if full {
            self.stop();
            self.halted.set(true);
        }
        self.inserted(&came.inserted);
        if self.feed.with_value(|feed| feed.looking) {
            self.look();
        }
        self.redraw();
    }

    fn set_following(self, following: bool) {
        self.following.set(following);
        if following {
            self.feed.update_value(|feed| feed.looking = false);
            self.below.set(0);
            self.mean(None);
            if self.halted.get_untracked() {
                self.halted.set(false);
                self.start();
            }
        }
        self.redraw();
    }

    /// A part of the histogram's width was drawn over, or clicked at: the time that it stands for is asked for, or gone to.
    fn selected_time(self, from: f64, until: f64) {
        let (begin, end) =
            self.histogram.with_untracked(|histogram| (histogram.time(from), histogram.time(until)));
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

    /// What a file is to hold: the lines that are shown, and all of their time. Where the newest lines are shown, from the first of them.
    fn downloads(self) -> (LogAsked, LogAsked) {
        let mut asked = self.feed.with_value(|feed| feed.asked.clone());
        if asked.since == "all" {
            asked.since = String::new();
        } else if asked.since.is_empty() && asked.from.is_empty() && asked.until.is_empty() {
            asked.from = self.held.with_value(HeldLines::begins).map(clock::machine).unwrap_or_default();
        }
        (asked.at, asked.tail) = Default::default();
        (asked.clone(), LogAsked { filter: String::new(), ..asked })
    }

    /// Changes how the lines are shown, and keeps that for the next time.
    fn read_as(self, change: impl FnOnce(&mut Reading)) {
        self.reading.update(change);
        self.reading.get_untracked().keep();
        self.redraw();
    }

    /// Whether lines of several containers of a pod, and of several revisions, have to be told apart.
    fn kinds(self) -> (bool, bool) {
        self.version.track();
        self.held.with_value(HeldLines::kinds)
    }

    fn status(self) -> String {
        self.version.track();
        let mut parts: Vec<String> =
            self.completeness.get().map(|status| status.sentence()).into_iter().collect();
        parts.push(self.held.with_value(HeldLines::account));
        let below = self.below.get();
        if !self.following.get() {
            parts.push(match below {
                0 => "paused".to_owned(),
                _ => format!("paused, {} below", words::counted(below, "new line")),
            });
        }
        if self.halted.get() {
            parts.push("no room for more until you follow".to_owned());
        }
        parts.extend(self.note.get());
        parts.join(" · ")
    }

    /// What somebody who doesn't see the page has to be told: not that lines come, which they can't stop.
    fn announcement(self) -> String {
        let following = if self.following.get() { "Following" } else { "Paused" };
        self.note.get().unwrap_or_else(|| following.to_owned())
    }
}
