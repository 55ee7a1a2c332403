//! How many lines a reader took from the hub, so that it can be said how many they missed.

use super::line::{Item, SourceId, What};
use super::position::{Cursor, Position};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What was taken since a place in the hub's ring.
#[derive(Default)]
pub(super) struct Taken {
    /// How many lines of each source had been dropped there.
    before: HashMap<SourceId, u64>,
    /// How many were taken since, and the place of the last.
    since: HashMap<SourceId, (u64, (i64, u32))>,
}

/// How many lines of a source were dropped after a place.
pub(super) type Missed = HashMap<SourceId, ((i64, u32), u64)>;

impl Taken {
    /// Begins at the oldest item that is held.
    pub(super) fn after(dropped: HashMap<SourceId, u64>) -> Self {
        Self { before: dropped, since: HashMap::new() }
    }

    pub(super) fn add(&mut self, item: &Item) {
        if matches!(item.what, What::Line(_)) {
            let (count, place) = self.since.entry(item.source).or_default();
            (*count, *place) = (*count + 1, (item.nanos, item.ordinal));
        }
    }

    /// What was dropped before it was taken, now that so many lines were.
    pub(super) fn missed(&self, dropped: &HashMap<SourceId, u64>) -> Missed {
        let missed = |(source, (count, place)): (&SourceId, &(u64, (i64, u32)))| {
            let had = self.before.get(source).unwrap_or(&0) + count;
            Some((*source, (*place, dropped.get(source)?.checked_sub(had)?)))
        };
        self.since.iter().filter_map(missed).collect()
    }
}

/// A gap for each container that the reader was in the middle of and that can't be asked any more, unless it is known that they missed
/// nothing.
pub(super) fn lost(
    position: &Position,
    present: &HashSet<SourceId>,
    covered: &HashSet<SourceId>,
    missed: &Missed,
) -> Vec<Item> {
    let readable = |source: &SourceId| present.contains(source) || covered.contains(source);
    let open = position.open_sources().into_iter().filter(|(source, _)| !readable(source));
    let number = |source: SourceId, cursor: Cursor| {
        missed.get(&source).filter(|(place, _)| *place == cursor.place()).map(|(_, lines)| *lines)
    };
    let why = |lines: Option<u64>| match lines {
        None => "A pod that was being read is gone: its last lines may be missing here.".to_owned(),
        Some(1) => "A pod that was being read is gone: 1 line is missing here.".to_owned(),
        Some(lines) => format!("A pod that was being read is gone: {lines} lines are missing here."),
    };
    let open = open.filter(|(source, cursor)| number(*source, *cursor) != Some(0));
    let gap = |(source, cursor): (SourceId, Cursor)| Item {
        source,
        origin: Arc::default(),
        restart: cursor.instance,
        // Of a pod of which only the end was read, no line's time is known.
        nanos: cursor.nanos.max(position.floor),
        ordinal: cursor.ordinal,
        beyond: 0,
        what: What::Gap(why(number(source, cursor))),
    };
    open.map(gap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_missed_is_what_was_dropped_and_they_never_took() {
        let line = |nanos| Item {
            source: SourceId(1),
            origin: Arc::default(),
            restart: 0,
            nanos,
            ordinal: 1,
            beyond: 0,
            what: What::Line(String::new()),
        };
        let mut taken = Taken::after(HashMap::from([(SourceId(1), 10), (SourceId(2), 5)]));
        taken.add(&line(7));
        taken.add(&line(8));
        taken.add(&Item { what: What::Closed(None), ..line(9) });
        let dropped = |number| HashMap::from([(SourceId(1), number), (SourceId(2), 50)]);
        assert_eq!(taken.missed(&dropped(15)), HashMap::from([(SourceId(1), ((8, 1), 3))]));
        assert_eq!(taken.missed(&dropped(12)), HashMap::from([(SourceId(1), ((8, 1), 0))]));
        assert_eq!(taken.missed(&dropped(11)), HashMap::new(), "all of them are still held");
    }
}
