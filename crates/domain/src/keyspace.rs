//! What is known of a Redis and its keys at a glance.

use crate::{KeyName, KeyPrefix};
use serde::Serialize;

/// A Redis at a glance: its servers by what they say themselves, its keys by a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedisOverview {
    /// The servers that hold keys.
    pub servers: Vec<RedisServer>,
    /// What the keys of database 0 are like, of all servers together.
    pub sample: KeySample,
}

/// One server, by its own account (`INFO`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedisServer {
    /// How it is told from others: its address, or *Redis* where there is only one.
    pub node: String,
    /// Redis or Valkey, with its version: *Redis 7.0.15*.
    pub version: String,
    /// How its servers belong together, in Redis's word: *standalone*, *cluster*.
    pub mode: String,
    /// *master* or *slave*, as Redis calls them.
    pub role: String,
    /// How many replicas follow it.
    pub replicas: u64,
    /// How long it has been running.
    pub uptime_seconds: u64,
    /// Memory that keys and buffers take, in bytes.
    pub memory: u64,
    /// The most that it took since its start.
    pub memory_peak: u64,
    /// What the process has of the machine's memory.
    pub memory_resident: u64,
    /// At so many bytes it evicts keys or refuses writes; nothing, if it has no limit.
    pub memory_limit: Option<u64>,
    /// What goes at the limit: *noeviction*, *volatile-lru* and so on.
    pub eviction_policy: String,
    /// Keys that went because of the limit, since its start.
    pub evicted: u64,
    /// Keys that went because their time was over, since its start.
    pub expired: u64,
    /// Look-ups that found their key, since its start.
    pub hits: u64,
    /// Look-ups that found nothing, since its start.
    pub misses: u64,
    /// Commands a second, just now.
    pub operations_per_second: u64,
    /// Clients that are connected, this look among them.
    pub clients: u64,
    /// Of these, so many wait in a blocking command.
    pub blocked_clients: u64,
    /// How many may be connected.
    pub clients_limit: u64,
    /// Each database that holds keys.
    pub databases: Vec<RedisDatabase>,
}

impl RedisServer {
    /// The part of look-ups that found their key, from 0 to 1; nothing before the first one.
    #[allow(clippy::cast_precision_loss)] // far below what is shown
    pub fn hit_rate(&self) -> Option<f64> {
        let all = self.hits + self.misses;
        (all > 0).then(|| self.hits as f64 / all as f64)
    }

    /// Keys in databases other than 0.
    pub fn elsewhere(&self) -> u64 {
        RedisDatabase::elsewhere(&self.databases)
    }
}

/// A database's keys, as the server counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedisDatabase {
    /// Its number.
    pub number: u32,
    /// How many keys it holds, those among them that have expired and are not yet swept out.
    pub keys: u64,
    /// How many of them expire at some time.
    pub expiring: u64,
}

impl RedisDatabase {
    /// Keys in those of the databases that aren't database 0, the only one that is sampled and purged.
    pub fn elsewhere(databases: &[Self]) -> u64 {
        databases.iter().filter(|database| database.number != 0).map(|database| database.keys).sum()
    }
}

/// What some keys of a database are like, or all of them, if there are few.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeySample {
    /// Keys that there are.
    pub total: u64,
    /// Keys that were looked at, each once.
    pub looked_at: u64,
    /// Whether these are all of them. If not, they were chosen at random, and what is said of all keys is an estimate.
    pub every_key: bool,
    /// How long the looking took.
    pub milliseconds: u64,
    /// By how names begin, most keys first.
    pub prefixes: Vec<PrefixShare>,
    /// Keys that begin as none of the listed.
    pub other: KeyShare,
    /// By what they hold, most keys first.
    pub types: Vec<TypeShare>,
    /// By how long they still live, soonest first.
    pub expiries: Vec<ExpiryShare>,
    /// Those that take the most memory; empty, where Redis doesn't let it be asked.
    pub largest: Vec<SampledKey>,
    /// Those that were not used for longest, or are used least; empty, where Redis doesn't let it be asked.
    pub coldest: Vec<SampledKey>,
}

/// How many keys, and how much they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyShare {
    /// Of those looked at.
    pub sampled: u64,
    /// Of all, by that: exact, if every key was looked at.
    pub keys: u64,
    /// Bytes that all of them take, by those looked at; nothing, where Redis doesn't let it be asked.
    pub memory: Option<u64>,
    /// Of those looked at, so many never expire.
    pub never_expire: u64,
}

/// Keys whose names begin alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PrefixShare {
    /// How they begin, byte for byte.
    pub prefix: KeyPrefix,
    /// How many.
    pub share: KeyShare,
    /// One of them.
    pub example: KeyName,
}

/// Keys that hold the same type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TypeShare {
    /// In Redis's word.
    pub r#type: String,
    /// How many.
    pub share: KeyShare,
}

/// Keys that go at about the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExpiryShare {
    /// When.
    pub expires: Expiry,
    /// How many.
    pub share: KeyShare,
}

/// When a key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Expiry {
    /// Within a minute.
    Minute,
    /// Within an hour.
    Hour,
    /// Within a day.
    Day,
    /// Within a week.
    Week,
    /// Later than in a week.
    Later,
    /// Not by itself.
    Never,
}

impl Expiry {
    /// Soonest first.
    pub const ALL: [Self; 6] = [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Later, Self::Never];

    /// For a key that has so many milliseconds left; nothing, if it never expires.
    pub const fn of(milliseconds: Option<u64>) -> Self {
        const HOUR: u64 = 3_600_000;
        match milliseconds {
            None => Self::Never,
            Some(0..60_000) => Self::Minute,
            Some(60_000..HOUR) => Self::Hour,
            Some(HOUR..86_400_000) => Self::Day,
            Some(86_400_000..604_800_000) => Self::Week,
            Some(_) => Self::Later,
        }
    }
}

/// A key that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SampledKey {
    /// Its name.
    pub name: KeyName,
    /// What it holds, in Redis's word.
    pub r#type: String,
    /// Bytes that it takes, as Redis estimates by a few of its elements.
    pub memory: Option<u64>,
    /// How long it still lives; nothing, if it never expires.
    pub expires_in_milliseconds: Option<u64>,
    /// How it is used.
    pub usage: Option<KeyUsage>,
}

/// What Redis remembers of a key's use. Which of the two depends on its eviction policy; it remembers no key's birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeyUsage {
    /// Seconds since it was last read or written.
    IdleSeconds(u64),
    /// How often it is used: a count from 0 to 255 that grows ever more slowly and decays with time.
    Frequency(u64),
}

impl KeyUsage {
    /// The colder a key, the greater.
    pub const fn coldness(self) -> u64 {
        match self {
            Self::IdleSeconds(seconds) => seconds,
            Self::Frequency(count) => 255_u64.saturating_sub(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_goes_is_told_from_one_that_stays() {
        let cases = [
            (None, Expiry::Never),
            (Some(0), Expiry::Minute),
            (Some(59_999), Expiry::Minute),
            (Some(60_000), Expiry::Hour),
            (Some(3_600_000), Expiry::Day),
            (Some(86_400_000), Expiry::Week),
            (Some(604_800_000), Expiry::Later),
        ];
        for (left, expiry) in cases {
            assert_eq!(Expiry::of(left), expiry, "{left:?}");
        }
        assert!(Expiry::ALL.is_sorted());
    }

    #[test]
    fn without_a_look_up_there_is_no_hit_rate() {
        assert_eq!(RedisServer::default().hit_rate(), None);
        let server = RedisServer { hits: 3, misses: 1, ..RedisServer::default() };
        assert_eq!(server.hit_rate(), Some(0.75));
    }

    #[test]
    fn what_is_used_seldom_is_colder() {
        assert!(KeyUsage::IdleSeconds(9).coldness() > KeyUsage::IdleSeconds(8).coldness());
        assert!(KeyUsage::Frequency(0).coldness() > KeyUsage::Frequency(5).coldness());
    }
}
