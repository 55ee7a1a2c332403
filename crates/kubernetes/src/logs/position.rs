//! How far a reader has come, in each source: exact, and stateless, since the reader carries it.

use super::line::{Item, SourceId, What};
use fairway_domain::{LogPlace, LogPosition, LogRequest, push_hex};
use std::collections::BTreeMap;

/// As many closed sources are remembered; older ones become part of the floor.
const MOST_CLOSED: usize = 8;
/// How many letters of a position's text are left to its cursors.
const MOST_LETTERS: usize = LogPosition::MOST_LETTERS - 64;

/// How far a reader has come in one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The last line's place.
    pub(super) nanos: i64,
    /// The last line's number among those at `nanos`. 0 before the first line.
    pub(super) ordinal: u32,
    /// The instance (by restarts) that is being read; the end of every earlier one has been shown.
    pub(super) instance: u32,
    /// No line of `instance` has been read yet.
    pub(super) fresh: bool,
    /// Nothing of `instance` but that it was started has been read.
    pub(super) begun: bool,
}

impl Cursor {
    /// The instance of a source that will never say anything more.
    const CLOSED: u32 = u32::MAX;

    /// Before everything.
    pub(super) fn start() -> Self {
        Self { fresh: true, ..Self::default() }
    }

    pub(super) fn closed(self) -> bool {
        self.instance == Self::CLOSED
    }

    pub(super) fn place(self) -> (i64, u32) {
        (self.nanos, self.ordinal)
    }

    /// Whether everything up to another place has been read.
    pub(super) fn is_past(self, other: Self) -> bool {
        let past = self.place() >= other.place() && self.instance >= other.instance;
        self.closed() || (!other.closed() && past)
    }

    pub(super) fn passed(self, item: &Item) -> bool {
        match item.what {
            What::Line(_) => (item.nanos, item.ordinal) <= self.place(),
            What::Restarted(_) if item.restart == self.instance => !self.fresh || self.begun,
            What::Ended(_) | What::Restarted(_) => item.restart < self.instance,
            // A gap is one only to who stands right before it; another has read the lines another way.
            What::Gap(_) if item.nanos > 0 && item.ordinal == Item::ANYWHERE => self.closed(),
            What::Gap(_) => (item.nanos, item.ordinal) != self.place(),
            // It comes first: whoever has a place in the source is past it.
            What::Joined(_) => true,
            What::Closed(_) => self.closed(),
            // No source's cursor tells of these.
            What::Event(_) => false,
        }
    }

    pub(super) fn advance(&mut self, item: &Item) {
        match item.what {
            What::Line(_) => {
                (self.nanos, self.ordinal) = (item.nanos, item.ordinal);
                self.instance = self.instance.max(item.restart);
                (self.fresh, self.begun) = (false, false);
            }
            What::Ended(_) => {
                self.instance = self.instance.max(item.restart.saturating_add(1));
                (self.fresh, self.begun) = (true, false);
            }
            What::Restarted(_) => {
                self.instance = self.instance.max(item.restart);
                (self.fresh, self.begun) = (true, true);
            }
            What::Gap(_) | What::Joined(_) | What::Event(_) => {}
            What::Closed(_) => {
                (self.instance, self.fresh, self.begun) = (Self::CLOSED, true, false);
                self.nanos = self.nanos.max(item.nanos);
            }
        }
    }
}

/// How far a reader has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Lines of sources without a cursor count as read up to here (nanoseconds, exclusive).
    pub(super) floor: i64,
    cursors: BTreeMap<SourceId, Cursor>,
    /// The version of the last event that was read.
    pub(super) events: Option<u64>,
    /// Whether there are sources that may go on and had no room in the text that this comes from.
    without_some: bool,
}

impl Position {
    /// Before everything since `floor` (nanoseconds).
    pub(super) fn since(floor: i64) -> Self {
        Self { floor, ..Self::default() }
    }

    pub(super) fn cursor(&self, source: SourceId) -> Option<Cursor> {
        self.cursors.get(&source).copied()
    }

    /// The time of the latest line of all; of nothing read, before everything.
    pub(super) fn latest(&self) -> i64 {
        self.cursors.values().map(|cursor| cursor.nanos).max().unwrap_or(i64::MIN)
    }

    /// The source of the latest line of all.
    pub(super) fn latest_source(&self) -> Option<SourceId> {
        self.cursors.iter().max_by_key(|(_, cursor)| cursor.nanos).map(|(id, _)| *id)
    }

    /// The sources that may still have something to say.
    pub(super) fn open_sources(&self) -> Vec<(SourceId, Cursor)> {
        self.cursors
            .iter()
            .filter(|(id, cursor)| !cursor.closed() && !id.is_elsewhere())
            .map(|(id, cursor)| (*id, *cursor))
            .collect()
    }

    pub(super) fn passed(&self, item: &Item) -> bool {
        if let Some(version) = item.version()
            && let Some(read) = self.events
        {
            return version <= read;
        }
        match self.cursors.get(&item.source) {
            Some(cursor) => cursor.passed(item),
            None if matches!(item.what, What::Gap(_)) => true,
            None => item.nanos < self.floor,
        }
    }

    pub(super) fn advance(&mut self, item: &Item) {
        if let Some(version) = item.version() {
            self.events = self.events.max(Some(version));
            return;
        }
        if item.source == SourceId::NOBODY {
            return;
        }
        let cursor = self.cursors.entry(item.source).or_insert_with(Cursor::start);
        let was_closed = cursor.closed();
        cursor.advance(item);
        if cursor.closed() != was_closed {
            self.forget_closed();
        }
    }

    /// Whether everything up to `cursor` in a source has been read.
    pub(super) fn is_past(&self, source: SourceId, cursor: Cursor) -> bool {
        match self.cursors.get(&source) {
            Some(own) => own.is_past(cursor),
            None => cursor.nanos < self.floor,
        }
    }

    /// The same, but in the source of a line that was read right after it.
    pub(super) fn back_at(&self, place: LogPlace) -> Self {
        let mut back = self.clone();
        if let Some(cursor) = back.cursors.get_mut(&SourceId(place.source)) {
            let LogPlace { restart, nanos, ordinal, .. } = place;
            *cursor = Cursor { nanos, ordinal, instance: restart, ..Cursor::default() };
        }
        back
    }

    /// Everything up to `cursor` counts as read.
    pub(super) fn set(&mut self, source: SourceId, cursor: Cursor) {
        self.cursors.insert(source, cursor);
        self.forget_closed();
    }

    fn forget_closed(&mut self) {
        let closed = || self.cursors.iter().filter(|(_, cursor)| cursor.closed());
        if closed().count() > MOST_CLOSED
            && let Some(source) = closed().min_by_key(|(_, cursor)| cursor.nanos).map(|(source, _)| *source)
        {
            self.leave_out(source);
        }
    }

    /// The lines of the source up to its cursor stay read.
    fn leave_out(&mut self, source: SourceId) {
        if let Some(cursor) = self.cursors.remove(&source) {
            self.floor = self.floor.max(cursor.nanos.saturating_add(1));
            self.without_some |= !cursor.closed();
        }
    }

    /// The same with no more cursors than have room in a text; nothing if that is all of them. Those go first that are closed, then
    /// those that wrote last the longest ago: they are the least likely to be met again.
    fn shortened(&self) -> Option<Self> {
        let letters = |(source, cursor): (&SourceId, &Cursor)| cursor_text(*source, *cursor).len();
        // Whatever the numbers.
        if self.cursors.len() * LONGEST_CURSOR <= MOST_LETTERS {
            return None;
        }
        let mut surplus = self.cursors.iter().map(letters).sum::<usize>().saturating_sub(MOST_LETTERS);
        let mut oldest: Vec<_> = self.cursors.iter().collect();
        oldest.sort_by_key(|(_, cursor)| (!cursor.closed(), cursor.nanos));
        let mut short = self.clone();
        for of in oldest {
            if surplus == 0 {
                break;
            }
            surplus = surplus.saturating_sub(letters(of));
            short.leave_out(*of.0);
        }
        Some(short)
    }

    /// Tells once that sources had no room in the text that this comes from.
    pub(super) fn take_untold(&mut self) -> Option<Item> {
        let why = "More containers wrote than could be noted where reading stopped: of some of them, earlier lines may be missing.";
        std::mem::take(&mut self.without_some).then(|| Item::told_by_nobody(self.floor, why.into()))
    }

    pub(super) fn decode(position: &LogPosition) -> Option<Self> {
        let mut parts = position.as_str().strip_prefix("1.")?.split(',');
        let mut decoded = Self::since(i64::from_str_radix(parts.next()?, 16).ok()?);
        for part in parts {
            if let Some(version) = part.strip_prefix("v.") {
                decoded.events = Some(u64::from_str_radix(version, 16).ok()?);
                continue;
            }
            if part == WITHOUT_SOME {
                decoded.without_some = true;
                continue;
            }
            let mut fields = part.split('.');
            let source = SourceId(u64::from_str_radix(fields.next()?, 16).ok()?);
            let mut cursor = Cursor {
                nanos: i64::from_str_radix(fields.next()?, 16).ok()?,
                ordinal: u32::from_str_radix(fields.next()?, 16).ok()?,
                instance: u32::from_str_radix(fields.next()?, 16).ok()?,
                ..Cursor::default()
            };
            let is = fields.next();
            (cursor.fresh, cursor.begun) = (matches!(is, Some("f" | "b")), is == Some("b"));
            decoded.cursors.insert(source, cursor);
        }
        Some(decoded)
    }
}

/// Writes the texts that readers give back, one for each line that they are given: of each, most is as it was in the one before.
#[derive(Debug, Default)]
pub(super) struct Texts {
    cursors: Vec<(SourceId, Cursor, String)>,
    /// For a reader who won't give one back.
    none: bool,
}

impl Texts {
    /// For a reader with this request.
    pub(super) fn wanted_by(request: &LogRequest) -> Self {
        Self { none: request.bare, ..Self::default() }
    }

    pub(super) fn of(&mut self, position: &Position) -> Option<LogPosition> {
        if self.none {
            return Some(LogPosition::NONE);
        }
        let short = position.shortened();
        let position = short.as_ref().unwrap_or(position);
        let mut text = String::with_capacity(48 + 48 * position.cursors.len());
        text.push('1');
        push(&mut text, '.', position.floor.max(0).unsigned_abs());
        if let Some(version) = position.events {
            text.push_str(",v");
            push(&mut text, '.', version);
        }
        if position.without_some {
            text.push(',');
            text.push_str(WITHOUT_SOME);
        }
        for (index, (source, cursor)) in position.cursors.iter().enumerate() {
            if index == self.cursors.len() {
                self.cursors.push((*source, *cursor, cursor_text(*source, *cursor)));
            }
            let known = &mut self.cursors[index];
            if (known.0, known.1) != (*source, *cursor) {
                *known = (*source, *cursor, cursor_text(*source, *cursor));
            }
            text.push_str(&known.2);
        }
        text.try_into().ok()
    }
}

/// What a text says besides if sources had no room in it.
const WITHOUT_SOME: &str = "without";
/// How many letters a cursor's text has at most.
const LONGEST_CURSOR: usize = 56;

fn cursor_text(source: SourceId, cursor: Cursor) -> String {
    let Cursor { nanos, ordinal, instance, fresh, begun } = cursor;
    let mut text = String::with_capacity(48);
    push(&mut text, ',', source.0);
    push(&mut text, '.', nanos.max(0).unsigned_abs());
    push(&mut text, '.', ordinal.into());
    push(&mut text, '.', instance.into());
    if fresh {
        text.push_str(if begun { ".b" } else { ".f" });
    }
    text
}

fn push(text: &mut String, separator: char, number: u64) {
    text.push(separator);
    push_hex(text, number);
}

#[cfg(test)]
#[path = "position_tests.rs"]
mod tests;
