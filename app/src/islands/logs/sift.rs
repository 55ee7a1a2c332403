//! Which of the entries that are held a filter shows: asked of one after the other, so that nobody has to wait until all are asked.

use super::{entry::Entry, words::Words};
use std::ops::Range;

/// What is asked of the entries, and of which it was asked. The others aren't shown yet.
#[derive(Debug)]
pub(super) struct Sift {
    words: Words,
    /// An entry that is hidden hasn't got the words, whether it was asked or not.
    narrows: bool,
    /// The places of those that were asked.
    asked: Range<usize>,
}

impl Default for Sift {
    fn default() -> Self {
        Self { words: Words::default(), narrows: true, asked: 0..usize::MAX }
    }
}

impl Sift {
    /// Begins to ask for words, with the entry at a place. Nobody is asked again who had no chance before.
    pub(super) fn anew(&mut self, words: Words, place: usize) {
        self.narrows = (self.is_over() || self.narrows) && words.narrow(&self.words);
        self.words = words;
        self.asked = place..place;
    }

    /// Which is to be asked next: what follows the first, and then what stands before it, the newest first.
    pub(super) fn next(&mut self, entries: usize) -> Option<usize> {
        if self.asked.end < entries {
            self.asked.end += 1;
            return Some(self.asked.end - 1);
        }
        self.asked.end = usize::MAX;
        self.asked.start = self.asked.start.checked_sub(1)?;
        Some(self.asked.start)
    }

    /// Whether all were asked.
    pub(super) fn is_over(&self) -> bool {
        self.asked == (0..usize::MAX)
    }

    /// Whether the entry at a place was asked.
    pub(super) fn knows(&self, place: usize) -> bool {
        self.asked.contains(&place)
    }

    /// Whether an entry is to be shown: what happened always is.
    pub(super) fn wants(&self, entry: &Entry) -> bool {
        entry.marker.is_some()
            || (!(self.narrows && entry.hidden) && self.words.hold(entry.level, entry.texts()))
    }
}
