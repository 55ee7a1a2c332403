//! The purge itself.

mod full_speed;

use crate::pace::{Pace, Pacer, rest};
use crate::timed::{self, Timed};
use crate::{Error, PurgeableRedis, connection::Redis, node::Node, scan, slots};
use fairway_domain::{PurgeCounts, PurgeSelection};
use redis::Value;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// So many names go into one UNLINK: Redis answers others between two, and with more of them needs longer for each.
const AT_ONCE: usize = 250;

/// How long the servers of a Redis may take to settle, with no key removed meanwhile. A failover takes some seconds to half a minute.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);

/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(500);

/// What came of a purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeReport {
    /// By Redis's own count: what UNLINK says it removed.
    pub counts: PurgeCounts,
    /// Keys whose removal was asked of a server that went away before it answered.
    pub unconfirmed: u64,
    /// Whether it was stopped before the last key.
    pub stopped: bool,
    /// How long it took.
    pub elapsed: Duration,
}

impl PurgeableRedis {
    /// Removes the keys that are selected, from one server after another, with constant memory, telling `progress` before each batch
    /// and at the end, a failed one too; its [`ControlFlow::Break`] stops the purge there. Keys that are written meanwhile may or may
    /// not be removed; what a key holds and when it was last used is looked at right before its batch. Where servers of a
    /// cluster change places meanwhile, it goes on with those that hold the keys then. Where a replica takes the place of the primary that
    /// sentinels name, it ends with [`Error::TakenOver`]: whoever is to be purged then is asked for anew.
    pub async fn purge(
        &mut self,
        selection: &PurgeSelection,
        pace: Pace,
        progress: impl FnMut(PurgeCounts) -> ControlFlow<()> + Send,
    ) -> Result<PurgeReport, Error> {
        let begun = Instant::now();
        let mut removal = Removal {
            selection,
            pacer: pace.pacer(),
            progress,
            counts: PurgeCounts::default(),
            unconfirmed: 0,
            settling: None,
        };
        let ended = removal.everywhere(&mut self.redis).await;
        let _ = (removal.progress)(removal.counts);
        let Removal { counts, unconfirmed, .. } = removal;
        let stopped = ended.map_err(|error| error.after(&counts, unconfirmed))?.is_break();
        Ok(PurgeReport { counts, unconfirmed, stopped, elapsed: begun.elapsed() })
    }
}

/// A purge under way.
struct Removal<'a, P> {
    selection: &'a PurgeSelection,
    /// Nothing at full speed.
    pacer: Option<Pacer>,
    progress: P,
    counts: PurgeCounts,
    unconfirmed: u64,
    /// Since when, and how many keys had been found by then, it waits for servers to settle.
    settling: Option<(Instant, u64)>,
}

impl<P: FnMut(PurgeCounts) -> ControlFlow<()> + Send> Removal<'_, P> {
    /// From all servers, again and again until none has changed its place meanwhile.
    async fn everywhere(&mut self, redis: &mut Redis) -> Result<ControlFlow<()>, Error> {
        loop {
            let trouble = match self.all_servers(redis).await {
                Ok(ControlFlow::Break(())) => return Ok(ControlFlow::Break(())),
                Ok(ControlFlow::Continue(())) => match redis.rearranged().await {
                    Ok(false) => return Ok(ControlFlow::Continue(())),
                    Ok(true) => continue,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if !redis.can_move() || !trouble.may_pass() {
                return Err(trouble);
            }
            if self.settled(redis, trouble).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }

    /// Waits until every server is where it says it is. Fails with what is wrong if that takes too long.
    async fn settled(&mut self, redis: &mut Redis, mut trouble: Error) -> Result<ControlFlow<()>, Error> {
        let waiting = self.settling.filter(|(_, found)| *found == self.counts.found);
        let (since, _) = *self.settling.insert(waiting.unwrap_or((Instant::now(), self.counts.found)));
        while since.elapsed() < SETTLE_WITHIN {
            if (self.progress)(self.counts).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            tokio::time::sleep(LOOK).await;
            match redis.rearranged().await {
                Ok(_) => return Ok(ControlFlow::Continue(())),
                Err(error @ (Error::Joined(_) | Error::TakenOver(_))) => return Err(error),
                Err(error) => trouble = error,
            }
        }
        Err(trouble)
    }

    async fn all_servers(&mut self, redis: &mut Redis) -> Result<ControlFlow<()>, Error> {
        for node in redis.nodes.clone() {
            if self.one_server(redis, node).await?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn one_server(&mut self, redis: &mut Redis, node: Node) -> Result<ControlFlow<()>, Error> {
        match self.pacer.take() {
            None => self.at_full_speed(redis, node).await,
            Some(mut pacer) => {
                let ended = self.gently(redis, node, &mut pacer).await;
                self.pacer = Some(pacer);
                ended
            }
        }
    }

    async fn gently(
        &mut self,
        redis: &mut Redis,
        mut node: Node,
        pacer: &mut Pacer,
    ) -> Result<ControlFlow<()>, Error> {
        pacer.go_on_elsewhere();
        let (mut cursor, mut keys) = self.round(redis, &mut node, pacer, Vec::new(), Some(0)).await?;
        while cursor != 0 || !keys.is_empty() {
            if (self.progress)(self.counts).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let next = (cursor != 0).then_some(cursor);
            (cursor, keys) = self.round(redis, &mut node, pacer, keys, next).await?;
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Removes `keys` and gets the page at `next`, in one pipeline between two looks at Redis's clock, then looks which keys of the
    /// page are meant. The removal stands first, so that SCAN can't tell of a key again that is being removed, and every key is
    /// counted once.
    async fn round(
        &mut self,
        redis: &mut Redis,
        node: &mut Node,
        pacer: &mut Pacer,
        mut keys: Vec<Vec<u8>>,
        next: Option<u64>,
    ) -> Result<scan::Page, Error> {
        let batches = batches(&mut keys, redis.is_cluster());
        let size = pacer.batch();
        let asked = node.timed(|pipeline| {
            for batch in &batches {
                pipeline.cmd("UNLINK").arg(*batch);
            }
            if let Some(cursor) = next {
                pipeline.add_command(scan::page_at(cursor, self.selection, size));
            }
        });
        let asked = asked.await;
        if asked.is_err() {
            self.unconfirmed += batches.iter().map(|batch| batch.len() as u64).sum::<u64>();
        }
        let Timed { mut answers, took, busy } = asked?;
        let page = next.and_then(|_| answers.pop());
        let moved = self.add_up(&batches, answers.into_iter(), redis.is_cluster())?;
        self.follow(redis, node, &moved).await?;
        rest(Some(pacer), took, busy).await;
        let (cursor, names) = page.map_or(Ok((0, Vec::new())), timed::read)?;
        Ok((cursor, node.selected(names, self.selection, Some(pacer)).await?))
    }

    /// Adds what each UNLINK says it removed; gives the keys that another server has by now. Fails with the first refusal.
    fn add_up(
        &mut self,
        batches: &[&[Vec<u8>]],
        answers: impl Iterator<Item = Value>,
        is_cluster: bool,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let mut moved = Vec::new();
        let mut refused = Ok(());
        for (batch, answer) in batches.iter().zip(answers) {
            match answer.extract_error().map_err(|error| (slots::has_moved(&error), Error::from(&error))) {
                Ok(answer) => self.count(batch.len() as u64, timed::read(answer)?),
                Err((true, _)) if is_cluster => moved.extend_from_slice(batch),
                Err((_, error)) => refused = refused.and(Err(error)),
            }
        }
        refused.map(|()| moved)
    }

    /// Removes keys that another server has by now.
    async fn follow(&mut self, redis: &mut Redis, node: &Node, moved: &[Vec<u8>]) -> Result<(), Error> {
        for key in moved {
            let removed = slots::unlink_where_it_is(redis, node, key).await?;
            self.count(1, removed);
        }
        Ok(())
    }

    fn count(&mut self, found: u64, removed: u64) {
        self.counts.found += found;
        self.counts.removed += removed;
        self.counts.already_gone += found.saturating_sub(removed);
    }
}

/// As many names as go into one command: in a cluster, only those of one slot.
fn batches(keys: &mut [Vec<u8>], is_cluster: bool) -> Vec<&[Vec<u8>]> {
    if !is_cluster {
        return keys.chunks(AT_ONCE).collect();
    }
    keys.sort_by_cached_key(|key| slots::of(key));
    let same_slot = keys.chunk_by(|one, other| slots::of(one) == slots::of(other));
    same_slot.flat_map(|keys| keys.chunks(AT_ONCE)).collect()
}
