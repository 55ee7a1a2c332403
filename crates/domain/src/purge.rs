//! What of a Redis is to be removed, and what came of it.

use crate::{
    Actor, EnvironmentName, IdleTime, Invalid, JobId, JobState, KeyPattern, KeyPrefix, KeyType, ServiceName,
    Timestamp, names::parsed_text, number::grouped,
};
use serde::{Deserialize, Serialize};
use std::fmt;

parsed_text! {
    /// Why somebody purges, in their words: 3 to 200 characters on one line. It stays on record.
    PurgeReason, check_reason
}

fn check_reason(text: &str) -> Result<(), Invalid> {
    let length = text.trim().chars().count();
    if !(3..=200).contains(&length) || text.chars().any(char::is_control) {
        return Err(Invalid::new(
            "Say in 3 to 200 characters on one line why these keys are removed: it stays on record.",
        ));
    }
    Ok(())
}

parsed_text! {
    /// What a running Redis calls itself: its `run_id`, 40 letters and digits. Two with the same one are the same.
    RedisRunId, check_run_id
}

fn check_run_id(text: &str) -> Result<(), Invalid> {
    let plain = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { Ok(()) } else { Err(Invalid::new("A Redis's run id is letters and digits.")) }
}

/// Which names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "keys", content = "pattern")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeyNames {
    /// Those that match the glob.
    Matching(KeyPattern),
    /// Those that begin so, byte for byte.
    Prefix(KeyPrefix),
    /// All of them.
    Everything,
}

/// Which keys of the chosen names: those that are all that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyFilter {
    /// Only keys that hold this.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<KeyType>,
    /// Only keys that never expire.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_expiry: bool,
    /// Only keys that nobody read or wrote for so many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_seconds: Option<IdleTime>,
}

impl KeyFilter {
    /// Whether each key of the chosen names has to be looked at.
    pub fn looks_at_keys(&self) -> bool {
        self.without_expiry || self.idle_seconds.is_some()
    }
}

/// Which keys. As JSON, names and filter stand side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeSelection {
    /// Of these names.
    #[serde(flatten)]
    pub names: KeyNames,
    /// And of these kinds.
    #[serde(flatten)]
    pub filter: KeyFilter,
}

impl PurgeSelection {
    /// Every key.
    pub const EVERYTHING: Self = Self {
        names: KeyNames::Everything,
        filter: KeyFilter { kind: None, without_expiry: false, idle_seconds: None },
    };

    /// The keys that match a glob.
    pub fn matching(pattern: KeyPattern) -> Self {
        Self { names: KeyNames::Matching(pattern), filter: KeyFilter::default() }
    }

    /// What was chosen: a pattern, a prefix, or everything, exactly one of them; or a filter alone.
    pub fn choose(
        pattern: Option<KeyPattern>,
        prefix: Option<KeyPrefix>,
        everything: bool,
        filter: KeyFilter,
    ) -> Result<Self, Invalid> {
        let names = match (pattern, prefix, everything) {
            (Some(pattern), None, false) => KeyNames::Matching(pattern),
            (None, Some(prefix), false) => KeyNames::Prefix(prefix),
            (None, None, true) => KeyNames::Everything,
            (None, None, false) if filter != KeyFilter::default() => KeyNames::Everything,
            (None, None, false) => return Err(Invalid::new("Name a pattern, a prefix or everything.")),
            _ => {
                return Err(Invalid::new(
                    "Name a pattern, a prefix or everything: one of them, so that it is clear which keys go.",
                ));
            }
        };
        Ok(Self { names, filter })
    }

    /// Whether that is every key there is.
    pub fn is_everything(&self) -> bool {
        *self == Self::EVERYTHING
    }

    /// Whether it leaves out no key, however it is written: `*` is every key too.
    pub fn takes_every_key(&self) -> bool {
        self.filter == KeyFilter::default() && self.glob().iter().all(|byte| *byte == b'*')
    }

    /// The glob that SCAN is given: any bytes.
    pub fn glob(&self) -> Vec<u8> {
        match &self.names {
            KeyNames::Matching(pattern) => pattern.as_str().into(),
            KeyNames::Prefix(prefix) => prefix.glob(),
            KeyNames::Everything => b"*".to_vec(),
        }
    }

    /// Its words up to the pattern or prefix, if there is one.
    pub fn which(&self) -> &'static str {
        match &self.names {
            KeyNames::Matching(_) => "keys matching",
            KeyNames::Prefix(_) => "keys beginning with",
            KeyNames::Everything if self.is_everything() => "every key",
            KeyNames::Everything => "keys",
        }
    }

    /// The pattern or the prefix, as it is written.
    pub fn named(&self) -> Option<String> {
        match &self.names {
            KeyNames::Matching(pattern) => Some(pattern.to_string()),
            KeyNames::Prefix(prefix) => Some(prefix.to_string()),
            KeyNames::Everything => None,
        }
    }
}

impl fmt::Display for PurgeSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.which())?;
        if let Some(names) = self.named() {
            write!(f, " {names}")?;
        }
        self.filter.fmt(f)
    }
}

/// What it adds to the words for the names, each part with a space before it.
impl fmt::Display for KeyFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kind) = self.kind {
            write!(f, " of type {}", kind.as_str())?;
        }
        if self.without_expiry {
            f.write_str(" without an expiry")?;
        }
        if let Some(time) = self.idle_seconds {
            write!(f, " idle for {time} or longer")?;
        }
        Ok(())
    }
}

/// What a dry run found: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeCount {
    /// Keys that match, each counted once.
    pub matching: u64,
    /// Keys that there are in all.
    pub total: u64,
    /// What the matching keys take; unknown where Redis doesn't say.
    pub memory: Option<KeyMemory>,
    /// Up to twenty of the names, with what isn't printable escaped.
    pub sample: Vec<String>,
    /// The same for each server that holds keys.
    pub nodes: Vec<NodeCount>,
    /// Keys in databases other than 0, which a purge leaves alone.
    pub elsewhere: u64,
}

/// Memory that keys take, with their names and what Redis needs for them, as `MEMORY USAGE` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyMemory {
    /// Of all that match.
    pub bytes: u64,
    /// How many of them were measured. Fewer than match: the rest is reckoned from these.
    pub measured: u64,
}

/// What a dry run found on one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NodeCount {
    /// Which.
    pub node: String,
    /// Keys that match there.
    pub matching: u64,
    /// Keys that there are there.
    pub total: u64,
}

/// What a purge did so far. `found` is `removed` plus `already_gone`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeCounts {
    /// Matching keys that were found.
    pub found: u64,
    /// Keys that Redis confirmed to have removed.
    pub removed: u64,
    /// Keys that were found but had gone by themselves before they could be removed.
    pub already_gone: u64,
}

impl std::ops::Add for PurgeCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            found: self.found + other.found,
            removed: self.removed + other.removed,
            already_gone: self.already_gone + other.already_gone,
        }
    }
}

/// A purge on record: what was asked, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Purge {
    /// The job that does it.
    pub job: JobId,
    /// Whose Redis.
    pub service: ServiceName,
    /// Where.
    pub environment: EnvironmentName,
    /// Who asked.
    pub actor: Actor,
    /// Which keys.
    pub selection: PurgeSelection,
    /// Why.
    pub reason: PurgeReason,
    /// Which Redis that was when its keys were counted last.
    pub redis: RedisRunId,
    /// How many keys the person agreed to.
    pub expected: u64,
    /// What it did so far, all attempts together.
    pub counts: PurgeCounts,
    /// Keys it removes in a second, on average since it was taken up last; 0 while that isn't known.
    pub rate: u64,
    /// How often it was taken up. More than once: an attempt was cut off, and what that removed in its last moments isn't counted.
    pub attempts: u64,
    /// Who asked to stop it, if somebody did.
    pub stopped_by: Option<Actor>,
    /// How far its job is.
    pub state: JobState,
    /// When it was asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// When it ended, well or not.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub finished_at: Option<Timestamp>,
}

impl Purge {
    /// What all attempts together removed: *at least 12,000 keys removed, 3 had gone meanwhile*.
    pub fn outcome(&self) -> String {
        let PurgeCounts { removed, already_gone, .. } = self.counts;
        let least = if self.attempts > 1 { "at least " } else { "" };
        let keys = if removed == 1 { "key" } else { "keys" };
        let gone = match already_gone {
            0 => String::new(),
            gone => format!(", {} had gone meanwhile", grouped(gone)),
        };
        format!("{least}{} {keys} removed{gone}", grouped(removed))
    }

    /// How many keys may still go of those that were agreed to.
    pub fn left(&self) -> u64 {
        self.expected.saturating_sub(self.counts.found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json, to_value};

    fn filter(kind: Option<KeyType>, without_expiry: bool, idle: Option<&str>) -> KeyFilter {
        KeyFilter { kind, without_expiry, idle_seconds: idle.map(|text| text.parse().unwrap()) }
    }

    #[test]
    fn what_earlier_versions_wrote_is_still_read() {
        let matching = json!({"keys": "matching", "pattern": "session:*"});
        let selection = PurgeSelection::matching("session:*".parse().unwrap());
        assert_eq!(from_value::<PurgeSelection>(matching.clone()).unwrap(), selection);
        assert_eq!(to_value(&selection).unwrap(), matching);
        let everything = json!({"keys": "everything"});
        assert_eq!(from_value::<PurgeSelection>(everything.clone()).unwrap(), PurgeSelection::EVERYTHING);
        assert_eq!(to_value(PurgeSelection::EVERYTHING).unwrap(), everything);
    }

    #[test]
    fn a_selection_survives_being_stored_whatever_bytes_its_prefix_has() {
        let prefix = KeyNames::Prefix("\\xac\\xed*".parse().unwrap());
        let selection =
            PurgeSelection { names: prefix, filter: filter(Some(KeyType::Hash), true, Some("12h")) };
        let stored = to_value(&selection).unwrap();
        assert_eq!(
            stored,
            json!({"keys": "prefix", "pattern": "\\xac\\xed*", "type": "hash", "withoutExpiry": true, "idleSeconds": 43200})
        );
        assert_eq!(from_value::<PurgeSelection>(stored).unwrap(), selection);
    }

    #[test]
    fn one_way_to_name_keys_is_chosen_or_a_filter_alone() {
        let pattern = || Some("a*".parse().unwrap());
        let prefix = || Some("a*".parse().unwrap());
        let none = KeyFilter::default;
        let choose = PurgeSelection::choose;
        assert_eq!(choose(pattern(), None, false, none()).unwrap().glob(), b"a*");
        assert_eq!(choose(None, prefix(), false, none()).unwrap().glob(), b"a\\**");
        assert!(choose(None, None, true, none()).unwrap().is_everything());
        let hashes = choose(None, None, false, filter(Some(KeyType::Hash), false, None)).unwrap();
        assert!(!hashes.is_everything());
        assert_eq!(hashes.to_string(), "keys of type hash");
        for wrong in [
            choose(None, None, false, none()),
            choose(pattern(), prefix(), false, none()),
            choose(pattern(), None, true, none()),
            choose(None, prefix(), true, none()),
        ] {
            wrong.unwrap_err();
        }
    }

    #[test]
    fn every_key_is_taken_by_everything_and_by_nothing_but_stars() {
        let words = |pattern: &str| PurgeSelection::matching(pattern.parse().unwrap()).takes_every_key();
        assert!(PurgeSelection::EVERYTHING.takes_every_key() && words("*") && words("***"));
        assert!(!words("a*") && !words("?*") && !words("\\*"));
        let hashes = filter(Some(KeyType::Hash), false, None);
        assert!(!PurgeSelection { names: KeyNames::Everything, filter: hashes }.takes_every_key());
        assert!(
            !PurgeSelection { names: KeyNames::Prefix("*".parse().unwrap()), ..PurgeSelection::EVERYTHING }
                .takes_every_key()
        );
    }

    #[test]
    fn a_selection_says_whether_it_reads_a_glob_or_a_prefix() {
        let words = |names| PurgeSelection { names, filter: KeyFilter::default() }.to_string();
        assert_eq!(words(KeyNames::Matching("abc*".parse().unwrap())), "keys matching abc*");
        assert_eq!(words(KeyNames::Prefix("abc*".parse().unwrap())), "keys beginning with abc*");
        assert_eq!(words(KeyNames::Everything), "every key");
    }

    #[test]
    fn a_reason_is_a_line_that_says_something() {
        for wrong in ["", "  ", "ab", "a\nb", &"x".repeat(201)] {
            assert!(wrong.parse::<PurgeReason>().is_err(), "{wrong:?}");
        }
        assert!("stale sessions".parse::<PurgeReason>().is_ok());
    }
}
