//! A cluster, as its servers describe it.

use crate::{Error, node::Node, slots::SLOTS};
use fairway_domain::{RedisAddress, RedisRunId};
use redis::Value;
use std::collections::BTreeSet;

/// A server that holds slots. Its id in the cluster stays over restarts, and whoever comes to its address later has another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Primary {
    pub(crate) address: RedisAddress,
    pub(crate) id: RedisRunId,
}

/// Which server holds which slots: from which to which, in order. One without slots for a Redis that is no cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout(Vec<(u32, u32, Primary)>);

impl Layout {
    /// By the server at `address`. Fails where not every slot is held: its keys would be missed.
    pub(crate) async fn by(node: &mut Node, address: &RedisAddress) -> Result<Self, Error> {
        let answer: Vec<Vec<Value>> = node.ask(redis::cmd("CLUSTER").arg("SLOTS")).await?;
        let range = |range: Vec<Value>| {
            let mut parts = range.into_iter();
            let (first, last) = (read(parts.next()?)?, read(parts.next()?)?);
            Some((first, last, primary(parts.next()?, address)?))
        };
        let ranges: Option<Vec<(u32, u32, Primary)>> = answer.into_iter().map(range).collect();
        let mut ranges =
            ranges.ok_or_else(|| Error::Refused("CLUSTER SLOTS is answered with something else".into()))?;
        ranges.sort();
        let held: u32 = ranges.iter().map(|(first, last, _)| last + 1 - first).sum();
        if held == u32::from(SLOTS) {
            return Ok(Self(ranges));
        }
        Err(Error::Unsettled(format!(
            "{held} of {SLOTS} slots are held by a server, so keys would be missed"
        )))
    }

    pub(crate) fn is_cluster(&self) -> bool {
        !self.0.is_empty()
    }

    /// How many slots that server holds.
    pub(crate) fn slots_of(&self, id: &RedisRunId) -> u32 {
        let its = self.0.iter().filter(|(_, _, primary)| primary.id == *id);
        its.map(|(first, last, _)| last + 1 - first).sum()
    }

    pub(crate) fn primaries(&self) -> BTreeSet<&Primary> {
        self.0.iter().map(|(_, _, primary)| primary).collect()
    }
}

/// A server in an answer of CLUSTER SLOTS: host, port and id. Without a host, it is on that of the one that was asked.
fn primary(answer: Value, asked: &RedisAddress) -> Option<Primary> {
    let Value::Array(parts) = answer else { return None };
    let mut parts = parts.into_iter();
    let host: Option<String> = read(parts.next()?)?;
    let port = read(parts.next()?)?;
    let id = read::<String>(parts.next()?)?.parse().ok()?;
    let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| asked.host.clone());
    Some(Primary { address: RedisAddress { host, port }, id })
}

fn read<T: redis::FromRedisValue>(value: Value) -> Option<T> {
    redis::from_redis_value(value).ok()
}

/// What one of its servers knows of the others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) itself: RedisRunId,
    /// Itself and all others, with slots and without.
    pub(crate) members: BTreeSet<RedisRunId>,
    /// How many slots it holds.
    pub(crate) slots: u32,
    /// Whether slots are being moved from it or to it: a key that moves may be where nobody looks any more.
    pub(crate) hands_over: bool,
}

impl Membership {
    pub(crate) async fn of(node: &mut Node) -> Result<Self, Error> {
        let nodes: String = node.ask(redis::cmd("CLUSTER").arg("NODES")).await?;
        Self::read(&nodes)
            .ok_or_else(|| Error::Refused("CLUSTER NODES is answered with something else".into()))
    }

    /// Lines of an id, an address, flags, five facts, and slots: those that move in brackets.
    fn read(nodes: &str) -> Option<Self> {
        let (mut itself, mut members, mut held, mut hands_over) = (None, BTreeSet::new(), 0, false);
        for line in nodes.lines() {
            let mut parts = line.split(' ');
            let id: RedisRunId = parts.next()?.parse().ok()?;
            let flags: Vec<&str> = parts.nth(1)?.split(',').collect();
            if flags.contains(&"myself") {
                itself = Some(id.clone());
                for slots in parts.skip(5) {
                    if slots.starts_with('[') {
                        hands_over = true;
                    } else {
                        held += size(slots)?;
                    }
                }
            }
            // One that has just been called has a made-up id.
            if !flags.contains(&"handshake") {
                members.insert(id);
            }
        }
        Some(Self { itself: itself?, members, slots: held, hands_over })
    }
}

/// Of how many slots a range is, such as `7` or `0-5460`.
fn size(range: &str) -> Option<u32> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
    Some(last.checked_sub(first)? + 1)
}

#[cfg(test)]
mod tests {
    use super::{Membership, RedisRunId};

    #[test]
    fn a_server_knows_itself_who_is_there_and_what_it_hands_over() {
        let line = |id: &str, flags: &str, slots: &str| {
            format!("{id} 10.0.0.1:6379@16379,myself.example {flags} - 0 0 1 connected{slots}\n")
        };
        let nodes = |slots: &str| {
            let others = line("b2", "slave,fail?", "") + &line("c3", "handshake", "");
            line("a1", "myself,master", slots) + &others + &line("d4", "master", " 9 [7->-a1]")
        };
        let read = Membership::read(&nodes(" 0-5460 5462")).unwrap();
        assert_eq!((read.itself.as_str(), read.slots, read.hands_over), ("a1", 5462, false));
        assert_eq!(read.members.iter().map(RedisRunId::as_str).collect::<Vec<_>>(), ["a1", "b2", "d4"]);
        assert!(Membership::read(&nodes(" 0-5460 [93-<-d4]")).unwrap().hands_over);
        assert_eq!((Membership::read(""), Membership::read("a1 10.0.0.1:6379")), (None, None));
    }
}
