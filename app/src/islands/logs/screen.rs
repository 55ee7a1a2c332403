//! The rows in sight, and where they stand. A row that stays in sight stays the same element: what a person marked in it stays marked,
//! however many lines come.

use super::{
    elements::Elements,
    heights::ROW,
    held::HeldLines,
    reading::Reading,
    rows::{self, Drawing},
};
use std::{cmp::Ordering, collections::VecDeque};
use web_sys::HtmlElement;

/// How far beyond what is in sight rows are drawn, in pixels, so that a quick scroll shows no hole.
const MARGIN: u32 = 20 * ROW;

/// What is drawn.
#[derive(Default)]
pub(super) struct Screen {
    rows: VecDeque<Row>,
    /// The first entry in sight, by its number, and how much of it is above the edge.
    anchor: (usize, u32),
    /// How far the list was scrolled when that was last known.
    top: i32,
    /// Where what is in sight ends.
    bottom: u32,
    drawing: Drawing,
    pub(super) selected: Option<usize>,
    pub(super) is_due: bool,
}

/// A drawn row.
struct Row {
    number: usize,
    /// What it would have to be drawn anew for.
    shown: (bool, usize),
    element: HtmlElement,
}

impl Screen {
    /// A screen for the log at an address of the REST interface.
    pub(super) fn new(api: String) -> Self {
        Self { drawing: Drawing { api, ..Drawing::default() }, ..Self::default() }
    }

    /// Entries were put in between: those after them have other numbers.
    pub(super) fn inserted(&mut self, numbers: &[usize]) {
        for at in numbers {
            let rows = self.rows.iter_mut().map(|row| &mut row.number);
            for number in rows.chain([&mut self.anchor.0]).chain(&mut self.selected) {
                if *number >= *at {
                    *number += 1;
                }
            }
        }
    }

    /// Keeps to what is read while the entries around it change.
    pub(super) fn during(&mut self, held: &mut HeldLines, change: impl FnOnce(&mut HeldLines)) {
        let names = [Some(self.anchor.0), self.selected].map(|number| held.name(number?));
        change(held);
        let [anchor, selected] = names.map(|name| held.named(name?));
        self.anchor.0 = anchor.unwrap_or_default();
        self.selected = selected;
        self.forget();
    }

    /// Takes notice of where the list is scrolled to; says how that differs from where it was put, and how far the end is, in pixels.
    pub(super) fn scrolled(&mut self, held: &HeldLines, list: &HtmlElement) -> (Ordering, i32) {
        let top = list.scroll_top();
        let moved = top.cmp(&self.top);
        if moved != Ordering::Equal {
            // By as much as the reader moved it: entries may have come and gone since it was drawn.
            let before = held.heights.offset(self.anchor.0.saturating_sub(held.first())) + self.anchor.1;
            let place = if top == 0 { 0 } else { before.saturating_add_signed(top - self.top) };
            self.place(held, place);
        }
        self.top = top;
        (moved, list.scroll_height() - top - list.client_height())
    }

    /// From now on the entry is what stands first, or `above` pixels below the edge.
    pub(super) fn go(&mut self, held: &HeldLines, number: usize, above: u32) {
        self.place(held, held.heights.offset(number.saturating_sub(held.first())).saturating_sub(above));
    }

    /// From now on what is at a place stands first.
    fn place(&mut self, held: &HeldLines, place: u32) {
        let (first, into) = held.heights.at(place);
        self.anchor = (held.first() + first, into);
    }

    /// Brings all of an entry into sight, or at least its beginning.
    pub(super) fn reveal(&mut self, held: &HeldLines, list: &HtmlElement, number: usize) {
        let row = number.saturating_sub(held.first());
        let [begin, end] = [row, row + 1].map(|row| held.heights.offset(row));
        let seen = list.client_height().unsigned_abs();
        let top = end.saturating_sub(seen).min(begin);
        if top > self.top.unsigned_abs() {
            self.place(held, top);
        }
    }

    /// Whether an entry is in sight.
    pub(super) fn shows(&self, held: &HeldLines, list: &HtmlElement, number: usize) -> bool {
        let place = held.heights.offset(number.saturating_sub(held.first()));
        let top = self.top.unsigned_abs();
        place >= top && place + ROW <= top + list.client_height().unsigned_abs()
    }

    /// The number of the entry whose row an element is or stands in.
    pub(super) fn number_of(&self, element: &web_sys::Node) -> Option<usize> {
        self.rows.iter().find(|row| row.element.contains(Some(element))).map(|row| row.number)
    }

    /// The row of an entry, if it is drawn.
    pub(super) fn row(&self, number: usize) -> Option<&HtmlElement> {
        self.rows.iter().find(|row| row.number == number).map(|row| &row.element)
    }

    /// The first entry in sight.
    pub(super) const fn first(&self) -> usize {
        self.anchor.0
    }

    /// What follows the last entry in sight.
    pub(super) fn last(&self, held: &HeldLines) -> usize {
        let seen =
            self.rows.iter().filter(|row| held.heights.offset(row.number - held.first()) < self.bottom);
        seen.map(|row| row.number + 1).max().unwrap_or_default()
    }

    /// Draws what is in sight, where it belongs: at the end, or where the reader is.
    pub(super) fn paint(&mut self, held: &mut HeldLines, page: &Elements, to_end: bool, reading: Reading) {
        let columns = reading.wrap.then(|| columns(&page.list));
        if self.drawing.reading != reading || self.drawing.columns != columns {
            (self.drawing.reading, self.drawing.columns) = (reading, columns);
            held.wrap(columns);
            self.forget();
        }
        if self.anchor.0 < held.first() {
            self.anchor = (held.first(), 0);
        }
        let seen = page.list.client_height().unsigned_abs();
        let mut top = 0;
        let mut first = 0;
        // Again where heights weren't what was thought: what is in sight then differs.
        for _ in 0..4 {
            let total = held.heights.total();
            let wanted = held.heights.offset(self.anchor.0 - held.first()) + self.anchor.1;
            top = if to_end { total.saturating_sub(seen) } else { wanted.min(total.saturating_sub(seen)) };
            first = held.heights.at(top.saturating_sub(MARGIN)).0;
            let last = held.heights.at(top + seen + MARGIN).0;
            self.draw(held, first, last, &page.drawn);
            if !self.measure(held) {
                break;
            }
        }
        self.bottom = top + seen;
        style(&page.room, "height", held.heights.total());
        let offset = held.heights.offset(first);
        page.drawn.style().set_property("transform", &format!("translateY({offset}px)")).ok();
        if self.top != top.cast_signed() || page.list.scroll_top() != self.top {
            page.list.set_scroll_top(top.cast_signed());
            self.top = page.list.scroll_top();
        }
        if to_end {
            self.place(held, top);
        }
    }

    /// Shows nothing, for lines that are read anew.
    pub(super) fn clear(&mut self) {
        self.forget();
        (self.anchor, self.selected) = ((0, 0), None);
        self.drawing.columns = None;
    }

    /// Lets go of all rows; the next painting makes new ones.
    fn forget(&mut self) {
        for row in self.rows.drain(..) {
            row.element.remove();
        }
    }

    /// Brings the drawn rows to those from `first` to `last`, counted from the first that is held.
    fn draw(&mut self, held: &HeldLines, first: usize, last: usize, drawn: &HtmlElement) {
        let end = held.first() + last;
        let wanted = held.iter_from(first).take_while(|(number, _)| *number <= end);
        let mut before = std::mem::take(&mut self.rows);
        for (number, entry) in wanted {
            let shown = (entry.open, entry.lines());
            while before
                .front()
                .is_some_and(|row| row.number < number || (row.number == number && row.shown != shown))
            {
                before.pop_front().inspect(|row| row.element.remove());
            }
            if let Some(row) = before.pop_front_if(|row| row.number == number) {
                self.rows.push_back(row);
                continue;
            }
            let source = held.source_of(entry);
            let Some(element) = source.and_then(|source| rows::row(entry, source, &self.drawing)) else {
                continue;
            };
            if self.selected == Some(number) {
                select(&element, true);
            }
            drawn.insert_before(&element, before.front().map(|row| row.element.as_ref())).ok();
            self.rows.push_back(Row { number, shown, element });
        }
        for row in before {
            row.element.remove();
        }
    }

    /// Learns how high the drawn rows are; answers whether that was known.
    fn measure(&self, held: &mut HeldLines) -> bool {
        let first = held.first();
        let mut news = false;
        for row in self.rows.iter().filter(|row| self.drawing.reading.wrap || row.shown.0) {
            news |= held.heights.set(row.number - first, row.element.offset_height().unsigned_abs());
        }
        news
    }

    /// Marks another entry as the one that is meant; answers whether it is another.
    pub(super) fn select(&mut self, number: Option<usize>) -> bool {
        if self.selected == number {
            return false;
        }
        for (which, is) in [(self.selected, false), (number, true)] {
            if let Some(row) = which.and_then(|number| self.row(number)) {
                select(row, is);
            }
        }
        self.selected = number;
        true
    }
}

fn select(row: &HtmlElement, is: bool) {
    row.class_list().toggle_with_force("selected", is).ok();
    if is {
        row.set_tab_index(-1);
        row.set_attribute("aria-current", "true").ok();
    } else {
        row.remove_attribute("aria-current").ok();
    }
}

/// How many characters of a line stand in a row, about: below a certain width the style sheet puts time and pod into the text.
fn columns(list: &HtmlElement) -> usize {
    let width = list.client_width().unsigned_abs() as usize * 10 / 78;
    if width > 82 { width - 30 } else { width.saturating_sub(3).max(10) }
}

fn style(element: &HtmlElement, property: &str, pixels: u32) {
    element.style().set_property(property, &format!("{pixels}px")).ok();
}
