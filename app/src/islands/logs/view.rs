//! One log on one page: what is asked for, what comes, and what is said of it.

use super::{
    elements::{Elements, class, offer, say},
    held::HeldLines,
    histogram::Histogram,
    reading::Reading,
    screen::Screen,
    search::Search,
    words::Words,
};
use crate::{
    address, clock,
    follow::{self, Following, Heard, Message, follow, follow_after},
    model::{LogAsked, LogNews},
    words,
};
use leptos::prelude::{request_animation_frame, window};
use std::cell::{Cell, RefCell};
use wasm_bindgen::JsValue;
use web_sys::{Element, Event};

/// What the view is made from. It is there for as long as the page.
pub(super) struct View {
    pub(super) page: Elements,
    /// The service's and the environment's names, as topics have them.
    pub(super) name: String,
    pub(super) held: RefCell<HeldLines>,
    pub(super) screen: RefCell<Screen>,
    pub(super) feed: RefCell<Feed>,
    pub(super) reading: Cell<Reading>,
    pub(super) histogram: RefCell<Histogram>,
    pub(super) following: Cell<bool>,
    /// Lines that came since the reader paused.
    below: Cell<u64>,
    /// There was no room for more lines while the reader paused: they come once they are followed again.
    halted: Cell<bool>,
    pub(super) search: RefCell<Option<Search>>,
    /// The first answer to what is asked for has come.
    pub(super) answered: Cell<bool>,
    /// What stands in the way of new lines.
    note: RefCell<Option<String>>,
    /// What is wrong with what is asked for.
    wrong: RefCell<Option<String>>,
    /// How completely the log is being read.
    completeness: RefCell<Option<String>>,
    /// The page is to be painted in the next frame.
    due: Cell<bool>,
    /// Lines came since the histogram was drawn.
    pub(super) news: Cell<bool>,
    /// Terms that the filter may have, of everything that was seen.
    pub(super) known: RefCell<Vec<String>>,
}

/// Where the lines come from.
#[derive(Debug, Default)]
pub(super) struct Feed {
    pub(super) asked: LogAsked,
    stream: Option<Following>,
    /// What the lines that come match.
    reading: String,
    /// The id of the last message that came.
    heard: String,
    /// What all lines that are held match.
    matched: String,
    /// What those match that are shown until the answer comes, if that is known here.
    pub(super) preview: Option<String>,
    /// The line that is meant isn't there yet.
    pub(super) looking: bool,
}

impl View {
    /// Shows the log of a service in what the server drew for it.
    pub(super) fn begin(drawn: &Element, service: &str, environment: &str) -> Option<()> {
        let page = Elements::of(drawn)?;
        let api = address::log_api(service, environment);
        let wrong = page.error.text_content().filter(|text| !text.is_empty());
        let view: &'static Self = Box::leak(Box::new(Self {
            page,
            name: format!("{service}/{environment}"),
            held: RefCell::default(),
            screen: RefCell::new(Screen::new(api)),
            feed: RefCell::new(Feed { asked: LogAsked::of_address(), ..Feed::default() }),
            reading: Cell::new(Reading::kept()),
            histogram: RefCell::default(),
            following: Cell::new(true),
            below: Cell::new(0),
            halted: Cell::new(false),
            search: RefCell::default(),
            answered: Cell::new(false),
            note: RefCell::new(Some("Connecting …".to_owned())),
            wrong: RefCell::new(wrong),
            completeness: RefCell::default(),
            due: Cell::new(false),
            news: Cell::new(false),
            known: RefCell::default(),
        }));
        view.listen();
        view.show_reading();
        follow(&format!("log-status/{service}/{environment}"), move |heard| {
            if let Heard::Message(Message::Now(status), _) = heard {
                *view.completeness.borrow_mut() = Some(status);
                view.redraw();
            }
        });
        view.read();
        Some(())
    }

    /// Asks for other lines.
    pub(super) fn ask(&'static self, change: impl FnOnce(&mut LogAsked)) {
        {
            let asked = &mut self.feed.borrow_mut().asked;
            change(asked);
            let page = &self.page;
            let fields = [&page.filter, &page.since, &page.range[0], &page.range[1]];
            for (field, value) in
                fields.into_iter().zip([&asked.filter, &asked.since, &asked.from, &asked.until])
            {
                if field.value() != *value {
                    field.set_value(value);
                }
            }
            say(&page.range_menu, &asked.range());
        }
        self.read_asked();
    }

    /// Takes the filter as it is typed: what is held answers at once, and the address has it; the rest is asked for once that rests.
    pub(super) fn typed(&'static self) {
        let filter = self.page.filter.value();
        self.feed.borrow_mut().asked.filter.clone_from(&filter);
        self.remember();
        self.preview(&filter);
        self.redraw();
    }

    /// Reads what is asked for, and says that it is something else.
    pub(super) fn read_asked(&'static self) {
        self.remember();
        if let Ok(event) = Event::new("log-asked") {
            window().dispatch_event(&event).ok();
        }
        self.read();
    }

    /// Reads what is asked for. What is held stays until the answer comes, where it may match only that which does.
    fn read(&'static self) {
        self.end_search();
        self.answered.set(false);
        let looking = {
            let mut feed = self.feed.borrow_mut();
            feed.heard.clear();
            feed.looking = !feed.asked.at.is_empty();
            feed.looking
        };
        self.following.set(!looking);
        self.below.set(0);
        self.halted.set(false);
        let filter = self.feed.borrow().asked.filter.clone();
        self.preview(&filter);
        self.start();
        self.redraw();
    }

    /// Of the lines that are held, shows those that match a filter, if that can be known here.
    pub(super) fn preview(&self, filter: &str) {
        let feed = &mut *self.feed.borrow_mut();
        if feed.preview.as_deref() == Some(filter) {
            return;
        }
        let all = Words::of(&feed.matched);
        let words = Words::of(filter).filter(|words| all.is_some_and(|all| words.narrow(&all)));
        feed.preview = words.map(|words| {
            let near = if self.following.get() { usize::MAX } else { self.screen.borrow().first() };
            self.held.borrow_mut().show_only(words, near);
            filter.to_owned()
        });
    }

    /// The answer begins: forgets what is held, for lines that come from the beginning; or only what isn't searched for.
    fn anew(&'static self, searched_before: Option<i64>) {
        {
            let feed = &mut *self.feed.borrow_mut();
            feed.looking = !feed.asked.at.is_empty();
            feed.matched.clone_from(&feed.reading);
            let mut held = self.held.borrow_mut();
            match (searched_before, feed.preview.take()) {
                (Some(at), Some(_)) => held.cut(at),
                _ => held.forget(),
            }
        }
        self.screen.borrow_mut().clear();
        self.below.set(0);
        self.halted.set(false);
        self.answered.set(true);
        if let Some(at) = searched_before {
            self.search_before(at);
        }
    }

    /// Follows the topic, from what comes after the last message that was heard.
    fn start(&'static self) {
        self.stop();
        let (topic, after) = {
            let feed = &mut *self.feed.borrow_mut();
            feed.reading.clone_from(&feed.asked.filter);
            (format!("logs/{}?{}", self.name, feed.asked.query()), feed.heard.clone())
        };
        let stream = follow_after(&topic, &after, move |heard| {
            match heard {
                Heard::Message(Message::Now(news), id) => return self.take(news, id),
                Heard::Message(Message::Trouble(sentence), _) => self.remark(Some(sentence)),
                Heard::Message(Message::Wrong(sentence), _) => {
                    self.remark(None);
                    *self.wrong.borrow_mut() = Some(format!("▲ {sentence}"));
                }
                Heard::Lost => {
                    self.remark(Some(
                        "Connection lost: going on after the last line once it is back".to_owned(),
                    ));
                }
                Heard::Back => self.remark(None),
            }
            self.redraw();
        });
        self.feed.borrow_mut().stream = Some(stream);
    }

    fn stop(&self) {
        if let Some(stream) = self.feed.borrow_mut().stream.take() {
            follow::stop(stream);
        }
    }

    fn take(&'static self, LogNews { anew, from, lines, .. }: LogNews, id: String) {
        if anew {
            self.anew(from);
        } else if self.feed.borrow().preview.is_some() {
            // Lines of what was asked for before: those that match what is asked for now come with its answer.
            return;
        }
        self.remark(None);
        *self.wrong.borrow_mut() = None;
        if !id.is_empty() {
            self.feed.borrow_mut().heard = id;
        }
        let following = self.following.get();
        let keep = if following { usize::MAX } else { self.screen.borrow().first() };
        let (came, full) = {
            let mut held = self.held.borrow_mut();
            (held.extend(lines, keep), held.is_full())
        };
        if !following {
            self.below.set(self.below.get() + came.lines);
        }
        if full {
            self.stop();
            self.halted.set(true);
        }
        self.screen.borrow_mut().inserted(&came.inserted);
        if self.feed.borrow().looking {
            self.look();
        }
        self.redraw();
    }

    pub(super) fn set_following(&'static self, following: bool) {
        self.following.set(following);
        if following {
            self.feed.borrow_mut().looking = false;
            self.below.set(0);
            self.mean(None);
            if self.halted.replace(false) {
                self.start();
            }
        }
        self.redraw();
    }

    /// Changes how the lines are shown, and keeps that for the next time.
    pub(super) fn read_as(&'static self, change: impl FnOnce(&mut Reading)) {
        let mut reading = self.reading.get();
        change(&mut reading);
        reading.keep();
        self.reading.set(reading);
        self.show_reading();
        self.redraw();
    }

    fn show_reading(&self) {
        let reading = self.reading.get();
        self.page.wrap.set_checked(reading.wrap);
        self.page.times.set_value(reading.times.word());
        class(&self.page.list, "wrap", reading.wrap);
    }

    /// Says what stands in the way of new lines.
    pub(super) fn remark(&self, sentence: Option<String>) {
        *self.note.borrow_mut() = sentence;
    }

    /// Draws once a frame, however many messages come in it.
    pub(super) fn redraw(&'static self) {
        if !self.due.replace(true) {
            request_animation_frame(move || {
                self.due.set(false);
                self.news.set(true);
                let asking = self.ask_for_a_while();
                self.paint();
                self.tell();
                if asking {
                    self.redraw();
                }
            });
        }
    }

    pub(super) fn paint(&'static self) {
        let (following, reading) = (self.following.get(), self.reading.get());
        self.screen.borrow_mut().paint(&mut self.held.borrow_mut(), &self.page, following, reading);
    }

    /// Says everything that is to be said around the lines.
    fn tell(&self) {
        let page = &self.page;
        let following = self.following.get();
        let (containers, revisions) = self.held.borrow().kinds();
        class(&page.list, "containers", containers);
        class(&page.list, "revisions", revisions);
        say(&page.follow, if following { "Pause" } else { "Follow" });
        // While lines are asked, their number tells nobody anything.
        if !self.held.borrow().is_asking() {
            say(&page.account, &self.status());
        }
        offer(&page.none, self.nothing().as_deref());
        offer(&page.search, self.search.borrow().as_ref().and_then(Search::offer));
        // What somebody who doesn't see the page has to be told: not that lines come, which they can't stop.
        let note = self.note.borrow();
        say(&page.announcement, note.as_deref().unwrap_or(if following { "Following" } else { "Paused" }));
        let wrong = self.wrong.borrow();
        say(&page.error, wrong.as_deref().unwrap_or_default());
        if wrong.is_some() {
            page.filter.set_attribute("aria-invalid", "true").ok();
        } else {
            page.filter.remove_attribute("aria-invalid").ok();
        }
    }

    fn status(&self) -> String {
        let mut parts: Vec<String> = self.completeness.borrow().iter().cloned().collect();
        parts.push(self.held.borrow().account());
        if !self.following.get() {
            parts.push(match self.below.get() {
                0 => "paused".to_owned(),
                below => format!("paused, {} below", words::counted(below, "new line")),
            });
        }
        if self.halted.get() {
            parts.push("no room for more until you follow".to_owned());
        }
        parts.extend(self.search.borrow().as_ref().map(Search::account));
        parts.extend(self.note.borrow().clone());
        parts.join(" · ")
    }

    /// What a file is to hold: the lines that are shown, and all of their time. Where the newest lines are shown, from the first of them.
    pub(super) fn downloads(&self) -> [LogAsked; 2] {
        let mut asked = self.feed.borrow().asked.clone();
        if asked.since == "all" {
            asked.since = String::new();
        } else if asked.since.is_empty() && asked.from.is_empty() && asked.until.is_empty() {
            asked.from = self.held.borrow().begins().map(clock::machine).unwrap_or_default();
        }
        (asked.at, asked.tail) = Default::default();
        [asked.clone(), LogAsked { filter: String::new(), ..asked }]
    }

    /// Puts what is asked for into the address, so that it can be linked to.
    pub(super) fn remember(&self) {
        let environment = address::parameters().get("environment").map(|name| format!("environment={name}"));
        let query = self.feed.borrow().asked.query();
        let said: Vec<String> =
            environment.into_iter().chain([query]).filter(|part| !part.is_empty()).collect();
        if let Ok(history) = window().history() {
            let address = format!("?{}", said.join("&"));
            history.replace_state_with_url(&JsValue::NULL, "", Some(&address)).ok();
        }
    }
}
