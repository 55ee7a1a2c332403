//! The range of lines that a reader asked for.

use super::line::{Item, SourceId};
use fairway_domain::{LogMoment, LogRequest, Timestamp};

/// In nanoseconds.
pub(super) const SECOND: i64 = 1_000_000_000;

/// Where an item stands among all: time, source, number. Lines of different sources with one time are told apart, so that ranges
/// that meet share none.
type Key = (i64, u64, u32);

/// From the first, before the second; none is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    from: Option<Key>,
    until: Option<Key>,
}

impl Range {
    /// What a request that doesn't resume says.
    pub(super) fn of(request: &LogRequest, now: Timestamp) -> Self {
        let since = request.since.map(|seconds| (nanos(now) - i64::from(seconds) * SECOND, 0, 0));
        Self { from: request.from.map(key).or(since), until: request.until.map(key) }
    }

    /// The same without a beginning: whoever resumes begins at their place.
    pub(super) fn resumed(self) -> Self {
        Self { from: None, ..self }
    }

    /// Nothing before this time is wanted.
    pub(super) fn floor(self) -> i64 {
        self.from.map_or(0, |(nanos, ..)| nanos)
    }

    /// Nothing at or after this time is wanted.
    pub(super) fn ceiling(self) -> Option<i64> {
        // A line's own time is still wanted, up to the line.
        self.until.map(|(nanos, source, _)| if source == 0 { nanos } else { nanos.saturating_add(1) })
    }

    pub(super) fn has_end(self) -> bool {
        self.until.is_some()
    }

    pub(super) fn begins_after(self, item: &Item) -> bool {
        self.from.is_some_and(|from| of(item) < from)
    }

    pub(super) fn ends_before(self, item: &Item) -> bool {
        self.until.is_some_and(|until| of(item) >= until)
    }
}

fn of(item: &Item) -> Key {
    (item.happened_at(), item.source.0, item.ordinal)
}

fn key(moment: LogMoment) -> Key {
    match moment {
        LogMoment::At(at) => (nanos(at), SourceId(0).0, 0),
        LogMoment::Line(place) => (place.nanos, place.source, place.ordinal),
    }
}

/// What time it is, in nanoseconds since the epoch.
pub(super) fn now() -> i64 {
    nanos(Timestamp::now())
}

/// A time in nanoseconds since the epoch.
pub(super) fn nanos(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::line::What;
    use super::*;
    use fairway_domain::LogPlace;
    use std::sync::Arc;

    fn line(source: u64, nanos: i64, ordinal: u32) -> Item {
        let what = What::Line(String::new());
        Item { source: SourceId(source), origin: Arc::default(), restart: 0, nanos, ordinal, beyond: 0, what }
    }

    fn range(from: Option<LogMoment>, until: Option<LogMoment>) -> Range {
        Range::of(&LogRequest { from, until, ..LogRequest::default() }, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn ranges_that_meet_at_a_line_share_none_and_leave_none_out() {
        let lines = [line(1, 5, 1), line(1, 5, 2), line(2, 5, 1), line(2, 6, 1), line(1, 7, 1)];
        for meeting in &lines {
            let Item { source, nanos, ordinal, restart, .. } = *meeting;
            let at = Some(LogMoment::Line(LogPlace { source: source.0, restart, nanos, ordinal }));
            let (before, after) = (range(None, at), range(at, None));
            for line in &lines {
                assert_ne!(before.ends_before(line), after.begins_after(line));
            }
            assert!(!after.begins_after(meeting), "the line itself comes after");
        }
    }

    #[test]
    fn a_time_is_the_beginning_of_all_that_was_written_at_it() {
        let at = Some(LogMoment::At(Timestamp::from_nanosecond(5).unwrap()));
        assert!(range(None, at).ends_before(&line(1, 5, 1)));
        assert!(!range(None, at).ends_before(&line(9, 4, 9)));
        assert!(!range(at, None).begins_after(&line(1, 5, 1)));
        assert_eq!(range(at, None).floor(), 5);
    }
}
