//! The purge itself.

use crate::pace::{Pace, Pacer};
use crate::{Error, PurgeableRedis, scan};
use fairway_domain::{PurgeCounts, PurgeSelection};
use redis::{Pipeline, Value};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// So many names go into one UNLINK: Redis answers others between two.
const AT_ONCE: usize = 500;

/// What came of a purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeReport {
    /// By Redis's own count: what UNLINK says it removed.
    pub counts: PurgeCounts,
    /// Whether it was stopped before the last key.
    pub stopped: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl PurgeableRedis {
    /// Removes the keys that are selected, with constant memory, telling `progress` before each batch and at
    /// the end, a failed one too; its [`ControlFlow::Break`] stops the purge there. Keys that are written meanwhile may or may not be removed; what a key holds
    /// and when it was last used is looked at right before its batch.
    pub async fn purge(
        &mut self,
        selection: &PurgeSelection,
        pace: Pace,
        mut progress: impl FnMut(PurgeCounts) -> ControlFlow<()> + Send,
    ) -> Result<PurgeReport, Error> {
        let begun = Instant::now();
        let mut counts = PurgeCounts::default();
        let ended = self.remove(selection, pace, &mut counts, &mut progress).await;
        let _ = progress(counts);
        Ok(PurgeReport { counts, stopped: ended?.is_break(), elapsed: begun.elapsed() })
    }

    async fn remove(
        &mut self,
        selection: &PurgeSelection,
        pace: Pace,
        counts: &mut PurgeCounts,
        progress: &mut (impl FnMut(PurgeCounts) -> ControlFlow<()> + Send),
    ) -> Result<ControlFlow<()>, Error> {
        let mut pacer = Pacer::new(pace);
        let (mut cursor, mut keys) = self.round(&[], Some(0), selection, &mut pacer, counts).await?;
        while cursor != 0 || !keys.is_empty() {
            if progress(*counts).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let next = (cursor != 0).then_some(cursor);
            (cursor, keys) = self.round(&keys, next, selection, &mut pacer, counts).await?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Removes `keys` and gets the page at `next`, in one pipeline between two looks at Redis's clock, then looks which keys of the page are meant. The removal stands
    /// first, so that SCAN can't tell of a key again that is being removed, and every key is counted once.
    async fn round(
        &mut self,
        keys: &[Vec<u8>],
        next: Option<u64>,
        selection: &PurgeSelection,
        pacer: &mut Pacer,
        counts: &mut PurgeCounts,
    ) -> Result<scan::Page, Error> {
        let mut pipeline = Pipeline::new();
        pipeline.cmd("TIME");
        for batch in keys.chunks(AT_ONCE) {
            pipeline.cmd("UNLINK").arg(batch);
        }
        if let Some(cursor) = next {
            pipeline.add_command(scan::page_at(cursor, selection, pacer.batch()));
        }
        pipeline.cmd("TIME");
        let asked = Instant::now();
        let answers = self.redis.ask_all(pipeline).await;
        let mut answers = answers.map_err(|error| error.after(counts, keys.len()))?.into_iter();
        let (took, begun, ended) = (asked.elapsed(), answers.next(), answers.next_back());
        // Whoever may not ask for the time is taken for busy all the while.
        let rest = pacer.answered(took, busy(begun, ended).unwrap_or(took));
        let page = next.and_then(|_| answers.next_back());
        add_up(keys, answers, counts).map_err(|error| error.after(counts, 0))?;
        let (cursor, names) = match page {
            Some(page) => read(page).map_err(|error| error.after(counts, 0))?,
            None => (0, Vec::new()),
        };
        let selected = self.redis.selected(names, selection).await;
        tokio::time::sleep(rest).await;
        Ok((cursor, selected.map_err(|error| error.after(counts, 0))?))
    }
}

/// Adds what each UNLINK says it removed; the first refusal, if there was one.
fn add_up(
    keys: &[Vec<u8>],
    answers: impl Iterator<Item = Value>,
    counts: &mut PurgeCounts,
) -> Result<(), Error> {
    let mut refused = Ok(());
    for (batch, answer) in keys.chunks(AT_ONCE).zip(answers) {
        match read::<u64>(answer) {
            Ok(removed) => {
                let found = batch.len() as u64;
                counts.found += found;
                counts.removed += removed;
                counts.already_gone += found.saturating_sub(removed);
            }
            Err(error) => refused = refused.and(Err(error)),
        }
    }
    refused
}

/// From one TIME of Redis's to the next.
fn busy(begun: Option<Value>, ended: Option<Value>) -> Option<Duration> {
    let time = |answer| {
        let (seconds, microseconds) = read::<(u64, u64)>(answer).ok()?;
        Some(Duration::from_secs(seconds) + Duration::from_micros(microseconds))
    };
    Some(time(ended?)?.saturating_sub(time(begun?)?))
}

fn read<T: redis::FromRedisValue>(answer: Value) -> Result<T, Error> {
    let value = answer.extract_error().map_err(|error| Error::from(&error))?;
    redis::from_redis_value(value).map_err(|error| Error::from(&error.into()))
}
