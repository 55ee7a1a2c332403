//! Noticing that a log can't be read on where it was left.

use super::line::{Item, Source, What};
use super::position::Cursor;

/// Whether lines may be missing between a reader's place and the first line that can be read after it.
pub(super) struct GapCheck {
    cursor: Cursor,
    restart: u32,
    /// Whether the line at the cursor, or an earlier one, was met again: then nothing is missing.
    pub(super) met: bool,
    /// Where it is told of, if there is no log to read.
    gone: Option<(i64, u32)>,
}

impl GapCheck {
    pub(super) fn new(cursor: Cursor, restart: u32) -> Self {
        // Whoever has read all earlier instances to their ends begins this one at its beginning.
        Self { cursor, restart, met: cursor.fresh && restart == cursor.instance, gone: None }
    }

    /// The kubelet has no log of this instance, which was started then and may have written more than was read.
    pub(super) fn is_gone(&mut self, started: i64) {
        let place = if self.cursor.nanos > 0 { self.cursor.place() } else { (started, Item::ANYWHERE) };
        (self.met, self.gone) = (false, Some(place));
    }

    pub(super) fn saw_the_place(&mut self) {
        // The instance that the cursor is in, or one between, may be missing all the same.
        self.met = self.met || self.restart <= self.cursor.instance;
    }

    pub(super) fn item(&self, source: &Source) -> Option<Item> {
        if self.met {
            return None;
        }
        let place = self.gone.unwrap_or(self.cursor.place());
        let text = if self.gone.is_some() && self.restart == self.cursor.instance {
            "The kubelet doesn't have the log of this run of the container: lines may be missing here."
        } else if self.restart > self.cursor.instance {
            "An earlier run of the container can't be read any more: lines may be missing here."
        } else {
            "The log was rotated while nobody read it: lines may be missing here."
        };
        Some(Item::happened(source, self.restart, place, What::Gap(text.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_unless_the_readers_place_was_met_again() {
        let source = Source::of_pod(1, "orders-1");
        let at = |instance, fresh| Cursor { nanos: 5, ordinal: 1, instance, fresh, begun: false };
        // In the middle of the instance that is read.
        let mut check = GapCheck::new(at(1, false), 1);
        assert!(check.item(&source).is_some());
        check.saw_the_place();
        assert!(check.item(&source).is_none());
        // At the beginning of it.
        assert!(GapCheck::new(at(1, true), 1).item(&source).is_none());
        // An instance between is gone, whatever is met.
        let mut check = GapCheck::new(at(0, false), 2);
        check.saw_the_place();
        assert!(check.item(&source).is_some());
    }
}
