//! The lines that a log view holds: the newest hundred thousand, and an honest count of the rest.

use crate::{clock, model::LogLineView, words};
use fairway_domain::LogMarker;
use std::collections::{BTreeSet, VecDeque};

/// How many lines a view holds.
pub(crate) const LIMIT: usize = 100_000;

/// Lines, and what is known about those that aren't there.
#[derive(Debug, Default)]
pub(crate) struct HeldLines {
    lines: VecDeque<LogLineView>,
    /// Oldest lines that were let go to stay within the limit.
    evicted: usize,
    /// Places where lines may be missing.
    gaps: usize,
    pods: BTreeSet<String>,
}

impl HeldLines {
    /// Takes more lines; answers how many of the oldest went for them.
    pub(crate) fn extend(&mut self, lines: Vec<LogLineView>) -> usize {
        for line in lines {
            if line.marker == Some(LogMarker::Gap) {
                self.gaps += 1;
            }
            if !self.pods.contains(&line.pod) {
                self.pods.insert(line.pod.clone());
            }
            self.lines.push_back(line);
        }
        let over = self.lines.len().saturating_sub(LIMIT);
        self.lines.drain(..over);
        self.evicted += over;
        over
    }

    #[cfg(any(feature = "hydrate", test))]
    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The lines from `first`, at most `count`.
    pub(crate) fn window(&self, first: usize, count: usize) -> impl Iterator<Item = &LogLineView> {
        self.lines.iter().skip(first).take(count)
    }

    /// What is shown and what isn't, in words.
    pub(crate) fn account(&self) -> String {
        let Some(first) = self.lines.front() else {
            return "No lines yet".to_owned();
        };
        let mut parts = vec![
            format!(
                "{} held from {}",
                words::counted(self.lines.len() as u64, "line"),
                words::counted(self.pods.len() as u64, "pod")
            ),
            format!("since {} UTC", clock::time_of_day(first.at)),
        ];
        if self.evicted > 0 {
            parts.push(format!("{} no longer held", words::counted(self.evicted as u64, "older line")));
        }
        parts.push(match self.gaps {
            0 => "none lost".to_owned(),
            gaps => format!(
                "lines may be missing at {}, marked in the list",
                words::counted(gaps as u64, "place")
            ),
        });
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_domain::Level;

    fn line(number: usize, marker: Option<LogMarker>) -> LogLineView {
        LogLineView {
            pod: format!("orders-{}", number % 3),
            level: Level::Info,
            text: number.to_string(),
            marker,
            ..LogLineView::default()
        }
    }

    #[test]
    fn the_newest_lines_are_held_and_the_others_counted() {
        let mut held = HeldLines::default();
        assert_eq!(held.extend((0..LIMIT).map(|number| line(number, None)).collect()), 0);
        assert_eq!(held.extend((0..10).map(|number| line(LIMIT + number, None)).collect()), 10);
        assert_eq!(held.len(), LIMIT);
        assert_eq!(held.window(0, 1).next().map(|line| line.text.as_str()), Some("10"));
        assert_eq!(
            held.account(),
            "100,000 lines held from 3 pods · since 00:00:00 UTC · 10 older lines no longer held · none lost"
        );
    }

    #[test]
    fn where_lines_may_be_missing_none_lost_is_not_claimed() {
        let mut held = HeldLines::default();
        held.extend(vec![line(0, None), line(0, Some(LogMarker::Gap))]);
        assert!(!held.account().contains("none lost"));
        assert!(held.account().contains("may be missing at 1 place"));
    }
}
