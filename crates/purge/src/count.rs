//! The dry run.

use crate::{Error, PurgeableRedis, names::printable, scan};
use fairway_domain::{PurgeCount, PurgeSelection};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

/// As many names are shown.
const SAMPLE: usize = 20;

impl PurgeableRedis {
    /// Counts the keys that a purge would remove, each once, and changes nothing. Keys that come or go meanwhile may or may not
    /// be counted. Takes some 10 to 20 bytes of memory a matching key: SCAN may tell of a key twice while Redis resizes its table,
    /// and only having seen it before shows that.
    pub async fn count(&mut self, selection: &PurgeSelection) -> Result<PurgeCount, Error> {
        let hasher = RandomState::new();
        let mut seen = HashSet::new();
        let mut sample = Vec::new();
        let mut cursor = 0;
        loop {
            let (next, keys) = self.page(cursor, selection).await?;
            for key in keys {
                if seen.insert(hasher.hash_one(&key)) && sample.len() < SAMPLE {
                    sample.push(printable(&key));
                }
            }
            if next == 0 {
                break;
            }
            cursor = next;
        }
        let matching = seen.len() as u64;
        let total = match selection {
            // DBSIZE also counts keys that have expired and are not yet swept out.
            PurgeSelection::Everything => matching,
            PurgeSelection::Matching(_) => self.size().await?.max(matching),
        };
        Ok(PurgeCount { matching, total, sample })
    }

    async fn page(&mut self, cursor: u64, selection: &PurgeSelection) -> Result<scan::Page, Error> {
        let answer = scan::page_at(cursor, selection).query_async(&mut self.connection).await;
        answer.map_err(|error| Error::before_any_change(&error))
    }

    async fn size(&mut self) -> Result<u64, Error> {
        let answer = redis::cmd("DBSIZE").query_async(&mut self.connection).await;
        answer.map_err(|error| Error::before_any_change(&error))
    }
}
