//! How many lines were written when, and how serious they were.

use super::held::HeldLines;
use crate::{clock, words};
use fairway_domain::Level;
use std::fmt::Write;

/// Into how many spans of time the lines are put.
pub(super) const BARS: u8 = 120;
/// How high the highest bar is.
pub(super) const HEIGHT: u64 = 32;

/// Lines a span of time, of the whole time that the held lines span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Histogram {
    from: i64,
    until: i64,
    /// Lines that are neither, warnings, and errors.
    bars: Vec<[u64; 3]>,
}

impl Histogram {
    /// Of the lines that are held.
    pub(super) fn of(held: &HeldLines) -> Self {
        let (mut from, mut until) = (i64::MAX, i64::MIN);
        for (_, entry) in held.iter_from(0).filter(|(_, entry)| entry.marker.is_none()) {
            (from, until) = (from.min(entry.at), until.max(entry.at + 1));
        }
        if from >= until {
            return Self::default();
        }
        let mut histogram = Self { from, until, bars: vec![[0; 3]; BARS.into()] };
        for (_, entry) in held.iter_from(0).filter(|(_, entry)| entry.marker.is_none()) {
            let bar =
                usize::try_from((entry.at - from) * i64::from(BARS) / (until - from)).unwrap_or_default();
            let kind = match entry.level {
                Level::Error | Level::Fatal => 2,
                Level::Warn => 1,
                _ => 0,
            };
            histogram.bars[bar][kind] += 1;
        }
        histogram
    }

    /// Whether there is nothing to show: no lines, or all at one time.
    pub(super) fn is_empty(&self) -> bool {
        self.until - self.from < 2
    }

    /// The time at a part of the width.
    pub(super) fn time(&self, part: f64) -> i64 {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        // milliseconds, far below 2^53
        let into = ((self.until - self.from) as f64 * part.clamp(0.0, 1.0)) as i64;
        self.from + into
    }

    /// The bars of one kind as an SVG path, standing on those of the more serious kinds.
    pub(super) fn path(&self, kind: usize) -> String {
        let most = self.bars.iter().map(|bar| bar.iter().sum::<u64>()).max().unwrap_or_default().max(1);
        let height = |lines: u64| (lines * HEIGHT).div_ceil(most);
        let mut path = String::new();
        for (x, bar) in self.bars.iter().enumerate().filter(|(_, bar)| bar[kind] > 0) {
            let (top, base) = (height(bar[kind..].iter().sum()), height(bar[kind + 1..].iter().sum()));
            // What is there is seen, however little of it.
            let tall = (top - base).max(1);
            write!(path, "M{x}.1 {}h.8v{tall}h-.8z", HEIGHT.saturating_sub(base + tall)).ok();
        }
        path
    }

    /// The same in words.
    pub(super) fn sentence(&self) -> String {
        let of = |kind: usize| self.bars.iter().map(|bar| bar[kind]).sum::<u64>();
        let (warnings, errors) = (of(1), of(2));
        format!(
            "{} from {} to {} UTC: {}, {}",
            words::counted(of(0) + warnings + errors, "line"),
            clock::time_of_day(self.from),
            clock::time_of_day(self.until),
            words::counted(errors, "error"),
            words::counted(warnings, "warning"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogLineView;
    use fairway_domain::LogMarker;

    fn line(at: i64, level: Level) -> LogLineView {
        LogLineView { at, level, ..LogLineView::default() }
    }

    #[test]
    fn lines_stand_at_their_time_and_the_serious_ones_at_the_bottom() {
        let mut held = HeldLines::default();
        let started = LogLineView { marker: Some(LogMarker::Joined), ..line(-5000, Level::Unknown) };
        let lines = vec![
            started,
            line(0, Level::Info),
            line(0, Level::Error),
            line(600, Level::Warn),
            line(1199, Level::Unknown),
        ];
        held.extend(lines, usize::MAX);
        let histogram = Histogram::of(&held);
        assert_eq!(histogram.sentence(), "4 lines from 00:00:00 to 00:00:01 UTC: 1 error, 1 warning");
        assert_eq!(histogram.path(2), "M0.1 16h.8v16h-.8z");
        assert_eq!(histogram.path(1), "M60.1 16h.8v16h-.8z");
        assert_eq!(histogram.path(0), "M0.1 0h.8v16h-.8zM119.1 16h.8v16h-.8z");
        assert_eq!((histogram.time(0.5), histogram.time(7.0)), (600, 1200));
    }

    #[test]
    fn one_error_among_very_many_lines_is_still_seen() {
        let mut held = HeldLines::default();
        let mut lines: Vec<_> = (0..100_000).map(|_| line(0, Level::Info)).collect();
        lines.extend([line(0, Level::Error), line(10, Level::Info)]);
        held.extend(lines, usize::MAX);
        assert_eq!(Histogram::of(&held).path(2), "M0.1 31h.8v1h-.8z");
    }

    #[test]
    fn without_lines_there_is_nothing_to_show() {
        assert!(Histogram::of(&HeldLines::default()).is_empty());
    }
}
