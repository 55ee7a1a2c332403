//! What a container wrote before its log was rotated away: the kubelet gives the latest file alone, the rest is read from the disk.
//!
//! Both have each line's time and text, and both number the lines of one time; the kubelet's file begins anew with it. So where the
//! kubelet's first line is found on the disk, everything before it comes from there, the kubelet's lines are numbered on from there, and
//! each has the place that it had when it was written down.

use super::kept::{Enough, Kept, KeptSource, Place};
use super::line::{Item, Numbering, SourceId, What};
use super::position::Cursor;
use super::range::Range;
use super::read::Chunk;
use super::rotation::{follows_at_once, may_be_missing};
use std::time::Duration;

/// How many items are handed over at once, and how many bytes of them, about. Many such pieces are read ahead.
const CHUNK: (usize, usize) = (64, 32 * 1024);
/// How much later the kubelet's first line may stand on the disk, in nanoseconds: lines of two streams are stamped out of order.
const OUT_OF_ORDER: i64 = 1_000_000_000;
/// How many bytes of lines it is looked for in.
const MOST_HELD: usize = 1024 * 1024;
/// What has just been written isn't on the disk yet: how often it is looked for again, and after what time.
const AGAIN: (u32, Duration) = (12, Duration::from_millis(250));

/// Reads what is kept of one container up to where the kubelet's log of one of its instances begins.
pub(super) struct Rotated {
    restart: u32,
    range: Range,
    /// The first line that the kubelet has after the reader's place.
    first: Option<Item>,
    disk: KeptSource,
    /// The last item that was given, if nothing is missing after it.
    last: Option<Cursor>,
    /// A gap, if what follows it is still wanted from the disk.
    gap: Option<Item>,
    /// Lines that may stand before the kubelet's first one or be it.
    held: Vec<Item>,
    held_bytes: usize,
    again: u32,
    over: bool,
    joint: Joint,
}

/// What is kept on disk of the containers that the kubelet is asked about.
#[derive(Clone)]
pub(super) struct KeptLines {
    pub(super) kept: Kept,
    /// What is wanted of it.
    pub(super) range: Range,
    /// Only this many of the last lines of that.
    pub(super) last: Option<u32>,
}

impl KeptLines {
    /// What stands between a reader's place and the first line that the kubelet has after it of one instance of a source.
    pub(super) async fn before(
        &self,
        source: SourceId,
        place: Place,
        restart: u32,
        first: Option<Item>,
    ) -> Rotated {
        let Self { kept, range, last } = self;
        let end = first.as_ref().map_or(i64::MAX, |first| first.nanos);
        let counts = |item: &Item| {
            let inside = item.nanos < end && !range.begins_after(item) && !range.ends_before(item);
            inside && matches!(item.what, What::Line(_))
        };
        let wanted = last.map(|lines| Enough { lines, counts: &counts });
        let disk = KeptSource::open(kept, source, place, wanted.as_ref().map(|wanted| (wanted, end))).await;
        let last = match place {
            Place::After(cursor) => Some(cursor),
            Place::From(_) => None,
        };
        let (range, joint) = (*range, Joint::default());
        let (gap, held, held_bytes, again, over) = (None, Vec::new(), 0, 0, false);
        Rotated { restart, range, first, disk, last, gap, held, held_bytes, again, over, joint }
    }
}

/// How the kubelet's lines go on from those of the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Joint {
    /// Whether all that is missing between them has been told.
    pub(super) told: bool,
    /// Whether none of them is wanted.
    pub(super) over: bool,
    /// The place that the kubelet's first line follows.
    after: Option<(i64, u32)>,
}

impl Joint {
    /// Gives a line of the kubelet's the place that it has after those from the disk.
    pub(super) fn numbering(self) -> Option<Numbering> {
        self.after.map(Numbering::after)
    }
}

impl Rotated {
    /// The next items; nothing once the kubelet's follow.
    pub(super) async fn next(&mut self) -> Option<Chunk> {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while !self.over && chunk.len() < CHUNK.0 && bytes < CHUNK.1 {
            let given = chunk.len();
            match self.disk.next().await {
                Some(item) => self.take(item, &mut chunk),
                None if !chunk.is_empty() => break,
                None => self.wait_or_end(&mut chunk).await,
            }
            bytes += chunk[given..].iter().map(Item::weight).sum::<usize>();
        }
        (!chunk.is_empty()).then_some(chunk)
    }

    /// How the kubelet's lines go on from what was given.
    pub(super) fn joint(&self) -> Joint {
        self.joint
    }

    fn take(&mut self, item: Item, chunk: &mut Chunk) {
        let near = self.first.as_ref().is_some_and(|first| item.nanos >= first.nanos);
        match item.what {
            _ if !near && self.range.ends_before(&item) => {
                (self.over, self.joint.over) = (true, true);
                chunk.extend(self.gap.take());
            }
            _ if item.restart > self.restart => self.end(chunk),
            What::Ended(_) if item.restart == self.restart => self.end(chunk),
            What::Line(_) if near => self.take_near(item, chunk),
            // The kubelet has what may be missing.
            What::Gap(_) if near => {}
            // Before the first line that is there, nothing was asked for.
            What::Gap(_) => self.gap = self.last.map(|_| item),
            _ => self.give(item, chunk),
        }
    }

    /// Takes a line that is the kubelet's first one, or was written about when it was.
    fn take_near(&mut self, item: Item, chunk: &mut Chunk) {
        let Some(first) = self.first.as_ref().filter(|_| self.gap.is_none()) else {
            return self.end(chunk);
        };
        let last = self.held.last().map(|held| (held.nanos, held.ordinal));
        let last = last.or(self.last.map(Cursor::place));
        let place = last.map_or_else(Numbering::default, Numbering::after).place(first.nanos);
        let said = (&first.what, first.beyond);
        if ((item.nanos, item.ordinal), (&item.what, item.beyond)) == (place, said) {
            for held in std::mem::take(&mut self.held) {
                self.give(held, chunk);
            }
            // Between the last line of one instance and the first of the next, nothing was rotated away.
            let last = self.last.filter(|last| !last.fresh && !follows_at_once(last.nanos, place.0));
            self.gap = last.and_then(|_| self.rotation(place.0));
            self.joint.told = true;
            return self.end(chunk);
        }
        let later = item.nanos - first.nanos;
        self.held_bytes += item.weight();
        self.held.push(item);
        if later > OUT_OF_ORDER || self.held_bytes > MOST_HELD {
            self.end(chunk);
        }
    }

    /// What the kubelet gives next may be on its way to the disk.
    async fn wait_or_end(&mut self, chunk: &mut Chunk) {
        let may_come = self.held.is_empty() && self.last.is_some() && self.disk.follows();
        if self.first.is_some() && may_come && self.again < AGAIN.0 {
            self.again += 1;
            tokio::time::sleep(AGAIN.1).await;
        } else {
            self.end(chunk);
        }
    }

    fn give(&mut self, item: Item, chunk: &mut Chunk) {
        chunk.extend(self.gap.take());
        self.last.get_or_insert_with(Cursor::start).advance(&item);
        chunk.push(item);
    }

    /// Nothing else comes from the disk.
    fn end(&mut self, chunk: &mut Chunk) {
        self.over = true;
        if let Some(first) = &self.first {
            // The kubelet's first lines never came to the disk.
            if !self.held.is_empty() {
                self.gap = self.rotation(first.nanos);
            }
            self.joint.over = self.range.ends_before(first);
            self.joint.after = self.last.map(Cursor::place);
        } else {
            self.joint.told = self.disk.follows();
        }
        self.joint.told |= self.gap.is_some();
        chunk.extend(self.gap.take());
    }

    /// Tells that the log was rotated after the last line that was given, before one with this time.
    fn rotation(&self, next: i64) -> Option<Item> {
        let (first, last) = self.first.as_ref().zip(self.last)?;
        let (nanos, ordinal) = last.place();
        let why = may_be_missing(Some(nanos), next);
        Some(Item {
            restart: last.instance,
            nanos,
            ordinal,
            beyond: 0,
            what: What::Gap(why),
            ..first.clone()
        })
    }
}

#[cfg(test)]
#[path = "rotated_tests.rs"]
mod tests;
