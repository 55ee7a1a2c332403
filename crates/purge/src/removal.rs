//! The purge itself.

use crate::{Error, PurgeableRedis, scan};
use fairway_domain::PurgeSelection;
use redis::{Pipeline, Value};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// So many names go into one UNLINK: Redis answers others between two.
const BATCH: usize = 500;

/// How far a purge is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgeProgress {
    /// Matching keys that were found so far.
    pub found: u64,
    /// Keys that Redis confirmed to have removed.
    pub removed: u64,
    /// Keys that were found but had gone by themselves before they could be removed.
    pub already_gone: u64,
}

/// What came of a purge. `found` is `removed` plus `already_gone`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeReport {
    /// Matching keys that were found.
    pub found: u64,
    /// Keys that Redis confirmed to have removed.
    pub removed: u64,
    /// Keys that were found but had gone by themselves before they could be removed.
    pub already_gone: u64,
    /// Whether it was stopped before the last key.
    pub stopped: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl PurgeableRedis {
    /// Removes the keys that are selected, with constant memory, telling `progress` after each batch; its
    /// [`ControlFlow::Break`] stops the purge there. Keys that are written meanwhile may or may not be removed. Counts are
    /// Redis's own: what UNLINK says it removed.
    pub async fn purge(
        &mut self,
        selection: &PurgeSelection,
        mut progress: impl FnMut(PurgeProgress) -> ControlFlow<()> + Send,
    ) -> Result<PurgeReport, Error> {
        let begun = Instant::now();
        let mut so_far = PurgeProgress::default();
        let mut stopped = false;
        let (mut cursor, mut keys) = self.round(&[], Some(0), selection, &mut so_far).await?;
        while cursor != 0 || !keys.is_empty() {
            let next = (cursor != 0).then_some(cursor);
            (cursor, keys) = self.round(&keys, next, selection, &mut so_far).await?;
            if progress(so_far).is_break() {
                stopped = cursor != 0 || !keys.is_empty();
                break;
            }
        }
        let PurgeProgress { found, removed, already_gone } = so_far;
        Ok(PurgeReport { found, removed, already_gone, stopped, elapsed: begun.elapsed() })
    }

    /// Removes `keys` and gets the page at `next`, in one pipeline. The removal stands first, so that SCAN can't tell of a key
    /// again that is being removed, and every key is counted once.
    async fn round(
        &mut self,
        keys: &[Vec<u8>],
        next: Option<u64>,
        selection: &PurgeSelection,
        so_far: &mut PurgeProgress,
    ) -> Result<scan::Page, Error> {
        let mut pipeline = Pipeline::new();
        for batch in keys.chunks(BATCH) {
            pipeline.cmd("UNLINK").arg(batch);
        }
        if let Some(cursor) = next {
            pipeline.add_command(scan::page_at(cursor, selection));
        }
        let interrupted = |error: &redis::RedisError| match so_far.found + keys.len() as u64 {
            0 => Error::before_any_change(error),
            _ => Error::Interrupted {
                removed: so_far.removed,
                unconfirmed: keys.len() as u64,
                cause: error.to_string(),
            },
        };
        let mut answers: Vec<Value> =
            pipeline.query_async(&mut self.connection).await.map_err(|error| interrupted(&error))?;
        let page = match next {
            Some(_) => answers.pop().map_or(Ok((0, Vec::new())), redis::from_redis_value),
            None => Ok((0, Vec::new())),
        };
        let page = page.map_err(|error| interrupted(&error.into()))?;
        let removed: Vec<u64> =
            redis::from_redis_value(Value::Array(answers)).map_err(|error| interrupted(&error.into()))?;
        let removed = removed.into_iter().sum();
        so_far.found += keys.len() as u64;
        so_far.removed += removed;
        so_far.already_gone += (keys.len() as u64).saturating_sub(removed);
        Ok(page)
    }
}
