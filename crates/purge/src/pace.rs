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
    /// answer is on its way, it rests already. One that took longer halves the next one. Where the way there and back is long, a batch
    /// may take a hundredth of that instead: others then meet one in a hundred times at most.
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
}

impl Pacer {
    pub(crate) fn new(bound: Duration) -> Self {
        Self { bound, batch: GENTLE }
    }

    /// So many keys Redis is to look at next.
    pub(crate) fn batch(&self) -> usize {
        self.batch
    }

    /// Learns how long an answer took, and for how long of that Redis was busy; gives how long to rest now.
    pub(crate) fn answered(&mut self, took: Duration, busy: Duration) -> Duration {
        let allowed = self.bound.max(took / 100);
        if busy > allowed {
            self.batch = (self.batch / 2).max(LEAST);
            return (busy * 2).min(LONGEST_REST);
        }
        if busy < allowed / 2 {
            self.batch = (self.batch + self.batch / 4).min(MOST);
        }
        let rested = took.saturating_sub(busy);
        busy.saturating_sub(rested).min(LONGEST_REST)
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
    fn a_long_way_to_redis_is_not_taken_for_a_slow_redis_and_is_worth_larger_batches() {
        let mut pacer = Pacer::new(BOUND);
        for _ in 0..20 {
            assert_eq!(pacer.answered(microseconds(200_000), microseconds(700)), Duration::ZERO);
        }
        assert_eq!(pacer.batch(), MOST);
    }
}
