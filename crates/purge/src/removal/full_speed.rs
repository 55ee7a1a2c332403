//! As fast as Redis answers: it is given the next batch before it is done with this one, and never waits for us.

use super::{Removal, batches};
use crate::{Error, connection::Redis, node::Node, scan};
use fairway_domain::PurgeCounts;
use redis::{Cmd, Pipeline, Value};
use std::collections::HashSet;
use std::ops::ControlFlow;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Redis looks at so many keys for one answer, some 3 ms, and removes as many in another 2 ms: longer than the way to it and back
/// takes, as a rule, also by a port-forward and with so many names to carry.
const PAGE: usize = 4000;

/// Keys whose removal is asked for and not yet answered.
struct Underway {
    keys: Vec<Vec<u8>>,
    answers: JoinHandle<Result<Vec<Value>, Error>>,
}

impl<P: FnMut(PurgeCounts) -> ControlFlow<()> + Send> Removal<'_, P> {
    pub(super) async fn at_full_speed(
        &mut self,
        redis: &mut Redis,
        mut node: Node,
    ) -> Result<ControlFlow<()>, Error> {
        let mut underway = None;
        let ended = self.overlapping(redis, &mut node, &mut underway).await;
        // What came between takes nobody's word back of what was asked before.
        let last = match underway {
            Some(last) => self.answered(redis, &node, last).await,
            None => Ok(()),
        };
        ended.and_then(|flow| last.map(|()| flow))
    }

    /// Asks for one page after another, each time followed by the removal of the page before. The last removal is left under way.
    async fn overlapping(
        &mut self,
        redis: &mut Redis,
        node: &mut Node,
        underway: &mut Option<Underway>,
    ) -> Result<ControlFlow<()>, Error> {
        let (mut cursor, mut keys): scan::Page = node.ask(&scan::page_at(0, self.selection, PAGE)).await?;
        loop {
            keys = node.selected(keys, self.selection, None).await?;
            if (self.progress)(self.counts).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let next = (cursor != 0).then(|| scan::page_at(cursor, self.selection, PAGE));
            let (page, now) = ask(node, next, keys, redis.is_cluster());
            if let Some(before) = underway.replace(now) {
                self.answered(redis, node, before).await?;
            }
            let Some(page) = page else { return Ok(ControlFlow::Continue(())) };
            (cursor, keys) =
                page.await.unwrap_or_else(|_| Err(Error::Unreachable("it was hung up".into())))?;
            // The page was made before those were removed: keys that it tells of again are on their way out, and count once.
            if let Some(now) = underway {
                let leaving: HashSet<&Vec<u8>> = now.keys.iter().collect();
                keys.retain(|key| !leaving.contains(key));
            }
        }
    }

    /// Adds what came of a batch.
    async fn answered(&mut self, redis: &mut Redis, node: &Node, batch: Underway) -> Result<(), Error> {
        let Underway { mut keys, answers } = batch;
        let hung_up = |_| Err(Error::Unreachable("it was hung up".into()));
        let answers = answers.await.unwrap_or_else(hung_up);
        if answers.is_err() {
            self.unconfirmed += keys.len() as u64;
        }
        let is_cluster = redis.is_cluster();
        let moved = self.add_up(&batches(&mut keys, is_cluster), answers?.into_iter(), is_cluster)?;
        self.follow(redis, node, &moved).await
    }
}

/// Asks for a page, if there is one more, and for the removal of keys, in this order and without waiting: the page is there first.
fn ask(
    node: &Node,
    next: Option<Cmd>,
    mut keys: Vec<Vec<u8>>,
    is_cluster: bool,
) -> (Option<oneshot::Receiver<Result<scan::Page, Error>>>, Underway) {
    let mut pipeline = Pipeline::new();
    for batch in batches(&mut keys, is_cluster) {
        pipeline.cmd("UNLINK").arg(batch);
    }
    let (mut looking, mut removing) = (node.clone(), node.clone());
    let (found, page) = oneshot::channel();
    let is_last = next.is_none();
    let answers = tokio::spawn(async move {
        let look = async move {
            if let Some(next) = next {
                // Nobody waits for it any more where a purge was given up.
                let _ = found.send(looking.ask(&next).await);
            }
        };
        tokio::join!(biased; look, removing.ask_all(pipeline)).1
    });
    ((!is_last).then_some(page), Underway { keys, answers })
}
