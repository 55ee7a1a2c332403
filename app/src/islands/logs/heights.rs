//! How high the rows of a list are, drawn or not, in CSS pixels: so that each has its place without being drawn.
//!
//! Sums are made anew whenever they are asked for: two hundred thousand additions take a fraction of a millisecond.

use std::collections::VecDeque;

/// The height of a row that shows one line; the style sheet says the same.
pub(super) const ROW: u32 = 20;

/// A height for each row.
#[derive(Debug, Default)]
pub(super) struct Heights {
    rows: VecDeque<u32>,
    total: u32,
}

impl Heights {
    pub(super) fn insert(&mut self, index: usize, height: u32) {
        self.rows.insert(index, height);
        self.total += height;
    }

    /// Lets the first go.
    pub(super) fn shift(&mut self) {
        self.total -= self.rows.pop_front().unwrap_or_default();
    }

    /// Says how high all rows are.
    pub(super) fn refill(&mut self, heights: impl Iterator<Item = u32>) {
        self.rows.clear();
        self.rows.extend(heights);
        self.total = self.rows.iter().sum();
    }

    /// Says that nothing is seen of any row.
    pub(super) fn flatten(&mut self) {
        for row in &mut self.rows {
            *row = 0;
        }
        self.total = 0;
    }

    /// Says how high a row is; answers whether that is news.
    pub(super) fn set(&mut self, index: usize, height: u32) -> bool {
        let Some(row) = self.rows.get_mut(index).filter(|row| **row != height) else { return false };
        self.total = self.total - *row + height;
        *row = height;
        true
    }

    /// What all rows take.
    pub(super) const fn total(&self) -> u32 {
        self.total
    }

    /// Where a row begins.
    pub(super) fn offset(&self, index: usize) -> u32 {
        self.rows.iter().take(index).sum()
    }

    /// Which row is at a place, and how far below its beginning the place is; the last one for what is beyond it.
    pub(super) fn at(&self, place: u32) -> (usize, u32) {
        let mut left = place;
        for (index, row) in self.rows.iter().enumerate() {
            if left < *row {
                return (index, left);
            }
            left -= row;
        }
        (self.rows.len().saturating_sub(1), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_whatever_the_rows_before_it_became() {
        let mut heights = Heights::default();
        heights.refill([ROW; 5].into_iter());
        assert!(heights.set(1, 100));
        assert!(!heights.set(1, 100), "no news");
        assert_eq!((heights.total(), heights.offset(3)), (180, 140));
        assert_eq!(heights.at(119), (1, 99));
        assert_eq!(heights.at(120), (2, 0));
        heights.insert(0, 40);
        assert_eq!(heights.at(60 + 99), (2, 99));
        heights.shift();
        assert_eq!((heights.total(), heights.offset(3)), (180, 140));
        assert_eq!(heights.at(9_999), (4, 0), "the last row stands for what is beyond it");
        heights.refill([ROW, 60].into_iter());
        assert_eq!((heights.total(), heights.at(25)), (80, (1, 5)));
    }
}
