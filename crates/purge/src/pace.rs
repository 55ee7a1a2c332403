//! How fast a purge may go, so that others hardly notice it.

use std::time::Duration;

/// The most keys of one batch: some 700 µs of Redis's time.
const MOST: usize = 1000;
/// The first batch.
const GENTLE: usize = 200;
/// The fewest keys of one batch, however slow Redis is: a purge always gets on.
const LEAST: usize = 50;
/// The longest rest between two batches.
const LONGEST_REST: Duration = Duration::from_millis(250);

/// How fast a purge may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as Redis answers.
    Full,
    /// In batches that keep Redis busy for at most so long, by its own clock, with a rest of the same length after each; while an
    /// answer is on its way, it rests already. One that took longer halves the next one, down to fifty keys, and so does an answer that
    /// came so much later than the way to Redis takes: it has then waited for others, and the rest is as long as that.
    Gentle(Duration),
}

impl Pace {
    /// Nothing at full speed.
    pub(crate) fn pacer(self) -> Option<Pacer> {
        match self {
            Self::Full => None,
            Self::Gentle(bound) => Some(Pacer::new(bound)),
        }
    }
}

/// What the answers so far say about the next batch of a purge that others are to hardly notice.
#[derive(Debug)]
pub(crate) struct Pacer {
    bound: Duration,
    batch: usize,
    /// The shortest time that an answer of this server took beside its work: the way there and back.
    way: Option<Duration>,
}

impl Pacer {
    pub(crate) fn new(bound: Duration) -> Self {
        Self { bound, batch: GENTLE, way: None }
    }

    /// So many keys Redis is to look at next.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// From now on another server answers, which may be nearer or farther.
    pub(crate) fn go_on_elsewhere(&mut self) {
        self.way = None;
    }

    /// Learns how long an answer took, and for how long of that Redis was busy; gives how long to rest now.
    pub(crate) fn answered(&mut self, took: Duration, busy: Duration) -> Duration {
        let beside = took.saturating_sub(busy);
        let way = self.way.map_or(beside, |way| way.min(beside));
        self.way = Some(way);
        let waited = beside.saturating_sub(way);
        // What is no longer than the way itself may be the network's own.
        let queued = waited > self.bound.max(way);
        if queued || busy > self.bound {
            self.batch = (self.batch / 2).max(LEAST);
            let waited = if queued { waited } else { Duration::ZERO };
            return (busy * 2).max(waited).min(LONGEST_REST);
        }
        if busy < self.bound / 2 {
            self.batch = (self.batch + self.batch / 4).min(MOST);
        }
        // While others are served it has no rest.
        busy.saturating_sub(way).min(LONGEST_REST)
    }
}

/// Lets Redis rest after an answer, where others are to hardly notice.
pub(crate) async fn rest(pacer: Option<&mut Pacer>, took: Duration, busy: Duration) {
    if let Some(pacer) = pacer {
        tokio::time::sleep(pacer.answered(took, busy)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_micros(250);

    fn microseconds(number: u64) -> Duration {
        Duration::from_micros(number)
    }

    #[test]
    fn a_busy_redis_gets_small_batches_with_long_rests_and_a_quick_one_large_ones_again() {
        let mut pacer = Pacer::new(BOUND);
        assert_eq!(pacer.answered(microseconds(250), microseconds(200)), microseconds(150));
        assert_eq!(pacer.batch(), GENTLE);
        assert_eq!(pacer.answered(microseconds(900), microseconds(600)), microseconds(1200));
        assert_eq!(pacer.batch(), GENTLE / 2);
        for _ in 0..5 {
            assert_eq!(pacer.answered(microseconds(900_000), microseconds(800_000)), LONGEST_REST);
        }
        assert_eq!(pacer.batch(), LEAST);
        for _ in 0..40 {
            pacer.answered(microseconds(300), microseconds(100));
        }
        assert_eq!(pacer.batch(), MOST);
    }

    #[test]
    fn a_long_way_to_redis_is_not_taken_for_a_slow_redis_nor_for_leave_to_keep_it_busy() {
        let mut pacer = Pacer::new(BOUND);
        for way in [200_000, 210_000, 390_000].into_iter().cycle().take(30) {
            assert_eq!(pacer.answered(microseconds(way), microseconds(100)), Duration::ZERO);
        }
        assert_eq!(pacer.batch(), MOST);
        assert_eq!(pacer.answered(microseconds(200_000), microseconds(700)), microseconds(1400));
        assert_eq!(pacer.batch(), MOST / 2);
    }

    #[test]
    fn answers_that_wait_for_others_make_batches_small_and_rests_long() {
        let mut pacer = Pacer::new(BOUND);
        pacer.answered(microseconds(400), microseconds(100));
        for _ in 0..5 {
            assert_eq!(pacer.answered(microseconds(5_400), microseconds(100)), microseconds(5_000));
        }
        assert_eq!(pacer.batch(), LEAST);
        assert_eq!(pacer.answered(microseconds(900_000), microseconds(100)), LONGEST_REST);
        // Another server may be farther away.
        pacer.go_on_elsewhere();
        for _ in 0..40 {
            assert_eq!(pacer.answered(microseconds(5_400), microseconds(100)), Duration::ZERO);
        }
        assert_eq!(pacer.batch(), MOST);
    }
}
