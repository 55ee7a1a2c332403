//! What the keys are like, by some of them.

use crate::{Error, node::Node, prefixes::prefixes};
use fairway_domain::{
    Expiry, ExpiryShare, KeyName, KeyPrefix, KeySample, KeyShare, KeyUsage, PrefixShare, SampledKey,
    TypeShare,
};
use redis::{Pipeline, Value};
use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

/// So many keys are looked at. A database that has no more is looked at whole.
const KEYS: u64 = 5000;

/// No look begins later than this.
const WITHIN: Duration = Duration::from_secs(2);

/// So many keys are asked for in one go: four questions each, a millisecond or two of Redis's time.
const TOGETHER: usize = 250;

/// So many of the largest and of the coldest are named.
const NAMED: usize = 10;

/// So many elements of a key Redis looks at to tell how much it takes.
const MEASURED_BY: usize = 5;

/// What a server keeps of each key's use: asked for the other, it answers with an error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remembers {
    IdleTime,
    Frequency,
}

impl Remembers {
    /// By the eviction policy.
    pub(crate) fn under(policy: &str) -> Self {
        if policy.ends_with("lfu") { Self::Frequency } else { Self::IdleTime }
    }

    const fn question(self) -> &'static str {
        match self {
            Self::IdleTime => "IDLETIME",
            Self::Frequency => "FREQ",
        }
    }
}

/// Looks at up to 5,000 keys of all servers' databases together for up to two seconds: at all of them, if there are no more, and else at
/// some chosen at random (`RANDOMKEY`), of each server as many as its part of all. Changes nothing, neither when a key goes nor how long
/// it has been idle; Redis counts each question as a look-up that found its key.
pub(crate) async fn of(nodes: &mut [Node], policies: &[&str]) -> Result<KeySample, Error> {
    let begun = Instant::now();
    let mut sizes: Vec<u64> = Vec::with_capacity(nodes.len());
    for node in nodes.iter_mut() {
        sizes.push(node.ask(&redis::cmd("DBSIZE")).await?);
    }
    let total: u64 = sizes.iter().sum();
    let mut every_key = total <= KEYS;
    let mut looked = Vec::new();
    for ((node, size), policy) in nodes.iter_mut().zip(sizes).zip(policies) {
        let remembers = Remembers::under(policy);
        if total <= KEYS {
            every_key &= node.each(begun, remembers, &mut looked).await?;
        } else if size > 0 {
            let wanted = u128::from(KEYS) * u128::from(size) / u128::from(total);
            let wanted = usize::try_from(wanted).unwrap_or_default().max(1);
            node.some(begun, wanted, remembers, &mut looked).await?;
        }
    }
    // DBSIZE also counts keys that have expired and are not yet swept out.
    let total = if every_key { looked.len() as u64 } else { total };
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(summary(&looked, total, every_key, milliseconds))
}

impl Node {
    /// Looks at every key, as far as there is time; whether there was enough.
    async fn each(
        &mut self,
        begun: Instant,
        remembers: Remembers,
        looked: &mut Vec<SampledKey>,
    ) -> Result<bool, Error> {
        let mut seen = HashSet::new();
        let mut cursor = 0;
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("COUNT").arg(TOGETHER);
            let (next, mut keys): (u64, Vec<Vec<u8>>) = self.ask(&command).await?;
            keys.retain(|key| seen.insert(key.clone()));
            self.look_at(keys, remembers, looked).await?;
            if next == 0 {
                return Ok(true);
            }
            if begun.elapsed() > WITHIN || seen.len() as u64 > 2 * KEYS {
                return Ok(false);
            }
            cursor = next;
        }
    }

    /// Looks at so many keys chosen at random, each once; at fewer, where there is no time for more.
    async fn some(
        &mut self,
        begun: Instant,
        wanted: usize,
        remembers: Remembers,
        looked: &mut Vec<SampledKey>,
    ) -> Result<(), Error> {
        let mut seen = HashSet::new();
        // The same key comes up again and again where there are hardly more than are wanted.
        for _ in 0..2 * wanted.div_ceil(TOGETHER) {
            let mut pipeline = Pipeline::with_capacity(TOGETHER);
            for _ in 0..TOGETHER.min(wanted) {
                pipeline.cmd("RANDOMKEY");
            }
            let mut keys = Vec::with_capacity(TOGETHER);
            for answer in self.ask_all(pipeline).await? {
                match answer {
                    Value::BulkString(key) => keys.push(key),
                    Value::ServerError(error) => return Err(Error::from(&error.into())),
                    _ => {}
                }
            }
            keys.retain(|key| seen.len() < wanted && seen.insert(key.clone()));
            self.look_at(keys, remembers, looked).await?;
            if seen.len() >= wanted || begun.elapsed() > WITHIN {
                break;
            }
        }
        Ok(())
    }

    /// Asks for each key what it holds, when it goes, what it takes and how it is used. None of these counts as a use.
    async fn look_at(
        &mut self,
        keys: Vec<Vec<u8>>,
        remembers: Remembers,
        looked: &mut Vec<SampledKey>,
    ) -> Result<(), Error> {
        let mut keys = keys.into_iter().peekable();
        while keys.peek().is_some() {
            let some: Vec<Vec<u8>> = keys.by_ref().take(TOGETHER).collect();
            looked.extend(self.facts(some, remembers).await?);
        }
        Ok(())
    }

    /// What is known of keys without looking into them; those that have gone are left out.
    pub(crate) async fn facts(
        &mut self,
        keys: Vec<Vec<u8>>,
        remembers: Remembers,
    ) -> Result<Vec<SampledKey>, Error> {
        let mut pipeline = Pipeline::with_capacity(4 * keys.len());
        for key in &keys {
            pipeline.cmd("TYPE").arg(key);
            pipeline.cmd("PTTL").arg(key);
            pipeline.cmd("MEMORY").arg("USAGE").arg(key).arg("SAMPLES").arg(MEASURED_BY);
            pipeline.cmd("OBJECT").arg(remembers.question()).arg(key);
        }
        let answers = self.ask_all(pipeline).await?;
        let mut known = Vec::with_capacity(keys.len());
        for (key, answers) in keys.into_iter().zip(answers.as_chunks().0) {
            known.extend(fact(key, answers, remembers)?);
        }
        Ok(known)
    }
}

/// A key by its four answers. The last two may be forbidden, and are unknown then.
fn fact(key: Vec<u8>, answers: &[Value; 4], remembers: Remembers) -> Result<Option<SampledKey>, Error> {
    let [kind, left, memory, usage] = answers;
    let number = |answer: &Value| match answer {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    };
    let kind = match kind {
        Value::SimpleString(kind) if kind == "none" => return Ok(None),
        Value::SimpleString(kind) => kind.clone(),
        Value::ServerError(error) => return Err(Error::from(&error.clone().into())),
        _ => return Ok(None),
    };
    if *left == Value::Int(-2) {
        return Ok(None);
    }
    let usage = number(usage).map(|number| match remembers {
        Remembers::IdleTime => KeyUsage::IdleSeconds(number),
        Remembers::Frequency => KeyUsage::Frequency(number),
    });
    Ok(Some(SampledKey {
        name: KeyName::from(key),
        r#type: kind,
        memory: number(memory),
        expires_in_milliseconds: number(left),
        usage,
    }))
}

fn summary(looked: &[SampledKey], total: u64, every_key: bool, milliseconds: u64) -> KeySample {
    let share = |some: &[&SampledKey]| share(some, looked.len() as u64, total);
    let names: Vec<Vec<u8>> = looked.iter().map(|key| key.name.as_bytes().to_vec()).collect();
    let prefixes: Vec<KeyPrefix> =
        prefixes(&names).into_iter().filter_map(|prefix| KeyName::from(prefix).try_into().ok()).collect();
    // Counted anew: a name may begin with two of them, and a purge of a prefix takes all names that do.
    let begins = |key: &SampledKey, prefix: &KeyPrefix| key.name.as_bytes().starts_with(prefix.as_bytes());
    let by_prefix = prefixes.iter().filter_map(|prefix| {
        let some: Vec<&SampledKey> = looked.iter().filter(|key| begins(key, prefix)).collect();
        let example = some.first()?.name.clone();
        Some(PrefixShare { prefix: prefix.clone(), share: share(&some), example })
    });
    let mut by_prefix: Vec<PrefixShare> = by_prefix.collect();
    by_prefix.sort_by_key(|one| std::cmp::Reverse(one.share.sampled));
    let other: Vec<&SampledKey> =
        looked.iter().filter(|key| !prefixes.iter().any(|prefix| begins(key, prefix))).collect();

    let mut kinds: BTreeMap<&str, Vec<&SampledKey>> = BTreeMap::new();
    for key in looked {
        kinds.entry(&key.r#type).or_default().push(key);
    }
    let mut types: Vec<TypeShare> = kinds
        .iter()
        .map(|(kind, some)| TypeShare { r#type: (*kind).to_owned(), share: share(some) })
        .collect();
    types.sort_by_key(|one| std::cmp::Reverse(one.share.sampled));
    let expiries = Expiry::ALL.into_iter().filter_map(|expires| {
        let at = |key: &&SampledKey| Expiry::of(key.expires_in_milliseconds) == expires;
        let some: Vec<&SampledKey> = looked.iter().filter(at).collect();
        (!some.is_empty()).then(|| ExpiryShare { expires, share: share(&some) })
    });
    KeySample {
        total,
        looked_at: looked.len() as u64,
        every_key,
        milliseconds,
        other: share(&other),
        types,
        expiries: expiries.collect(),
        largest: foremost(looked, |key| key.memory),
        coldest: foremost(looked, |key| key.usage.map(KeyUsage::coldness)),
        prefixes: by_prefix,
    }
}

/// What some of the keys that were looked at say of all.
fn share(some: &[&SampledKey], looked_at: u64, total: u64) -> KeyShare {
    let of_all = |number: u64| {
        let all = u128::from(number) * u128::from(total);
        let half = u128::from(looked_at) / 2;
        u64::try_from((all + half).checked_div(u128::from(looked_at)).unwrap_or_default()).unwrap_or(u64::MAX)
    };
    let sampled = some.len() as u64;
    let measured: Vec<u64> = some.iter().filter_map(|key| key.memory).collect();
    let memory = (some.is_empty() || !measured.is_empty()).then(|| measured.iter().sum());
    KeyShare {
        sampled,
        keys: of_all(sampled),
        memory: memory.map(of_all),
        never_expire: some.iter().filter(|key| key.expires_in_milliseconds.is_none()).count() as u64,
    }
}

fn foremost(looked: &[SampledKey], by: impl Fn(&SampledKey) -> Option<u64>) -> Vec<SampledKey> {
    let mut known: Vec<(u64, &SampledKey)> = looked.iter().filter_map(|key| Some((by(key)?, key))).collect();
    known.sort_by(|(one, first), (other, second)| other.cmp(one).then(first.name.cmp(&second.name)));
    known.into_iter().take(NAMED).map(|(_, key)| key.clone()).collect()
}
