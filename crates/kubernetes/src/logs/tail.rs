//! The last lines of all, where only these are asked for.

use super::line::{Item, What};
use super::position::{Position, Texts};
use super::viewer::{Shown, Step};
use fairway_domain::LogEntry;
use std::collections::VecDeque;

/// How many entries are handed over at once.
const CHUNK: usize = 256;

/// What the texts of the last lines take at most, in bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The last lines that are kept with what happened between them, and where a reader is before, between and after them. Where their texts
/// take too much, each of the oldest is cut to its share of that: none is missing, and the rest of it can be had by its place.
pub(super) struct Tail {
    before: Position,
    items: VecDeque<(Item, LogEntry)>,
    /// Of lines; what happened between them doesn't count.
    limit: usize,
    lines: usize,
    /// Of the texts, and how many of them may be held.
    bytes: usize,
    most_bytes: usize,
    /// How many of the first entries are cut.
    cut: usize,
    after: Position,
}

impl Tail {
    pub(super) fn new(before: Position, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let after = before.clone();
        Self {
            before,
            items: VecDeque::new(),
            limit,
            lines: 0,
            bytes: 0,
            most_bytes: MOST_BYTES,
            cut: 0,
            after,
        }
    }

    /// Takes what was read of an item: see `Viewer::read`.
    pub(super) fn push(&mut self, item: Item, read: Option<(Vec<LogEntry>, LogEntry)>) {
        self.after.advance(&item);
        let Some((before, entry)) = read.filter(|_| self.limit > 0) else { return };
        for earlier in before {
            if let Some(place) = earlier.place {
                self.keep(Item::line_at(place), earlier);
            }
        }
        self.keep(item, entry);
    }

    fn keep(&mut self, item: Item, entry: LogEntry) {
        self.lines += usize::from(matches!(item.what, What::Line(_)));
        self.bytes += entry.text.len();
        self.items.push_back((item, entry));
        while self.lines > self.limit
            && let Some((dropped, entry)) = self.items.pop_front()
        {
            self.lines -= usize::from(matches!(dropped.what, What::Line(_)));
            self.bytes -= entry.text.len();
            self.cut = self.cut.saturating_sub(1);
            self.before.advance(&dropped);
        }
        let share = self.most_bytes / self.limit.max(1);
        while self.bytes > self.most_bytes
            && let Some((_, entry)) = self.items.get_mut(self.cut)
        {
            self.cut += 1;
            if entry.place.is_some() && entry.text.len() > share {
                self.bytes -= entry.text.len();
                entry.text.truncate(entry.text.floor_char_boundary(share));
                entry.text.shrink_to_fit();
                self.bytes += entry.text.len();
            }
        }
    }

    /// The entries, and then the position after everything that was read.
    pub(super) fn into_steps(self, mut texts: Texts) -> impl Iterator<Item = Step> {
        let (mut position, mut items) = (self.before, self.items);
        let steps = std::iter::from_fn(move || {
            let some = items.drain(..items.len().min(CHUNK));
            let shown = some.filter_map(|(item, entry)| {
                position.advance(&item);
                Some((texts.of(&position)?, entry))
            });
            let shown: Vec<Shown> = shown.collect();
            (!shown.is_empty()).then(|| (position.clone(), shown))
        });
        steps.chain(std::iter::once((self.after, Vec::new())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::SourceId;
    use super::*;
    use std::sync::Arc;

    fn line(nanos: i64) -> Item {
        let what = What::Line(nanos.to_string());
        Item { source: SourceId(1), origin: Arc::default(), restart: 0, nanos, ordinal: 1, beyond: 0, what }
    }

    fn alone(entry: LogEntry) -> (Vec<LogEntry>, LogEntry) {
        (Vec::new(), entry)
    }

    #[test]
    fn a_tail_is_the_last_lines_that_match_and_ends_after_everything_that_was_read() {
        let mut tail = Tail::new(Position::default(), 2);
        for nanos in 1..=9 {
            let entry = line(nanos).entry().filter(|_| nanos % 2 == 0);
            tail.push(line(nanos).bare(), entry.map(alone));
        }
        let steps: Vec<_> = tail.into_steps(Texts::default()).collect();
        let shown: Vec<_> = steps.iter().flat_map(|(_, shown)| shown).collect();
        assert_eq!(shown.iter().map(|(_, entry)| &*entry.text).collect::<Vec<_>>(), ["6", "8"]);
        let between = Position::decode(&shown[0].0).unwrap();
        assert!(between.passed(&line(6)) && !between.passed(&line(8)));
        let (end, nothing) = steps.last().unwrap();
        assert!(nothing.is_empty() && end.passed(&line(9)));
    }

    #[test]
    fn what_is_given_with_a_later_line_stands_before_it_and_can_be_resumed_between() {
        let mut tail = Tail::new(Position::default(), 5);
        tail.push(line(1).bare(), None);
        tail.push(Item { source: SourceId(2), ..line(2) }, line(2).entry().map(alone));
        tail.push(line(3).bare(), Some((vec![line(1).entry().unwrap()], line(3).entry().unwrap())));
        let shown: Vec<_> = tail.into_steps(Texts::default()).flat_map(|(_, shown)| shown).collect();
        assert_eq!(shown.iter().map(|(_, entry)| &*entry.text).collect::<Vec<_>>(), ["2", "1", "3"]);
        let between = Position::decode(&shown[1].0).unwrap();
        assert!(between.passed(&line(1)) && !between.passed(&line(3)));
        let mut after = between.clone();
        after.advance(&line(3));
        assert_eq!(after.back_at(shown[1].1.place.unwrap()), between);
    }

    #[test]
    fn a_long_tail_comes_in_pieces() {
        let count = i64::try_from(2 * CHUNK).unwrap() + 1;
        let mut tail = Tail::new(Position::default(), u32::MAX);
        (1..=count).for_each(|nanos| tail.push(line(nanos).bare(), line(nanos).entry().map(alone)));
        let sizes: Vec<_> = tail.into_steps(Texts::default()).map(|(_, shown)| shown.len()).collect();
        assert_eq!(sizes, [CHUNK, CHUNK, 1, 0]);
    }

    #[test]
    fn of_lines_that_take_too_much_none_is_missing_but_the_oldest_are_cut() {
        let mut tail = Tail { most_bytes: 50, ..Tail::new(Position::default(), 5) };
        let long = |nanos: i64| Item { what: What::Line(nanos.to_string().repeat(18)), ..line(nanos) };
        for nanos in 1..=7 {
            tail.push(long(nanos).bare(), long(nanos).entry().map(alone));
            assert!(tail.bytes <= 50);
        }
        assert_eq!(tail.bytes, tail.items.iter().map(|(_, entry)| entry.text.len()).sum::<usize>());
        let shown: Vec<_> = tail.into_steps(Texts::default()).flat_map(|(_, shown)| shown).collect();
        let sizes: Vec<_> = shown.iter().map(|(_, entry)| (entry.text.len(), entry.bytes)).collect();
        assert_eq!(sizes, [(10, 18), (10, 18), (10, 18), (10, 18), (10, 18)]);
        let mut tail = Tail { most_bytes: 50, ..Tail::new(Position::default(), 5) };
        (1..=3).for_each(|nanos| tail.push(long(nanos).bare(), long(nanos).entry().map(alone)));
        let sizes: Vec<_> = tail.items.iter().map(|(_, entry)| entry.text.len()).collect();
        assert_eq!(sizes, [10, 18, 18], "no more than has to be");
    }

    #[test]
    fn a_tail_of_nothing_still_knows_where_the_log_ends() {
        let mut tail = Tail::new(Position::default(), 0);
        tail.push(line(5), line(5).entry().map(alone));
        let steps: Vec<_> = tail.into_steps(Texts::default()).collect();
        assert_eq!(steps.len(), 1);
        assert!(steps[0].0.passed(&line(5)) && !steps[0].0.passed(&line(6)));
    }
}
