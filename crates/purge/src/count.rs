//! The dry run.

use crate::pace::Pace;
use crate::{Error, PurgeableRedis, info, node::Node, scan};
use fairway_domain::{KeyMemory, KeyName, NodeCount, PurgeCount, PurgeSelection};
use redis::{Pipeline, Value};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// As many names are shown.
const SAMPLE: usize = 20;

/// Of so many keys, chosen evenly among those that match, the memory is measured.
const MEASURED: usize = 1000;

/// It is asked for so many of them in one go.
const MEASURED_AT_ONCE: usize = 100;

/// Redis looks at so many keys for one answer, at full speed.
const PAGE: usize = 1000;

/// As many otherwise: it is busy with them for some 200 µs, and serves others before the next ones. A count doesn't rest as a purge
/// does, since a person waits for it.
const SMALL_PAGE: usize = 250;

/// How long servers may change places before it is said that nothing can be counted meanwhile.
const SETTLE_WITHIN: Duration = Duration::from_secs(30);

/// How often it is looked whether they still do.
const LOOK: Duration = Duration::from_millis(500);

impl PurgeableRedis {
    /// Counts the keys that a purge would remove, each once, and changes nothing. Keys that come or go meanwhile may or may not
    /// be counted. Takes the same memory however many keys there are. Where keys go from one server to another meanwhile, it counts
    /// again; fails where they do so for long, because some would be missed and others counted twice.
    pub async fn count(&mut self, selection: &PurgeSelection, pace: Pace) -> Result<PurgeCount, Error> {
        let mut unsettled = None;
        loop {
            let trouble = match self.counted(selection, pace).await {
                Ok(count) => match self.redis.rearranged().await {
                    Ok(false) => return Ok(count),
                    Ok(true) => {
                        Error::Unsettled("keys went from one to another while they were counted".into())
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            self.settled(*unsettled.get_or_insert_with(Instant::now), trouble).await?;
        }
    }

    /// Waits until every server is where it says it is. Fails with what is wrong if that doesn't pass, or takes too long.
    async fn settled(&mut self, since: Instant, mut trouble: Error) -> Result<(), Error> {
        while self.redis.can_move() && trouble.may_pass() && since.elapsed() < SETTLE_WITHIN {
            tokio::time::sleep(LOOK).await;
            match self.redis.rearranged().await {
                Ok(_) => return Ok(()),
                Err(error) => trouble = error,
            }
        }
        Err(trouble)
    }

    async fn counted(&mut self, selection: &PurgeSelection, pace: Pace) -> Result<PurgeCount, Error> {
        let mut tally = Tally::default();
        let at_once = if pace == Pace::Full { PAGE } else { SMALL_PAGE };
        let mut nodes = Vec::with_capacity(self.redis.nodes.len());
        let mut elsewhere = 0;
        for node in &mut self.redis.nodes {
            nodes.push(count_on(node, selection, &mut tally, at_once).await?);
            let keyspace: String = node.ask(redis::cmd("INFO").arg("keyspace")).await?;
            elsewhere += fairway_domain::RedisDatabase::elsewhere(&info::databases(&keyspace));
        }
        let total = nodes.iter().map(|node| node.total).sum();
        Ok(PurgeCount {
            matching: tally.matching,
            total,
            memory: tally.memory(),
            sample: tally.sample,
            nodes,
            elsewhere,
        })
    }
}

/// What one server holds of them. At a gentle pace, as others then hardly notice.
async fn count_on(
    node: &mut Node,
    selection: &PurgeSelection,
    tally: &mut Tally,
    at_once: usize,
) -> Result<NodeCount, Error> {
    let before = tally.matching;
    let mut cursor = 0;
    loop {
        let (next, keys): scan::Page = node.ask(&scan::page_at(cursor, selection, at_once)).await?;
        let keys = node.selected(keys, selection, None).await?;
        let to_measure = tally.add(keys);
        for some in to_measure.chunks(MEASURED_AT_ONCE) {
            node.measure(some, tally).await?;
        }
        if next == 0 {
            break;
        }
        cursor = next;
    }
    let matching = tally.matching - before;
    // DBSIZE also counts keys that have expired and are not yet swept out.
    let total = if selection.is_everything() {
        matching
    } else {
        node.ask::<u64>(&redis::cmd("DBSIZE")).await?.max(matching)
    };
    Ok(NodeCount { node: node.name(), matching, total })
}

impl Node {
    /// Asks what keys take, each for its place among the measured. A user who may not ask learns no memory, but everything else.
    async fn measure(&mut self, keys: &[(usize, Vec<u8>)], tally: &mut Tally) -> Result<(), Error> {
        let mut pipeline = Pipeline::with_capacity(keys.len());
        for (_, key) in keys {
            pipeline.cmd("MEMORY").arg("USAGE").arg(key);
        }
        let answers = self.ask_all(pipeline).await?;
        for ((place, _), answer) in keys.iter().zip(answers) {
            match answer {
                Value::Int(bytes) => tally.measured[*place] = u64::try_from(bytes).ok(),
                Value::ServerError(_) => tally.unmeasurable = true,
                _ => tally.measured[*place] = None, // Gone meanwhile.
            }
        }
        Ok(())
    }
}

/// So many keys at least are remembered.
const REMEMBERED: usize = 100_000;

/// The hashes of the keys that were seen last. SCAN may tell of a key twice while Redis makes its table smaller, and only having
/// seen it shows that. It goes through the table so that all places which then become one follow each other: what it tells of
/// again is what it told of just before.
#[derive(Default)]
struct Remembered {
    latest: HashSet<u64>,
    earlier: HashSet<u64>,
}

impl Remembered {
    /// Whether it is new.
    fn insert(&mut self, hash: u64) -> bool {
        if self.earlier.contains(&hash) || !self.latest.insert(hash) {
            return false;
        }
        if self.latest.len() >= REMEMBERED {
            self.earlier = std::mem::take(&mut self.latest);
        }
        true
    }
}

/// What was seen so far.
#[derive(Default)]
struct Tally {
    hasher: RandomState,
    seen: Remembered,
    matching: u64,
    sample: Vec<String>,
    measured: Vec<Option<u64>>,
    unmeasurable: bool,
}

impl Tally {
    /// Counts keys; gives those whose memory is to be asked, with their places: the first, and then each with the chance that
    /// leaves every key of all the same one (a reservoir). What decides is the key's hash, which is random in each process.
    fn add(&mut self, keys: Vec<Vec<u8>>) -> Vec<(usize, Vec<u8>)> {
        let mut to_measure = Vec::new();
        for key in keys {
            let hash = self.hasher.hash_one(&key);
            if !self.seen.insert(hash) {
                continue;
            }
            self.matching += 1;
            if self.sample.len() < SAMPLE {
                self.sample.push(KeyName::from(key.clone()).shown());
            }
            let place = match self.measured.len() {
                free if free < MEASURED => {
                    self.measured.push(None);
                    free
                }
                _ => usize::try_from(hash % self.matching).unwrap_or(usize::MAX),
            };
            if place < MEASURED && !self.unmeasurable {
                to_measure.push((place, key));
            }
        }
        to_measure
    }

    fn memory(&self) -> Option<KeyMemory> {
        let known: Vec<u64> = self.measured.iter().copied().flatten().collect();
        let measured = known.len() as u64;
        if self.unmeasurable || measured == 0 {
            return None;
        }
        let sum: u128 = known.into_iter().map(u128::from).sum();
        let bytes = match self.matching {
            few if few <= MEASURED as u64 => sum,
            many => sum * u128::from(many) / u128::from(measured),
        };
        Some(KeyMemory { bytes: u64::try_from(bytes).unwrap_or(u64::MAX), measured })
    }
}

#[cfg(test)]
mod tests {
    use super::{REMEMBERED, Remembered};

    #[test]
    fn a_key_that_is_told_of_twice_within_a_while_is_new_once_and_little_is_remembered() {
        let mut remembered = Remembered::default();
        let many = 5 * REMEMBERED as u64;
        for hash in 0..many {
            assert!(remembered.insert(hash));
            assert!(!remembered.insert(hash.saturating_sub(REMEMBERED as u64 / 2)));
        }
        assert!(remembered.latest.len() + remembered.earlier.len() <= 2 * REMEMBERED);
    }
}
