//! The entries that a log view holds: those of the newest two hundred thousand lines, fewer where they are long, and an honest count of
//! the rest.

use super::{
    entry::{self, Entry, Source},
    heights::{Heights, ROW},
    sift::Sift,
    words::Words,
};
use crate::{clock, model::LogLineView, words::counted};
use fairway_domain::{LogMarker, LogPlace};
use std::collections::VecDeque;

/// How many lines a view holds.
pub(super) const LIMIT: usize = 200_000;
/// How much memory its entries take, in bytes, about: two hundred thousand lines of a usual length take less.
const BYTES: usize = 96_000_000;
/// With less room than this, another entry may find none.
const SPARE: usize = 1_000_000;
/// How many bytes are looked through at once, about.
const PORTION: usize = 64 * 1024;
/// The number of the first entry: there is room for older ones before it.
const FIRST: usize = usize::MAX / 2;

/// What more lines did to the entries that were there before. An entry is told by its number: each has one more than the one before it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Came {
    /// Lines that came, without what happened between them.
    pub(super) lines: u64,
    /// Numbers at which an entry was put in between: those of all that followed are one higher since.
    pub(super) inserted: Vec<usize>,
}

/// The time of an entry, and its line's own name if it has one.
pub(super) type Name = (i64, Option<LogPlace>);

/// Entries, and what is known about those that aren't there.
#[derive(Debug)]
pub(super) struct HeldLines {
    entries: VecDeque<Entry>,
    pub(super) heights: Heights,
    /// Lines in all entries that are shown.
    lines: usize,
    /// What all entries weigh.
    bytes: usize,
    /// The number of the first entry.
    first: usize,
    /// Oldest lines that were let go to stay within the limit.
    evicted: usize,
    /// Places among the entries where lines may be missing.
    gaps: usize,
    /// Those that were among the lines that were let go.
    evicted_gaps: usize,
    sources: Vec<Source>,
    /// The number of each source's last entry, which its further lines may belong to.
    last: Vec<Option<usize>>,
    /// How many characters stand in a row, where long lines are wrapped.
    columns: Option<usize>,
    /// Which of the entries are shown.
    sift: Sift,
    /// The names of those that somebody opened: they are open again where they are read anew.
    opened: Vec<Name>,
}

impl Default for HeldLines {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            heights: Heights::default(),
            lines: 0,
            bytes: 0,
            first: FIRST,
            evicted: 0,
            gaps: 0,
            evicted_gaps: 0,
            sources: Vec::new(),
            last: Vec::new(),
            columns: None,
            sift: Sift::default(),
            opened: Vec::new(),
        }
    }
}

impl HeldLines {
    /// Takes more lines. The entry with the number `keep`, and what follows it, stay although there is no room.
    pub(super) fn extend(&mut self, lines: Vec<LogLineView>, keep: usize) -> Came {
        self.ask_all();
        let mut came = Came::default();
        for line in lines {
            came.lines += u64::from(line.marker.is_none());
            if let Some(number) = self.take(line) {
                came.inserted.push(number);
            }
        }
        // What was put in before it moved it.
        let keep =
            came.inserted.iter().fold(keep, |keep, number| keep.saturating_add(usize::from(*number <= keep)));
        self.shrink(keep);
        came
    }

    /// Lets the oldest go that there is no room for, up to the entry with the number `keep`.
    fn shrink(&mut self, keep: usize) {
        while self.is_full() && self.first < keep {
            let Some(entry) = self.entries.pop_front() else { break };
            self.heights.shift();
            self.first += 1;
            self.lines -= lines_shown(&entry);
            self.bytes -= entry.weight();
            self.evicted += entry.lines();
            if is_gap(&entry) {
                self.gaps -= 1;
                self.evicted_gaps += 1;
            }
        }
    }

    /// Shows what happened and the lines that have the words, as soon as they were asked: those from the entry with the number `near` on
    /// first. The others are held, until other words are asked for.
    pub(super) fn show_only(&mut self, words: Words, near: usize) {
        self.sift.anew(words, near.saturating_sub(self.first).min(self.entries.len()));
        self.heights.flatten();
        self.lines = 0;
    }

    /// Asks some more of the entries; whether any is left.
    pub(super) fn ask_some(&mut self) -> bool {
        let mut left = PORTION;
        while let Some(place) = self.sift.next(self.entries.len()) {
            let entry = &mut self.entries[place];
            entry.hidden = !self.sift.wants(entry);
            self.lines += lines_shown(entry);
            self.heights.set(place, guess(entry, self.columns));
            left = left.saturating_sub(entry.text.len() + 64 * entry.lines());
            if left == 0 {
                return true;
            }
        }
        false
    }

    fn ask_all(&mut self) {
        while self.ask_some() {}
    }

    /// Whether there are entries that weren't asked yet.
    pub(super) fn is_asking(&self) -> bool {
        !self.sift.is_over()
    }

    /// Lets everything go, as if it had never come, but for what somebody opened of it.
    pub(super) fn forget(&mut self) {
        *self = Self { opened: std::mem::take(&mut self.opened), ..Self::default() };
    }

    /// Lets everything go from a time on, and what isn't shown as if it had never come.
    pub(super) fn cut(&mut self, from: i64) {
        self.ask_all();
        self.sift = Sift::default();
        let end = self.entries.partition_point(|entry| entry.at < from);
        self.entries.truncate(end);
        self.entries.retain(|entry| !entry.hidden);
        (self.evicted, self.evicted_gaps) = (0, 0);
        self.restate();
    }

    /// Takes older lines: all that can be read from one time on, or from the beginning, until another. What is held of that time and can't
    /// be read any more stays between them; what is held from the other time on keeps its numbers.
    pub(super) fn put(&mut self, lines: Vec<LogLineView>, from: Option<i64>, until: i64) {
        self.ask_all();
        let place = |at: i64| self.entries.partition_point(|entry| entry.at < at);
        let begin = from.map_or(0, place);
        let end = place(until).max(begin);
        let after = self.entries.split_off(end);
        let before = self.entries.split_off(begin);
        self.restate();
        for line in lines {
            self.take(line);
        }
        let mut read = self.entries.split_off(begin).into_iter().peekable();
        for entry in before {
            while let Some(earlier) = read.next_if(|earlier| earlier.at <= entry.at) {
                self.entries.push_back(earlier);
            }
            let mut same = self.entries.iter().rev().take_while(|other| other.at == entry.at);
            if entry.key().is_some() && !same.any(|other| other.key() == entry.key()) {
                self.entries.push_back(entry);
            }
        }
        self.entries.extend(read);
        self.first = self.first + end - self.entries.len();
        self.entries.extend(after);
        self.restate();
        self.shrink(usize::MAX);
    }

    /// Says anew what follows from the entries.
    fn restate(&mut self) {
        let columns = self.columns;
        self.heights.refill(self.entries.iter().map(|entry| guess(entry, columns)));
        self.lines = self.entries.iter().map(lines_shown).sum();
        self.bytes = self.entries.iter().map(Entry::weight).sum();
        self.gaps = self.entries.iter().filter(|entry| is_gap(entry)).count();
        self.last.fill(None);
        for (number, entry) in (self.first..).zip(&self.entries).filter(|(_, entry)| entry.marker.is_none()) {
            if let Some(last) = self.last.get_mut(entry.source as usize) {
                *last = Some(number);
            }
        }
    }

    /// Whether there are more lines than a view is to hold.
    pub(super) const fn is_full(&self) -> bool {
        self.lines > LIMIT || self.bytes > BYTES
    }

    /// Whether there is no room for more.
    pub(super) const fn is_at_limit(&self) -> bool {
        self.lines >= LIMIT || self.bytes >= BYTES - SPARE
    }

    /// Takes a line; answers its number if others follow it.
    fn take(&mut self, line: LogLineView) -> Option<usize> {
        self.lines += usize::from(line.marker.is_none());
        let source = self.source(&line);
        if line.continues
            && let Some(head) =
                self.last[source].and_then(|head| self.entries.get_mut(head.checked_sub(self.first)?))
        {
            self.bytes += entry::weight_of_line(&line.text);
            head.continued(line.text, line.hits);
            return None;
        }
        let place = self.place(line.at);
        let number = self.first + place;
        let follow = place < self.entries.len();
        if follow {
            for last in self.last.iter_mut().flatten().filter(|last| **last >= number) {
                *last += 1;
            }
        }
        if line.marker.is_none() {
            self.last[source] = self.last[source].max(Some(number));
        }
        let mut entry = Entry::new(line, u32::try_from(source).unwrap_or_default());
        entry.open = !self.opened.is_empty() && self.opened.contains(&self.name_of(&entry));
        self.bytes += entry.weight();
        self.gaps += usize::from(is_gap(&entry));
        self.heights.insert(place, guess(&entry, self.columns));
        self.entries.insert(place, entry);
        follow.then_some(number)
    }

    /// The place after all entries that are as old or older: at the end or near it, since late lines and reports aren't very late.
    fn place(&self, at: i64) -> usize {
        let later = self.entries.iter().rev().take_while(|entry| entry.at > at);
        self.entries.len() - later.count()
    }

    fn source(&mut self, line: &LogLineView) -> usize {
        if let Some(known) = self.sources.iter().rposition(|source| source.wrote(line)) {
            return known;
        }
        self.sources.push(Source::of(line));
        self.last.push(None);
        self.sources.len() - 1
    }

    pub(super) fn source_of(&self, entry: &Entry) -> Option<&Source> {
        self.sources.get(entry.source as usize)
    }

    /// How many entries are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of the first entry that is held.
    pub(super) const fn first(&self) -> usize {
        self.first
    }

    /// The entry with a number.
    pub(super) fn get(&self, number: usize) -> Option<&Entry> {
        self.entries.get(number.checked_sub(self.first)?)
    }

    /// Entries that are shown with their numbers, oldest first, from a place among those that are held.
    pub(super) fn iter_from(&self, place: usize) -> impl Iterator<Item = (usize, &Entry)> + Clone {
        let all = self.entries.iter().enumerate().skip(place);
        all.filter(|(place, entry)| self.shows(*place, entry))
            .map(|(place, entry)| (self.first + place, entry))
    }

    /// Those before a place, newest first.
    pub(super) fn iter_back(&self, place: usize) -> impl Iterator<Item = (usize, &Entry)> {
        let before = self.entries.iter().enumerate().rev().skip(self.entries.len().saturating_sub(place));
        before
            .filter(|(place, entry)| self.shows(*place, entry))
            .map(|(place, entry)| (self.first + place, entry))
    }

    fn shows(&self, place: usize, entry: &Entry) -> bool {
        !entry.hidden && self.sift.knows(place)
    }

    /// Opens a closed entry, closes an open one. How high it is now is only known once it is drawn.
    pub(super) fn toggle(&mut self, number: usize) {
        let columns = self.columns;
        let (Some(place), Some(name)) = (number.checked_sub(self.first), self.name(number)) else { return };
        if let Some(entry) = self.entries.get_mut(place) {
            entry.open = !entry.open;
            self.heights.set(place, guess(entry, columns));
            self.opened.retain(|other| *other != name);
            if entry.open && name.1.is_some() {
                self.opened.push(name);
            }
        }
    }

    /// Wraps lines at so many characters, or not at all.
    pub(super) fn wrap(&mut self, columns: Option<usize>) {
        if self.columns != columns {
            self.ask_all();
            self.columns = columns;
            self.heights.refill(self.entries.iter().map(|entry| guess(entry, columns)));
        }
    }

    /// Whether lines of more than one container of a pod, and of more than one revision, came.
    pub(super) fn kinds(&self) -> (bool, bool) {
        let mut sources = self.sources.iter().filter(|source| !source.container.is_empty());
        let first = sources.next();
        let differ = |which: fn(&Source, &Source) -> bool| {
            first.is_some_and(|first| self.sources.iter().any(|other| which(first, other)))
        };
        (
            differ(|one, other| !other.container.is_empty() && one.container != other.container),
            differ(|one, other| other.revision.is_some() && one.revision != other.revision),
        )
    }

    /// When the first line that is shown was written, in milliseconds since 1970.
    pub(super) fn begins(&self) -> Option<i64> {
        self.iter_from(0).next().map(|(_, entry)| entry.at)
    }

    /// The number of a line, or of what was written right after it where it isn't held; and whether it is the line.
    pub(super) fn find(&self, place: LogPlace) -> Option<(usize, bool)> {
        let is = |entry: &Entry| self.source_of(entry).and_then(|source| source.place(entry)) == Some(place);
        let at = place.nanos / 1_000_000;
        let mut around = self.iter_from(0).skip_while(|(_, entry)| entry.at < at);
        let after = around.clone().find(|(_, entry)| entry.at > at).map(|(number, _)| (number, false));
        around.find(|(_, entry)| is(entry)).map(|(number, _)| (number, true)).or(after)
    }

    /// What an entry is found again by.
    pub(super) fn name(&self, number: usize) -> Option<Name> {
        self.get(number).map(|entry| self.name_of(entry))
    }

    fn name_of(&self, entry: &Entry) -> Name {
        (entry.at, self.source_of(entry).and_then(|source| source.place(entry)))
    }

    /// The number of the entry with a name, or of what was written right after it.
    pub(super) fn named(&self, (at, place): Name) -> Option<usize> {
        place.and_then(|place| self.find(place)).map(|(number, _)| number).or_else(|| self.at(at))
    }

    /// Whether no line is shown: at most what happened between lines.
    pub(super) fn says_nothing(&self) -> bool {
        self.iter_from(0).all(|(_, entry)| entry.marker.is_some())
    }

    /// Of whom the lines are.
    pub(super) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The number of the first entry from a time on.
    pub(super) fn at(&self, at: i64) -> Option<usize> {
        self.iter_from(0).find(|(_, entry)| entry.at >= at).map(|(number, _)| number)
    }

    /// What is shown and what isn't, in words.
    pub(super) fn account(&self) -> String {
        let Some(first) = self.begins() else {
            return "No lines".to_owned();
        };
        let sources = self.sources.iter().enumerate();
        let pods = sources.filter(|(place, source)| {
            !source.pod.is_empty() && !self.sources[..*place].iter().any(|other| other.pod == source.pod)
        });
        let mut parts = vec![format!(
            "{} held from {}, the oldest of {} UTC",
            counted(self.lines as u64, "line"),
            counted(pods.count() as u64, "pod"),
            clock::time_of_day(first)
        )];
        if self.evicted > 0 {
            parts.push(format!("{} no longer held", counted(self.evicted as u64, "older line")));
        }
        parts.push(match self.gaps + self.evicted_gaps {
            0 => "none lost".to_owned(),
            gaps => format!(
                "lines may be missing at {}, marked in the list{}",
                counted(gaps as u64, "place"),
                if self.evicted_gaps > 0 { " or no longer held" } else { "" }
            ),
        });
        parts.join(" · ")
    }
}

/// How many lines of an entry are shown.
fn lines_shown(entry: &Entry) -> usize {
    if entry.hidden { 0 } else { entry.lines() }
}

/// Whether lines may be missing there.
fn is_gap(entry: &Entry) -> bool {
    entry.marker == Some(LogMarker::Gap)
}

/// How high an entry's row is, about: what is drawn is measured.
fn guess(entry: &Entry, columns: Option<usize>) -> u32 {
    if entry.hidden {
        return 0;
    }
    let rows = columns.map_or(1, |columns| entry.shown(Some(columns)).len().div_ceil(columns.max(1)).max(1));
    ROW * u32::try_from(rows).unwrap_or(1)
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
