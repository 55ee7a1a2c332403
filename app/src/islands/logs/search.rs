//! What is typed is asked of the lines that are held; what is older than those that come by themselves is searched for, in steps that a
//! reader can stop.

use super::view::View;
use crate::{
    address, clock,
    follow::{self, Following, Heard, Message, follow},
    model::LogNews,
};

/// For how long the held lines are asked in one frame, in milliseconds: the rest of it is for what is drawn and for keys.
const ASKING: i64 = 6;

/// A search of what was written before.
#[derive(Debug)]
pub(super) struct Search {
    /// While it goes on.
    stream: Option<Following>,
    /// Where it goes on; nothing if it has looked through all there is.
    next: Option<String>,
    /// Everything from this time on was looked through.
    back: i64,
    /// Why it comes no further, as a sentence.
    trouble: Option<String>,
}

impl Search {
    /// How far it has come, in words.
    pub(super) fn account(&self) -> String {
        match (&self.next, &self.stream, &self.trouble) {
            (None, ..) => "searched all there is".to_owned(),
            (_, Some(_), None) => format!("searching, looked back to {}", clock::since(self.back)),
            (_, None, _) => format!("searched back to {}", clock::since(self.back)),
            (_, Some(_), Some(trouble)) => {
                format!("searching, looked back to {}: {trouble}", clock::since(self.back))
            }
        }
    }

    /// What its button does now, if anything.
    pub(super) fn offer(&self) -> Option<&'static str> {
        self.next.as_ref().map(|_| if self.stream.is_some() { "Stop" } else { "Search further back" })
    }
}

impl View {
    /// Asks the held lines for what is typed, for a part of a frame; whether that has to go on.
    pub(super) fn ask_for_a_while(&self) -> bool {
        let held = &mut *self.held.borrow_mut();
        let until = clock::now() + ASKING;
        while held.ask_some() {
            if clock::now() >= until {
                return true;
            }
        }
        false
    }

    /// Begins to look through everything that was written before a time.
    pub(super) fn search_before(&'static self, at: i64) {
        self.end_search();
        *self.search.borrow_mut() =
            Some(Search { stream: None, next: Some(clock::machine_exact(at)), back: at, trouble: None });
        self.go_on_searching();
    }

    /// Forgets the search.
    pub(super) fn end_search(&self) {
        self.stop_searching();
        *self.search.borrow_mut() = None;
    }

    /// Stops a search that goes on, and has one go on that was stopped.
    pub(super) fn press_search(&'static self) {
        if !self.stop_searching() {
            self.go_on_searching();
        }
        self.redraw();
    }

    /// Whether it went on.
    fn stop_searching(&self) -> bool {
        let stream = self.search.borrow_mut().as_mut().and_then(|search| search.stream.take());
        stream.inspect(|stream| follow::stop(*stream)).is_some()
    }

    fn go_on_searching(&'static self) {
        let Some(next) = self.search.borrow().as_ref().and_then(|search| search.next.clone()) else { return };
        let filter = address::encoded(&self.feed.borrow().asked.filter);
        let topic = format!("log-search/{}?filter={filter}&until={next}", self.name);
        let stream = follow(&topic, move |heard| match heard {
            Heard::Message(Message::Now(found), id) => self.found(found, id),
            Heard::Message(Message::Trouble(sentence) | Message::Wrong(sentence), _) => {
                if let Some(search) = &mut *self.search.borrow_mut() {
                    search.trouble = Some(sentence);
                }
                self.redraw();
            }
            // The topic of what is new says it.
            Heard::Lost | Heard::Back => {}
        });
        if let Some(search) = &mut *self.search.borrow_mut() {
            (search.stream, search.trouble) = (Some(stream), None);
        }
    }

    fn found(&'static self, LogNews { lines, from, many, .. }: LogNews, id: String) {
        // Something else is typed, for which a search of its own begins.
        if self.feed.borrow().preview.is_some() {
            return;
        }
        let (before, is_over) = {
            let mut search = self.search.borrow_mut();
            let Some(search) = &mut *search else { return };
            let before = search.back;
            search.next = from.map(|_| id);
            search.back = from.unwrap_or(before);
            search.trouble = None;
            (before, many || from.is_none())
        };
        let full = {
            let mut held = self.held.borrow_mut();
            self.screen.borrow_mut().during(&mut held, |held| held.put(lines, from, before));
            held.is_at_limit()
        };
        if is_over || full {
            self.stop_searching();
        }
        if self.feed.borrow().looking {
            self.look();
        }
        self.redraw();
    }

    /// What is to be said where no line is shown, if anything.
    pub(super) fn nothing(&self) -> Option<String> {
        let filter = self.feed.borrow().asked.filter.trim().to_owned();
        let held = self.held.borrow();
        if filter.is_empty() || !self.answered.get() || held.is_asking() || !held.says_nothing() {
            return None;
        }
        let looked = match &*self.search.borrow() {
            None => "so far".to_owned(),
            Some(Search { next: None, .. }) => "in all that there is".to_owned(),
            Some(Search { stream: Some(_), back, .. }) => {
                format!("since {}; looking further back …", clock::since(*back))
            }
            Some(Search { back, .. }) => format!("since {}", clock::since(*back)),
        };
        Some(format!("No line matches “{filter}” {looked}"))
    }
}
