//! Noticing that a log was rotated while it was followed. The kubelet goes over to the new file as soon as there is one, and what the
//! container's runtime still writes to the old one then reaches nobody: it can't be had any more, but it can be said where.

use super::line::{Item, Source, parse_stamp};
use super::read::{Part, open};
use super::whole::read_stamp;
use fairway_domain::Timestamp;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How much has to be read before the log's beginning is looked at, about, in bytes of lines and their times.
const LOOK_BYTES: usize = 128 * 1024;
/// How long after the last look at the soonest. The kubelet looks every ten seconds whether a log is long enough to be rotated.
const LOOK_EVERY: Duration = Duration::from_secs(4);
/// Of how many lines the times are held.
const MOST_TIMES: usize = 65_536;
/// In nanoseconds.
const MILLI: i64 = 1_000_000;
/// Between lines that are closer than this, in nanoseconds, nothing is taken to be missing.
const CLOSE: i64 = MILLI;
/// As much of a log's beginning as has its first time in it.
const BEGINNING: i64 = 64;

/// Watches over one stream.
pub(super) struct Rotation {
    client: kube::Client,
    source: Source,
    known: Known,
    bytes: usize,
    looked: Instant,
    look: Option<BoxFuture<'static, Option<i64>>>,
}

impl Rotation {
    pub(super) fn new(client: &kube::Client, source: &Source) -> Self {
        Self {
            client: client.clone(),
            source: source.clone(),
            known: Known::default(),
            bytes: 0,
            looked: Instant::now(),
            look: None,
        }
    }

    /// Notes a line of the stream, and looks at the log's beginning if it is time to.
    pub(super) fn saw(&mut self, line: &Item) {
        self.known.saw(line.nanos);
        self.bytes += line.weight();
        if self.bytes > LOOK_BYTES && self.look.is_none() && self.looked.elapsed() > LOOK_EVERY {
            (self.bytes, self.looked) = (0, Instant::now());
            self.look = Some(first_time(self.client.clone(), self.source.clone()).boxed());
        }
    }

    /// Waits until it is known that lines may be missing because of a rotation; gives why.
    pub(super) async fn lost(&mut self) -> String {
        loop {
            let Some(look) = &mut self.look else { return std::future::pending().await };
            let first = look.await;
            self.look = None;
            if let Some(lost) = first.and_then(|first| self.known.begins(first)) {
                return lost;
            }
        }
    }
}

/// What is known of the file that is read.
#[derive(Default)]
struct Known {
    /// No file that began later has been seen.
    began: Option<i64>,
    /// The times of the latest lines.
    times: VecDeque<i64>,
}

impl Known {
    fn saw(&mut self, nanos: i64) {
        self.began.get_or_insert(nanos);
        if self.times.len() == MOST_TIMES {
            self.times.pop_front();
        }
        self.times.push_back(nanos);
    }

    /// Takes in that the log now begins at `first`. Says what may be missing before that, if it is new.
    fn begins(&mut self, first: i64) -> Option<String> {
        if self.began.is_none_or(|began| first <= began) {
            return None;
        }
        let before = self.times.partition_point(|time| *time < first);
        // The stream may not have come that far.
        let next = *self.times.get(before)?;
        self.began = Some(first);
        let last = before.checked_sub(1).map(|index| self.times[index]);
        self.times.drain(..before);
        // The new file's first lines can be lost too.
        if next == first && last.is_some_and(|last| follows_at_once(last, next)) {
            return None;
        }
        Some(may_be_missing(last, next))
    }
}

/// Whether lines with these times are so close that nothing is taken to be missing between them.
pub(super) fn follows_at_once(last: i64, next: i64) -> bool {
    next - last < CLOSE
}

/// Tells that lines may be missing between those with these times.
pub(super) fn may_be_missing(last: Option<i64>, next: i64) -> String {
    let at = Timestamp::from_nanosecond(next.into()).unwrap_or_default();
    let span = last.map_or("right".to_owned(), |last| format!("in the {} ms", (next - last) / MILLI));
    format!(
        "The log was rotated, and Kubernetes can lose lines then: what was written {span} before {at:.3} may be missing."
    )
}

/// The time of the first line that the kubelet has.
async fn first_time(client: kube::Client, source: Source) -> Option<i64> {
    let part = Part { bytes: Some(BEGINNING), ..Part::default() };
    let mut log = Box::pin(open(&client, &source, false, part).await.ok()?) as _;
    let mut stamp = Vec::new();
    read_stamp(&mut log, &mut stamp).await.ok()?;
    parse_stamp(&stamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(times: impl IntoIterator<Item = i64>) -> Known {
        let mut known = Known::default();
        times.into_iter().for_each(|time| known.saw(time * MILLI));
        known
    }

    #[test]
    fn a_log_that_still_begins_where_it_did_or_before_was_not_rotated() {
        let mut known = known([5, 10, 15]);
        assert_eq!((known.begins(5 * MILLI), known.begins(0)), (None, None));
    }

    #[test]
    fn what_may_be_missing_is_told_once_and_how_long_it_took() {
        let mut known = known([5, 10, 35, 40]);
        let told = known.begins(35 * MILLI).unwrap();
        assert!(told.contains("in the 25 ms before 1970-01-01T00:00:00.035Z may"), "{told}");
        assert_eq!(known.begins(35 * MILLI), None);
        known.saw(50 * MILLI);
        assert!(
            known.begins(50 * MILLI).unwrap().contains("in the 10 ms before"),
            "the next one is told too"
        );
    }

    #[test]
    fn a_file_that_the_stream_has_not_reached_is_told_when_it_has() {
        let mut known = known([5, 10]);
        assert_eq!(known.begins(30 * MILLI), None);
        known.saw(30 * MILLI);
        assert!(known.begins(30 * MILLI).unwrap().contains("in the 20 ms before"));
    }

    #[test]
    fn first_lines_of_the_new_file_that_did_not_come_are_in_what_is_told() {
        let mut known = known([5, 10, 40]);
        assert!(
            known.begins(35 * MILLI).unwrap().contains("in the 30 ms before 1970-01-01T00:00:00.040Z may")
        );
    }

    #[test]
    fn between_lines_that_follow_at_once_nothing_is_missing() {
        let mut known = Known::default();
        (1..=3).for_each(|nanos| known.saw(nanos));
        assert_eq!(known.begins(3), None);
    }

    #[test]
    fn of_a_log_that_is_written_very_quickly_the_place_alone_is_told() {
        let most = i64::try_from(MOST_TIMES).unwrap();
        let mut known = known(0..most + 10);
        assert!(known.begins(10 * MILLI).unwrap().contains("what was written right before"));
        assert_eq!(known.times.len(), MOST_TIMES);
    }
}
